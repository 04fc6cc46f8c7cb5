//! Published and recorded requests of the APIs pass under a key that lists what they name.
//!
//! `SOURCES.md` says where the requests are from and how they were cut; `HONEST_CORPUS=FILE` adds another
//! file of them, whole collections say. `exceptions.json` holds those that are refused, each kind with its
//! reason. Does not test what is refused rightly. Invariant: what a key lists is what the API's documentation
//! reads as a name (`reads.json`), not what the gate finds.

use std::collections::BTreeMap;

use keytable::{Axis, Record};
use serde::Deserialize;
use serde_json::Value;

use crate::support::{Rig, names, record};

/// A request as a client sent it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Honest {
    /// The package that it is from.
    from: String,
    /// Method and path.
    call: String,
    /// The models that it names.
    names: Vec<String>,
    body: Value,
}

/// A kind of request that is refused all the same.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exception {
    /// How the method and path begin.
    call: String,
    /// What the message of the refusal says.
    says: String,
    why: String,
}

fn corpus() -> Vec<Honest> {
    let another = std::env::var("HONEST_CORPUS");
    let another = another.map(|file| std::fs::read_to_string(file).unwrap());
    let files = [
        include_str!("corpus.jsonl"),
        include_str!("published.jsonl"),
        include_str!("shapes.jsonl"),
        include_str!("specs.jsonl"),
        another.as_deref().unwrap_or_default(),
    ];
    let lines = files.iter().flat_map(|file| file.lines());
    lines
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn exceptions() -> Vec<Exception> {
    serde_json::from_str(include_str!("exceptions.json")).unwrap()
}

/// One gate for all of them; request `n` has key `n`, which lists its names and every service.
fn rig(corpus: &[Honest]) -> Rig {
    let limited = |(n, honest): (usize, &Honest)| {
        let listed: Vec<&str> = honest.names.iter().map(String::as_str).collect();
        let mut scope = names(&listed);
        scope.services = Axis::All;
        Record { scope, ..record(n) }
    };
    let records: Vec<Record> = corpus.iter().enumerate().map(limited).collect();
    Rig::configured(&records, HOLDS_MUCH)
}

const HOLDS_MUCH: &str = r#""hold_bytes_max":8388608"#;

#[test]
fn no_honest_request_is_refused() {
    let (corpus, exceptions) = (corpus(), exceptions());
    let mut used = BTreeMap::new();
    let mut refused = Vec::new();
    let rig = rig(&corpus);
    for (n, honest) in corpus.iter().enumerate() {
        let request = rig.post().call(&honest.call).bearer(n);
        let exchange = request.send(&[honest.body.to_string().as_bytes()]);
        if exchange.answered() == 200 {
            continue;
        }
        let told = exchange.told();
        let is_known =
            |it: &&Exception| honest.call.starts_with(&it.call) && told.contains(&it.says);
        match exceptions.iter().position(|it| is_known(&it)) {
            Some(at) => *used.entry(at).or_insert(0) += 1,
            None => refused.push(format!(
                "{} {}: {told}\n  {}",
                honest.from, honest.call, honest.body
            )),
        }
    }
    for (at, count) in &used {
        println!("{count} refused: {}", exceptions[*at].why);
    }
    println!("{} requests", corpus.len());
    assert!(
        refused.is_empty(),
        "{} refused:\n{}",
        refused.len(),
        refused.join("\n")
    );
    assert_eq!(used.len(), exceptions.len(), "every exception is needed");
    assert!(corpus.len() > 2_000, "{}", corpus.len());
}
