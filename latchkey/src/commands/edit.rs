//! `latchkey key edit`, and what a key may do as options say it.
//!
//! Does not judge names or networks. Invariant: an edit is sent for the state that was read, so that
//! what somebody else has changed meanwhile is not undone.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::args::key::{EditArgs, PolicyArgs};
use crate::client::Call;
use crate::commands::Context;
use crate::commands::request::{allow_unlisted, given};
use crate::commands::shown::finish;
use crate::error::CliError;
use crate::input;
use crate::limit;

pub(super) fn run(context: &Context, args: &EditArgs) -> Result<(), CliError> {
    let id = context.key_id(&args.key)?;
    let read = context.client.call(&Call::get(context.key(&id, "")))?;
    let body = edit(args, &read.body, Timestamp::now())?;
    if body.is_empty() {
        return Err(CliError::Usage(
            "say what to change: --description, --model, --ip, ... (see --help)".into(),
        ));
    }
    let target = allow_unlisted(context.key(&id, ""), args.policy.allow_unlisted);
    let call = Call::patch(args.wait.on(target), Value::Object(body)).if_match(read.etag);
    let answer = context.client.call(&call)?.body;
    finish(context, answer, None, args.wait)
}

/// What options say of a new key; a scope is there if one axis was named.
pub(super) fn policy(args: &PolicyArgs, now: Timestamp) -> Result<Map<String, Value>, CliError> {
    let models = axis(args.all_models, false, &args.models);
    let services = axis(args.all_services, false, &args.services);
    let scope = match (&models, &services) {
        (None, None) => None,
        _ => Some(Value::Object(given(&[
            ("models", models),
            ("services", services),
        ]))),
    };
    let expires = args
        .expires
        .as_deref()
        .map(|text| input::time(text, now))
        .transpose()?;
    let labels = input::labels(&args.labels)?;
    let limits = limit::changed(&Value::Null, &args.limits, &[])?;
    Ok(given(&[
        ("description", args.description.as_deref().map(Value::from)),
        ("scope", scope),
        ("ip_allowlist", some(&args.ips)),
        ("expires_at", expires.map(Value::from)),
        (
            "labels",
            (!labels.is_empty()).then_some(Value::Object(labels)),
        ),
        ("limits", (!args.limits.is_empty()).then_some(limits)),
    ]))
}

/// The body of an edit: a scope and labels are written whole, so what is not named is what was read.
fn edit(args: &EditArgs, key: &Value, now: Timestamp) -> Result<Map<String, Value>, CliError> {
    let mut body = policy(&args.policy, now)?;
    let models = axis(args.policy.all_models, args.no_models, &args.policy.models);
    let services = axis(
        args.policy.all_services,
        args.no_services,
        &args.policy.services,
    );
    if models.is_some() || services.is_some() {
        let before = |axis: &str| key.pointer(&format!("/scope/{axis}")).cloned();
        let scope = given(&[
            ("models", models.or_else(|| before("models"))),
            ("services", services.or_else(|| before("services"))),
        ]);
        body.insert("scope".to_owned(), Value::Object(scope));
    }
    if args.any_ip {
        body.insert("ip_allowlist".to_owned(), json!([]));
    }
    if args.never_expires {
        body.insert("expires_at".to_owned(), Value::Null);
    }
    if !args.policy.labels.is_empty() || !args.removed_labels.is_empty() {
        body.insert("labels".to_owned(), Value::Object(labels(args, key)?));
    }
    if !args.policy.limits.is_empty() || !args.removed_limits.is_empty() {
        let before = key.get("limits").unwrap_or(&Value::Null);
        let limits = limit::changed(before, &args.policy.limits, &args.removed_limits)?;
        body.insert("limits".to_owned(), limits);
    }
    Ok(body)
}

fn labels(args: &EditArgs, key: &Value) -> Result<Map<String, Value>, CliError> {
    let mut labels = key
        .get("labels")
        .and_then(Value::as_object)
        .cloned()
        .unwrap_or_default();
    for name in &args.removed_labels {
        labels.remove(name);
    }
    labels.extend(input::labels(&args.policy.labels)?);
    Ok(labels)
}

fn axis(all: bool, none: bool, names: &[String]) -> Option<Value> {
    match (all, none) {
        (true, _) => Some("all".into()),
        (_, true) => Some(json!([])),
        _ => some(names),
    }
}

fn some(items: &[String]) -> Option<Value> {
    (!items.is_empty()).then(|| json!(items))
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::key::KeyCommand;
    use crate::args::{Cli, Command};

    fn edited(options: &[&str]) -> Value {
        let words = ["latchkey", "key", "edit", "a"].iter().chain(options);
        let Command::Key(KeyCommand::Edit(args)) = Cli::try_parse_from(words).unwrap().command
        else {
            panic!("no edit");
        };
        let key = json!({"scope": {"models": ["a"], "services": "all"}, "labels": {"x": "1", "y": "2"},
            "limits": [{"unit": "requests", "window": "day", "amount": 1},
                {"unit": "tokens", "window": "month", "amount": 1}]});
        let now = "2026-12-01T00:00:00Z".parse().unwrap();
        Value::Object(edit(&args, &key, now).unwrap())
    }

    #[test]
    fn an_edit_names_what_was_said_and_nothing_else() {
        assert_eq!(edited(&[]), json!({}));
        assert_eq!(edited(&["--description", ""]), json!({"description": ""}));
        assert_eq!(edited(&["--any-ip"]), json!({"ip_allowlist": []}));
        assert_eq!(edited(&["--never-expires"]), json!({"expires_at": null}));
        let expires = json!({"expires_at": "2026-12-02T00:00:00.000Z"});
        assert_eq!(edited(&["--expires", "1d"]), expires);
    }

    #[test]
    fn the_other_axis_of_a_scope_stays_as_it_was() {
        let scope = |scope: Value| json!({ "scope": scope });
        let models = edited(&["--model", "b", "--model", "c"]);
        assert_eq!(
            models,
            scope(json!({"models": ["b", "c"], "services": "all"}))
        );
        let none = edited(&["--no-services"]);
        assert_eq!(none, scope(json!({"models": ["a"], "services": []})));
        let all = edited(&["--all-models", "--service", "ep-1"]);
        assert_eq!(all, scope(json!({"models": "all", "services": ["ep-1"]})));
    }

    #[test]
    fn labels_are_added_and_taken_away_one_by_one() {
        let labels = edited(&["--label", "x=3", "--label", "z=4", "--remove-label", "y"]);
        assert_eq!(labels, json!({"labels": {"x": "3", "z": "4"}}));
    }

    #[test]
    fn limits_are_set_and_taken_away_one_by_one() {
        let limits = edited(&["--limit", "tokens/day=5", "--remove-limit", "requests/day"]);
        let day = json!({"unit": "tokens", "window": "day", "amount": 5});
        let month = json!({"unit": "tokens", "window": "month", "amount": 1});
        assert_eq!(limits, json!({"limits": [month, day]}));
    }

    #[test]
    fn options_that_contradict_each_other_are_refused() {
        for options in [
            ["--model=a", "--all-models"],
            ["--no-models", "--all-models"],
            ["--ip=10.0.0.0/8", "--any-ip"],
            ["--expires=1d", "--never-expires"],
            ["--no-wait", "--wait-s=5"],
        ] {
            let words = ["latchkey", "key", "edit", "a"].into_iter().chain(options);
            assert!(Cli::try_parse_from(words).is_err(), "{options:?}");
        }
    }
}
