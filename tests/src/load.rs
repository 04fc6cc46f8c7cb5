//! Load: clients that call without pause on connections that stay open, and what they were told.
//!
//! Does not judge. Invariant: a request is over before the next one of its client begins, and what
//! was told is the status of the answer, or 0 if the connection ended without one.

use std::io::Write;
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::raw::{Answer, address_of, read_answer};
use crate::{chat, wait_for};

/// One connection to an Envoy.
#[derive(Debug)]
pub struct Client {
    address: String,
    stream: Option<TcpStream>,
}

/// What one request was told.
#[derive(Clone, Debug)]
pub struct Told {
    /// The value of the key that it had.
    pub key: String,
    /// The status of the answer.
    pub status: u16,
    /// The value of its header `x-load`.
    pub name: String,
    /// When it was about to be sent.
    pub begun: Instant,
    /// When its answer had been read.
    pub ended: Instant,
}

/// Running clients.
#[derive(Debug)]
pub struct Load {
    over: Arc<AtomicBool>,
    told: Arc<Mutex<Vec<Told>>>,
    /// How many requests of each client are over.
    turns: Arc<Vec<AtomicUsize>>,
    threads: Vec<JoinHandle<()>>,
}

impl Client {
    /// A client that has no connection yet.
    pub fn new(url: &str) -> Self {
        Self {
            address: address_of(url).to_owned(),
            stream: None,
        }
    }

    /// One chat request, on a new connection if the last one has ended.
    pub fn ask(&mut self, key: &str) -> Answer {
        self.ask_as(key, "")
    }

    /// The same with a name in the header `x-load`.
    pub fn ask_as(&mut self, key: &str, name: &str) -> Answer {
        let body = chat("glm-5.1");
        let head = format!(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: gate\r\nauthorization: Bearer {key}\r\n\
             content-type: application/json\r\nx-load: {name}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        self.send((head + &body).as_bytes())
    }

    /// One request as these bytes, on a new connection if the last one has ended.
    pub fn send(&mut self, request: &[u8]) -> Answer {
        let answer = self.exchange(request);
        let head = answer.head.to_ascii_lowercase();
        // An answer that was cut has ended the connection, whether that is seen already or not.
        if !answer.is_whole() || head.contains("connection: close") {
            self.stream = None;
        }
        answer
    }

    fn tell(&mut self, key: String, name: String) -> Told {
        let begun = Instant::now();
        let status = self.ask_as(&key, &name).status;
        Told {
            key,
            status,
            name,
            begun,
            ended: Instant::now(),
        }
    }

    fn exchange(&mut self, bytes: &[u8]) -> Answer {
        let ended = Answer {
            status: 0,
            head: String::new(),
            body: Vec::new(),
        };
        if self.stream.is_none() {
            self.stream = TcpStream::connect(&self.address).ok();
        }
        let Some(stream) = &mut self.stream else {
            return ended;
        };
        let _ = stream.set_nodelay(true);
        let _ = stream.set_read_timeout(Some(Duration::from_secs(20)));
        match stream.write_all(bytes) {
            Ok(()) => read_answer(stream),
            Err(_) => ended,
        }
    }
}

impl Load {
    /// `clients` clients call; each takes the key that `key` gives it for its next request.
    pub fn start(
        url: &str,
        clients: usize,
        key: impl Fn(usize) -> String + Send + Sync + 'static,
    ) -> Self {
        Self::paced(url, clients, Duration::ZERO, key)
    }

    /// The same with a pause behind each request.
    pub fn paced(
        url: &str,
        clients: usize,
        pause: Duration,
        key: impl Fn(usize) -> String + Send + Sync + 'static,
    ) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let told: Arc<Mutex<Vec<Told>>> = Arc::default();
        let turns: Arc<Vec<AtomicUsize>> = Arc::new((0..clients).map(|_| 0.into()).collect());
        let key = Arc::new(key);
        let run = |client: usize| {
            let (over, told, turns) = (Arc::clone(&over), Arc::clone(&told), Arc::clone(&turns));
            let (key, mut connection) = (Arc::clone(&key), Client::new(url));
            thread::spawn(move || {
                for number in 0.. {
                    if over.load(Ordering::SeqCst) {
                        break;
                    }
                    let name = format!("{client}-{number}");
                    let one = connection.tell(key(client), name);
                    told.lock().unwrap().push(one);
                    turns[client].fetch_add(1, Ordering::SeqCst);
                    thread::sleep(pause);
                }
            })
        };
        let threads = (0..clients).map(run).collect();
        Self {
            over,
            told,
            turns,
            threads,
        }
    }

    /// Waits until each client is through with a request that it began after this call.
    pub fn settle(&self) {
        let now = || {
            let turns = self.turns.iter();
            turns.map(|turns| turns.load(Ordering::SeqCst))
        };
        // The next one may have begun before.
        let wanted: Vec<usize> = now().map(|turns| turns + 2).collect();
        wait_for("each client is told something", || {
            now().zip(&wanted).all(|(turns, wanted)| turns >= *wanted)
        });
    }

    /// How many requests were told something so far.
    pub fn count(&self) -> usize {
        self.told.lock().unwrap().len()
    }

    /// Ends it; gives what every request was told.
    pub fn stop(mut self) -> Vec<Told> {
        self.over.store(true, Ordering::SeqCst);
        for thread in self.threads.drain(..) {
            thread.join().expect("a client failed");
        }
        std::mem::take(&mut self.told.lock().unwrap())
    }
}

/// The value at a part of sorted figures: 0.5 is the median.
pub fn quantile(sorted: &[f64], part: f64) -> f64 {
    let last = sorted.len().saturating_sub(1);
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "an index into a short list"
    )]
    let index = (last as f64 * part).round() as usize;
    sorted[index.min(last)]
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::net::TcpListener;

    use super::*;

    /// Answers the first connection with a part, and every other one with the whole.
    fn cutting() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        thread::spawn(move || {
            let part = &b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\npart"[..];
            let whole = &b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nwhole"[..];
            for answer in [part, whole] {
                let (mut stream, _) = listener.accept().unwrap();
                let _ = stream.read(&mut [0; 4096]);
                stream.write_all(answer).unwrap();
            }
        });
        url
    }

    #[test]
    fn an_answer_that_was_cut_costs_the_next_request_nothing() {
        let mut client = Client::new(&cutting());
        let cut = client.ask("one");
        assert_eq!((cut.status, cut.is_whole()), (200, false));
        let next = client.ask("other");
        assert_eq!((next.status, next.body), (200, b"whole".to_vec()));
    }
}
