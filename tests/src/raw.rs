//! Requests as bytes: what a client may send that no library would.
//!
//! One connection for each request. Invariant: nothing is added to what the test wrote but the
//! framing that it asked for.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;

const READ_TIMEOUT: Duration = Duration::from_secs(20);

/// What came back.
#[derive(Debug)]
pub struct Answer {
    /// HTTP status; 0 if the connection ended without an answer.
    pub status: u16,
    /// The head as text, lossy.
    pub head: String,
    /// The body as it was sent, without chunked framing being undone.
    pub body: Vec<u8>,
}

impl Answer {
    /// `error.code` of an answer in OpenAI's shape.
    pub fn code(&self) -> String {
        let body: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        body["error"]["code"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// Whether it has come to its end: by its length or chunked framing.
    pub fn is_whole(&self) -> bool {
        let head = self.head.to_ascii_lowercase();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        match length.and_then(|text| text.trim().parse::<usize>().ok()) {
            Some(length) => self.body.len() >= length,
            None if self.status == 204 => true,
            None => {
                head.contains("transfer-encoding: chunked") && self.body.ends_with(b"0\r\n\r\n")
            }
        }
    }

    /// Status and code.
    pub fn refusal(&self) -> (u16, String) {
        (self.status, self.code())
    }
}

/// `host:port` of a URL.
pub fn address_of(url: &str) -> &str {
    url.trim_start_matches("http://")
}

/// Sends bytes, reads until the other side closes.
pub fn send(url: &str, bytes: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(address_of(url)).expect("Envoy accepts connections");
    stream.set_read_timeout(Some(READ_TIMEOUT)).unwrap();
    // Envoy may answer and close before it has read everything.
    let _ = stream.write_all(bytes);
    read_answer(&mut stream)
}

/// Sends bytes, reads the head of the answer alone: of one that has no body, whatever length it states.
pub fn send_for_head(url: &str, bytes: &[u8]) -> Answer {
    let mut stream = TcpStream::connect(address_of(url)).expect("Envoy accepts connections");
    stream.set_read_timeout(Some(READ_TIMEOUT)).unwrap();
    let _ = stream.write_all(bytes);
    parse(&read_bytes(&mut stream, has_head))
}

/// Reads one answer to its end: by its length or chunked framing, else until the other side closes
/// (which Envoy delays by a second after a refusal).
pub fn read_answer(stream: &mut TcpStream) -> Answer {
    parse(&read_bytes(stream, is_whole))
}

/// The same as bytes; `None` if the connection ended before any.
pub fn read_whole(stream: &mut TcpStream) -> Option<Vec<u8>> {
    Some(read_bytes(stream, is_whole)).filter(|bytes| !bytes.is_empty())
}

fn read_bytes(stream: &mut TcpStream, is_enough: impl Fn(&[u8]) -> bool) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 16 * 1024];
    loop {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => {
                bytes.extend_from_slice(&buffer[..read]);
                if is_enough(&bytes) {
                    break;
                }
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    bytes
}

fn has_head(bytes: &[u8]) -> bool {
    bytes.windows(4).any(|four| four == b"\r\n\r\n")
}

fn is_whole(bytes: &[u8]) -> bool {
    has_head(bytes) && parse(bytes).is_whole()
}

fn parse(bytes: &[u8]) -> Answer {
    let end = bytes
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .unwrap_or(bytes.len());
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let status = head
        .split(' ')
        .nth(1)
        .and_then(|code| code.parse().ok())
        .unwrap_or(0);
    let body = bytes.get(end + 4..).unwrap_or_default().to_vec();
    Answer { status, head, body }
}

/// A request head with these header lines (each without line end) and `Connection: close`.
pub fn head(method: &str, path: &str, lines: &[&[u8]]) -> Vec<u8> {
    let mut bytes = format!("{method} {path} HTTP/1.1\r\nhost: gate\r\n").into_bytes();
    for line in lines {
        bytes.extend_from_slice(line);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"connection: close\r\n\r\n");
    bytes
}

/// `POST /v1/chat/completions` with a JSON body of known length and these header lines.
pub fn post_chat(url: &str, lines: &[&[u8]], body: &[u8]) -> Answer {
    let length = format!("content-length: {}", body.len());
    let mut all: Vec<&[u8]> = vec![b"content-type: application/json", length.as_bytes()];
    all.extend_from_slice(lines);
    let mut bytes = head("POST", "/v1/chat/completions", &all);
    bytes.extend_from_slice(body);
    send(url, &bytes)
}

/// The same with a key in the usual place.
pub fn post_chat_with(url: &str, key: &str, body: &str) -> Answer {
    post_chat(
        url,
        &[format!("authorization: Bearer {key}").as_bytes()],
        body.as_bytes(),
    )
}

/// The body of a GET that must succeed.
pub fn get_text(url: &str) -> String {
    ureq::get(url)
        .call()
        .unwrap()
        .body_mut()
        .read_to_string()
        .unwrap()
}

/// A figure of a sidecar's, by its name behind `latchkey_sidecar_`; `url`: the API's.
pub fn sidecar_metric(url: &str, name: &str) -> u64 {
    let page = get_text(&format!("{url}/metrics"));
    let line = format!("latchkey_sidecar_{name} ");
    let value = page.lines().find_map(|other| other.strip_prefix(&line));
    value
        .unwrap_or_else(|| panic!("{name}: {page}"))
        .parse()
        .unwrap()
}
