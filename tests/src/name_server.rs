//! A name server that knows one name, or none: what a resolver of Envoy asks.
//!
//! Answers IPv4 questions with loopback whatever the name. Invariant: it never fails to answer.

use std::net::UdpSocket;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

const HEADER_BYTES: usize = 12;
const TYPE_A: [u8; 2] = [0, 1];
/// A response, recursion desired and available; the last digit is the code.
const FLAGS: [u8; 2] = [0x81, 0x80];
const NO_SUCH_NAME: u8 = 3;
/// The name of the question, type A, class IN, 1 s, 4 bytes, loopback.
const LOOPBACK: [u8; 16] = [0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 127, 0, 0, 1];

/// A running name server. It ends with the process.
#[derive(Clone, Debug)]
pub struct NameServer {
    port: u16,
    knows: Arc<AtomicBool>,
}

impl NameServer {
    /// Listens on loopback and knows every name.
    pub fn start() -> Self {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = socket.local_addr().unwrap().port();
        let knows = Arc::new(AtomicBool::new(true));
        let known = Arc::clone(&knows);
        thread::spawn(move || {
            let mut buffer = [0; 512];
            while let Ok((size, from)) = socket.recv_from(&mut buffer) {
                if let Some(answer) = answer(&buffer[..size], known.load(Ordering::SeqCst)) {
                    let _ = socket.send_to(&answer, from);
                }
            }
        });
        Self { port, knows }
    }

    /// Where it listens.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether there are such names from now on.
    pub fn know(&self, knows: bool) {
        self.knows.store(knows, Ordering::SeqCst);
    }
}

fn answer(question: &[u8], knows: bool) -> Option<Vec<u8>> {
    let name = question.get(HEADER_BYTES..)?;
    let name_bytes = 1 + name.iter().position(|byte| *byte == 0)?;
    let asked = name.get(name_bytes..name_bytes + 2)?;
    let has_address = knows && asked == TYPE_A;
    let code = if knows { 0 } else { NO_SUCH_NAME };
    let mut answer = question[..2].to_vec();
    answer.extend([FLAGS[0], FLAGS[1] | code]);
    answer.extend([0, 1, 0, u8::from(has_address), 0, 0, 0, 0]);
    answer.extend(question.get(HEADER_BYTES..HEADER_BYTES + name_bytes + 4)?);
    if has_address {
        answer.extend(LOOPBACK);
    }
    Some(answer)
}
