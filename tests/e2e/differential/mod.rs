//! Whatever a reference reader takes for a model out of scope, the gate has refused.
//!
//! The readers are those that servers use: Python's json, orjson, simplejson, Node's JSON.parse,
//! serde_json; for forms Starlette, Werkzeug, Python's email, Node's and multer. `E2E_SEED` repeats
//! a run, `E2E_BODIES` says how many; every other one goes to a gate at which bodies flow. Does not
//! ask the gate to accept what one of them accepts, but every body that is honest by construction.

pub(crate) mod corpus;
mod documents;
mod paths;
pub(crate) mod references;

use std::collections::BTreeSet;
use std::fs;
use std::thread;

use envoy::{Stack, files};
use serde_json::{Value, json};
use tests::{Key, flowing, node, python, raw, start, start_another, start_passing};

use corpus::{Corpus, Sample};

/// What the key may call.
const IN_SCOPE: [&str; 2] = ["good-1", "good-2"];
/// How many samples are in memory at a time.
const BATCH: usize = 5_000;
/// How many clients send them.
const CLIENTS: usize = 4;
/// The readers from PyPI.
const PYPI: [&str; 5] = [
    "orjson==3.13.0",
    "simplejson==4.3.0",
    "starlette==1.10.0",
    "python-multipart==0.0.34",
    "werkzeug==3.1.9",
];

/// How many samples were out of scope to some reader, and how many were let through.
#[derive(Clone, Copy, Debug, Default)]
struct Count {
    out_of_scope: usize,
    passed: usize,
}

pub(crate) fn number<T: std::str::FromStr>(name: &str, default: T) -> T {
    let set = std::env::var(name).ok();
    set.map_or(default, |text| {
        text.parse().unwrap_or_else(|_| panic!("{name}={text}"))
    })
}

#[test]
fn what_any_reader_takes_for_a_model_out_of_scope_was_refused() {
    let (seed, bodies) = (number("E2E_SEED", 1), number("E2E_BODIES", 100_000));
    println!("E2E_SEED={seed} E2E_BODIES={bodies}");
    let (stack, admin) = start_passing(&["x-sample"]);
    let flowing = start_another(&stack, "flowing", flowing());
    let urls = [stack.envoy_url(), flowing.settings().url()];
    let key = admin.create("limited", json!({"scope": {"models": IN_SCOPE}}));
    let mut corpus = Corpus::new(seed);
    let mut count = Count::default();
    for begin in (0..bodies).step_by(BATCH) {
        let batch = BATCH.min(bodies - begin);
        let samples: Vec<Sample> = (0..batch).map(|_| corpus.sample()).collect();
        let Some(judged) = judge(&stack, &urls, &key, &samples, seed) else {
            return;
        };
        count.out_of_scope += judged.out_of_scope;
        count.passed += judged.passed;
    }
    println!("{count:?}");
    assert!(count.out_of_scope * 10 > bodies, "the corpus is hostile");
    assert!(count.passed * 10 > bodies, "and not only hostile");
}

/// Sends the samples to these gates in turn and compares what passed with what the readers say.
fn judge(
    stack: &Stack,
    urls: &[String],
    key: &Key,
    samples: &[Sample],
    seed: u64,
) -> Option<Count> {
    let forwarded = send_all(stack, urls, key, samples);
    let readings = readings(stack, samples)?;
    let mut count = Count {
        passed: forwarded.len(),
        ..Count::default()
    };
    for (index, sample) in samples.iter().enumerate() {
        let bad = readings.iter().find_map(|reading| bad_name(reading, index));
        count.out_of_scope += usize::from(bad.is_some());
        let shown = sample.body.escape_ascii();
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
    Some(count)
}

/// Sends every sample; gives the numbers of those that arrived whole.
fn send_all(stack: &Stack, urls: &[String], key: &Key, samples: &[Sample]) -> BTreeSet<usize> {
    stack.upstream().unwrap().clear();
    let send = |(index, sample): (usize, &Sample)| {
        let url = &urls[index % urls.len()];
        let status = raw::send(url, &sample.request(index, &key.value)).status;
        assert!(status != 0 && status != 503, "{status}");
    };
    thread::scope(|scope| {
        for client in 0..CLIENTS {
            let its = samples.iter().enumerate().skip(client).step_by(CLIENTS);
            scope.spawn(move || its.for_each(send));
        }
    });
    let received = stack.upstream().unwrap().requests();
    let whole = received.iter().filter(|request| request.is_complete);
    whole
        .map(|request| request.header("x-sample").unwrap().parse().unwrap())
        .collect()
}

/// What each reader reads in each sample: a list of names, after the reader's own. Nothing, with a word,
/// where a reader cannot be had.
pub(crate) fn readings(stack: &Stack, samples: &[Sample]) -> Option<Vec<Vec<Value>>> {
    let file = stack.run_dir().join("samples");
    let lines: String = samples.iter().map(line).collect();
    fs::write(&file, lines).unwrap();
    let file = file.to_str().unwrap();
    let python = python::with_packages("readers", &PYPI)?;
    let printed = thread::scope(|scope| {
        let by_node = scope.spawn(|| node::run("readers.mjs", &[file]));
        let by_python = python::run(&python, "readers.py", &[file]);
        Some([by_python, by_node.join().unwrap()?])
    })?;
    let mut readings: Vec<Vec<Value>> = printed.iter().map(|text| parse(text)).collect();
    readings.push(samples.iter().map(references::read).collect());
    for reading in &readings {
        assert_eq!(reading.len(), samples.len(), "a reading for each sample");
    }
    Some(readings)
}

fn line(sample: &Sample) -> String {
    let body = files::hex(&sample.body);
    format!("{}\n", json!({"type": sample.content_type, "body": body}))
}

pub(crate) fn parse(printed: &str) -> Vec<Value> {
    printed
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
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
pub(crate) fn texts(value: &Value) -> Vec<&str> {
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
    let form = corpus::with_boundary(form);
    let samples = [
        text("application/json", r#"{"model":"bad-1"}"#),
        text(
            &corpus::with_boundary("multipart/form-data; boundary=b"),
            &form,
        ),
    ];
    let Some(readings) = readings(&stack, &samples) else {
        return;
    };
    let reads = |index: usize, reading: &[Value]| {
        let readers = reading[index].as_array().unwrap();
        readers
            .iter()
            .filter(|reader| texts(&reader[1]) == ["bad-1"])
            .count()
    };
    let by_sample = [0, 1].map(|index| readings.iter().map(|r| reads(index, r)).sum::<usize>());
    assert_eq!(by_sample, [10, 5], "{readings:?}");
}
