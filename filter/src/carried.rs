//! Keys that a text carries, in each spelling that is standard for a credential: as it stands, and in base64
//! of either alphabet, as `Basic`, subprotocols and tokens write it.
//!
//! Does not look anything up. Invariant: what is given is of the form of a key, whatever stands around it, so that
//! a text that is shorter than any key costs nothing.

use std::borrow::Cow;

use keytable::PresentedKey;
use keytable::limits::{API_KEY_BYTES_MAX, API_KEY_CHECKSUM_CHARS, API_KEY_SECRET_CHARS_MIN};

/// Letters and digits without a break with which every key ends.
const RUN_MIN: usize = API_KEY_SECRET_CHARS_MIN + API_KEY_CHECKSUM_CHARS;
/// Before them stand a letter and `-`, at least.
const KEY_BYTES_MIN: usize = 2 + RUN_MIN;
/// Of no fewer characters in base64 can a key be the meaning.
const BASE64_CHARS_MIN: usize = KEY_BYTES_MIN.div_ceil(3) * 4;

/// Whether one of the keys that a text carries is wanted. The first error ends the search.
pub(crate) fn any<E>(
    text: &[u8],
    mut is_wanted: impl FnMut(&PresentedKey<'_>) -> Result<bool, E>,
) -> Result<bool, E> {
    if text.len() < KEY_BYTES_MIN {
        return Ok(false);
    }
    let meant = text
        .split(|byte| digit(*byte).is_none())
        .filter(|word| word.len() >= BASE64_CHARS_MIN)
        .map(|word| Cow::Owned(meaning(word)));
    for spelled in std::iter::once(Cow::Borrowed(text)).chain(meant) {
        for key in spelled.split(is_around).flat_map(ends) {
            if is_wanted(&key)? {
                return Ok(true);
            }
        }
    }
    Ok(false)
}

/// Whether a byte stands in no key.
fn is_around(byte: &u8) -> bool {
    !byte.is_ascii_alphanumeric() && *byte != b'-'
}

/// The keys with which a word ends: their beginning may be glued to what stands before it.
fn ends(word: &[u8]) -> impl Iterator<Item = PresentedKey<'_>> {
    let run = word
        .rsplit(|byte| *byte == b'-')
        .next()
        .map_or(0, <[u8]>::len);
    let first = word.len().saturating_sub(API_KEY_BYTES_MAX);
    let behind_last = match run >= RUN_MIN {
        true => word.len() - run,
        false => first,
    };
    (first..behind_last).filter_map(|at| PresentedKey::parse(word.get(at..)?).ok())
}

/// What a word means in base64, padded or not (RFC 4648).
fn meaning(word: &[u8]) -> Vec<u8> {
    word.chunks(4).flat_map(bytes_of).collect()
}

/// The bytes that up to four digits stand for.
fn bytes_of(digits: &[u8]) -> impl Iterator<Item = u8> {
    let values = digits.iter().filter_map(|byte| digit(*byte));
    let bits = values.fold(0, |bits, value| (bits << 6) | u32::from(value));
    let aligned = bits << (6 * 4_usize.saturating_sub(digits.len()));
    let [_, bytes @ ..] = aligned.to_be_bytes();
    bytes.into_iter().take(digits.len() * 6 / 8)
}

/// The value of a digit of either alphabet.
fn digit(byte: u8) -> Option<u8> {
    Some(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    })
}
