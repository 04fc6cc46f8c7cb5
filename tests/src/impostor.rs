//! A sidecar that is not one: answers every feed request with bytes of the test's choice.
//!
//! Takes the port of a sidecar that was stopped. Invariant: it never speaks as the real one did,
//! and is gone when dropped.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::raw::address_of;

/// One way of answering: status line text such as `200 OK`, and the body.
pub type Nonsense = (&'static str, Vec<u8>);

/// A running impostor.
#[derive(Debug)]
pub struct Impostor {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    nonsense: Mutex<Nonsense>,
    answered: AtomicUsize,
    over: AtomicBool,
}

impl Impostor {
    /// Listens where the feed was.
    pub fn start(feed_url: &str, nonsense: Nonsense) -> Self {
        let listener = TcpListener::bind(address_of(feed_url)).expect("the feed's port is free");
        listener.set_nonblocking(true).unwrap();
        let shared = Arc::new(Shared {
            nonsense: Mutex::new(nonsense),
            answered: AtomicUsize::new(0),
            over: AtomicBool::new(false),
        });
        let serving = Arc::clone(&shared);
        let thread = thread::spawn(move || {
            while !serving.over.load(Ordering::SeqCst) {
                match listener.accept() {
                    Ok((stream, _)) => serving.answer(stream),
                    Err(_) => thread::sleep(Duration::from_millis(5)),
                }
            }
        });
        Self {
            shared,
            thread: Some(thread),
        }
    }

    /// Answers differently from now on, and counts from 0.
    pub fn say(&self, nonsense: Nonsense) {
        *self.shared.nonsense.lock().unwrap() = nonsense;
        self.shared.answered.store(0, Ordering::SeqCst);
    }

    /// How many requests were answered since [`Self::say`].
    pub fn answered(&self) -> usize {
        self.shared.answered.load(Ordering::SeqCst)
    }
}

impl Shared {
    fn answer(&self, mut stream: TcpStream) {
        stream.set_nonblocking(false).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(1)))
            .unwrap();
        let mut request = Vec::new();
        let mut buffer = [0; 4096];
        while !request.windows(4).any(|four| four == b"\r\n\r\n") {
            match stream.read(&mut buffer) {
                Ok(read) if read > 0 => request.extend_from_slice(&buffer[..read]),
                _ => return,
            }
        }
        let (status, body) = self.nonsense.lock().unwrap().clone();
        let head = format!(
            "HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            body.len()
        );
        let _ = stream
            .write_all(head.as_bytes())
            .and_then(|()| stream.write_all(&body));
        self.answered.fetch_add(1, Ordering::SeqCst);
    }
}

impl Drop for Impostor {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
