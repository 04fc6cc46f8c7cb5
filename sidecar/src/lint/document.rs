//! The file as a tree: YAML or JSON, a bootstrap or a config dump, with one spelling of names.
//!
//! It does not judge. Invariant: a [`Document`] has a bootstrap; listeners, clusters and routes
//! that xDS brought stand beside those of the bootstrap.

use std::fmt;

use serde_json::{Map, Value};
use yaml_rust2::{Yaml, YamlLoader};

use super::value::list;

/// Members of a bootstrap, of which at least one must be there.
const BOOTSTRAP: [&str; 3] = ["static_resources", "dynamic_resources", "admin"];

/// Where the type of a message stands.
const TYPE: &str = "@type";

/// What Envoy is configured with.
#[derive(Debug)]
pub(super) struct Document {
    pub(super) bootstrap: Value,
    /// Whether a running Envoy has said it.
    pub(super) is_dump: bool,
    listeners: Vec<Value>,
    clusters: Vec<Value>,
    routes: Vec<Value>,
    extensions: Vec<Value>,
}

/// Why a text is no configuration of Envoy.
#[derive(Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// Neither YAML nor JSON.
    Syntax(String),
    /// No bootstrap and no config dump.
    Foreign,
    /// A config dump of a part only.
    Part,
}

impl Document {
    /// Reads a text.
    pub(super) fn read(text: &str) -> Result<Self, Unreadable> {
        let tree = one_spelling(tree_of(text)?);
        if tree.get("configs").is_some() {
            return Self::of_dump(&tree);
        }
        if BOOTSTRAP.iter().all(|name| tree.get(name).is_none()) {
            return Err(Unreadable::Foreign);
        }
        Ok(Self::of_bootstrap(tree))
    }

    fn of_bootstrap(bootstrap: Value) -> Self {
        let statics = |kind: &str| list(&bootstrap, &format!("/static_resources/{kind}")).to_vec();
        Self {
            listeners: statics("listeners"),
            clusters: statics("clusters"),
            routes: Vec::new(),
            extensions: Vec::new(),
            is_dump: false,
            bootstrap,
        }
    }

    fn of_dump(dump: &Value) -> Result<Self, Unreadable> {
        let configs = list(dump, "/configs");
        let bootstrap = configs.iter().find_map(|config| config.get("bootstrap"));
        let mut document = Self::of_bootstrap(bootstrap.ok_or(Unreadable::Part)?.clone());
        let brought = |kind: &str, path: &str| -> Vec<Value> {
            let parts = configs.iter().flat_map(|config| list(config, kind));
            parts
                .filter_map(|part| part.pointer(path).cloned())
                .collect()
        };
        let listeners = brought("/dynamic_listeners", "/active_state/listener");
        document.listeners.extend(listeners);
        let clusters = brought("/dynamic_active_clusters", "/cluster");
        document.clusters.extend(clusters);
        document.routes = brought("/dynamic_route_configs", "/route_config");
        document.is_dump = true;
        document.extensions = brought("/ecds_filters", "/ecds_filter");
        Ok(document)
    }

    /// All listeners.
    pub(super) fn listeners(&self) -> &[Value] {
        &self.listeners
    }

    /// The cluster of this name.
    pub(super) fn cluster(&self, name: &str) -> Option<&Value> {
        named(&self.clusters, name)
    }

    /// The route configuration of this name that xDS brought.
    pub(super) fn routes(&self, name: &str) -> Option<&Value> {
        named(&self.routes, name)
    }

    /// The configuration of an HTTP filter that xDS brought by its own.
    pub(super) fn extension(&self, name: &str) -> Option<&Value> {
        named(&self.extensions, name)
    }
}

fn named<'v>(values: &'v [Value], name: &str) -> Option<&'v Value> {
    let is_it = |value: &&Value| value.get("name").and_then(Value::as_str) == Some(name);
    values.iter().find(is_it)
}

fn tree_of(text: &str) -> Result<Value, Unreadable> {
    let syntax = |error: &dyn fmt::Display| Unreadable::Syntax(error.to_string());
    if text.trim_start().starts_with('{') {
        return serde_json::from_str(text).map_err(|error| syntax(&error));
    }
    let documents = YamlLoader::load_from_str(text).map_err(|error| syntax(&error))?;
    match documents.as_slice() {
        [document] => Ok(value_of(document)),
        _ => Err(Unreadable::Foreign),
    }
}

fn value_of(yaml: &Yaml) -> Value {
    match yaml {
        Yaml::String(text) => Value::String(text.clone()),
        Yaml::Integer(number) => Value::from(*number),
        Yaml::Real(text) => text.parse::<f64>().map_or(Value::Null, Value::from),
        Yaml::Boolean(flag) => Value::Bool(*flag),
        Yaml::Array(items) => items.iter().map(value_of).collect(),
        Yaml::Hash(members) => {
            let member = |(name, value)| Some((name_of(name)?, value_of(value)));
            Value::Object(members.iter().filter_map(member).collect())
        }
        Yaml::Null | Yaml::Alias(_) | Yaml::BadValue => Value::Null,
    }
}

fn name_of(yaml: &Yaml) -> Option<String> {
    match yaml {
        Yaml::String(text) | Yaml::Real(text) => Some(text.clone()),
        Yaml::Integer(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Envoy takes `useRemoteAddress` for `use_remote_address`, and nothing for null.
fn one_spelling(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(one_spelling).collect(),
        Value::Object(members) => {
            let members = members.into_iter().filter(|(_, value)| !value.is_null());
            let member = |(name, value): (String, Value)| (snake(&name), one_spelling(value));
            unwrapped(members.map(member).collect())
        }
        plain => plain,
    }
}

/// A message that travels as a TypedStruct, as itself.
fn unwrapped(mut members: Map<String, Value>) -> Value {
    let is_wrapped = members
        .get(TYPE)
        .and_then(Value::as_str)
        .is_some_and(|kind| {
            kind.ends_with("type.v1.TypedStruct") || kind.ends_with("type.v3.TypedStruct")
        });
    match (
        is_wrapped,
        members.remove("type_url"),
        members.remove("value"),
    ) {
        (true, Some(kind), Some(Value::Object(mut value))) => {
            value.insert(TYPE.to_owned(), kind);
            Value::Object(value)
        }
        (_, kind, value) => {
            members.extend(kind.map(|kind| ("type_url".to_owned(), kind)));
            members.extend(value.map(|value| ("value".to_owned(), value)));
            Value::Object(members)
        }
    }
}

/// Names with a dot or an `@` are no members: filters, metadata, types.
fn snake(name: &str) -> String {
    if name.contains(['.', '@', '-']) {
        return name.to_owned();
    }
    name.chars().fold(String::new(), |mut text, letter| {
        if letter.is_ascii_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.push(letter.to_ascii_lowercase());
        text
    })
}

// === impl Unreadable ===

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(why) => write!(f, "neither YAML nor JSON: {why}"),
            Self::Foreign => f.write_str(
                "no bootstrap and no config dump of Envoy: give the file of --config-path, or \
                 what /config_dump of the admin interface answers",
            ),
            Self::Part => f.write_str(
                "a part of a config dump: give all that /config_dump answers, without ?resource=",
            ),
        }
    }
}

impl std::error::Error for Unreadable {}
