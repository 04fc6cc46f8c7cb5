//! A model server that speaks HTTP/2 and remembers the trailers it was sent.
//!
//! Answers everything with an empty 200 and lives as long as the test process.

use std::net::TcpListener;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use bytes::Bytes;
use h2::server::{self, SendResponse};
use http::{HeaderMap, Request, Response};
use tokio::net::TcpStream;

/// The trailers of each request that was not cut, in the order of their ends; empty without any.
type Seen = Arc<Mutex<Vec<HeaderMap>>>;

/// The server.
#[derive(Clone, Debug)]
pub struct Http2Upstream {
    port: u16,
    seen: Seen,
}

impl Http2Upstream {
    /// Starts one on a port that is free.
    pub fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Seen::default();
        let shared = Arc::clone(&seen);
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.unwrap().block_on(listen(listener, shared));
        });
        Self { port, seen }
    }

    /// Where it listens, on loopback.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The trailers since the last time.
    pub fn take(&self) -> Vec<HeaderMap> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut seen)
    }
}

async fn listen(listener: TcpListener, seen: Seen) {
    listener.set_nonblocking(true).unwrap();
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    while let Ok((tcp, _)) = listener.accept().await {
        tokio::spawn(serve(tcp, Arc::clone(&seen)));
    }
}

async fn serve(tcp: TcpStream, seen: Seen) {
    let Ok(mut connection) = server::handshake(tcp).await else {
        return;
    };
    while let Some(Ok((request, respond))) = connection.accept().await {
        tokio::spawn(answer(request, respond, Arc::clone(&seen)));
    }
}

async fn answer(request: Request<h2::RecvStream>, mut respond: SendResponse<Bytes>, seen: Seen) {
    let mut body = request.into_body();
    while let Some(Ok(chunk)) = body.data().await {
        let _ = body.flow_control().release_capacity(chunk.len());
    }
    let Ok(trailers) = body.trailers().await else {
        return;
    };
    let trailers = trailers.unwrap_or_default();
    seen.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(trailers);
    let _ = respond.send_response(Response::new(()), true);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trailers_arrive() {
        let upstream = Http2Upstream::start();
        let mut trailers = HeaderMap::new();
        trailers.insert("x-checksum", "1".parse().unwrap());
        let request = crate::http2::request("POST", "/", &[]);
        let url = format!("http://127.0.0.1:{}", upstream.port());
        let answer = crate::http2::send(&url, request, &[b"body"], trailers.clone());
        assert_eq!(answer.status, 200);
        assert_eq!(upstream.take(), [trailers]);
    }
}
