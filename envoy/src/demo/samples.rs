//! The sample keys of the demo, made by the same REST API that everybody uses, and remembered in a
//! file of their owner, so that a later start can show lines that work.
//!
//! Invariant: they are made in an account without keys only, so a second run of the demo adds none;
//! one that was deleted since is not shown.

use std::fmt;
use std::fs;

use serde_json::{Map, Value, json};

use super::api::Api;
use super::catalog;
use crate::error::StackError;
use crate::files;
use crate::stack::Stack;

/// What the limited key may call, where these models are.
const LIMITED_TO: [&str; 2] = ["glm-5.1", "deepseek-*"];
/// What the key with a limit may do a day.
pub(super) const REQUESTS_A_DAY: u32 = 3;
/// Where the values of the sample keys are kept.
const FILE: &str = "sample-keys";

/// The values of the sample keys, and what there is to call.
#[derive(Default)]
pub(super) struct Samples {
    /// May call everything.
    pub(super) all: Option<String>,
    /// May call some models.
    pub(super) limited: Option<String>,
    /// May be used from 10.0.0.0/8.
    pub(super) by_address: Option<String>,
    /// May make a few requests a day.
    pub(super) by_count: Option<String>,
    /// Whether the user `operator` has set a password.
    pub(super) has_password: bool,
    /// What the model server lists.
    pub(super) models: Vec<String>,
}

// === impl Samples ===

impl Samples {
    /// A model that the limited key may call.
    pub(super) fn model_in_scope(&self) -> Option<&str> {
        let scope = limited_to(&self.models);
        let fits = |model: &&String| scope.iter().any(|entry| entry == *model);
        self.models.iter().find(fits).map(String::as_str)
    }

    /// A model that it may not call.
    pub(super) fn model_out_of_scope(&self) -> Option<&str> {
        let scope = limited_to(&self.models);
        let is_in = |model: &String| {
            let named = |entry: &String| match entry.strip_suffix('*') {
                Some(prefix) => model.starts_with(prefix),
                None => entry == model,
            };
            scope.iter().any(named)
        };
        let mut others = self.models.iter().filter(|model| !is_in(model));
        others.next().map(String::as_str)
    }
}

impl fmt::Debug for Samples {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Samples(..)")
    }
}

/// Fills the catalog and makes the sample keys, if the account has no keys yet; else finds those
/// that an earlier start has made.
pub(super) fn make_once(stack: &Stack) -> Result<Samples, StackError> {
    let api = Api::of(stack)?;
    let models = catalog::import(stack, &api);
    let keys = api.get(&format!("/v1/keys?account={}&limit=1", stack.account()))?;
    let is_empty = |keys: &Value| keys.as_array().is_some_and(Vec::is_empty);
    let kept = match keys.get("keys").is_some_and(is_empty) {
        true => make(stack, &api, &models)?,
        false => remembered(stack),
    };
    let value = |kind: &str| still_there(&api, kept.get(kind)?);
    Ok(Samples {
        all: value("all"),
        limited: value("limited"),
        by_address: value("by_address"),
        by_count: value("by_count"),
        has_password: operator_has_password(&api)?,
        models,
    })
}

/// Makes the keys and writes them down: for each kind, id and value.
fn make(stack: &Stack, api: &Api, models: &[String]) -> Result<Map<String, Value>, StackError> {
    let limited = json!({"scope": {"models": limited_to(models)}});
    let office = json!({"ip_allowlist": ["10.0.0.0/8"]});
    let daily =
        json!({"limits": [{"unit": "requests", "window": "day", "amount": REQUESTS_A_DAY}]});
    let mut made = Map::new();
    for (kind, name, fields) in [
        ("all", "Sample: everything", json!({})),
        ("limited", "Sample: two kinds of models", limited),
        ("by_address", "Sample: office addresses", office),
        ("by_count", "Sample: a few requests a day", daily),
    ] {
        let mut key = json!({"account": stack.account(), "region": stack.region(), "name": name});
        if let (Some(key), Value::Object(fields)) = (key.as_object_mut(), fields) {
            key.extend(fields);
        }
        made.insert(
            kind.to_owned(),
            api.post("/v1/keys?allow_unlisted=true", &key)?,
        );
    }
    let file = stack.run_dir().join(FILE);
    let text = Value::Object(made.clone()).to_string();
    files::write_secret(&file, &text).map_err(StackError::io("write", &file))?;
    Ok(made)
}

/// What an earlier start has written down; nothing, if it has not.
fn remembered(stack: &Stack) -> Map<String, Value> {
    let text = fs::read_to_string(stack.run_dir().join(FILE)).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

/// The value of a key that has not been deleted.
fn still_there(api: &Api, made: &Value) -> Option<String> {
    let member = |name: &str| made.get(name).and_then(Value::as_str);
    api.get(&format!("/v1/keys/{}", member("id")?)).ok()?;
    Some(member("key")?.to_owned())
}

/// What the limited key may call: of another model server, its first model.
fn limited_to(models: &[String]) -> Vec<String> {
    let has_usual = models.is_empty() || models.iter().any(|model| model == LIMITED_TO[0]);
    match (has_usual, models.first()) {
        (false, Some(first)) => vec![first.clone()],
        _ => LIMITED_TO.map(str::to_owned).to_vec(),
    }
}

fn operator_has_password(api: &Api) -> Result<bool, StackError> {
    let users = api.get("/v1/users")?;
    let users = users.get("users").and_then(Value::as_array);
    let mut operators = users
        .into_iter()
        .flatten()
        .filter(|user| user.get("name").and_then(Value::as_str) == Some("operator"));
    let has_password = |user: &Value| user.get("password_set").and_then(Value::as_bool);
    Ok(operators.any(|user| has_password(user) == Some(true)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(models: &[&str]) -> Samples {
        Samples {
            models: models.iter().map(|model| (*model).to_owned()).collect(),
            ..Samples::default()
        }
    }

    #[test]
    fn models_to_try_are_inside_and_outside_of_the_limited_keys_scope() {
        let demo = of(&["glm-5.1", "deepseek-v3.2", "kimi-k2.6"]);
        assert_eq!(demo.model_in_scope(), Some("glm-5.1"));
        assert_eq!(demo.model_out_of_scope(), Some("kimi-k2.6"));
        let other = of(&["llama-4", "qwen-3"]);
        assert_eq!(limited_to(&other.models), ["llama-4"]);
        assert_eq!(other.model_in_scope(), Some("llama-4"));
        assert_eq!(other.model_out_of_scope(), Some("qwen-3"));
        assert_eq!(of(&["only"]).model_out_of_scope(), None);
        assert_eq!(of(&[]).model_in_scope(), None);
    }
}
