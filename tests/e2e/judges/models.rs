//! The model servers behind a judge: they run whatever model they are asked for, and say so.
//!
//! A request to `/run/NAME/...` runs NAME; else the one that its body names counts, and without
//! any the server's default. [`DOWN`] always fails, so that a judge goes on to whatever else the
//! client has named. Invariant: a model has run as soon as a whole POST
//! for it has arrived; a GET asks what there is, as LiteLLM does when it starts.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tests::acceptor::Acceptor;

use crate::differential::references;

/// The model that fails whatever it is asked.
pub(super) const DOWN: &str = "good-1";
/// What runs if a request names none.
pub(super) const DEFAULT: &str = "the default model";

/// Running model servers; they end when this is dropped.
pub(super) struct Models {
    shared: Arc<Shared>,
    acceptor: Acceptor,
}

#[derive(Default)]
struct Shared {
    ran: Mutex<Vec<String>>,
}

struct Request {
    is_post: bool,
    target: String,
    content_type: String,
    body: Vec<u8>,
}

// === impl Models ===

impl Models {
    pub(super) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let shared = Arc::new(Shared::default());
        let serving = Arc::clone(&shared);
        let acceptor = Acceptor::start(listener, move |stream| serving.serve(stream));
        Self { shared, acceptor }
    }

    /// Their base URL.
    pub(super) fn url(&self) -> String {
        format!("http://{}", self.acceptor.address())
    }

    /// The models that have run since the last time, in their order.
    pub(super) fn take_ran(&self) -> Vec<String> {
        std::mem::take(&mut *self.shared.ran.lock().unwrap())
    }
}

// === impl Shared ===

impl Shared {
    /// Answers what is asked on one connection.
    fn serve(&self, mut stream: TcpStream) {
        stream.set_nodelay(true).unwrap();
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        while let Some(request) = Request::read(&mut reader) {
            let model = request.model();
            let is_down = model == DOWN;
            if request.is_post {
                self.ran.lock().unwrap().push(model);
            }
            if stream.write_all(&answer(is_down)).is_err() {
                return;
            }
        }
    }
}

// === impl Request ===

impl Request {
    /// The next whole request; `None` if there is none.
    fn read(reader: &mut BufReader<TcpStream>) -> Option<Self> {
        let line = read_line(reader)?;
        let target = line.split(' ').nth(1)?.to_owned();
        let (mut content_type, mut body_bytes) = (String::new(), Some(0));
        loop {
            let line = read_line(reader)?;
            let Some((name, value)) = line.split_once(':') else {
                break;
            };
            let value = value.trim();
            match name.to_ascii_lowercase().as_str() {
                "content-type" => value.clone_into(&mut content_type),
                "content-length" => body_bytes = value.parse().ok(),
                "transfer-encoding" => body_bytes = None,
                _ => {}
            }
        }
        let body = match body_bytes {
            Some(length) => read_exactly(reader, length)?,
            None => read_chunks(reader)?,
        };
        Some(Self {
            is_post: line.starts_with("POST "),
            target,
            content_type,
            body,
        })
    }

    /// What it runs.
    fn model(&self) -> String {
        if let Some(rest) = self.target.strip_prefix("/run/") {
            return rest.split('/').next().unwrap_or_default().to_owned();
        }
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        if let Some(model) = body["model"].as_str() {
            return model.to_owned();
        }
        let in_form = references::models_in_form(&self.content_type, &self.body);
        in_form.into_iter().next().unwrap_or(DEFAULT.to_owned())
    }
}

/// A line without its end.
fn read_line(reader: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    Some(line.trim_end().to_owned())
}

fn read_exactly(reader: &mut BufReader<TcpStream>, length: usize) -> Option<Vec<u8>> {
    let mut bytes = vec![0; length];
    reader.read_exact(&mut bytes).ok()?;
    Some(bytes)
}

fn read_chunks(reader: &mut BufReader<TcpStream>) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let length = usize::from_str_radix(&read_line(reader)?, 16).ok()?;
        body.extend(read_exactly(reader, length)?);
        read_line(reader)?;
        if length == 0 {
            return Some(body);
        }
    }
}

/// What satisfies the clients of every endpoint, or a failure that they do not repeat.
fn answer(is_down: bool) -> Vec<u8> {
    let (status, body) = match is_down {
        true => (
            "500 Internal Server Error",
            json!({"error": {"message": "down", "type": "server_error"}}),
        ),
        false => (
            "200 OK",
            json!({
                "id": "1", "object": "chat.completion", "created": 1, "model": "m",
                "choices": [{"index": 0, "finish_reason": "stop", "text": "ran",
                             "message": {"role": "assistant", "content": "ran"}}],
                "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
                "data": [{"object": "embedding", "index": 0, "embedding": [0.1]}],
                "text": "ran", "results": [],
            }),
        ),
    };
    let body = body.to_string();
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\nx-should-retry: false\r\n\
         content-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}
