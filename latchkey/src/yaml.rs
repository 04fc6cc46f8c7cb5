//! YAML as JSON values, and back.
//!
//! Does not judge what it reads. Invariant: what has no meaning in JSON is an error, never left out.

use serde_json::{Map, Value};
use yaml_rust2::yaml::Hash;
use yaml_rust2::{Yaml, YamlEmitter, YamlLoader};

/// The one document of a text.
pub(crate) fn read(text: &str) -> Result<Value, String> {
    let documents = YamlLoader::load_from_str(text).map_err(|error| error.to_string())?;
    match documents.as_slice() {
        [document] => value(document),
        documents => Err(format!("it has {} documents, not one", documents.len())),
    }
}

/// A value as text.
pub(crate) fn write(value: &Value) -> String {
    let mut text = String::new();
    // Writing into a text does not fail.
    let _ = YamlEmitter::new(&mut text).dump(&yaml(value));
    let body = text.strip_prefix("---\n").unwrap_or(&text);
    format!("{body}\n")
}

fn value(yaml: &Yaml) -> Result<Value, String> {
    Ok(match yaml {
        Yaml::String(text) => text.as_str().into(),
        Yaml::Integer(number) => (*number).into(),
        Yaml::Boolean(flag) => (*flag).into(),
        Yaml::Null => Value::Null,
        Yaml::Array(items) => Value::Array(items.iter().map(value).collect::<Result<_, _>>()?),
        Yaml::Hash(members) => Value::Object(object(members)?),
        Yaml::Real(text) => {
            let number: f64 = text.parse().map_err(|_| format!("{text} is no number"))?;
            number.into()
        }
        Yaml::Alias(_) | Yaml::BadValue => return Err("an alias leads nowhere".into()),
    })
}

fn object(members: &Hash) -> Result<Map<String, Value>, String> {
    let member = |(name, member): (&Yaml, &Yaml)| match name.as_str() {
        Some(name) => Ok((name.to_owned(), value(member)?)),
        None => Err(format!(
            "a name must be a text, not {name:?}: put it in quotes"
        )),
    };
    members.iter().map(member).collect()
}

fn yaml(value: &Value) -> Yaml {
    match value {
        Value::Null => Yaml::Null,
        Value::Bool(flag) => Yaml::Boolean(*flag),
        Value::Number(number) => match number.as_i64() {
            Some(number) => Yaml::Integer(number),
            None => Yaml::Real(number.to_string()),
        },
        Value::String(text) => Yaml::String(text.clone()),
        Value::Array(items) => Yaml::Array(items.iter().map(yaml).collect()),
        Value::Object(members) => {
            let member =
                |(name, member): (&String, &Value)| (Yaml::String(name.clone()), yaml(member));
            Yaml::Hash(members.iter().map(member).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_written_is_read_back() {
        let tree = json!({"a": [1, "1", null, true, {"b": "x: y"}], "c": "2027-01-01T00:00:00Z",
            "d": "yes", "e": "null", "f": ""});
        assert_eq!(read(&write(&tree)), Ok(tree));
    }

    #[test]
    fn names_that_stand_twice_and_odd_names_are_refused() {
        assert!(read("a: 1\na: 2\n").is_err());
        assert!(read("1: a\n").is_err());
        assert!(read("a: 1\n---\nb: 1\n").is_err());
        assert!(read("").is_err());
    }
}
