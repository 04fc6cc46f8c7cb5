//! `limit` and `cursor`: which part of a list a call asks for, and where the next one begins.
//!
//! Does not know any list. Invariant: a cursor is read back exactly as it was given out; one of
//! another list is refused.

use crate::http::query::Query;
use crate::store::PageRequest;

/// The longest page, and the one of a caller that says nothing.
pub(crate) const LIST_LIMIT_MAX: u64 = 200;
pub(crate) const LIST_LIMIT_DEFAULT: u64 = 50;

/// Takes `limit` and `cursor` of a list whose cursors begin with `mark`.
pub(crate) fn take(query: &mut Query, mark: char) -> PageRequest {
    PageRequest {
        behind: query.optional("cursor", |text| read(text, mark)).flatten(),
        limit: limit(query),
    }
}

/// Takes `limit`.
pub(crate) fn limit(query: &mut Query) -> usize {
    let limit = query.number("limit", 1..=LIST_LIMIT_MAX);
    usize::try_from(limit.unwrap_or(LIST_LIMIT_DEFAULT)).unwrap_or(usize::MAX)
}

/// The first `limit` of what was found, and what names the last of them if there is more.
pub(crate) fn cut<T, C>(
    mut found: Vec<T>,
    limit: usize,
    name: impl FnOnce(&T) -> C,
) -> (Vec<T>, Option<C>) {
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(name);
    (found, next)
}

/// The cursor of what comes behind the row with this number.
pub(crate) fn cursor(number: Option<u64>, mark: char) -> Option<String> {
    number.map(|number| format!("{mark}{number}"))
}

fn read(text: &str, mark: char) -> Result<Option<u64>, &'static str> {
    if text.is_empty() {
        return Ok(None);
    }
    let number = text.strip_prefix(mark).filter(|digits| {
        // `parse` would take a sign, too.
        digits.bytes().all(|byte| byte.is_ascii_digit())
    });
    number
        .and_then(|digits| digits.parse().ok())
        .map(Some)
        .ok_or("must be the next_cursor of an earlier answer")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_are_read_as_they_were_written() {
        for number in [0, 7, u64::MAX] {
            let text = cursor(Some(number), 'u').unwrap();
            assert_eq!(read(&text, 'u'), Ok(Some(number)));
        }
        assert_eq!(read("", 'u'), Ok(None));
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "7",
            "u",
            "ux",
            "u-1",
            "u+1",
            "t7",
            "u18446744073709551616",
            "é",
        ] {
            assert!(read(text, 'u').is_err(), "{text}");
        }
    }
}
