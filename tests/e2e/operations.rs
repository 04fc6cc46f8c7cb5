//! Every operation of the official SDKs and of the servers' own descriptions through a real Envoy with
//! the shipped gate, at every mount of its profile; and whether the installed packages still call what is recorded.
//!
//! `filter/tests/operations/mod.rs` asks the same of the gate alone. Does not test what a body may hold.
//! What the upstream thinks of it does not matter: it has no model of this name, and few lists.
//! Invariant: judged by what the upstream received: what is served arrived whole, once, and of what is
//! refused nothing arrived.

#[path = "../../filter/tests/operations/list.rs"]
mod list;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::thread;

use envoy::{Stack, StackOptions, files};
use serde_json::json;
use tests::load::Client;
use tests::{Admin, python, raw, start_with};

use list::{EVERY_MODEL, Exception, MODEL, Operation, exceptions, operations};

/// Connections that call at the same time.
const CLIENTS: usize = 4;
/// By which header the upstream tells the requests apart.
const NUMBER: &str = "x-number";
const BOUNDARY: &str = "7d3f1c";
/// What an SDK that opens a WebSocket sends besides.
const WEBSOCKET: &str = "connection: upgrade\r\nupgrade: websocket\r\n\
    sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

/// One operation at one mount, and what it was told.
struct Sent {
    operation: Operation,
    call: String,
    status: u16,
}

impl Operation {
    /// Content type and body as they go on the wire.
    fn content(&self) -> (Option<String>, Option<String>) {
        match (&self.form, &self.body) {
            (Some(fields), _) => {
                let parts: String = fields.iter().map(|(name, text)| part(name, text)).collect();
                let kind = format!("multipart/form-data; boundary={BOUNDARY}");
                (Some(kind), Some(format!("{parts}--{BOUNDARY}--\r\n")))
            }
            (None, Some(body)) => {
                let kind = self.r#type.clone().filter(|kind| !kind.is_empty());
                (kind, Some(body.clone()))
            }
            (None, None) => (None, None),
        }
    }

    fn bytes(&self, call: &str, key: &str, number: usize) -> String {
        let (kind, body) = self.content();
        let kind = kind.map(|kind| format!("content-type: {kind}\r\n"));
        let length = body.as_ref().map(|body| body.len());
        let length = length.map(|length| format!("content-length: {length}\r\n"));
        format!(
            "{call} HTTP/1.1\r\nhost: gate\r\nauthorization: Bearer {key}\r\n{NUMBER}: {number}\r\n{}{}{}\r\n{}",
            kind.unwrap_or_default(),
            length.unwrap_or_default(),
            if self.upgrade { WEBSOCKET } else { "" },
            body.unwrap_or_default(),
        )
    }

    /// Whether the connection can go on behind the answer, and the answer's body has the length it states.
    fn keeps_alive(&self) -> bool {
        !self.upgrade && !self.call.starts_with("HEAD")
    }
}

fn part(name: &str, text: &Option<String>) -> String {
    let file = "; filename=\"x.bin\"\r\nContent-Type: application/octet-stream";
    let file = if text.is_none() { file } else { "" };
    let text = text.as_deref().unwrap_or("x");
    format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{text}\r\n"
    )
}

fn start() -> (Stack, Admin) {
    let settings = json!({"locators": {"service": MODEL}, "pass_headers": [NUMBER]});
    start_with(StackOptions {
        gate_settings: serde_json::from_value(settings).unwrap(),
        ..StackOptions::default()
    })
}

/// Sends everything with one key, over a few connections that stay open.
fn send_all(url: &str, key: &str) -> Vec<Sent> {
    let all: Vec<(Operation, String)> = operations()
        .into_iter()
        .flat_map(|operation| {
            let calls = operation.calls();
            calls.into_iter().map(move |call| (operation.clone(), call))
        })
        .collect();
    let each = all.len().div_ceil(CLIENTS);
    thread::scope(|scope| {
        let clients: Vec<_> = all
            .chunks(each)
            .enumerate()
            .map(|(at, some)| scope.spawn(move || send_some(url, key, at * each, some)))
            .collect();
        let told = clients.into_iter().flat_map(|it| it.join().unwrap());
        told.collect()
    })
}

/// Sends these, numbered from `first`.
fn send_some(url: &str, key: &str, first: usize, some: &[(Operation, String)]) -> Vec<Sent> {
    let mut client = Client::new(url);
    let send = |(at, (operation, call)): (usize, &(Operation, String))| {
        let bytes = operation.bytes(call, key, first + at);
        let answer = match operation.keeps_alive() {
            true => client.send(bytes.as_bytes()),
            false => raw::send_for_head(url, bytes.as_bytes()),
        };
        Sent {
            operation: operation.clone(),
            call: call.clone(),
            status: answer.status,
        }
    };
    some.iter().enumerate().map(send).collect()
}

/// How often each number has come to the upstream, whole or not.
fn arrivals(stack: &Stack) -> BTreeMap<usize, Vec<bool>> {
    let mut arrivals = BTreeMap::<usize, Vec<bool>>::new();
    for request in stack.upstream().unwrap().requests() {
        let number = request.header(NUMBER).unwrap().parse().unwrap();
        arrivals
            .entry(number)
            .or_default()
            .push(request.is_complete);
    }
    arrivals
}

/// Sends everything with one key; all is served or (`is_served` false) refused, but for the exceptions.
fn judge(stack: &Stack, key: &str, is_served: bool, exceptions: &[Exception]) {
    let sent = send_all(&stack.envoy_url(), key);
    let arrivals = arrivals(stack);
    let mut wrong = Vec::new();
    for (number, one) in sent.iter().enumerate() {
        let arrived = arrivals.get(&number).map(Vec::as_slice);
        let is_exception = exceptions.iter().any(|it| it.is_of(&one.operation));
        let is_right = match is_served != is_exception {
            true => matches!(one.status, 101 | 200 | 404 | 502) && arrived == Some(&[true]),
            false => (400..500).contains(&one.status) && arrived.is_none(),
        };
        if !is_right {
            let Operation { sdk, name, .. } = &one.operation;
            wrong.push(format!(
                "{sdk} {name}: {} {} {arrived:?}",
                one.status, one.call
            ));
        }
    }
    println!("{} requests, {} arrived", sent.len(), arrivals.len());
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn with_every_grant_every_operation_arrives() {
    let (stack, admin) = start();
    let scope = json!({"scope": {"models": EVERY_MODEL, "services": "all"}});
    let key = admin.create("every-grant", scope).value;
    judge(&stack, &key, true, &exceptions().refused);
}

#[test]
fn without_a_grant_nothing_of_any_operation_arrives() {
    let (stack, admin) = start();
    let key = admin.create("no-grant", json!({"scope": {"models": [], "services": []}}));
    judge(&stack, &key.value, false, &exceptions().open);
}

/// Where the list and what makes it are.
fn beside_the_list(file: &str) -> String {
    format!(
        "{}/../filter/tests/operations/{file}",
        env!("CARGO_MANIFEST_DIR")
    )
}

/// The packages that the list was recorded with, as its document names them.
fn packages(document: &str) -> Vec<&str> {
    let line = document.lines().find(|line| line.starts_with("    "));
    line.unwrap().split_whitespace().collect()
}

fn lines(file: &Path) -> BTreeSet<String> {
    let text = fs::read_to_string(file).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn what_the_installed_sdks_call_is_what_is_recorded() {
    let document = fs::read_to_string(beside_the_list("SOURCES.md")).unwrap();
    let Some(interpreter) = python::with_packages("operations", &packages(&document)) else {
        return;
    };
    let run = files::RunDir::temporary().unwrap();
    let anew = run.file("recorded.jsonl");
    let arguments = [anew.to_str().unwrap()];
    python::run(&interpreter, &beside_the_list("record.py"), &arguments);
    let (anew, known) = (
        lines(&anew),
        lines(beside_the_list("recorded.jsonl").as_ref()),
    );
    let differing: Vec<_> = known.symmetric_difference(&anew).collect();
    assert!(differing.is_empty(), "{}: {differing:#?}", differing.len());
}
