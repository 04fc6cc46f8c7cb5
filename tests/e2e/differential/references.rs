//! Reference readers in Rust: what serde_json and multer take for the model of a request.
//!
//! Each gives `[reader, names]`, as the scripts for Python and Node do. What cannot be read names
//! nothing.

use std::convert::Infallible;
use std::fmt;

use futures_util::stream;
use multer::Multipart;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value, json};

use super::corpus::Sample;

/// The members that name models.
const MEMBERS: [&str; 3] = ["model", "models", "fallbacks"];

/// The readings of a sample.
pub(super) fn read(sample: &Sample) -> Value {
    let last: Value = serde_json::from_slice(&sample.body).unwrap_or_default();
    let first = serde_json::from_slice(&sample.body).map_or(Value::Null, |First(map)| map.into());
    let names = |body: Value| MEMBERS.map(|member| body[member].clone());
    json!([
        ["serde_json", names(last)],
        ["serde_json, first", names(first)],
        ["multer", models_in_form(&sample.content_type, &sample.body)],
    ])
}

/// An object of which the first of repeated members counts.
struct First(Map<String, Value>);

// === impl First ===

impl<'de> Deserialize<'de> for First {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Members)
    }
}

struct Members;

impl<'de> Visitor<'de> for Members {
    type Value = First;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<First, A::Error> {
        let mut first = Map::new();
        while let Some((name, value)) = object.next_entry::<String, Value>()? {
            first.entry(name).or_insert(value);
        }
        Ok(First(first))
    }
}

/// What multer reads in the fields `model` of a form.
pub(crate) fn models_in_form(content_type: &str, body: &[u8]) -> Vec<String> {
    let Ok(boundary) = multer::parse_boundary(content_type) else {
        return Vec::new();
    };
    let chunk = Ok::<Vec<u8>, Infallible>(body.to_vec());
    let mut form = Multipart::new(stream::iter([chunk]), boundary);
    let mut models = Vec::new();
    futures_util::future::FutureExt::now_or_never(async {
        while let Ok(Some(field)) = form.next_field().await {
            let is_model = field.name() == Some("model");
            match field.text().await {
                Ok(text) if is_model => models.push(text),
                Ok(_) => {}
                Err(_) => break,
            }
        }
    });
    models
}
