//! Whether the text of a field that no rule declares is JSON.
//!
//! Some servers read such a text as a part of the request. Invariant: what any of them could take for an
//! object, or for a list that holds one first, is JSON; a text in brackets is not.

/// What the beginning of a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Look<'a> {
    /// Nothing yet; or a list, of which nothing was seen yet.
    Blank { in_list: bool },
    /// It is JSON, and this of it is to be read; of a list the beginning was seen already.
    Json { in_list: bool, rest: &'a [u8] },
    /// It is none.
    Text,
}

/// What a text is that goes on with these bytes.
pub(super) fn look_at(bytes: &[u8], mut in_list: bool) -> Look<'_> {
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            // Blanks, and the bytes of a byte order mark.
            b' ' | b'\t' | b'\r' | b'\n' | 0xef | 0xbb | 0xbf => {}
            b'[' if !in_list => in_list = true,
            b'{' => return json(in_list, bytes, at),
            b'[' | b'"' if in_list => return json(in_list, bytes, at),
            _ => return Look::Text,
        }
    }
    Look::Blank { in_list }
}

fn json(in_list: bool, bytes: &[u8], at: usize) -> Look<'_> {
    let rest = bytes.get(at..).unwrap_or_default();
    Look::Json { in_list, rest }
}
