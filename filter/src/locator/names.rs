//! Names in paths and queries: decoded once, in one way, or refused.
//!
//! Does not judge a name. Invariant: a name that a second decoding, another case of its parameter
//! or a repetition would change is an error.

use std::borrow::Cow;

use keytable::scope::name_is_sound;

use super::rules::Norm;

/// Query parameters that name a resource to some server, whatever the endpoint.
const NAMING_PARAMETERS: [&[u8]; 2] = [b"model", b"deployment"];

/// Why a name in a path or query cannot be used. Says so to the client.
pub type NameError = &'static str;

const ODD: NameError = "a name in the path or query is malformed or can be read in two ways";
const ODD_PATH: NameError = "its path can be read in two ways";
const REPEATED: NameError = "a parameter that names a model is repeated or oddly written";

/// A captured piece of a path as a name.
pub(super) fn decode(raw: &[u8]) -> Result<String, NameError> {
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
pub fn check_path(path: &[u8]) -> Result<(), NameError> {
    let inside = path.strip_prefix(b"/").unwrap_or(path);
    if inside.is_empty() {
        return Ok(());
    }
    decode(inside).map(drop).map_err(|_| ODD_PATH)
}

/// The values of every query parameter that names a resource; each parameter once, in one
/// spelling.
pub fn in_query(query: &[u8]) -> Result<Vec<String>, NameError> {
    let mut names = Vec::new();
    let mut seen = [false; NAMING_PARAMETERS.len()];
    for pair in query.split(|byte| matches!(byte, b'&' | b';' | b'?')) {
        let (raw, value) = split_pair(pair);
        let name = percent_decode(raw).ok_or(ODD)?;
        if name.iter().any(u8::is_ascii_control) {
            return Err(ODD);
        }
        let Some(index) = NAMING_PARAMETERS
            .iter()
            .position(|known| alike(&name, known))
        else {
            continue;
        };
        let exact = NAMING_PARAMETERS
            .get(index)
            .is_some_and(|known| *name == **known);
        let first = seen
            .get_mut(index)
            .is_some_and(|seen| !std::mem::replace(seen, true));
        if !exact || !first {
            return Err(REPEATED);
        }
        let value: Vec<u8> = value
            .iter()
            .map(|byte| if *byte == b'+' { b' ' } else { *byte })
            .collect();
        names.push(decode(&value)?);
    }
    Ok(names)
}

/// The other spellings by which the same server knows a name.
pub fn other_spellings(name: &str, norm: Norm) -> Vec<String> {
    match norm {
        Norm::Plain => Vec::new(),
        Norm::Gemini => match name.strip_prefix("models/") {
            Some(short) => vec![short.to_owned()],
            None => vec![format!("models/{name}")],
        },
        Norm::Ollama => match name.strip_suffix(":latest") {
            Some(short) => vec![short.to_owned()],
            None if has_tag(name) => Vec::new(),
            None => vec![format!("{name}:latest")],
        },
        Norm::Vertex => vertex_spellings(name),
    }
}

/// `publishers/p/models/m` and `p/m`, and of Google just `m`.
fn vertex_spellings(name: &str) -> Vec<String> {
    let bare = name.strip_prefix("publishers/").unwrap_or(name);
    let parts = bare.split_once("/models/").or_else(|| bare.split_once('/'));
    let (publisher, model) = parts.unwrap_or(("google", bare));
    let mut spellings = vec![
        format!("publishers/{publisher}/models/{model}"),
        format!("{publisher}/{model}"),
    ];
    if publisher == "google" {
        spellings.push(model.to_owned());
    }
    spellings
}

/// Whether an Ollama name says which version is meant; a registry's port does not.
fn has_tag(name: &str) -> bool {
    name.rsplit('/')
        .next()
        .is_some_and(|last| last.contains(':'))
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
