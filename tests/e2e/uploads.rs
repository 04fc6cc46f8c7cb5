//! Uploads as large as the served APIs document, their model last, under a key with a list: held and
//! flowing, and what they cost Envoy's memory.
//!
//! Invariant: what is served arrives as it was sent, and of what is refused the upstream never has the
//! whole; where bodies are held it has nothing of it.

use envoy::{Stack, StackOptions};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tests::measure::grown_kib;
use tests::raw::{self, Answer};
use tests::{Key, start_with};

const MIB: usize = 1024 * 1024;
/// What may come on top of a body that is held: windows, buffers and the copy that is being read.
const HELD_KIB_SPARE: u64 = 32 * 1024;
/// What a body that flows may take, however large.
const FLOWING_KIB_MAX: u64 = 16 * 1024;

/// One request that names its model last.
struct Upload {
    path: &'static str,
    content_type: &'static str,
    /// What stands before and behind the bulk; `MODEL` in it is the model.
    around: [&'static str; 2],
    mib: usize,
}

const FORM: &str = "multipart/form-data; boundary=b";
const FILE: &str = "--b\r\nContent-Disposition: form-data; name=\"FIELD\"; filename=\"a\"\r\n\
                    Content-Type: application/octet-stream\r\n\r\n";
const FORM_END: &str =
    "\r\n--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nMODEL\r\n--b--\r\n";
const JSON: &str = "application/json";
const JSON_AROUND: [&str; 2] = [
    "{\"messages\":[{\"content\":\"",
    "\"}],\"model\":\"MODEL\"}",
];

/// The bulk is as large as the API documents; for OpenAI's chat that is 50 MB in base64.
const UPLOADS: [Upload; 4] = [
    Upload {
        path: "/v1/images/edits",
        content_type: FORM,
        around: [FILE, FORM_END],
        mib: 50,
    },
    Upload {
        path: "/v1/audio/transcriptions",
        content_type: FORM,
        around: [FILE, FORM_END],
        mib: 25,
    },
    Upload {
        path: "/v1/messages",
        content_type: JSON,
        around: JSON_AROUND,
        mib: 31,
    },
    Upload {
        path: "/v1/chat/completions",
        content_type: JSON,
        around: JSON_AROUND,
        mib: 64,
    },
];

impl Upload {
    fn body(&self, model: &str) -> Vec<u8> {
        let [front, back] = self.around;
        let mut body = front.replace("FIELD", "file").into_bytes();
        body.resize(body.len() + self.mib * MIB, b'x');
        body.extend(back.replace("MODEL", model).bytes());
        body
    }

    fn send(&self, stack: &Stack, key: &Key, body: &[u8]) -> Answer {
        let lines = [
            format!("authorization: Bearer {}", key.value),
            format!("content-type: {}", self.content_type),
            format!("content-length: {}", body.len()),
        ];
        let lines: Vec<&[u8]> = lines.iter().map(String::as_bytes).collect();
        let head = raw::head("POST", self.path, &lines);
        raw::send(&stack.envoy_url(), &[&head, body].concat())
    }
}

fn start(settings: Value) -> (Stack, Key) {
    let (stack, admin) = start_with(StackOptions {
        concurrency: 1,
        gate_settings: serde_json::from_value(settings).unwrap(),
        ..StackOptions::default()
    });
    let key = admin.create("limited", json!({"scope": {"models": ["good-1"]}}));
    (stack, key)
}

/// By how much Envoy grows for an upload that is served.
fn served(stack: &mut Stack, key: &Key, upload: &Upload) -> u64 {
    stack.upstream().unwrap().clear();
    let body = upload.body("good-1");
    let pid = stack.envoy().unwrap().process().pid();
    let mut status = 0;
    let grown = grown_kib(pid, || status = upload.send(stack, key, &body).status);
    assert_eq!(status, 200, "{}", upload.path);
    let received = stack.upstream().unwrap().requests();
    let sha256: [u8; 32] = Sha256::digest(&body).into();
    assert_eq!(received.len(), 1, "{}", upload.path);
    assert!(received[0].is_complete && received[0].body_sha256 == sha256);
    grown
}

/// How many parts of an upload for another model have come to the upstream.
fn refused(stack: &Stack, key: &Key, upload: &Upload) -> usize {
    stack.upstream().unwrap().clear();
    let answer = upload.send(stack, key, &upload.body("bad-1"));
    assert_eq!(answer.status, 403, "{}", upload.path);
    let received = stack.upstream().unwrap().requests();
    assert!(received.iter().all(|request| !request.is_complete));
    received.len()
}

#[test]
fn every_documented_size_is_served_with_its_model_last_and_held_until_then() {
    let (mut stack, key) = start(json!({}));
    for upload in &UPLOADS {
        let grown = served(&mut stack, &key, upload);
        let held_kib = u64::try_from(upload.mib * 1024).unwrap();
        println!("held, {} MiB: at most {grown} KiB more", upload.mib);
        assert!(grown <= held_kib + HELD_KIB_SPARE, "{}", upload.path);
        assert_eq!(refused(&stack, &key, upload), 0, "{}", upload.path);
    }
}

#[test]
fn what_flows_costs_little_and_never_arrives_whole_out_of_scope() {
    let (mut stack, key) = start(json!({"hold_bytes_max": MIB, "beyond_hold": "flow"}));
    for upload in &UPLOADS {
        let grown = served(&mut stack, &key, upload);
        println!("flowing, {} MiB: at most {grown} KiB more", upload.mib);
        assert!(grown <= FLOWING_KIB_MAX, "{}", upload.path);
        assert_eq!(refused(&stack, &key, upload), 1, "a part of it flowed");
    }
}
