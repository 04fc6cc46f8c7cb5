//! Exact: per key and model, what is told as reported is what the upstream stated of the answers that it ended;
//! every other request is charged once and told as estimated; and limits have been charged the same, whoever
//! left, was cut or was restarted.
//!
//! `LATCHKEY_EXACT` sets the number of requests. Judge: the upstream's own sums.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread;

use envoy::Stack;
use serde_json::{Value, json};
use tests::counting_upstream::{CountingUpstream, Figures, Form, Served};
use tests::raw::{address_of, head, send};
use tests::{Admin, Key, number, start_with, wait_for};

use crate::limits::keeping;

const CLIENTS: usize = 8;
const MODELS: [&str; 2] = ["glm-5.1", "glm-4.9"];
/// How answers end; most of them as they should.
const ENDS: [&str; 12] = ["", "", "", "", "", "", "", "", "cut", "error", "stay", ""];

fn body(model: &str) -> String {
    json!({"model": model, "stream": true, "messages": []}).to_string()
}

/// What a request calls: that of its path, if it names one.
fn called(form: &Form, model: &str) -> String {
    let named = form.path.split_once("/models/");
    let named = named.and_then(|(_, rest)| rest.split(':').next());
    named.unwrap_or(model).to_owned()
}

fn request(key: &Key, form: &Form, model: &str, end: &str) -> Vec<u8> {
    let body = body(model);
    let lines = [
        format!("authorization: Bearer {}", key.value),
        "content-type: application/json".to_owned(),
        format!("x-end: {end}"),
        format!("x-load: {end}:{}", called(form, model)),
        format!("content-length: {}", body.len()),
    ];
    let lines: Vec<&[u8]> = lines.iter().map(String::as_bytes).collect();
    let mut bytes = head("POST", &form.path, &lines);
    bytes.extend_from_slice(body.as_bytes());
    bytes
}

fn ask(url: &str, key: &Key, form: &Form, at: usize) {
    let (model, end) = (MODELS[at % MODELS.len()], ENDS[at % ENDS.len()]);
    let bytes = request(key, form, model, end);
    if end == "stay" {
        // Leaves in the middle.
        let mut stream = TcpStream::connect(address_of(url)).unwrap();
        stream.write_all(&bytes).unwrap();
        stream.read_exact(&mut [0; 12]).unwrap();
        return;
    }
    let answer = send(url, &bytes);
    let wanted = if end == "error" { 500 } else { 200 };
    assert_eq!(answer.status, wanted, "{} {end}", form.path);
}

/// So many requests of all keys, in every form, with every end.
fn ask_all(url: &str, keys: &[Key], count: usize) {
    let forms = CountingUpstream::forms();
    thread::scope(|scope| {
        for client in 0..CLIENTS {
            let forms = &forms;
            scope.spawn(move || {
                for at in (client..count).step_by(CLIENTS) {
                    let (key, form) = (at / 7 % keys.len(), at / 5 % forms.len());
                    ask(url, &keys[key], &forms[form], at);
                }
            });
        }
    });
}

/// Reported and estimated figures, and how many requests, by model.
type Told = BTreeMap<String, (Figures, Figures, u64)>;

fn figures(told: &Value) -> Figures {
    ["input", "cached", "output", "reasoning"].map(|figure| told[figure].as_u64().unwrap())
}

fn told(admin: &Admin, key: &Key) -> Told {
    let path = format!("/v1/keys/{}/usage?period=day", key.id);
    let (status, answer) = admin.call("GET", &path, None);
    assert_eq!(status, 200, "{answer}");
    let resources = answer["resources"].as_array().unwrap().iter();
    let of = |one: &Value| {
        let tokens = &one["tokens"];
        let both = (figures(&tokens["reported"]), figures(&tokens["estimated"]));
        let model = one["resource"].as_str().unwrap().to_owned();
        (model, (both.0, both.1, one["permitted"].as_u64().unwrap()))
    };
    resources.map(of).collect()
}

fn add(sum: &mut Figures, figures: Figures) {
    sum.iter_mut()
        .zip(figures)
        .for_each(|(sum, figure)| *sum += figure);
}

/// What has to be told of a key, by what the upstream has written.
fn expected(served: &[Served], key: &Key) -> Told {
    let mut told = Told::new();
    for one in served.iter().filter(|one| one.key == key.id) {
        let (end, model) = one.name.split_once(':').unwrap();
        let of_model = told.entry(model.to_owned()).or_default();
        of_model.2 += 1;
        match (one.figures, end) {
            (Some(figures), _) => add(&mut of_model.0, figures),
            (None, "error") => {}
            (None, _) => {
                let input = u64::try_from(body(MODELS[0]).len() / 4).unwrap();
                add(&mut of_model.1, [input, 0, 0, 0]);
            }
        }
    }
    told
}

fn total(told: &Told) -> u64 {
    let figures = told
        .values()
        .flat_map(|(reported, estimated, _)| [reported, estimated]);
    figures.map(|figures| figures[0] + figures[2]).sum()
}

/// What the ledger has of a key's limits: requests and tokens; `None` while something is held.
fn charged(admin: &Admin, key: &Key) -> Option<[u64; 2]> {
    let (_, told) = admin.call("GET", &format!("/v1/keys/{}/limits", key.id), None);
    let limits = told["limits"].as_array().unwrap();
    let is_quiet = limits.iter().all(|limit| limit["held"] == 0);
    let used = [0, 1].map(|at| limits[at]["used"].as_u64().unwrap());
    is_quiet.then_some(used)
}

fn settle(admin: &Admin, upstream: &CountingUpstream, keys: &[Key]) {
    for key in keys {
        let mut seen = (Told::new(), Told::new(), None);
        let is_exact = || {
            let expected = expected(&upstream.served(), key);
            let sums = [expected.values().map(|one| one.2).sum(), total(&expected)];
            seen = (told(admin, key), expected, charged(admin, key));
            seen.0 == seen.1 && seen.2 == Some(sums)
        };
        let mut is_exact = is_exact;
        let reached = envoy::wait::until(tests::PATIENCE, || is_exact().then_some(()));
        assert!(reached.is_some(), "{}: {seen:#?}", key.name);
    }
}

fn restart_envoy(stack: &mut Stack) {
    stack.stop_envoy().unwrap();
    stack.start_envoy().unwrap();
    stack.wait_for_table().unwrap();
}

#[test]
fn what_was_used_is_told_and_charged_to_the_token() {
    let upstream = CountingUpstream::start();
    let (mut stack, admin) = start_with(keeping(upstream.behind()));
    let most = 10_000_000_000_u64;
    let limits = json!({"limits": [
        {"unit": "requests", "window": "lifetime", "amount": most},
        {"unit": "tokens", "window": "lifetime", "amount": most},
    ]});
    let keys = ["one", "two", "three"].map(|name| admin.create(name, limits.clone()));
    let (url, part) = (stack.envoy_url(), number("LATCHKEY_EXACT", 1_800) / 3);
    ask_all(&url, &keys, part);
    settle(&admin, &upstream, &keys);

    // Envoy and its agent are others.
    restart_envoy(&mut stack);
    ask_all(&url, &keys, part);
    settle(&admin, &upstream, &keys);

    // The sidecar is killed while it is told.
    thread::scope(|scope| {
        let asked = scope.spawn(|| ask_all(&url, &keys, part));
        stack.kill_sidecar().unwrap();
        stack.start_sidecar().unwrap();
        asked.join().unwrap();
    });
    settle(&admin, &upstream, &keys);
    wait_for("nothing is held", || {
        keys.iter().all(|key| charged(&admin, key).is_some())
    });
}
