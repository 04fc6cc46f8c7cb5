//! The demo upstream: a model server that invents its answers and records what reaches it.
//!
//! It checks no credential. Invariant: a request is recorded as soon as its head is read, also when
//! its body never ends.

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpServer, web};

mod answers;
mod anthropic;
mod bedrock;
mod call;
mod chat;
mod cohere;
mod gemini;
mod models;
mod ollama;
mod openai;
mod recorder;
mod websocket;

pub use recorder::{BODY_KEPT_BYTES, Recorded};

use recorder::Recorder;

/// Threads that serve.
const WORKERS: usize = 2;
/// How long an idle connection is kept: longer than Envoy keeps one, so that Envoy closes first.
const KEEP_ALIVE: Duration = Duration::from_secs(75);

/// A running demo upstream. Dropping it stops it.
pub struct Upstream {
    address: SocketAddr,
    recorder: Recorder,
    handle: ServerHandle,
    thread: Option<JoinHandle<io::Result<()>>>,
}

// === impl Upstream ===

impl Upstream {
    /// Starts one that listens on `address`; port 0 lets the kernel choose.
    pub fn start(address: impl ToSocketAddrs) -> io::Result<Self> {
        Self::on(TcpListener::bind(address)?)
    }

    /// Serves what comes to a listener.
    pub fn on(listener: TcpListener) -> io::Result<Self> {
        let address = listener.local_addr()?;
        let recorder = Recorder::default();
        let (started, handle) = mpsc::channel();
        let shared = recorder.clone();
        let thread = thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let server = serve(listener, shared)?;
                // The receiver waits below; it cannot be gone.
                let _ = started.send(server.handle());
                server.await
            })
        });
        let handle = handle
            .recv()
            .map_err(|_| io::Error::other("the demo upstream did not start"))?;
        Ok(Self {
            address,
            recorder,
            handle,
            thread: Some(thread),
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Everything that has reached it, in the order of arrival.
    pub fn requests(&self) -> Vec<Recorded> {
        self.recorder.requests()
    }

    /// How many requests have reached it since the last [`Upstream::clear`].
    pub fn count(&self) -> usize {
        self.recorder.count()
    }

    /// Forgets what was recorded.
    pub fn clear(&self) {
        self.recorder.clear();
    }

    /// Records nothing from now on: the record of an upstream that runs for days would fill the
    /// memory.
    pub fn stop_recording(&self) {
        self.recorder.turn_off();
    }

    /// How many streamed answers and WebSockets it is serving right now.
    pub fn open_streams(&self) -> usize {
        self.recorder.open_streams()
    }

    /// Ends all connections and stops.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for Upstream {
    fn drop(&mut self) {
        // The request to stop is sent at once; the future only waits for its end, as the join does.
        drop(self.handle.stop(false));
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upstream")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}

fn serve(listener: TcpListener, recorder: Recorder) -> io::Result<actix_web::dev::Server> {
    let app = move || {
        let recorder = web::Data::new(recorder.clone());
        App::new()
            .app_data(recorder)
            .default_service(web::to(answers::answer))
    };
    let server = HttpServer::new(app)
        .workers(WORKERS)
        .keep_alive(KEEP_ALIVE)
        .disable_signals()
        // A client that is gone ends its stream, also one that is silent.
        .h1_allow_half_closed(false);
    Ok(server.shutdown_timeout(1).listen(listener)?.run())
}

#[cfg(test)]
mod tests;
