//! The list of operations and of what is answered otherwise, as the files beside this one hold it.
//!
//! `recorded.jsonl` is made by `record.py`, which calls each method of the installed SDKs, `described.jsonl` by
//! `describe.py` from the APIs' own descriptions; `servers.json` is written by hand after what servers are known to
//! serve; `exceptions.json` what is refused all the same, and what needs no grant, each with its reason. Sends
//! nothing. Invariant: each test that asks this list has the same operations.

use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::Value;

/// The model that every operation names which takes one.
pub(crate) const MODEL: &str = "good-1";
/// What the list key with every grant may call.
pub(crate) const EVERY_MODEL: [&str; 4] = [
    MODEL,
    "anthropic/good-1",
    "tunedModels/good-1",
    "dynamic/good-1",
];

static BUILT_IN: LazyLock<Value> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../../locator/src/rules/default.json")).unwrap()
});

/// What a method of an SDK has called, or what an API describes.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Operation {
    pub(crate) sdk: String,
    /// The method, dotted, or the operation as it is described.
    pub(crate) name: String,
    /// HTTP's method and the path; `{m}` is where the profile is mounted.
    pub(crate) call: String,
    #[serde(default)]
    pub(crate) upgrade: bool,
    /// Names and texts of a form's fields; a file has no text.
    #[serde(default)]
    pub(crate) form: Option<Vec<(String, Option<String>)>>,
    #[serde(default)]
    pub(crate) r#type: Option<String>,
    #[serde(default)]
    pub(crate) body: Option<String>,
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
pub(crate) struct Exception {
    /// Of these SDKs; of all if there is none.
    #[serde(default)]
    sdks: Vec<String>,
    /// Method and path, `{m}` for a mount; `*` at the end for all that begin so.
    calls: Vec<String>,
    /// With a body of this type alone.
    #[serde(default)]
    r#type: Option<String>,
    #[serde(rename = "why")]
    _why: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Exceptions {
    /// Refused to a list key, whatever it is granted.
    pub(crate) refused: Vec<Exception>,
    /// Served to a list key that is granted nothing.
    pub(crate) open: Vec<Exception>,
}

pub(crate) fn operations() -> Vec<Operation> {
    let files = [
        include_str!("recorded.jsonl"),
        include_str!("described.jsonl"),
    ];
    let lines = files.into_iter().flat_map(str::lines);
    let called = lines.map(|line| serde_json::from_str(line).unwrap());
    let servers: Vec<Server> = serde_json::from_str(include_str!("servers.json")).unwrap();
    called
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
    let profile = sdk.split('-').next().unwrap();
    let mut profiles = BUILT_IN["profiles"].as_array().unwrap().iter();
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
    pub(crate) fn calls(&self) -> Vec<String> {
        match self.call.contains("{m}") {
            true => mounts(&self.sdk)
                .iter()
                .map(|mount| self.call.replacen("{m}", mount, 1))
                .collect(),
            false => vec![self.call.clone()],
        }
    }
}

impl Exception {
    pub(crate) fn is_of(&self, operation: &Operation) -> bool {
        let of_sdk = self.sdks.is_empty() || self.sdks.contains(&operation.sdk);
        let of_type = self.r#type.is_none() || self.r#type == operation.r#type;
        of_sdk
            && of_type
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

pub(crate) fn exceptions() -> Exceptions {
    serde_json::from_str(include_str!("exceptions.json")).unwrap()
}
