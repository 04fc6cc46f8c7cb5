//! Which request headers go on: all but those of other gateways for a key for everything, and for a
//! list-scoped key those alone that are known to choose neither model nor caller.
//!
//! The lists are `passed_headers.txt` and `removed_headers.txt`. Does not change a request.
//! Invariant: the gate's own headers and those for credentials are nobody's to grant.

use std::borrow::Cow;

use crate::header_names::{HeaderNames, Listed, patterns_of};
use crate::locator::KeyPlaces;

/// A name that is listed by its beginning alone does not pass if it holds one of these: it chooses.
const GUARDS: [&[u8]; 10] = [
    b"adapter",
    b"backend",
    b"deployment",
    b"fallback",
    b"lora",
    b"model",
    b"override",
    b"target",
    b"upstream",
    b"variant",
];
const OURS: &str = "x-latchkey-";
/// Shortest beginning that a configuration may let pass: `x-` would be nearly everything.
const BEGINNING_BYTES_MIN: usize = 4;

/// Which headers go on, by name.
#[derive(Debug)]
pub(super) struct HeaderAllowlist {
    passed: HeaderNames,
    removed: HeaderNames,
    /// What the configuration names in full, which passes whoever sends it.
    granted: HeaderNames,
}

/// Whose request it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Caller {
    /// One whose key is for everything.
    Unlimited,
    /// One whose key has a list.
    #[default]
    Limited,
}

impl HeaderAllowlist {
    /// The lists, and what a configuration adds to them. The error says what is wrong with it.
    pub(super) fn new(pass_headers: &[String], places: &KeyPlaces) -> Result<Self, String> {
        for pattern in pass_headers {
            check(pattern, places).map_err(|why| format!("pass_headers: `{pattern}` {why}"))?;
        }
        let own = pass_headers.iter().map(String::as_str);
        let known = patterns_of(include_str!("passed_headers.txt"));
        Ok(Self {
            passed: HeaderNames::new(known.chain(own.clone())),
            removed: HeaderNames::new(patterns_of(include_str!("removed_headers.txt"))),
            granted: HeaderNames::new(own.filter(|pattern| !pattern.ends_with('*'))),
        })
    }

    /// Whether a header, or a trailer, of this name goes on. Pseudo-headers are Envoy's own.
    pub(super) fn passes(&self, name: &[u8], caller: Caller) -> bool {
        if name.starts_with(b":") || self.granted.find(name).is_some() {
            return true;
        }
        if self.removed.may_hold(name) && self.removed.find(&canonical(name)).is_some() {
            return false;
        }
        match caller {
            Caller::Unlimited => true,
            Caller::Limited => match self.passed.find(name) {
                Some(Listed::ByName) => true,
                Some(Listed::ByBeginning) => !chooses(name),
                None => false,
            },
        }
    }
}

/// A name as a server sees it that minds no case and takes `_` and `-` for the same.
pub(super) fn canonical(name: &[u8]) -> Cow<'_, [u8]> {
    let spelled = |byte: &u8| match byte {
        b'_' => b'-',
        other => other.to_ascii_lowercase(),
    };
    match name.iter().all(|byte| spelled(byte) == *byte) {
        true => Cow::Borrowed(name),
        false => Cow::Owned(name.iter().map(spelled).collect()),
    }
}

fn chooses(name: &[u8]) -> bool {
    let holds = |guard: &[u8]| name.windows(guard.len()).any(|part| part == guard);
    GUARDS.iter().any(|guard| holds(guard))
}

/// Whether a configuration may let this pass.
fn check(pattern: &str, places: &KeyPlaces) -> Result<(), &'static str> {
    let name = pattern.strip_suffix('*').unwrap_or(pattern);
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b);
    if name.is_empty() || !name.bytes().all(plain) {
        return Err("is no header name in lower case, with at most one `*` at its end");
    }
    if pattern != name && name.len() < BEGINNING_BYTES_MIN {
        return Err("would let nearly everything pass: write more of the name before `*`");
    }
    let spelled = canonical(name.as_bytes());
    if spelled.starts_with(OURS.as_bytes()) {
        return Err("is the gate's own: it says these itself");
    }
    if places.reads(&spelled) {
        return Err("is read as a credential and never goes on");
    }
    Ok(())
}
