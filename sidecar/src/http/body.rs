//! The body of a call: one JSON object of bounded size.
//!
//! Does not know which members a call has. Invariants: no member stands twice at any depth, so
//! that no two readers can pick different ones; no text at any depth holds a credential, but in the
//! few members that are there to take one.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::web::Bytes;
use actix_web::{Error, FromRequest, HttpRequest};
use keytable::{CredentialKind, find_credential};
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::http::problem::{FieldError, Problem};

/// Members that are there to take a secret: it is hashed or sealed, and never shown. `ApiKey` is the
/// cloud API's, for looking a key up by its value.
const SECRET_MEMBERS: [&str; 6] = [
    "password",
    "current",
    "setup_secret",
    "totp",
    "key",
    "ApiKey",
];

/// Longest body, in bytes.
pub(crate) const BODY_BYTES_MAX: usize = 256 * 1024;

/// The members of the body's object.
#[derive(Debug)]
pub(crate) struct JsonObject(pub(crate) Map<String, Value>);

/// The members of the body's object; none if there is no body.
#[derive(Debug)]
pub(crate) struct MaybeJsonObject(pub(crate) JsonObject);

/// A JSON value without members that stand twice.
struct Unique(Value);

struct UniqueVisitor;

impl JsonObject {
    /// Reads the object that a body is.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Problem> {
        let Unique(value) = serde_json::from_slice(bytes)
            .map_err(|error| Problem::malformed_body(&error.to_string()))?;
        match value {
            Value::Object(members) => {
                refuse_credentials(&members)?;
                Ok(Self(members))
            }
            _ => Err(Problem::invalid_fields(vec![FieldError::new(
                "",
                "must be an object",
            )])),
        }
    }
}

/// Refuses texts that hold a credential, wherever they stand: they would be stored, told and logged.
fn refuse_credentials(members: &Map<String, Value>) -> Result<(), Problem> {
    let mut errors = Vec::new();
    for (name, value) in members {
        let is_secret = SECRET_MEMBERS.contains(&name.as_str());
        note_credentials("", name, &mut errors);
        if !is_secret || !value.is_string() {
            find_credentials(name, value, &mut errors);
        }
    }
    match errors.is_empty() {
        true => Ok(()),
        false => Err(Problem::invalid_fields(errors)),
    }
}

fn find_credentials(place: &str, value: &Value, errors: &mut Vec<FieldError>) {
    match value {
        Value::String(text) => note_credentials(place, text, errors),
        Value::Array(items) => (0..).zip(items).for_each(|(index, item): (usize, _)| {
            find_credentials(&format!("{place}[{index}]"), item, errors);
        }),
        Value::Object(members) => members.iter().for_each(|(name, value)| {
            note_credentials(place, name, errors);
            find_credentials(&format!("{place}.{name}"), value, errors);
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn note_credentials(place: &str, text: &str, errors: &mut Vec<FieldError>) {
    errors.extend(credential_fault(text).map(|detail| FieldError::new(place, detail)));
}

/// What is wrong with a text that is to be stored; `None` if it holds no credential.
pub(crate) fn credential_fault(text: &str) -> Option<String> {
    let owner = match find_credential(text.as_bytes())? {
        CredentialKind::Own => "an API key or token of this installation's format",
        CredentialKind::Foreign(owner) => owner,
        CredentialKind::Drawn => "random letters and digits, as keys have",
    };
    Some(format!(
        "reads as a credential ({owner}), which does not belong here: leave it out, and replace \
         that credential if it is one"
    ))
}

fn refusal(error: &Error) -> Problem {
    match error.as_error::<PayloadError>() {
        Some(PayloadError::Overflow) => Problem::too_large(BODY_BYTES_MAX),
        _ => Problem::malformed_body("the body ended early"),
    }
}

// === impl JsonObject ===

impl FromRequest for JsonObject {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let bytes = Bytes::from_request(request, payload);
        Box::pin(async move { Self::parse(&bytes.await.map_err(|error| refusal(&error))?) })
    }
}

// === impl MaybeJsonObject ===

impl FromRequest for MaybeJsonObject {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let bytes = Bytes::from_request(request, payload);
        Box::pin(async move {
            let bytes = bytes.await.map_err(|error| refusal(&error))?;
            let object = match bytes.is_empty() {
                true => JsonObject(Map::new()),
                false => JsonObject::parse(&bytes)?,
            };
            Ok(Self(object))
        })
    }
}

// === impl Unique ===

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(UniqueVisitor).map(Self)
    }
}

impl<'de> Visitor<'de> for UniqueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Unique(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let Unique(value) = members.next_value()?;
            if map.contains_key(&name) {
                return Err(de::Error::custom("a member stands twice: give it once"));
            }
            map.insert(name, value);
        }
        Ok(map.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "sk-ant-api03-AbCdEfGhIjKlMnOpQrStUvWx0123456789";

    fn faults(body: &Value) -> Vec<String> {
        match JsonObject::parse(body.to_string().as_bytes()) {
            Ok(_) => Vec::new(),
            Err(problem) => {
                assert!(!problem.explanation().contains(KEY));
                let errors = problem.errors().iter();
                errors.map(|error| error.field.clone()).collect()
            }
        }
    }

    #[test]
    fn a_credential_is_refused_at_any_depth() {
        let body = serde_json::json!({
            "name": KEY, "scope": {"models": ["glm", KEY], "services": "all"},
            "list": [{"a": [format!("x {KEY}")]}], "password": [KEY], "fine": "glm-5.1",
        });
        let places = ["list[0].a[0]", "name", "password[0]", "scope.models[1]"];
        assert_eq!(faults(&body), places);
        let named = serde_json::json!({ KEY: 1, "a": { KEY: 1 } });
        assert_eq!(faults(&named), ["a", ""]);
    }

    #[test]
    fn members_that_take_a_secret_may_have_one() {
        for name in SECRET_MEMBERS {
            assert_eq!(faults(&serde_json::json!({ name: KEY })), [""; 0], "{name}");
        }
    }
}
