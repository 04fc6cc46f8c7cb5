//! Names in paths and queries: decoded once, in one way, or refused.
//!
//! Does not judge a name. Invariant: a name that a second decoding, another case of its parameter
//! or a repetition would change is an error.

use std::borrow::Cow;

use keytable::scope::name_is_sound;

use super::{Kind, Rule};
use crate::chooser::{ChooserKind, Choosers, Sense, steps};
use crate::flaw::Flaw;
use crate::mention::Mention;

/// Query parameters that name a resource to some server, whatever the endpoint.
const NAMING_PARAMETERS: [&str; 2] = ["model", "deployment"];

/// Most parameters of one query that name a resource.
const QUERY_NAMES_MAX: usize = 64;

const ODD: &str = "a name in the path or query is malformed or can be read in two ways";
const ODD_PATH: &str = "its path can be read in two ways";
const BY_REFERENCE: &str = "a parameter chooses its model by a reference";
const REPEATED: &str = "a parameter that names a model is repeated or oddly written";

/// The path without its query.
pub fn path_only(path: &[u8]) -> &[u8] {
    path.split(|b| *b == b'?').next().unwrap_or_default()
}

/// A captured piece of a path as a name.
pub(super) fn decode(raw: &[u8]) -> Result<String, &'static str> {
    let bytes = percent_decode(raw).ok_or(ODD)?;
    let name = std::str::from_utf8(&bytes).map_err(|_| ODD)?;
    let dots = name
        .split('/')
        .any(|segment| matches!(segment, "." | ".." | ""));
    let again = percent_decode(name.as_bytes()).is_none_or(|twice| *twice != *name.as_bytes());
    let plain = name_is_sound(name) && !name.contains(['\\', ';']);
    if dots || again || !plain {
        Err(ODD)
    } else {
        Ok(name.to_owned())
    }
}

/// Refuses a path that some servers would read as another one: empty or dot segments, backslashes,
/// path parameters, or what a second decoding would change.
pub fn check_path(path: &[u8]) -> Result<(), Flaw> {
    let inside = path.strip_prefix(b"/").unwrap_or(path);
    if inside.is_empty() {
        return Ok(());
    }
    decode(inside).map(drop).map_err(|_| ODD_PATH.into())
}

/// The values of every query parameter that names a resource; one that names a model to every
/// server once, and in one spelling.
pub(super) fn in_query(
    query: &[u8],
    rule: &Rule,
    choosers: &Choosers,
) -> Result<Vec<Mention>, Flaw> {
    let mut names = Vec::new();
    let mut seen = [false; NAMING_PARAMETERS.len()];
    for pair in query.split(|byte| matches!(byte, b'&' | b';' | b'?')) {
        let (raw, value) = split_pair(pair);
        let name = percent_decode(raw).ok_or(ODD)?;
        let place = || {
            Some(format!(
                "the query parameter `{}`",
                String::from_utf8_lossy(&name)
            ))
        };
        let flaw = |what| Flaw::at(what, place());
        if !must_be_read(&name, &mut seen, rule.kind, choosers).map_err(flaw)? {
            continue;
        }
        if names.len() == QUERY_NAMES_MAX {
            return Err(flaw(REPEATED));
        }
        names.push(Mention {
            name: decode(&with_blanks(value)).map_err(flaw)?,
            place: Some(format!("query:{}", String::from_utf8_lossy(&name))),
            is_read: rule.query.iter().any(|read| read.as_bytes() == &*name),
        });
    }
    Ok(names)
}

/// Whether a parameter names a resource; `seen`: which of those were there that do so to every server.
fn must_be_read(
    name: &[u8],
    seen: &mut [bool; NAMING_PARAMETERS.len()],
    kind: Kind,
    choosers: &Choosers,
) -> Result<bool, &'static str> {
    let again = percent_decode(name).is_none_or(|twice| *twice != *name);
    if again || name.iter().any(u8::is_ascii_control) {
        return Err(ODD);
    }
    let known = NAMING_PARAMETERS.iter().zip(seen);
    let mut alike = known.filter(|(known, _)| alike(name, known.as_bytes()));
    match alike.next() {
        Some((known, seen)) => {
            let is_first = !std::mem::replace(seen, true);
            let is_exact = known.as_bytes() == name;
            (is_exact && is_first).then_some(true).ok_or(REPEATED)
        }
        None => chooses(name, kind, choosers),
    }
}

/// Whether a parameter chooses by its name, where something is run or described.
fn chooses(name: &[u8], kind: Kind, choosers: &Choosers) -> Result<bool, &'static str> {
    if !matches!(kind, Kind::Infer | Kind::Item) {
        return Ok(false);
    }
    let name = String::from_utf8_lossy(name);
    match choosers.sense_of_steps(steps(&name)) {
        Sense::Chooser(ChooserKind::Ref) => Err(BY_REFERENCE),
        Sense::Chooser(_) => Ok(true),
        Sense::Opaque | Sense::Schema | Sense::Plain => Ok(false),
    }
}

/// In a query, a plus sign is a blank.
fn with_blanks(value: &[u8]) -> Vec<u8> {
    let blank = |byte: &u8| if *byte == b'+' { b' ' } else { *byte };
    value.iter().map(blank).collect()
}

/// Whether some server takes this parameter for the known one: other case, brackets, blanks.
fn alike(name: &[u8], known: &[u8]) -> bool {
    let end = name
        .iter()
        .position(|byte| *byte == b'[')
        .unwrap_or(name.len());
    name.get(..end)
        .is_some_and(|bare| bare.trim_ascii().eq_ignore_ascii_case(known))
}

fn split_pair(pair: &[u8]) -> (&[u8], &[u8]) {
    match pair
        .iter()
        .position(|byte| *byte == b'=')
        .and_then(|at| pair.split_at_checked(at))
    {
        Some((name, value)) => (name, value.get(1..).unwrap_or_default()),
        None => (pair, &[]),
    }
}

/// Decodes `%XX` once. `None` if a `%` is not followed by two hexadecimal digits.
fn percent_decode(raw: &[u8]) -> Option<Cow<'_, [u8]>> {
    if !raw.contains(&b'%') {
        return Some(Cow::Borrowed(raw));
    }
    let mut out = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some((byte, after)) = rest.split_first() {
        if *byte != b'%' {
            out.push(*byte);
            rest = after;
            continue;
        }
        let (digits, after) = after.split_first_chunk::<2>()?;
        let text = std::str::from_utf8(digits).ok()?;
        let hexadecimal = digits.iter().all(u8::is_ascii_hexdigit);
        out.push(u8::from_str_radix(text, 16).ok().filter(|_| hexadecimal)?);
        rest = after;
    }
    Some(Cow::Owned(out))
}
