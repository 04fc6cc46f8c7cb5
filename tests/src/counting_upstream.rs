//! A model server that states what each answer used, in the forms of several APIs, and keeps its own sums.
//!
//! One request a connection. What it states is derived from the request's number, so that a run can be
//! repeated. Does not judge requests. Invariant: its sums are over the answers that it has written to the end.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use envoy::{HostPort, StackOptions, UpstreamAt};

use crate::acceptor::Acceptor;

/// Input, cached, output, reasoning.
pub type Figures = [u64; 4];

/// The server; ends when it is dropped.
#[derive(Debug)]
pub struct CountingUpstream {
    sums: Arc<Mutex<Figures>>,
    acceptor: Acceptor,
}

/// A path, the content type of its answer, and the answer that states these figures.
type Form = (&'static str, &'static str, fn(Figures) -> String);

/// The forms; a request takes one by its path.
pub const FORMS: [Form; 6] = [
    (
        "/v1/chat/completions",
        "application/json",
        |[i, c, o, r]| {
            format!(
                r#"{{"choices":[{{"message":{{"content":"\"usage\":{{\"prompt_tokens\":9}}"}}}}],"usage":{{"prompt_tokens":{i},"completion_tokens":{o},"total_tokens":{},"prompt_tokens_details":{{"cached_tokens":{c}}},"completion_tokens_details":{{"reasoning_tokens":{r}}}}}}}"#,
                i + o
            )
        },
    ),
    ("/v1/responses", "text/event-stream", |[i, c, o, r]| {
        format!(
            "event: response.created\ndata: {{\"type\":\"response.created\",\"response\":{{\"usage\":null}}}}\n\n\
             event: response.completed\ndata: {{\"type\":\"response.completed\",\"response\":{{\"output\":[{{\"content\":\"{}\"}}],\
             \"usage\":{{\"input_tokens\":{i},\"input_tokens_details\":{{\"cached_tokens\":{c}}},\"output_tokens\":{o},\
             \"output_tokens_details\":{{\"reasoning_tokens\":{r}}},\"total_tokens\":{}}}}}}}\n\n",
            "x".repeat(5_000),
            i + o
        )
    }),
    ("/v1/messages", "text/event-stream", |[i, c, o, _]| {
        format!(
            "event: message_start\ndata: {{\"type\":\"message_start\",\"message\":{{\"usage\":{{\"input_tokens\":{},\
             \"cache_read_input_tokens\":{c},\"output_tokens\":1}}}}}}\n\n\
             data: {{\"type\":\"content_block_delta\",\"delta\":{{\"text\":\"hi\"}}}}\n\n\
             data: {{\"type\":\"message_delta\",\"usage\":{{\"output_tokens\":{o}}}}}\n\n\
             data: {{\"type\":\"message_stop\"}}\n\n",
            i - c
        )
    }),
    (
        "/v1beta/models/glm-5.1:streamGenerateContent",
        "application/json",
        |[i, c, o, r]| {
            format!(
                r#"[{{"usageMetadata":{{"promptTokenCount":{i},"totalTokenCount":{i}}}}},{{"usageMetadata":{{"promptTokenCount":{i},"cachedContentTokenCount":{c},"candidatesTokenCount":{},"thoughtsTokenCount":{r},"totalTokenCount":{}}}}}]"#,
                o - r,
                i + o
            )
        },
    ),
    ("/api/chat", "application/x-ndjson", |[i, _, o, _]| {
        format!(
            "{{\"message\":{{\"content\":\"a\"}},\"done\":false}}\n{{\"done\":true,\"prompt_eval_count\":{i},\"eval_count\":{o}}}\n"
        )
    }),
    ("/v2/chat", "application/json", |[i, c, o, _]| {
        format!(
            r#"{{"usage":{{"cached_tokens":{c},"billed_units":{{"input_tokens":1,"output_tokens":1}},"tokens":{{"input_tokens":{i}.0,"output_tokens":{o}.0}}}}}}"#
        )
    }),
];

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
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length?.parse().ok()?];
    reader.read_exact(&mut body).ok()?;
    let path = head.split(' ').nth(1)?;
    let (_, content_type, answer) = FORMS
        .iter()
        .find(|(form, ..)| path == form.to_lowercase())?;
    let spread = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let figures = figures_of(spread, path);
    let body = answer(figures);
    write(stream, content_type, body.as_bytes(), spread).ok()?;
    Some(figures)
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
    mut stream: TcpStream,
    content_type: &str,
    body: &[u8],
    spread: u64,
) -> std::io::Result<()> {
    write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n"
    )?;
    let size = 1 + usize::try_from(spread >> 8).unwrap_or(0) % 700;
    for piece in body.chunks(size) {
        write!(stream, "{:x}\r\n", piece.len())?;
        stream.write_all(piece)?;
        stream.write_all(b"\r\n")?;
    }
    stream.write_all(b"0\r\n\r\n")
}
