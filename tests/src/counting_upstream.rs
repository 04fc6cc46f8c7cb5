//! A model server that states what each answer used, in the forms of several APIs, and keeps its own sums.
//!
//! One request a connection. What it states is derived from the request's number, so that a run can be
//! repeated. Does not judge requests. What the header `x-end` of a request says is how its answer ends: `stay`:
//! in its middle, until somebody else ends it; `cut`: its connection does; `error`: it is one. Invariant: its sums
//! are over the answers that it has written to the end.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use envoy::{HostPort, StackOptions, UpstreamAt};
use serde_json::Value;

use crate::acceptor::Acceptor;

/// Input, cached, output, reasoning.
pub type Figures = [u64; 4];

/// The server; ends when it is dropped.
#[derive(Debug)]
pub struct CountingUpstream {
    served: Arc<Mutex<Vec<Served>>>,
    acceptor: Acceptor,
}

/// A request that has come.
#[derive(Clone, Debug)]
pub struct Served {
    /// The id of its key, as the gate says.
    pub key: String,
    /// The value of its header `x-load`.
    pub name: String,
    /// When it had come.
    pub begun: Instant,
    /// When its answer had been written, or could not be.
    pub ended: Option<Instant>,
    /// What its answer states, if it was written to the end.
    pub figures: Option<Figures>,
}

impl Served {
    /// All that its answer states.
    pub fn total(&self) -> u64 {
        self.figures
            .map_or(0, |[input, _, output, _]| input + output)
    }
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
        Self::paced(Duration::ZERO)
    }

    /// Starts one that rests in the middle of each answer, for so long at most.
    pub fn paced(rest: Duration) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let served = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&served);
        let acceptor = Acceptor::start(listener, move |stream| {
            if let Some(request) = Request::read(&stream) {
                serve(&stream, &request, rest, &shared);
            }
        });
        Self { served, acceptor }
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
        let figures = lock(&self.served)
            .iter()
            .filter_map(|one| one.figures)
            .collect::<Vec<_>>();
        let mut sums = Figures::default();
        for figures in figures {
            sums.iter_mut()
                .zip(figures)
                .for_each(|(sum, figure)| *sum += figure);
        }
        sums
    }

    /// Each request that has come.
    pub fn served(&self) -> Vec<Served> {
        lock(&self.served).clone()
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What is read of a request.
struct Request {
    path: String,
    key: String,
    name: String,
    end: String,
}

impl Request {
    fn read(stream: &TcpStream) -> Option<Self> {
        let mut reader = BufReader::new(stream.try_clone().ok()?);
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            if reader.read_until(b'\n', &mut head).ok()? == 0 {
                return None;
            }
        }
        let head = String::from_utf8_lossy(&head).to_lowercase();
        let header = |name: &str| {
            head.lines()
                .find_map(|line| line.strip_prefix(name))
                .map(str::to_owned)
        };
        pass_body(&mut reader, &head)?;
        Some(Self {
            path: head.split(' ').nth(1)?.to_owned(),
            key: header("x-latchkey-key-id: ").unwrap_or_default(),
            name: header("x-load: ").unwrap_or_default(),
            end: header("x-end: ").unwrap_or_default(),
        })
    }
}

/// Answers one request, and writes down what became of it.
fn serve(stream: &TcpStream, request: &Request, rest: Duration, served: &Mutex<Vec<Served>>) {
    let mut forms = CountingUpstream::forms().into_iter();
    let Some(form) = forms.find(|form| request.path == form.path.to_lowercase()) else {
        return;
    };
    let number = {
        let mut served = lock(served);
        served.push(Served {
            key: request.key.clone(),
            name: request.name.clone(),
            begun: Instant::now(),
            ended: None,
            figures: None,
        });
        served.len() - 1
    };
    let spread = u64::try_from(number)
        .unwrap_or(0)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let figures = figures_of(spread, &request.path);
    let body = form.stating(figures);
    let written = match request.end.as_str() {
        "error" => fail(stream).map(|()| None),
        "stay" | "cut" => break_off(stream, &form, &body, &request.end).map(|()| None),
        _ => write(stream, &form, &body, (spread, rest)).map(|()| Some(figures)),
    };
    let one = &mut lock(served)[number];
    one.ended = Some(Instant::now());
    one.figures = written.ok().flatten();
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
fn write(
    mut stream: &TcpStream,
    form: &Form,
    body: &str,
    (spread, rest): (u64, Duration),
) -> std::io::Result<()> {
    begin(stream, form)?;
    let size = 1 + usize::try_from(spread >> 8).unwrap_or(0) % 700;
    let pieces = body.as_bytes().chunks(size);
    let middle = pieces.len() / 2;
    for (at, piece) in pieces.enumerate() {
        if at == middle && !rest.is_zero() {
            // A model takes its time.
            thread::sleep(rest.mul_f64((spread >> 44) as f64 / f64::from(1 << 20)));
        }
        write_piece(stream, piece)?;
    }
    stream.write_all(b"0\r\n\r\n")
}

fn begin(mut stream: &TcpStream, form: &Form) -> std::io::Result<()> {
    let content_type = &form.content_type;
    write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\n\
         transfer-encoding: chunked\r\nconnection: close\r\n\r\n"
    )
}

fn write_piece(mut stream: &TcpStream, piece: &[u8]) -> std::io::Result<()> {
    write!(stream, "{:x}\r\n", piece.len())?;
    stream.write_all(piece)?;
    stream.write_all(b"\r\n")
}

/// A part of the answer that states nothing yet; then nothing more.
fn break_off(mut stream: &TcpStream, form: &Form, body: &str, end: &str) -> std::io::Result<()> {
    begin(stream, form)?;
    write_piece(stream, &body.as_bytes()[..8])?;
    if end == "stay" {
        // Until the connection ends.
        while stream.read(&mut [0; 64])? > 0 {}
    }
    Ok(())
}

fn fail(mut stream: &TcpStream) -> std::io::Result<()> {
    let body = r#"{"error":{"message":"it failed"}}"#;
    write!(
        stream,
        "HTTP/1.1 500 Internal Server Error\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}
