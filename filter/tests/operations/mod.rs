//! Every operation of the official SDKs and of the servers' own descriptions, called with a list
//! key that has every grant and with one that has none, at every mount of its profile.
//!
//! `recorded.jsonl` is made by `record.py`, which calls each method of the installed SDKs;
//! `servers.json` is written by hand after what servers are known to serve; `exceptions.json` what is refused all the
//! same, and what needs no grant, each with its reason. Does not test what a body may hold.
//! Invariant: an operation that no rule knows, or that a rule of another API hides, fails here.

use std::collections::BTreeMap;

use keytable::{Axis, Record};
use serde::Deserialize;
use serde_json::Value;

use crate::support::form::content_type;
use crate::support::{Exchange, Rig, form, names, record};

/// The model that every operation names which takes one.
const MODEL: &str = "good-1";

/// What a method of an SDK has called.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Operation {
    sdk: String,
    /// The method, dotted.
    name: String,
    /// HTTP's method and the path; `{m}` is where the profile is mounted.
    call: String,
    #[serde(default)]
    upgrade: bool,
    /// Names and texts of a form's fields; a file has no text.
    #[serde(default)]
    form: Option<Vec<(String, Option<String>)>>,
    #[serde(default)]
    r#type: Option<String>,
    #[serde(default)]
    body: Option<String>,
}

/// What a server is known to serve.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Server {
    sdk: String,
    name: String,
    calls: Vec<String>,
}

/// Operations that are answered otherwise.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exception {
    /// Of these SDKs; of all if there is none.
    #[serde(default)]
    sdks: Vec<String>,
    /// Method and path, `{m}` for a mount; `*` at the end for all that begin so.
    calls: Vec<String>,
    #[serde(rename = "why")]
    _why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Exceptions {
    /// Refused to a list key, whatever it is granted.
    refused: Vec<Exception>,
    /// Served to a list key that is granted nothing.
    open: Vec<Exception>,
}

fn operations() -> Vec<Operation> {
    let recorded = include_str!("recorded.jsonl").lines();
    let recorded = recorded.map(|line| serde_json::from_str(line).unwrap());
    let servers: Vec<Server> = serde_json::from_str(include_str!("servers.json")).unwrap();
    recorded
        .chain(servers.into_iter().flat_map(of_server))
        .collect()
}

/// A server's operations: a POST is made with a model.
fn of_server(server: Server) -> impl Iterator<Item = Operation> {
    let Server { sdk, name, calls } = server;
    calls.into_iter().map(move |call| Operation {
        sdk: sdk.clone(),
        name: name.clone(),
        body: call
            .starts_with("POST")
            .then(|| format!(r#"{{"model":"{MODEL}"}}"#)),
        r#type: Some("application/json".to_owned()),
        call,
        upgrade: false,
        form: None,
    })
}

/// Where the profile of an SDK is mounted.
fn mounts(sdk: &str) -> Vec<String> {
    let built_in: Value =
        serde_json::from_str(include_str!("../../../locator/src/rules/default.json")).unwrap();
    let profile = sdk.split('-').next().unwrap();
    let mut profiles = built_in["profiles"].as_array().unwrap().iter();
    let mounts = profiles
        .find(|known| known["name"] == profile)
        .map(|profile| {
            profile["mounts"]
                .as_array()
                .unwrap()
                .iter()
                .map(|mount| mount.as_str().unwrap().to_owned())
                .collect()
        });
    mounts.unwrap_or_default()
}

impl Operation {
    /// The same at each mount of its profile.
    fn calls(&self) -> Vec<String> {
        match self.call.contains("{m}") {
            true => mounts(&self.sdk)
                .iter()
                .map(|mount| self.call.replacen("{m}", mount, 1))
                .collect(),
            false => vec![self.call.clone()],
        }
    }

    fn send(&self, exchange: Exchange, call: &str, n: usize) -> u16 {
        let mut exchange = exchange.call(call).bearer(n);
        if self.upgrade {
            exchange = exchange.header("upgrade", "websocket");
        }
        let sent = match (&self.form, &self.body) {
            (Some(fields), _) => {
                let texts: Vec<(&str, &str)> = fields
                    .iter()
                    .filter_map(|(name, text)| Some((name.as_str(), text.as_deref()?)))
                    .collect();
                exchange
                    .with("content-type", content_type())
                    .send(&[form(&texts).as_bytes()])
            }
            (None, Some(body)) => {
                let declared = self.r#type.as_deref().unwrap_or_default();
                let exchange = exchange.without("content-type");
                let exchange = match declared {
                    "" => exchange,
                    declared => exchange.header("content-type", declared),
                };
                match body.is_empty() {
                    true => exchange.send_bodyless(),
                    false => exchange.send(&[body.as_bytes()]),
                }
            }
            (None, None) => exchange.without("content-type").send_bodyless(),
        };
        sent.answered()
    }
}

impl Exception {
    fn is_of(&self, operation: &Operation) -> bool {
        let of_sdk = self.sdks.is_empty() || self.sdks.contains(&operation.sdk);
        of_sdk
            && self
                .calls
                .iter()
                .any(|call| is_meant(call, &operation.call))
    }
}

/// Whether an exception is for a call, whatever its query; with `*` at its end for all that begin so.
fn is_meant(exception: &str, call: &str) -> bool {
    match exception.strip_suffix('*') {
        Some(begin) => call.starts_with(begin),
        None => exception == call || call.split('?').next() == Some(exception),
    }
}

/// Key 0 has every grant, key 1 has none.
fn rig() -> Rig {
    let mut everything = names(&[MODEL, "anthropic/good-1"]);
    everything.services = Axis::All;
    let scopes = [everything, names(&[])];
    let records = scopes.into_iter().enumerate();
    let records: Vec<Record> = records
        .map(|(n, scope)| Record { scope, ..record(n) })
        .collect();
    Rig::configured(
        &records,
        r#""hold_bytes_max":4096,"locators":{"service":"good-1"}"#,
    )
}

/// Sends everything with one key; what was not answered as the exceptions say.
fn wrong(n: usize, exceptions: &[Exception], is_right: impl Fn(bool, u16) -> bool) -> Vec<String> {
    let rig = rig();
    let mut used = vec![0; exceptions.len()];
    let mut wrong = Vec::new();
    for operation in operations() {
        let exception = exceptions.iter().position(|it| it.is_of(&operation));
        for call in operation.calls() {
            let status = operation.send(rig.post(), &call, n);
            if !is_right(exception.is_some(), status) {
                wrong.push(format!(
                    "{} {}: {status} {call}",
                    operation.sdk, operation.name
                ));
            }
        }
        if let Some(at) = exception {
            used[at] += 1;
        }
    }
    assert!(
        used.iter().all(|count| *count > 0),
        "every exception is needed: {used:?}"
    );
    wrong
}

fn exceptions() -> Exceptions {
    serde_json::from_str(include_str!("exceptions.json")).unwrap()
}

#[test]
fn with_every_grant_every_operation_is_served() {
    let is_right = |is_exception, status| (status == 200) != is_exception;
    let wrong = wrong(0, &exceptions().refused, is_right);
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn without_a_grant_every_operation_is_refused() {
    let is_right = |is_exception, status| (status == 200) == is_exception;
    let wrong = wrong(1, &exceptions().open, is_right);
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_operations_are_counted() {
    let mut counts = BTreeMap::<String, usize>::new();
    for operation in operations() {
        *counts.entry(operation.sdk).or_default() += 1;
    }
    println!("{counts:?}");
    assert!(counts.values().sum::<usize>() > 2_000, "{counts:?}");
}
