//! Whatever a reference reader takes for a model out of scope, the gate has refused.
//!
//! The readers are those that servers use: Python's json, orjson, simplejson, Node's JSON.parse,
//! serde_json; for forms Starlette, Werkzeug, Python's email and Node's. `E2E_SEED` repeats a run,
//! `E2E_BODIES` says how many. Does not ask the gate to accept what one of them accepts, but every
//! body that is honest by construction.

mod corpus;

use std::collections::BTreeSet;
use std::fs;

use envoy::{Stack, files};
use serde_json::{Value, json};
use tests::{Key, node, python, raw, start};

use corpus::{Corpus, Sample};

/// What the key may call.
const IN_SCOPE: [&str; 2] = ["good-1", "good-2"];
/// The readers from PyPI.
const PYPI: [&str; 5] = [
    "orjson==3.13.0",
    "simplejson==4.3.0",
    "starlette==1.10.0",
    "python-multipart==0.0.34",
    "werkzeug==3.1.9",
];

fn number(name: &str, default: u64) -> u64 {
    let set = std::env::var(name).ok();
    set.map_or(default, |text| text.parse().unwrap())
}

#[test]
fn what_any_reader_takes_for_a_model_out_of_scope_was_refused() {
    let (seed, bodies) = (number("E2E_SEED", 1), number("E2E_BODIES", 5_000));
    println!("E2E_SEED={seed} E2E_BODIES={bodies}");
    let (stack, admin) = start();
    let key = admin.create("limited", json!({"scope": {"models": IN_SCOPE}}));
    let mut corpus = Corpus::new(seed);
    let samples: Vec<Sample> = (0..bodies).map(|_| corpus.sample()).collect();

    let forwarded = send_all(&stack, &key, &samples);
    let readings = readings(&stack, &samples);
    let mut out_of_scope = 0;
    for (index, sample) in samples.iter().enumerate() {
        let bad = readings.iter().find_map(|reading| bad_name(reading, index));
        out_of_scope += usize::from(bad.is_some());
        let shown = String::from_utf8_lossy(&sample.body);
        let passed = forwarded.contains(&index);
        assert!(
            !passed || bad.is_none(),
            "E2E_SEED={seed}: {bad:?} in {shown}"
        );
        assert!(
            passed || !sample.honest,
            "E2E_SEED={seed}: refused: {shown}"
        );
    }
    println!(
        "{} bodies: {out_of_scope} out of scope to some reader, {} let through",
        samples.len(),
        forwarded.len()
    );
    assert!(out_of_scope * 10 > samples.len(), "the corpus is hostile");
    assert!(forwarded.len() * 10 > samples.len(), "and not only hostile");
}

/// Sends every sample; gives the numbers of those that arrived whole.
fn send_all(stack: &Stack, key: &Key, samples: &[Sample]) -> BTreeSet<usize> {
    for (index, sample) in samples.iter().enumerate() {
        let answer = raw::send(&stack.envoy_url(), &sample.request(index, &key.value));
        assert!(
            answer.status != 0 && answer.status != 503,
            "{}",
            answer.status
        );
    }
    let received = stack.upstream().unwrap().requests();
    let whole = received.iter().filter(|request| request.is_complete);
    whole
        .map(|request| request.header("x-sample").unwrap().parse().unwrap())
        .collect()
}

/// What each reader reads in each sample: a list of names, after the reader's own.
fn readings(stack: &Stack, samples: &[Sample]) -> Vec<Vec<Value>> {
    let file = stack.run_dir().join("samples");
    let lines: String = samples.iter().map(line).collect();
    fs::write(&file, lines).unwrap();
    let file = file.to_str().unwrap();
    let python = python::with_packages("readers", &PYPI);
    let printed = [
        python::run(&python, "readers.py", &[file]),
        node::run("readers.mjs", &[file]),
    ];
    let mut readings: Vec<Vec<Value>> = printed.iter().map(|text| parse(text)).collect();
    readings.push(samples.iter().map(by_serde_json).collect());
    for reading in &readings {
        assert_eq!(reading.len(), samples.len(), "a reading for each sample");
    }
    readings
}

fn line(sample: &Sample) -> String {
    let Sample {
        content_type, body, ..
    } = sample;
    format!(
        "{}\n",
        json!({"type": content_type, "body": files::hex(body)})
    )
}

fn parse(printed: &str) -> Vec<Value> {
    printed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The last of repeated members counts.
fn by_serde_json(sample: &Sample) -> Value {
    let body: Value = serde_json::from_slice(&sample.body).unwrap_or_default();
    let names = ["model", "models", "fallbacks"].map(|member| body[member].clone());
    json!([["serde_json", names]])
}

/// A name that is out of scope, with its reader's.
fn bad_name(reading: &[Value], index: usize) -> Option<String> {
    let readers = reading[index].as_array().unwrap();
    readers.iter().find_map(|reader| {
        let bad = |text: &&str| !IN_SCOPE.contains(text);
        let found = texts(&reader[1]);
        found
            .into_iter()
            .find(bad)
            .map(|bad| format!("{}: {bad}", reader[0]))
    })
}

/// The strings in a value: elements of lists, members `model` of objects.
fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(list) => list.iter().flat_map(texts).collect(),
        Value::Object(members) => members.get("model").map(texts).unwrap_or_default(),
        _ => Vec::new(),
    }
}

#[test]
fn the_readers_read() {
    let (stack, _) = start();
    let text = |content_type: &str, body: &str| Sample {
        path: "/",
        content_type: content_type.to_owned(),
        body: body.as_bytes().to_vec(),
        chunks: Vec::new(),
        honest: true,
    };
    let form = "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nbad-1\r\n--b--\r\n";
    let samples = [
        text("application/json", r#"{"model":"bad-1"}"#),
        text("multipart/form-data; boundary=b", form),
    ];
    let readings = readings(&stack, &samples);
    let reads = |index: usize, reading: &[Value]| {
        let readers = reading[index].as_array().unwrap();
        readers
            .iter()
            .filter(|reader| texts(&reader[1]) == ["bad-1"])
            .count()
    };
    let by_sample = [0, 1].map(|index| readings.iter().map(|r| reads(index, r)).sum::<usize>());
    assert_eq!(by_sample, [9, 4], "{readings:?}");
}
