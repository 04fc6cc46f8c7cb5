//! Other spellings of a text that look alike: what does not show, dashes and wide letters, line ends.
//!
//! A word processor makes a dash of a hyphen, an input method writes wide letters, mail and terminals wrap
//! long lines. Does not look for anything. Invariant: where a text has no other spelling, nothing is made.

use alloc::string::String;
use alloc::vec::Vec;

/// The text in plain letters, without what does not show; `None` if it is so already, or no text.
pub(super) fn plain(text: &[u8]) -> Option<Vec<u8>> {
    if text.is_ascii() {
        return None;
    }
    let text = core::str::from_utf8(text).ok()?;
    let plain: String = text.chars().filter_map(plain_char).collect();
    (plain != text).then(|| plain.into_bytes())
}

/// The text without blanks and line ends; `None` if it has none.
pub(super) fn joined(text: &[u8]) -> Option<Vec<u8>> {
    let is_blank = |byte: &u8| byte.is_ascii_whitespace();
    text.iter().any(is_blank).then(|| {
        text.iter()
            .copied()
            .filter(|byte| !is_blank(byte))
            .collect()
    })
}

fn plain_char(c: char) -> Option<char> {
    match c {
        '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{fe58}' | '\u{fe63}' => Some('-'),
        '\u{a0}' | '\u{2028}' | '\u{2029}' | '\u{3000}' => Some(' '),
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c).wrapping_sub(0xfee0)),
        _ => Some(c).filter(|c| !is_unseen(*c)),
    }
}

/// Joiners, marks of direction, variation selectors, tags.
const fn is_unseen(c: char) -> bool {
    matches!(
        c,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{e0000}'..='\u{e01ef}'
    )
}
