//! What has to be done so that the keys of a file are there as it says.
//!
//! Does not do it. Invariant: a plan that is made once more after it was carried out has nothing to do,
//! however lists are ordered and networks and times are spelled.

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;
use keytable::{Network, ScopeEntry, UtcOffset};
use serde_json::{Map, Value, json};

use super::manifest::Entry;
use crate::commands::text;
use crate::limit;

/// What has to be done about one entry.
#[derive(Debug, PartialEq)]
pub(super) enum Action {
    /// Make it.
    Create,
    /// Change these parts.
    Edit(Change),
    /// Delete it.
    Delete {
        /// Which key.
        id: String,
    },
    /// Nothing: it is as it shall be.
    Keep {
        /// Which key; `None`: it shall not be there, and is not.
        id: Option<String>,
    },
}

/// The parts of a key that differ.
#[derive(Debug, PartialEq)]
pub(super) struct Change {
    pub(super) id: String,
    pub(super) before: Map<String, Value>,
    pub(super) after: Map<String, Value>,
}

/// Why there is no plan.
#[derive(Debug, PartialEq)]
pub(super) enum PlanError {
    /// Several keys have the name.
    Ambiguous { name: String, ids: Vec<String> },
    /// There is no such key, or it is called otherwise.
    NoSuchId { name: String, id: String },
}

/// What has to be done about an entry, where `keys` have its name.
pub(super) fn action(entry: &Entry, keys: &[Value]) -> Result<Action, PlanError> {
    let found = find(entry, keys)?;
    Ok(match (found, entry.absent) {
        (None, false) => Action::Create,
        (None, true) => Action::Keep { id: None },
        (Some(key), true) => Action::Delete { id: id_of(key) },
        (Some(key), false) => match change(entry, key) {
            Some(change) => Action::Edit(change),
            None => Action::Keep {
                id: Some(id_of(key)),
            },
        },
    })
}

/// The parts in which a key differs from its entry.
pub(super) fn change(entry: &Entry, key: &Value) -> Option<Change> {
    let wanted = entry.policy();
    let differs = |part: &str, wanted: &Value| {
        let is = key.get(part).unwrap_or(&Value::Null);
        settled(part, is) != settled(part, wanted)
    };
    let after: Map<String, Value> = wanted
        .into_iter()
        .filter(|(part, wanted)| differs(part, wanted))
        .collect();
    let is = |part: &String| (part.clone(), key.get(part).cloned().unwrap_or_default());
    let before = after.keys().map(is).collect();
    let id = id_of(key);
    (!after.is_empty()).then_some(Change { id, before, after })
}

/// The key that an entry means. One that was rotated goes on beside its successor, which is meant.
fn find<'a>(entry: &Entry, keys: &'a [Value]) -> Result<Option<&'a Value>, PlanError> {
    let is_here = |key: &&Value| {
        let is = |member: &str, said: &Option<String>| {
            said.as_ref().is_none_or(|said| text(key, member) == said)
        };
        text(key, "name") == entry.name
            && is("region", &entry.region)
            && is("account", &entry.account)
    };
    let here: Vec<&Value> = keys.iter().filter(is_here).collect();
    if let Some(id) = &entry.id {
        let found = here.iter().find(|key| text(key, "id") == id).copied();
        let no_such = || PlanError::NoSuchId {
            name: entry.name.clone(),
            id: id.clone(),
        };
        return match (found, entry.absent) {
            (None, false) => Err(no_such()),
            (found, _) => Ok(found),
        };
    }
    let is_retired = |key: &&&Value| key.get("successor").is_some_and(|id| !id.is_null());
    let current: Vec<&Value> = here
        .iter()
        .filter(|key| !is_retired(key))
        .copied()
        .collect();
    match current.as_slice() {
        [] => Ok(None),
        [one] => Ok(Some(one)),
        several => Err(PlanError::Ambiguous {
            name: entry.name.clone(),
            ids: several.iter().map(|key| id_of(key)).collect(),
        }),
    }
}

fn id_of(key: &Value) -> String {
    text(key, "id").to_owned()
}

/// A part in one spelling: lists as sets, networks and times as the sidecar writes them.
fn settled(part: &str, value: &Value) -> Value {
    match part {
        "scope" => {
            let axis = |name: &str| match value.get(name) {
                Some(Value::Array(entries)) => set(entries, |text| {
                    ScopeEntry::parse(text).map(|entry| entry.to_string()).ok()
                }),
                word => word.cloned().unwrap_or_else(|| json!([])),
            };
            json!([axis("models"), axis("services")])
        }
        "ip_allowlist" => match value {
            Value::Array(networks) => set(networks, |text| {
                Network::parse(text).map(|network| network.to_string()).ok()
            }),
            other => other.clone(),
        },
        "expires_at" => {
            let time = value
                .as_str()
                .and_then(|text| text.parse::<Timestamp>().ok());
            time.map_or_else(|| value.clone(), |time| json!(time.as_millisecond()))
        }
        "limits" => match value {
            Value::Array(limits) => {
                let settled = limits
                    .iter()
                    .map(|one| (limit::name(one), settled_limit(one)));
                Value::Object(settled.collect())
            }
            other => other.clone(),
        },
        _ => value.clone(),
    }
}

/// A limit with what the sidecar makes of what is left out.
fn settled_limit(limit: &Value) -> Value {
    let is = |member: &str, words: &[&str]| words.contains(&text(limit, member));
    let defaults = [
        (is("window", &["month"]), "start_day", json!(1)),
        (
            is("window", &["day", "month"]),
            "utc_offset",
            json!("+00:00"),
        ),
        (!is("window", &["minute"]), "when_apart", json!("serve")),
        (is("unit", &["tokens"]), "expected", json!(1_000)),
        (is("unit", &["tokens"]), "unmetered", json!("refuse")),
    ];
    let meant = defaults.into_iter().filter(|(is_meant, ..)| *is_meant);
    let mut settled: Map<String, Value> = meant
        .map(|(_, member, value)| (member.to_owned(), value))
        .collect();
    settled.extend(limit.as_object().cloned().unwrap_or_default());
    let offset = settled.get("utc_offset").and_then(Value::as_str);
    if let Some(offset) = offset.and_then(UtcOffset::parse) {
        settled.insert("utc_offset".to_owned(), json!(offset.to_string()));
    }
    Value::Object(settled)
}

fn set(items: &[Value], spell: impl Fn(&str) -> Option<String>) -> Value {
    let spelled = |item: &Value| {
        let text = item.as_str().unwrap_or_default();
        spell(text).unwrap_or_else(|| text.to_owned())
    };
    let set: BTreeSet<String> = items.iter().map(spelled).collect();
    json!(set)
}

// === impl PlanError ===

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ambiguous { name, ids } => {
                write!(
                    f,
                    "{name}: several keys have this name: add `id:`, one of {}",
                    ids.join(", ")
                )
            }
            Self::NoSuchId { name, id } => write!(
                f,
                "{name}: no key of this name, account and region has the id {id}: leave `id:` out to \
                 make one"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::apply::manifest::Manifest;

    fn entry(text: &str) -> Entry {
        let text = format!("keys:\n- {{{text}}}\n");
        let manifest = Manifest::read(&text, Some("demo"), Some("local")).unwrap();
        manifest.entries.into_iter().next().unwrap()
    }

    fn key(id: &str, more: Value) -> Value {
        let mut key = json!({"id": id, "name": "a", "account": "demo", "region": "local",
            "description": "", "status": "enabled", "scope": {"models": "all", "services": "all"},
            "ip_allowlist": [], "expires_at": null, "labels": {}, "successor": null});
        key.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        key
    }

    fn planned(text: &str, keys: &[Value]) -> Action {
        action(&entry(text), keys).unwrap()
    }

    const KEPT: Action = Action::Keep { id: None };

    fn kept(id: &str) -> Action {
        Action::Keep {
            id: Some(id.to_owned()),
        }
    }

    #[test]
    fn what_is_missing_is_made_and_what_shall_be_gone_deleted() {
        assert_eq!(planned("name: a", &[]), Action::Create);
        assert_eq!(planned("name: a, absent: true", &[]), KEPT);
        let there = [key("1", json!({}))];
        assert_eq!(planned("name: a", &there), kept("1"));
        let id = "1".to_owned();
        assert_eq!(
            planned("name: a, absent: true", &there),
            Action::Delete { id }
        );
    }

    #[test]
    fn only_what_is_said_and_differs_is_changed() {
        let there = [key(
            "1",
            json!({"description": "old", "labels": {"team": "x"}}),
        )];
        let Action::Edit(change) = planned("name: a, description: new, status: enabled", &there)
        else {
            panic!("no edit");
        };
        assert_eq!(Value::Object(change.before), json!({"description": "old"}));
        assert_eq!(Value::Object(change.after), json!({"description": "new"}));
        let Action::Edit(change) = planned("name: a, labels: {}", &there) else {
            panic!("no edit");
        };
        assert_eq!(Value::Object(change.after), json!({"labels": {}}));
    }

    #[test]
    fn another_spelling_is_no_difference() {
        let there = [key(
            "1",
            json!({
            "scope": {"models": ["a", "b"], "services": []},
            "ip_allowlist": ["10.0.0.0/8", "192.0.2.7/32", "2001:db8::/32"],
            "expires_at": "2027-01-01T00:00:00.000Z",
            "limits": [
                {"unit": "tokens", "window": "month", "amount": 5, "start_day": 1, "utc_offset": "+00:00",
                    "expected": 1000, "unmetered": "refuse", "when_apart": "serve"},
                {"unit": "requests", "window": "minute", "amount": 6}]}),
        )];
        for same in [
            "name: a, scope: {models: [b, a]}",
            "name: a, scope: {models: [a, b], services: []}",
            "name: a, ip_allowlist: [192.0.2.7, '2001:0db8::/32', 10.0.0.0/8]",
            "name: a, expires_at: '2027-01-01T08:00:00+08:00'",
            "name: a, limits: [{unit: requests, window: minute, amount: 6}, \
                {unit: tokens, window: month, amount: 5}]",
            "name: a, limits: [{unit: tokens, window: month, amount: 5, utc_offset: '-00:00', \
                expected: 1000}, {unit: requests, window: minute, amount: 6}]",
        ] {
            assert_eq!(planned(same, &there), kept("1"), "{same}");
        }
        for other in [
            "name: a, scope: {models: all}",
            "name: a, limits: [{unit: tokens, window: month, amount: 5}]",
            "name: a, limits: []",
            "name: a, ip_allowlist: [10.0.0.0/8]",
            "name: a, expires_at: '2027-01-01T00:00:01Z'",
            "name: a, expires_at: null",
        ] {
            assert!(matches!(planned(other, &there), Action::Edit(_)), "{other}");
        }
    }

    #[test]
    fn a_rotated_key_is_not_the_one_that_is_meant() {
        let there = [key("1", json!({"successor": "2"})), key("2", json!({}))];
        assert_eq!(planned("name: a", &there), kept("2"));
        let only_retired = [key("1", json!({"successor": "2"}))];
        assert_eq!(planned("name: a", &only_retired), Action::Create);
    }

    #[test]
    fn of_several_keys_of_one_name_the_id_says_which() {
        let there = [key("1", json!({})), key("2", json!({}))];
        let error = action(&entry("name: a"), &there).unwrap_err();
        assert!(error.to_string().contains("1, 2"), "{error}");
        assert_eq!(planned("name: a, id: '2'", &there), kept("2"));
        assert!(action(&entry("name: a, id: '3'"), &there).is_err());
        assert_eq!(planned("name: a, id: '3', absent: true", &there), KEPT);
    }

    #[test]
    fn keys_of_another_place_or_name_do_not_count() {
        let there = [
            key("1", json!({"region": "other"})),
            key("2", json!({"account": "other"})),
            key("3", json!({"name": "A"})),
        ];
        assert_eq!(planned("name: a", &there), Action::Create);
    }
}
