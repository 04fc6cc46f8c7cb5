//! Text that a client or an admin chose, before it is written down: a credential in it is found.
//!
//! People swap the fields of a form: a key ends up where a model's name belongs. Both sides ask
//! here before they store, log, show or forward such a text. Does not find what looks like no
//! credential: passwords, bare hexadecimal digests (Azure's older keys look like those of images and
//! commits), and keys that somebody has cut, spelled backwards or encoded on purpose.
//!
//! Invariant: every value of our own format is found, whatever stands around it; a text without a
//! credential is never changed.

mod formats;

use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::ops::Range;

use crate::api_key::PresentedKey;
use crate::limits::{API_KEY_BYTES_MAX, API_KEY_CHECKSUM_CHARS, API_KEY_SECRET_CHARS_MIN};
use formats::foreign;

/// What is written in the place of a text that holds a credential.
pub const REDACTED: &str = "(redacted)";

/// No shorter text can hold a credential of a known form.
const TEXT_BYTES_MIN: usize = 16;
/// Characters of a key of our format behind its prefix, at least.
const RUN_MIN: usize = API_KEY_SECRET_CHARS_MIN + API_KEY_CHECKSUM_CHARS;
/// So many letters and digits without a break may have been drawn.
const DRAWN_MIN: usize = 32;
/// How often percent-encoding is taken off a path.
const DECODED_TIMES: usize = 3;

/// What kind of credential a text holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialKind {
    /// A value of our own format, checksum included: an API key, a token, a session, a setup
    /// secret.
    Own,
    /// A value of another's published format; whose.
    Foreign(&'static str),
    /// Letters and digits that nobody would write, of no format that is known here.
    Drawn,
}

/// Finds a credential in a text; the surest one, if there are several. Time is linear.
pub fn find_credential(text: &[u8]) -> Option<CredentialKind> {
    if text.len() < TEXT_BYTES_MIN {
        return None;
    }
    let is_own = runs(text).any(|run| ends_own(text, &run));
    let own = is_own.then_some(CredentialKind::Own);
    own.or_else(|| foreign(text).map(CredentialKind::Foreign))
        .or_else(|| {
            let is_drawn = |run: Range<usize>| text.get(run).is_some_and(is_drawn);
            runs(text).any(is_drawn).then_some(CredentialKind::Drawn)
        })
}

/// The text, or [`REDACTED`] in its place if it holds a credential.
pub fn redact(text: &str) -> &str {
    match find_credential(text.as_bytes()) {
        None => text,
        Some(_) => REDACTED,
    }
}

/// The same of bytes, which may be no text.
pub fn redact_bytes(bytes: &[u8]) -> &[u8] {
    match find_credential(bytes) {
        None => bytes,
        Some(_) => REDACTED.as_bytes(),
    }
}

/// Finds a credential in a path or query, also one that is percent-encoded.
pub fn find_in_path(path: &[u8]) -> Option<CredentialKind> {
    let mut seen = Cow::Borrowed(path);
    let mut found = find_credential(&seen);
    for _ in 0..DECODED_TIMES {
        if found.is_some() || !seen.contains(&b'%') {
            break;
        }
        seen = Cow::Owned(percent_decoded(&seen));
        found = find_credential(&seen);
    }
    found
}

/// The path of a request target without its query, each segment that holds a credential replaced by
/// [`REDACTED`]; all of it, if one stands across segments.
pub fn redact_path(target: &[u8]) -> Cow<'_, [u8]> {
    let end = target.iter().position(|b| matches!(b, b'?' | b'#'));
    let path = target.get(..end.unwrap_or(target.len())).unwrap_or(target);
    if find_in_path(path).is_none() {
        return Cow::Borrowed(path);
    }
    let mut clean = Vec::with_capacity(path.len());
    for (index, segment) in path.split(|b| *b == b'/').enumerate() {
        if index > 0 {
            clean.push(b'/');
        }
        match find_in_path(segment) {
            None => clean.extend_from_slice(segment),
            Some(_) => clean.extend_from_slice(REDACTED.as_bytes()),
        }
    }
    match find_in_path(&clean) {
        None => Cow::Owned(clean),
        Some(_) => Cow::Borrowed(REDACTED.as_bytes()),
    }
}

/// The longest runs of letters and digits.
fn runs(text: &[u8]) -> impl Iterator<Item = Range<usize>> {
    let mut at = 0;
    core::iter::from_fn(move || {
        let rest = text.get(at..)?;
        let start = at + rest.iter().position(u8::is_ascii_alphanumeric)?;
        let run = text.get(start..)?.iter();
        at = start + run.take_while(|b| b.is_ascii_alphanumeric()).count();
        Some(start..at)
    })
}

/// Whether this run is the end of a key, whichever words before it are the key's prefix.
fn ends_own(text: &[u8], run: &Range<usize>) -> bool {
    if run.len() < RUN_MIN || run.len() > API_KEY_BYTES_MAX {
        return false;
    }
    let in_prefix = |b: &&u8| b.is_ascii_lowercase() || b.is_ascii_digit() || **b == b'-';
    let before = text.get(..run.start).unwrap_or_default();
    let before = before.iter().rev().take(API_KEY_BYTES_MAX - run.len());
    let first = run.start - before.take_while(in_prefix).count();
    (first..run.start)
        .filter(|at| *at == first || text.get(at - 1) == Some(&b'-'))
        .filter_map(|at| text.get(at..run.end))
        .any(|candidate| PresentedKey::parse(candidate).is_ok())
}

/// Drawn characters change between capitals, small letters and digits at three of five places, with
/// digits here and there; words in CamelCase at one of three, and their digits stand together.
fn is_drawn(run: &[u8]) -> bool {
    let kind = |b: &u8| (b.is_ascii_digit(), b.is_ascii_uppercase());
    let changes = run.windows(2).filter(|pair| match pair {
        [one, other] => kind(one) != kind(other),
        _ => false,
    });
    let numbers = run.split(|b| !b.is_ascii_digit()).filter(|n| !n.is_empty());
    run.len() >= DRAWN_MIN
        && numbers.count() >= 2
        && run.iter().any(u8::is_ascii_uppercase)
        && run.iter().any(u8::is_ascii_lowercase)
        && 5 * changes.count() >= 2 * run.len()
}

/// The bytes that percent-encoding stands for; what is no encoding stays.
fn percent_decoded(text: &[u8]) -> Vec<u8> {
    let digit = |b: Option<&u8>| char::from(*b?).to_digit(16);
    let mut decoded = Vec::with_capacity(text.len());
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        let digits = digit(text.get(at + 1)).zip(digit(text.get(at + 2)));
        match digits.filter(|_| *byte == b'%') {
            Some((high, low)) => {
                decoded.push(u8::try_from(16 * high + low).unwrap_or(*byte));
                at += 3;
            }
            None => {
                decoded.push(*byte);
                at += 1;
            }
        }
    }
    decoded
}
