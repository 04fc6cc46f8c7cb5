//! The file that `latchkey apply` reads: which keys there shall be.
//!
//! Does not compare. Invariant: what is misspelt is an error with its place, never left out; no entry
//! stands twice.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value, json};

use crate::yaml;

/// The keys of a file.
#[derive(Debug)]
pub(super) struct Manifest {
    pub(super) entries: Vec<Entry>,
}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    account: Option<String>,
    region: Option<String>,
    keys: Vec<Value>,
}

/// One key. What is left out stays as it is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    pub(super) name: String,
    /// Which one it is, where several have the name.
    pub(super) id: Option<String>,
    pub(super) account: Option<String>,
    pub(super) region: Option<String>,
    /// It shall not be there.
    #[serde(default)]
    pub(super) absent: bool,
    description: Option<String>,
    status: Option<String>,
    scope: Option<Scope>,
    ip_allowlist: Option<Vec<String>>,
    #[serde(default, deserialize_with = "present")]
    expires_at: Option<Option<String>>,
    labels: Option<BTreeMap<String, String>>,
    limits: Option<Vec<Limit>>,
}

/// How much it may use of a unit in a window.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Limit {
    unit: String,
    window: String,
    amount: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_day: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    utc_offset: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    expected: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unmetered: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    when_apart: Option<String>,
}

/// What a key may call; an axis that is left out allows nothing.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Scope {
    models: Option<Axis>,
    services: Option<Axis>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Axis {
    Word(String),
    Names(Vec<String>),
}

impl Manifest {
    /// Reads a file. What it does not say of account and region, the options do.
    pub(super) fn read(
        text: &str,
        account: Option<&str>,
        region: Option<&str>,
    ) -> Result<Self, String> {
        let tree = yaml::read(text)?;
        let file: File = serde_json::from_value(tree).map_err(|error| error.to_string())?;
        let mut faults = Vec::new();
        let mut entries: Vec<Entry> = Vec::new();
        for (index, value) in file.keys.into_iter().enumerate() {
            match entry(value, (&file.account, account), (&file.region, region)) {
                Ok(entry) => match entries.iter().any(|other| other.is_same(&entry)) {
                    true => faults.push(format!("keys[{index}]: {} stands twice", entry.name)),
                    false => entries.push(entry),
                },
                Err(fault) => faults.push(format!("keys[{index}]: {fault}")),
            }
        }
        match faults.is_empty() {
            true => Ok(Self { entries }),
            false => Err(faults.join("\n  ")),
        }
    }
}

type Said<'a> = (&'a Option<String>, Option<&'a str>);

fn entry(value: Value, account: Said<'_>, region: Said<'_>) -> Result<Entry, String> {
    let mut entry: Entry = serde_json::from_value(value).map_err(|error| error.to_string())?;
    let of_file = |(file, option): Said<'_>| file.clone().or(option.map(str::to_owned));
    entry.account = entry.account.or_else(|| of_file(account));
    entry.region = entry.region.or_else(|| of_file(region));
    if entry.region.is_none() {
        return Err("region must be given, here, for the whole file, or as LATCHKEY_REGION".into());
    }
    let words = entry
        .scope
        .iter()
        .flat_map(|scope| [&scope.models, &scope.services]);
    if words
        .flatten()
        .any(|axis| matches!(axis, Axis::Word(word) if word != "all"))
    {
        return Err("scope: an axis is a list of names, or the word all".into());
    }
    Ok(entry)
}

impl Entry {
    /// Whether both mean one key.
    fn is_same(&self, other: &Self) -> bool {
        let place = |entry: &Self| (entry.account.clone(), entry.region.clone());
        let is_named = self.name == other.name && self.id == other.id;
        is_named && place(self) == place(other)
    }

    /// What it says of the part that can be edited, as the API writes it.
    pub(super) fn policy(&self) -> Map<String, Value> {
        let axis = |axis: &Option<Axis>| match axis {
            None => json!([]),
            Some(Axis::Word(word)) => json!(word),
            Some(Axis::Names(names)) => json!(names),
        };
        let scope = self
            .scope
            .as_ref()
            .map(|scope| json!({"models": axis(&scope.models), "services": axis(&scope.services)}));
        let parts = [
            (
                "description",
                self.description.as_ref().map(|text| json!(text)),
            ),
            ("status", self.status.as_ref().map(|text| json!(text))),
            ("scope", scope),
            (
                "ip_allowlist",
                self.ip_allowlist.as_ref().map(|list| json!(list)),
            ),
            (
                "expires_at",
                self.expires_at.as_ref().map(|time| json!(time)),
            ),
            ("labels", self.labels.as_ref().map(|labels| json!(labels))),
            ("limits", self.limits.as_ref().map(|limits| json!(limits))),
        ];
        let said = parts
            .into_iter()
            .filter_map(|(name, part)| Some((name.to_owned(), part?)));
        said.collect()
    }

    /// The body that makes it.
    pub(super) fn body(&self) -> Value {
        let mut body = self.policy();
        body.insert("name".to_owned(), json!(self.name));
        for (member, value) in [("account", &self.account), ("region", &self.region)] {
            if let Some(value) = value {
                body.insert(member.to_owned(), json!(value));
            }
        }
        Value::Object(body)
    }
}

/// Tells `null` from what is left out.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<Entry>, String> {
        Manifest::read(text, Some("demo"), Some("local")).map(|manifest| manifest.entries)
    }

    #[test]
    fn the_file_counts_more_than_options_and_an_entry_more_than_the_file() {
        let text = "region: eu\nkeys:\n- name: a\n- name: b\n  region: us\n  account: other\n";
        let places: Vec<_> = read(text)
            .unwrap()
            .into_iter()
            .map(|entry| (entry.account, entry.region))
            .collect();
        let place =
            |account: &str, region: &str| (Some(account.to_owned()), Some(region.to_owned()));
        assert_eq!(places, [place("demo", "eu"), place("other", "us")]);
        assert!(Manifest::read("keys: [{name: a}]", Some("demo"), None).is_err());
    }

    #[test]
    fn every_fault_is_told_with_its_place() {
        let text = "keys:\n- name: a\n  scop: {}\n- description: x\n- name: b\n- name: b\n\
                    - name: c\n  scope: {models: every}\n";
        let faults = read(text).unwrap_err();
        for place in [
            "keys[0]: unknown field `scop`",
            "keys[1]: missing field `name`",
            "keys[3]: b stands twice",
            "keys[4]: scope",
        ] {
            assert!(faults.contains(place), "{place}: {faults}");
        }
        assert!(read("keys: [{name: a}]\nregions: x").is_err());
    }

    #[test]
    fn what_is_left_out_is_not_said_and_null_is() {
        let text = "keys:\n- name: a\n- name: b\n  expires_at: null\n  scope: {models: all}\n  labels: {}\n";
        let entries = read(text).unwrap();
        assert_eq!(Value::Object(entries[0].policy()), json!({}));
        let said = json!({"expires_at": null, "labels": {},
            "scope": {"models": "all", "services": []}});
        assert_eq!(Value::Object(entries[1].policy()), said);
        let body = json!({"name": "a", "account": "demo", "region": "local"});
        assert_eq!(entries[0].body(), body);
    }
}
