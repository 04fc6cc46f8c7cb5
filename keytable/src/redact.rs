//! Text that a client or an admin chose, before it is written down: a credential in it is found.
//!
//! People swap the fields of a form: a key ends up where a model's name belongs. Both sides ask
//! here before they store, log, show or forward such a text. Does not find what looks like no
//! credential: passwords, bare hexadecimal digests (Azure's older keys look like those of images and
//! commits), and keys that somebody has cut, spelled backwards or encoded on purpose.
//!
//! Invariant: every value that is minted in our own format is found, whatever stands around it,
//! percent-encoded, wrapped over lines, and as a word processor or an input method spells it; an imported one
//! that is longer, where no letter or digit stands right behind it. A text without a credential is never
//! changed.

mod formats;
mod spelling;

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
/// So many letters and digits without a break may have been drawn; our seeds of second factors have
/// exactly so many.
const DRAWN_MIN: usize = 32;
/// How often percent-encoding is taken off.
const DECODED_TIMES: usize = 3;

/// What kind of credential a text holds.
///
/// The surest is the least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CredentialKind {
    /// A value of our own format, checksum included: an API key, a token, a session, a setup
    /// secret.
    Own,
    /// A value of another's published format; whose.
    Foreign(&'static str),
    /// Letters and digits that nobody would write, of no format that is known here.
    Drawn,
}

/// Finds a credential in a text, also one that is percent-encoded; the surest one, if there are
/// several. A byte is looked at a bounded number of times, whatever stands around it.
pub fn find_credential(text: &[u8]) -> Option<CredentialKind> {
    let mut seen = Cow::Borrowed(text);
    let mut found = find_in_spellings(&seen);
    for _ in 0..DECODED_TIMES {
        if found == Some(CredentialKind::Own) || !seen.contains(&b'%') {
            break;
        }
        seen = Cow::Owned(percent_decoded(&seen));
        let next = find_in_spellings(&seen);
        found = found.into_iter().chain(next).min();
    }
    found
}

/// As it stands, as it looks, and put together where it was wrapped: that for our own format alone, for
/// sentences put together begin and end like anything.
fn find_in_spellings(text: &[u8]) -> Option<CredentialKind> {
    let found = find_as_it_stands(text);
    if found == Some(CredentialKind::Own) {
        return found;
    }
    let plain = spelling::plain(text);
    let looks = plain.as_deref().and_then(find_as_it_stands);
    let joined = spelling::joined(plain.as_deref().unwrap_or(text));
    let joined = joined.as_deref().and_then(find_as_it_stands);
    let own = joined.filter(|kind| *kind == CredentialKind::Own);
    found.into_iter().chain(looks).chain(own).min()
}

fn find_as_it_stands(text: &[u8]) -> Option<CredentialKind> {
    if text.len() < TEXT_BYTES_MIN {
        return None;
    }
    // A value of our format is longer still: most texts have no such run.
    let long = || runs(text).filter(|run| run.len() >= DRAWN_MIN);
    let is_own = long().any(|run| holds_own(text, &run));
    let own = is_own.then_some(CredentialKind::Own);
    own.or_else(|| foreign(text).map(CredentialKind::Foreign))
        .or_else(|| {
            let is_drawn = |run: Range<usize>| text.get(run).is_some_and(is_drawn);
            long().any(is_drawn).then_some(CredentialKind::Drawn)
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

/// The path of a request target without its query, each segment that holds a credential replaced by
/// [`REDACTED`]; all of it, if one stands across segments.
pub fn redact_path(target: &[u8]) -> Cow<'_, [u8]> {
    let end = target.iter().position(|b| matches!(b, b'?' | b'#'));
    let path = target.get(..end.unwrap_or(target.len())).unwrap_or(target);
    if find_credential(path).is_none() {
        return Cow::Borrowed(path);
    }
    let mut clean = Vec::with_capacity(path.len());
    for (index, segment) in path.split(|b| *b == b'/').enumerate() {
        if index > 0 {
            clean.push(b'/');
        }
        match find_credential(segment) {
            None => clean.extend_from_slice(segment),
            Some(_) => clean.extend_from_slice(REDACTED.as_bytes()),
        }
    }
    match find_credential(&clean) {
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

/// Whether this run begins with the secret part of a key. Where the key's prefix begins and, of one
/// that we have minted, where the key ends may be in the middle of a word: `nsk-...`, where a line end
/// was escaped, or two values without a blank.
fn holds_own(text: &[u8], run: &Range<usize>) -> bool {
    let before = text.get(..run.start).unwrap_or_default();
    if run.len() < RUN_MIN || !before.ends_with(b"-") {
        return false;
    }
    let in_prefix = |b: &&u8| b.is_ascii_lowercase() || b.is_ascii_digit() || **b == b'-';
    let before = before.iter().rev().take(API_KEY_BYTES_MAX - RUN_MIN);
    let first = run.start - before.take_while(in_prefix).count();
    let ends = [run.start + RUN_MIN, run.end];
    (first..run.start)
        .flat_map(|at| ends.map(|end| at..end))
        .filter_map(|candidate| text.get(candidate))
        .any(|candidate| PresentedKey::parse(candidate).is_ok())
}

fn is_drawn(run: &[u8]) -> bool {
    run.len() >= DRAWN_MIN && (is_mixed(run) || is_base32(run))
}

/// Drawn characters change between capitals, small letters and digits at three of five places, with
/// digits here and there; words in CamelCase at one of three, and their digits stand together.
fn is_mixed(run: &[u8]) -> bool {
    let kind = |b: &u8| (b.is_ascii_digit(), b.is_ascii_uppercase());
    let changes = run.windows(2).filter(|pair| match pair {
        [one, other] => kind(one) != kind(other),
        _ => false,
    });
    let numbers = run.split(|b| !b.is_ascii_digit()).filter(|n| !n.is_empty());
    numbers.count() >= 2
        && run.iter().any(u8::is_ascii_uppercase)
        && run.iter().any(u8::is_ascii_lowercase)
        && 5 * changes.count() >= 2 * run.len()
}

/// Base32 as authenticator apps write it: unlike in a hexadecimal digest, neither 0, 1, 8 nor 9.
fn is_base32(run: &[u8]) -> bool {
    let fits = |b: &u8| b.is_ascii_uppercase() || (b'2'..=b'7').contains(b);
    run.iter().all(fits) && run.iter().any(u8::is_ascii_digit)
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
