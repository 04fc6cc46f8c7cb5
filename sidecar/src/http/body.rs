//! The body of a call: one JSON object of bounded size.
//!
//! Does not know which members a call has. Invariant: no member stands twice at any depth, so
//! that no two readers can pick different ones.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::web::Bytes;
use actix_web::{Error, FromRequest, HttpRequest};
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::http::problem::{FieldError, Problem};

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
            Value::Object(members) => Ok(Self(members)),
            _ => Err(Problem::invalid_fields(vec![FieldError::new(
                "",
                "must be an object",
            )])),
        }
    }
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
