//! A model server that says the same bytes to everybody, or nothing, and then falls silent.
//!
//! Each connection has one request, whose head is remembered; none is closed by it. Lives as long
//! as the test process.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use envoy::{HostPort, StackOptions, UpstreamAt};

/// The heads that have come, as text.
type Heads = Arc<Mutex<Vec<String>>>;

/// The server.
#[derive(Clone, Debug)]
pub struct RawUpstream {
    address: HostPort,
    heads: Heads,
}

impl RawUpstream {
    /// Starts one that answers each head with these bytes.
    pub fn saying(answer: &'static [u8]) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = HostPort::from(listener.local_addr().unwrap());
        let heads = Heads::default();
        let shared = Arc::clone(&heads);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let heads = Arc::clone(&shared);
                thread::spawn(move || serve(stream, answer, &heads));
            }
        });
        Self { address, heads }
    }

    /// Starts one that answers nothing.
    pub fn silent() -> Self {
        Self::saying(b"")
    }

    /// A stack with it behind Envoy.
    pub fn behind(&self) -> StackOptions {
        StackOptions {
            upstream: UpstreamAt::External(self.address.clone()),
            ..StackOptions::default()
        }
    }

    /// The heads that have come.
    pub fn heads(&self) -> Vec<String> {
        let heads = self.heads.lock();
        heads.unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn serve(mut stream: TcpStream, answer: &[u8], heads: &Heads) {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    let mut is_answered = false;
    while let Ok(read @ 1..) = stream.read(&mut buffer) {
        bytes.extend_from_slice(&buffer[..read]);
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        if let (Some(end), false) = (end, is_answered) {
            let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
            heads
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(head);
            let _ = stream.write_all(answer);
            is_answered = true;
        }
    }
}
