//! What the gate forwards of a form names the model in scope to every reader of forms that servers
//! use, or none.
//!
//! The readers of Node, Python, Rust and Go are run on what has arrived, those of Go where there is
//! a toolchain. `E2E_SEED` repeats a run, `E2E_FORMS` says how many; every other one goes to a gate at which
//! bodies flow. Invariant: each of the readers
//! is shown to take a name out of scope for the model in some form that was sent.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;

use envoy::{Recorded, Stack, files};
use serde_json::{Value, json};
use tests::node::Packages;
use tests::{Key, flowing, python, raw, start_another, start_passing};

use super::court::IN_SCOPE;
use super::form_corpus::{Form, forms};
use crate::differential::{self, corpus::Sample};

const NPM: [&str; 6] = [
    "formidable1@npm:formidable@1.2.6",
    "formidable2@npm:formidable@2.1.5",
    "formidable3@npm:formidable@3.5.4",
    "busboy@1.6.0",
    "@fastify/busboy@3.2.6",
    "multer@2.5.0",
];
const PYPI: [&str; 3] = [
    "python-multipart==0.0.34",
    "django==5.2.19",
    "tornado==6.6.1",
];

/// What one reader takes for the model of each form.
type Readings = BTreeMap<String, Vec<Vec<String>>>;

#[test]
fn every_reader_of_forms_reads_the_model_in_scope_or_none() {
    let (seed, count) = (
        differential::number("E2E_SEED", 1),
        differential::number("E2E_FORMS", 4_000),
    );
    println!("E2E_SEED={seed} E2E_FORMS={count}");
    let (stack, admin) = start_passing(&["x-sample"]);
    let key = admin.create("limited", json!({"scope": {"models": IN_SCOPE}}));
    let sent = forms(seed, count);
    let arrived = send(&stack, &key, &sent);
    must_fall_for(&readings(&stack, "sent", &sent), seed);
    let forwarded: Vec<Form> = arrived
        .iter()
        .map(|(at, it)| as_arrived(&sent[*at], it))
        .collect();
    for (reader, models) in readings(&stack, "forwarded", &forwarded) {
        for (form, models) in forwarded.iter().zip(models) {
            let shown = form.body.escape_ascii();
            let is_in_scope = models
                .iter()
                .all(|model| IN_SCOPE.contains(&model.as_str()));
            assert!(
                is_in_scope,
                "E2E_SEED={seed}: {reader} reads {models:?} in {shown}"
            );
        }
    }
    let honest = sent.iter().filter(|form| form.is_honest).count();
    let served = forwarded.iter().filter(|form| form.is_honest).count();
    assert_eq!(served, honest, "honest forms pass");
    println!(
        "{} forms forwarded, {honest} of them honest",
        forwarded.len()
    );
    assert!(forwarded.len() > honest, "and some of the others");
}

/// Sends every form; gives those that arrived whole, by their number.
fn send(stack: &Stack, key: &Key, forms: &[Form]) -> BTreeMap<usize, Recorded> {
    let flowing = start_another(stack, "flowing", flowing());
    let urls = [stack.envoy_url(), flowing.settings().url()];
    for (number, form) in forms.iter().enumerate() {
        let lines = [
            format!("authorization: Bearer {}", key.value),
            format!("content-type: {}", form.content_type),
            format!("content-length: {}", form.body.len()),
            format!("x-sample: {number}"),
        ];
        let lines: Vec<&[u8]> = lines.iter().map(String::as_bytes).collect();
        let mut bytes = raw::head("POST", form.path, &lines);
        bytes.extend(&form.body);
        let status = raw::send(&urls[number % urls.len()], &bytes).status;
        assert!(status != 0 && status != 503, "{status}");
    }
    let received = stack.upstream().unwrap().requests();
    let whole = received.into_iter().filter(|request| request.is_complete);
    whole
        .map(|it| (it.header("x-sample").unwrap().parse().unwrap(), it))
        .collect()
}

fn as_arrived(sent: &Form, arrived: &Recorded) -> Form {
    Form {
        content_type: arrived.header("content-type").unwrap().to_owned(),
        body: arrived.body.clone(),
        ..sent.clone()
    }
}

/// What each reader reads in each form.
fn readings(stack: &Stack, name: &str, forms: &[Form]) -> Readings {
    let file = stack.run_dir().join(name);
    let line = |form: &Form| {
        let body = files::hex(&form.body);
        format!("{}\n", json!({"type": form.content_type, "body": body}))
    };
    fs::write(&file, forms.iter().map(line).collect::<String>()).unwrap();
    let file = file.to_str().unwrap();
    let samples: Vec<Sample> = forms.iter().map(sample).collect();
    let mut readings = Readings::new();
    let printed = [by_node(file), by_python(file), by_go(file)];
    let lines = printed
        .iter()
        .flatten()
        .map(|text| differential::parse(text));
    let more = differential::readings(stack, &samples).unwrap_or_default();
    for reading in lines.chain(more) {
        assert_eq!(reading.len(), forms.len(), "a reading for each form");
        add(&mut readings, &reading);
    }
    readings
}

fn add(readings: &mut Readings, reading: &[Value]) {
    for form in reading {
        for reader in form.as_array().unwrap() {
            let name = reader[0].as_str().unwrap().to_owned();
            let models = differential::texts(&reader[1]);
            let models = models.into_iter().map(str::to_owned).collect();
            readings.entry(name).or_default().push(models);
        }
    }
}

fn sample(form: &Form) -> Sample {
    Sample {
        content_type: form.content_type.clone(),
        ..Sample::form(form.body.clone())
    }
}

fn by_node(file: &str) -> Option<String> {
    let packages = Packages::install("forms", &NPM)?;
    Some(packages.run("forms.mjs", &[file]))
}

fn by_python(file: &str) -> Option<String> {
    let python = python::with_packages("forms", &PYPI)?;
    Some(python::run(&python, "forms.py", &[file]))
}

fn by_go(file: &str) -> Option<String> {
    if Command::new("go").arg("version").output().is_err() {
        println!("skipped the reader of Go: there is no toolchain");
        return None;
    }
    let script = python::scripts().join("forms.go");
    let output = Command::new("go")
        .arg("run")
        .arg(script)
        .arg(file)
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "go run failed:\n{stderr}");
    Some(String::from_utf8(output.stdout).unwrap())
}

/// Each reader of forms reads a name out of scope in some of what was sent.
fn must_fall_for(readings: &Readings, seed: u64) {
    for (reader, forms) in readings.iter().filter(|(name, _)| !reads_json(name)) {
        let falls =
            |models: &&Vec<String>| !models.iter().all(|it| IN_SCOPE.contains(&it.as_str()));
        let live = forms.iter().filter(falls).count();
        println!(
            "{reader} reads a name out of scope in {live} of {} forms",
            forms.len()
        );
        assert!(live > 0, "E2E_SEED={seed}: {reader} reads nothing else");
    }
}

fn reads_json(reader: &str) -> bool {
    ["json", "JSON", "TextDecoder", "serde"]
        .iter()
        .any(|word| reader.contains(word))
}
