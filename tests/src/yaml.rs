//! YAML as JSON values: manifests, and pieces of Envoy's configuration in them.
//!
//! Does not judge. Invariant: what cannot be read ends the test.

use serde_json::Value;
use yaml_rust2::{Yaml, YamlLoader};

/// The documents of a text, in their order.
pub fn documents(text: &str) -> Vec<Value> {
    let documents = YamlLoader::load_from_str(text).unwrap_or_else(|why| panic!("{why}: {text}"));
    documents.iter().map(value).collect()
}

/// The one document of a text.
pub fn document(text: &str) -> Value {
    let mut documents = documents(text);
    assert_eq!(documents.len(), 1, "one document");
    documents.remove(0)
}

fn value(yaml: &Yaml) -> Value {
    match yaml {
        Yaml::String(text) => Value::from(text.as_str()),
        Yaml::Integer(number) => Value::from(*number),
        Yaml::Real(text) => Value::from(text.parse::<f64>().unwrap()),
        Yaml::Boolean(flag) => Value::from(*flag),
        Yaml::Array(items) => items.iter().map(value).collect(),
        Yaml::Hash(members) => {
            let member = |(name, member)| (name_of(name), value(member));
            Value::Object(members.iter().map(member).collect())
        }
        Yaml::Null => Value::Null,
        Yaml::Alias(_) | Yaml::BadValue => panic!("{yaml:?}"),
    }
}

fn name_of(yaml: &Yaml) -> String {
    yaml.as_str().expect("names are text").to_owned()
}
