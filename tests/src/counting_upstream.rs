//! A model server that states what each answer used, in the forms of several APIs, and keeps its own sums.
//!
//! One request a connection. What it states is derived from the request's number, so that a run can be
//! repeated. Does not judge requests. Invariant: its sums are over the answers that it has written to the end.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use envoy::{HostPort, StackOptions, UpstreamAt};
use serde_json::Value;

use crate::acceptor::Acceptor;

/// Input, cached, output, reasoning.
pub type Figures = [u64; 4];

/// The server; ends when it is dropped.
#[derive(Debug)]
pub struct CountingUpstream {
    sums: Arc<Mutex<Figures>>,
    acceptor: Acceptor,
}

/// Paths, and what is answered there; words in capitals stand for figures.
const ANSWERS: &str = include_str!("counting_answers.json");

/// One form of an answer.
#[derive(Clone, Debug)]
pub struct Form {
    /// Where it is given.
    pub path: String,
    content_type: String,
    answer: String,
}

impl CountingUpstream {
    /// Starts it.
    pub fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let sums = Arc::new(Mutex::new(Figures::default()));
        let (shared, numbers) = (Arc::clone(&sums), Arc::new(AtomicU64::new(0)));
        let acceptor = Acceptor::start(listener, move |stream| {
            let number = numbers.fetch_add(1, Ordering::SeqCst);
            if let Some(figures) = serve(stream, number) {
                let mut sums = shared.lock().unwrap_or_else(PoisonError::into_inner);
                sums.iter_mut()
                    .zip(figures)
                    .for_each(|(sum, figure)| *sum += figure);
            }
        });
        Self { sums, acceptor }
    }

    /// A stack with it behind Envoy.
    pub fn behind(&self) -> StackOptions {
        StackOptions {
            upstream: UpstreamAt::External(HostPort::from(self.acceptor.address())),
            ..StackOptions::default()
        }
    }

    /// The forms; a request takes one by its path.
    pub fn forms() -> Vec<Form> {
        let told: Value = serde_json::from_str(ANSWERS).unwrap();
        let forms = told.as_array().unwrap().iter();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let form = |value: &Value| Form {
            path: text(&value["path"]),
            content_type: text(&value["type"]),
            answer: text(&value["answer"]),
        };
        forms.map(form).collect()
    }

    /// What its whole answers have stated.
    pub fn sums(&self) -> Figures {
        *self.sums.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Answers one request; what it stated, if it was all written.
fn serve(stream: TcpStream, number: u64) -> Option<Figures> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if reader.read_until(b'\n', &mut head).ok()? == 0 {
            return None;
        }
    }
    let head = String::from_utf8_lossy(&head).to_lowercase();
    pass_body(&mut reader, &head)?;
    let path = head.split(' ').nth(1)?;
    let mut forms = CountingUpstream::forms().into_iter();
    let form = forms.find(|form| path == form.path.to_lowercase())?;
    let spread = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let figures = figures_of(spread, path);
    write(stream, &form, &form.stating(figures), spread).ok()?;
    Some(figures)
}

/// Reads the request's body to its end: by its length, or chunked.
fn pass_body(reader: &mut impl BufRead, head: &str) -> Option<()> {
    let mut lines = head.lines();
    let length = lines.find_map(|line| line.strip_prefix("content-length: "));
    if let Some(length) = length {
        return reader.read_exact(&mut vec![0; length.parse().ok()?]).ok();
    }
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let size = usize::from_str_radix(line.trim_end(), 16).ok()?;
        reader.read_exact(&mut vec![0; size + 2]).ok()?;
        if size == 0 {
            return Some(());
        }
    }
}

impl Form {
    /// The answer with these figures in it.
    fn stating(&self, [input, cached, output, reasoning]: Figures) -> String {
        let words = [
            ("INPUT", input),
            ("UNREAD", input - cached),
            ("CACHED", cached),
            ("OUTPUT", output),
            ("SAID", output - reasoning),
            ("REASONING", reasoning),
            ("TOTAL", input + output),
        ];
        let padded = self.answer.replace("PADDING", &"x".repeat(5_000));
        let state =
            |text: String, (word, figure): (&str, u64)| text.replace(word, &figure.to_string());
        words.into_iter().fold(padded, state)
    }
}

/// Figures that this API can state.
fn figures_of(spread: u64, path: &str) -> Figures {
    let input = 1 + spread % 5_000;
    let output = 1 + (spread >> 20) % 3_000;
    let cached = (spread >> 40) % input;
    let reasoning = (spread >> 50) % output;
    match path {
        "/api/chat" => [input, 0, output, 0],
        "/v1/messages" | "/v2/chat" => [input, cached, output, 0],
        _ => [input, cached, output, reasoning],
    }
}

/// Chunked, in pieces of every size.
fn write(mut stream: TcpStream, form: &Form, body: &str, spread: u64) -> std::io::Result<()> {
    let content_type = &form.content_type;
    write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\n\
         transfer-encoding: chunked\r\nconnection: close\r\n\r\n"
    )?;
    let size = 1 + usize::try_from(spread >> 8).unwrap_or(0) % 700;
    for piece in body.as_bytes().chunks(size) {
        write!(stream, "{:x}\r\n", piece.len())?;
        stream.write_all(piece)?;
        stream.write_all(b"\r\n")?;
    }
    stream.write_all(b"0\r\n\r\n")
}
