//! A model server that speaks HTTP/2 and remembers the trailers it was sent.
//!
//! Answers everything with the same 200, empty or with trailers, and lives as long as the test process.

use std::net::TcpListener;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use bytes::Bytes;
use envoy::StackOptions;
use envoy::bootstrap::{Addition, Place};
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

/// What everything is answered with.
#[derive(Clone, Debug, Default)]
struct Said {
    body: Bytes,
    trailers: HeaderMap,
}

impl Http2Upstream {
    /// Starts one on a port that is free.
    pub fn start() -> Self {
        Self::saying(b"", HeaderMap::new())
    }

    /// The same, which answers with JSON and these trailers.
    pub fn saying(body: &'static [u8], trailers: HeaderMap) -> Self {
        let said = Said {
            body: Bytes::from_static(body),
            trailers,
        };
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let seen = Seen::default();
        let shared = Arc::clone(&seen);
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime.unwrap().block_on(listen(listener, shared, said));
        });
        Self { port, seen }
    }

    /// What leads the requests under a path to it, as a cluster of Envoy's that speaks HTTP/2.
    pub fn behind(&self, path: &str) -> StackOptions {
        let add = |place, yaml: String| Addition { place, yaml };
        let address = format!("address: 127.0.0.1, port_value: {}", self.port);
        let protocol = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
        let cluster = format!(
            "- name: http2\n  type: STATIC\n  load_assignment:\n    cluster_name: http2\n    \
             endpoints: [{{ lb_endpoints: [{{ endpoint: {{ address: {{ socket_address: \
             {{ {address} }} }} }} }}] }}]\n  typed_extension_protocol_options:\n    {protocol}:\n      \
             \"@type\": type.googleapis.com/{protocol}\n      \
             explicit_http_config: {{ http2_protocol_options: {{}} }}"
        );
        let route =
            format!("- match: {{ prefix: {path} }}\n  route: {{ cluster: http2, timeout: 0s }}");
        StackOptions {
            additions: vec![add(Place::Clusters, cluster), add(Place::Routes, route)],
            ..StackOptions::default()
        }
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

async fn listen(listener: TcpListener, seen: Seen, said: Said) {
    listener.set_nonblocking(true).unwrap();
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    while let Ok((tcp, _)) = listener.accept().await {
        tokio::spawn(serve(tcp, Arc::clone(&seen), said.clone()));
    }
}

async fn serve(tcp: TcpStream, seen: Seen, said: Said) {
    let Ok(mut connection) = server::handshake(tcp).await else {
        return;
    };
    while let Some(Ok((request, respond))) = connection.accept().await {
        tokio::spawn(answer(request, respond, Arc::clone(&seen), said.clone()));
    }
}

async fn answer(
    request: Request<h2::RecvStream>,
    mut respond: SendResponse<Bytes>,
    seen: Seen,
    said: Said,
) {
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
    let ends = said.body.is_empty() && said.trailers.is_empty();
    if let (Ok(mut stream), false) = (respond.send_response(Response::new(()), ends), ends) {
        let _ = stream.send_data(said.body, false);
        let _ = stream.send_trailers(said.trailers);
    }
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

    #[test]
    fn trailers_are_sent() {
        let mut trailers = HeaderMap::new();
        trailers.insert("x-checksum", "1".parse().unwrap());
        let upstream = Http2Upstream::saying(b"{}", trailers.clone());
        let request = crate::http2::request("GET", "/", &[]);
        let url = format!("http://127.0.0.1:{}", upstream.port());
        let (answer, seen) = crate::http2::send_for_trailers(&url, request, &[], HeaderMap::new());
        assert_eq!(answer.body, b"{}");
        assert_eq!(seen, trailers);
    }
}
