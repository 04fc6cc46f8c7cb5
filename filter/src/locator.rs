//! Locators: where a request of a given method and path names its resources.
//!
//! One rule so far: a POST with a JSON body names a model in its top-level member `model`. Does
//! not read bodies.
//!
//! Invariant: an endpoint without a rule is [`Locator::None`]; nothing is guessed.

use crate::headers::HeaderMap;
use crate::json::Pattern;

/// Where the resources of a request are named.
#[derive(Clone, Copy, Debug)]
pub enum Locator {
    /// In a JSON body, at these places.
    JsonBody(&'static [Pattern]),
    /// No rule says where.
    None,
}

/// Why the body of a request cannot be read, though a rule says that it must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyRefusal {
    /// A Content-Encoding other than identity.
    Encoding,
    /// Not declared as JSON in UTF-8, or declared twice.
    ContentType,
}

const MODEL: &[Pattern] = &[Pattern::new(&["model"])];

/// The locator of a request.
pub fn locate(headers: &HeaderMap) -> Locator {
    let upgrade = headers.get(b"upgrade").is_some();
    match headers.get(b":method") {
        Some(b"POST") if !upgrade => Locator::JsonBody(MODEL),
        _ => Locator::None,
    }
}

/// Whether the headers declare a body that a JSON rule can read.
pub fn check_json_body(headers: &HeaderMap) -> Result<(), BodyRefusal> {
    let plain = |value: &[u8]| value.trim_ascii().eq_ignore_ascii_case(b"identity");
    if !headers
        .iter()
        .filter(|(name, _)| *name == b"content-encoding")
        .all(|(_, v)| plain(v))
    {
        return Err(BodyRefusal::Encoding);
    }
    match headers.get_single(b"content-type") {
        Ok(Some(value)) if is_json(value) => Ok(()),
        _ => Err(BodyRefusal::ContentType),
    }
}

/// `application/json` or `application/<any>+json`, with no parameter but `charset=utf-8`.
fn is_json(value: &[u8]) -> bool {
    let mut parts = value.split(|b| *b == b';').map(<[u8]>::trim_ascii);
    let media_type = parts.next().unwrap_or_default().to_ascii_lowercase();
    let known = media_type
        .strip_prefix(b"application/")
        .is_some_and(|subtype| {
            let plain = |b: &u8| b.is_ascii_alphanumeric() || b"-._+".contains(b);
            subtype.iter().all(plain) && (subtype == b"json" || subtype.ends_with(b"+json"))
        });
    known
        && parts.all(|parameter| {
            let parameter = parameter.to_ascii_lowercase();
            parameter == b"charset=utf-8" || parameter == b"charset=\"utf-8\""
        })
}
