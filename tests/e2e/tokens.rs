//! Tokens from end to end: what the upstream states of its whole answers is what the sidecar tells,
//! figure by figure, and what it did not state to the end is told as estimated.
//!
//! The forms of each API are proved natively. Judge: the upstream's own sums.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;

use envoy::Stack;
use serde_json::{Value, json};
use tests::counting_upstream::{CountingUpstream, Figures};
use tests::raw::{address_of, head, send};
use tests::{Admin, Key, start_with, wait_for};

/// Requests of each form and client.
const ROUNDS: u64 = 25;
const CLIENTS: usize = 4;

const BODY: &[u8] = br#"{"model":"glm-5.1","stream":true,"messages":[]}"#;

fn request(key: &Key, path: &str) -> Vec<u8> {
    let credential = format!("authorization: Bearer {}", key.value);
    let length = format!("content-length: {}", BODY.len());
    let lines: [&[u8]; 3] = [
        credential.as_bytes(),
        b"content-type: application/json",
        length.as_bytes(),
    ];
    let mut bytes = head("POST", path, &lines);
    bytes.extend_from_slice(BODY);
    bytes
}

fn ask_all(url: &str, key: &Key) {
    let forms = CountingUpstream::forms();
    for _ in 0..ROUNDS {
        for form in &forms {
            let answer = send(url, &request(key, &form.path));
            assert_eq!(answer.status, 200, "{}", form.path);
        }
    }
}

fn tokens(admin: &Admin, path: &str, part: &str) -> Figures {
    let (status, answer) = admin.call("GET", path, None);
    assert_eq!(status, 200, "{path}: {answer}");
    figures(&answer["total"]["tokens"][part])
}

fn figures(told: &Value) -> Figures {
    ["input", "cached", "output", "reasoning"].map(|figure| told[figure].as_u64().unwrap())
}

fn permitted(admin: &Admin, path: &str) -> u64 {
    let (_, answer) = admin.call("GET", path, None);
    answer["total"]["permitted"].as_u64().unwrap()
}

/// Leaves in the middle of an answer that does not end by itself.
fn leave(stack: &Stack, key: &Key) {
    let mut stream = TcpStream::connect(address_of(&stack.envoy_url())).unwrap();
    stream.write_all(&request(key, "/v1/responses")).unwrap();
    let mut some = [0; 64];
    stream.read_exact(&mut some).unwrap();
}

#[test]
fn what_whole_answers_state_is_told_to_the_token() {
    let upstream = CountingUpstream::start();
    let (stack, admin) = start_with(upstream.behind());
    let all = admin.create("all", json!({}));
    let listed = admin.create(
        "listed",
        json!({"scope": {"models": ["glm-5.1"], "services": []}}),
    );
    thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (url, key) = (stack.envoy_url(), [&all, &listed][client % 2]);
            scope.spawn(move || ask_all(&url, key));
        }
    });
    let requests = ROUNDS * u64::try_from(CLIENTS * CountingUpstream::forms().len()).unwrap();
    let path = "/v1/usage?account=demo&period=day";
    wait_for("every request and every token is told", || {
        permitted(&admin, path) == requests && tokens(&admin, path, "reported") == upstream.sums()
    });
    assert_eq!(tokens(&admin, path, "estimated"), Figures::default());
    let of = |key: &Key| format!("/v1/keys/{}/usage?period=day", key.id);
    let [all, listed] = [&all, &listed].map(|key| tokens(&admin, &of(key), "reported"));
    let sums: Vec<u64> = all.iter().zip(listed).map(|(a, b)| a + b).collect();
    assert_eq!(sums, upstream.sums());
    let (_, answer) = admin.call("GET", path, None);
    assert_eq!(answer["resources"][0]["resource"], "glm-5.1");
    assert_eq!(
        figures(&answer["resources"][0]["tokens"]["reported"]),
        upstream.sums()
    );
}

#[test]
fn a_client_that_leaves_is_told_as_estimated() {
    let endless = tests::raw_upstream::RawUpstream::saying(
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n\
          1e\r\ndata: {\"delta\":\"twelve bytes\"}\r\n2\r\n\n\n\r\n",
    );
    let (stack, admin) = start_with(endless.behind());
    let key = admin.create("a key", json!({}));
    leave(&stack, &key);
    let path = "/v1/usage?account=demo&period=day";
    let input = u64::try_from(BODY.len() / 4).unwrap();
    wait_for("the request that its client left is told", || {
        tokens(&admin, path, "estimated")[0] == input
    });
    assert_eq!(tokens(&admin, path, "reported"), Figures::default());
    assert_eq!(permitted(&admin, path), 1);
}
