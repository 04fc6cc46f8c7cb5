//! Every operation of the official SDKs and of the servers' own descriptions, called with a list
//! key that has every grant and with one that has none, at every mount of its profile.
//!
//! Does not test what a body may hold; `tests/e2e/operations.rs` sends the same through an Envoy.
//! Invariant: an operation that no rule knows, or that a rule of another API hides, fails here.

mod list;

use std::collections::BTreeMap;

use keytable::{Axis, Record};

use crate::support::form::content_type;
use crate::support::{Exchange, Rig, form, names, record};

use list::{EVERY_MODEL, Exception, Operation, exceptions, operations};

impl Operation {
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

/// Key 0 has every grant, key 1 has none.
fn rig() -> Rig {
    let mut everything = names(&EVERY_MODEL);
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
