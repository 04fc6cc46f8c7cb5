//! A request that nobody makes, as `POST /v1/keys/{id}/check` describes it.
//!
//! Does not judge it. Invariant: what cannot be such a request is refused with the field that is
//! wrong.

use keytable::ClientAddress;
use locator::headers::HeaderMap;
use locator::{KeyPlaces, LocatorConfig, Locators};
use serde_json::Value;

use crate::domain::clock::UnixMillis;
use crate::http::body::JsonObject;
use crate::http::fields::{Fields, Read, fault, invalid, parsed, string, text};
use crate::http::problem::{FieldError, Problem};

/// Resources that one request may name.
const RESOURCES_MAX: usize = 100;
/// Longest path that is looked at, in bytes.
const PATH_BYTES_MAX: usize = 8 * 1024;
/// Most headers of one request.
const HEADERS_MAX: usize = 100;

/// A request that nobody makes.
#[derive(Debug)]
pub(super) struct Imagined {
    pub(super) address: Option<ClientAddress>,
    pub(super) at: UnixMillis,
    /// What it names, if that is said instead of the body.
    pub(super) resources: Option<Vec<String>>,
    /// Method, path and headers; `None` without a path.
    pub(super) headers: Option<HeaderMap>,
    pub(super) body: Vec<u8>,
    /// The gate's rules.
    pub(super) rules: LocatorConfig,
    /// Where the gate reads keys.
    pub(super) key_places: KeyPlaces,
}

/// Reads the call's body.
pub(super) fn imagined(body: JsonObject, now: UnixMillis) -> Result<Imagined, Problem> {
    let mut fields = Fields::of(body);
    if fields.has("model") {
        let instead = "is given instead of `model`, which the body names: give one of them";
        fields.refuse(&["body"], instead);
    }
    let address = fields.optional("ip", |value| address(&value));
    let at = fields.optional("at", |value| parsed(&value, UnixMillis::parse_rfc3339));
    let resources = fields.optional("model", |value| resources(&value));
    let method = fields.optional("method", |value| method(&value));
    let path = fields.optional("path", |value| path(&value));
    let sent = fields.optional("headers", headers).unwrap_or_default();
    let body = fields.optional("body", payload).unwrap_or_default();
    let rules = fields.optional("locators", rules).unwrap_or_default();
    let places = fields.optional("key_places", key_places);
    fields.finish().map_err(invalid)?;
    let method = method.unwrap_or_else(|| "POST".to_owned());
    Ok(Imagined {
        address,
        at: at.unwrap_or(now),
        resources,
        headers: path.map(|path| head(&method, &path, sent)),
        body,
        rules,
        key_places: places.unwrap_or_default(),
    })
}

/// All headers, with the content type of JSON if none is said.
fn head(method: &str, path: &str, mut sent: Vec<(String, String)>) -> HeaderMap {
    if !sent.iter().any(|(name, _)| name == "content-type") {
        sent.push(("content-type".to_owned(), "application/json".to_owned()));
    }
    let mut pairs: Vec<(&[u8], &[u8])> =
        vec![(b":method", method.as_bytes()), (b":path", path.as_bytes())];
    pairs.extend(
        sent.iter()
            .map(|(name, value)| (name.as_bytes(), value.as_bytes())),
    );
    HeaderMap::from_pairs(&pairs)
}

fn address(value: &Value) -> Read<ClientAddress> {
    let address = ClientAddress::parse(text(value)?.as_bytes());
    address.map_or_else(|| fault("must be an IP address"), Ok)
}

/// One name, or a list of all that the request names.
fn resources(value: &Value) -> Read<Vec<String>> {
    match value {
        Value::String(name) => Ok(vec![name.clone()]),
        Value::Array(items) if items.len() > RESOURCES_MAX => {
            fault(format!("must have at most {RESOURCES_MAX} names"))
        }
        Value::Array(items) => {
            let name = |(index, item): (usize, &Value)| {
                let name = item.as_str().map(str::to_owned);
                let wrong = || FieldError::new(format!("[{index}]"), "must be a string");
                name.ok_or_else(|| vec![wrong()])
            };
            items.iter().enumerate().map(name).collect()
        }
        _ => fault("must be a name, or a list of names"),
    }
}

fn method(value: &Value) -> Read<String> {
    let text = text(value)?;
    let is_word = !text.is_empty() && text.bytes().all(|b| b.is_ascii_uppercase());
    if is_word {
        Ok(text.to_owned())
    } else {
        fault("must be a method, as POST")
    }
}

fn path(value: &Value) -> Read<String> {
    let text = text(value)?;
    if text.starts_with('/') && text.len() <= PATH_BYTES_MAX {
        Ok(text.to_owned())
    } else {
        fault("must be a path, as /v1/chat/completions")
    }
}

/// Names in lower case, as Envoy gives them.
fn headers(value: Value) -> Read<Vec<(String, String)>> {
    let Value::Object(members) = value else {
        return fault("must be an object of header names and values");
    };
    if members.len() > HEADERS_MAX {
        return fault(format!("must have at most {HEADERS_MAX} headers"));
    }
    let header = |(name, value): (String, Value)| match string(&value) {
        Ok(value) if !name.starts_with(':') => Ok((name.to_ascii_lowercase(), value)),
        _ => fault("must have header names, each with a string"),
    };
    members.into_iter().map(header).collect()
}

/// A text is the body byte by byte; anything else is the body as JSON.
fn payload(value: Value) -> Read<Vec<u8>> {
    match value {
        Value::Null => Ok(Vec::new()),
        Value::String(text) => Ok(text.into_bytes()),
        json => Ok(json.to_string().into_bytes()),
    }
}

/// The member `key_places` of the gate's configuration.
fn key_places(value: Value) -> Read<KeyPlaces> {
    let places = serde_json::from_value::<KeyPlaces>(value);
    places.map_or_else(|error| fault(error.to_string()), Ok)
}

/// The member `locators` of the gate's configuration.
fn rules(value: Value) -> Read<LocatorConfig> {
    let config = serde_json::from_value::<LocatorConfig>(value);
    let compiled = config
        .map_err(|error| error.to_string())
        .and_then(|config| Locators::compile(&config).map(|_| config));
    compiled.or_else(fault)
}
