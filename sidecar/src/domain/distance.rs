//! The nearest of known names to one that is not known: what somebody probably meant to write.
//!
//! Compares characters, ignoring the case of ASCII letters. Invariant: the work is bounded by the
//! lengths of the names; nothing is suggested that differs in more than a third of its length.

use strsim::levenshtein;

/// The known name with the fewest changes from `wanted`; `None` if none is near.
pub fn nearest<'a>(wanted: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let tolerated = (wanted.chars().count() / 3).max(2);
    known
        .filter_map(|name| Some((within(wanted, name, tolerated)?, name)))
        .min()
        .map(|(_, name)| name)
}

/// How many characters have to be changed, added or taken away; `None` if more than `tolerated`.
fn within(wanted: &str, name: &str, tolerated: usize) -> Option<usize> {
    let [wanted_len, name_len] = [wanted, name].map(|text| text.chars().count());
    if name_len.abs_diff(wanted_len) > tolerated {
        return None;
    }
    let distance = levenshtein(&wanted.to_ascii_lowercase(), &name.to_ascii_lowercase());
    Some(distance).filter(|distance| *distance <= tolerated)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: [&str; 5] = [
        "glm-5.1",
        "glm-5",
        "deepseek-v3.2",
        "kimi-k2.6",
        "GLM-5.1-air",
    ];

    fn found(wanted: &str) -> Option<&'static str> {
        nearest(wanted, KNOWN.into_iter())
    }

    #[test]
    fn small_mistakes_are_seen_through() {
        assert_eq!(found("glm-5.2"), Some("glm-5.1"));
        assert_eq!(found("glm5"), Some("glm-5"));
        assert_eq!(found("deepsek-v3.2"), Some("deepseek-v3.2"));
        assert_eq!(found("GLM-5.1"), Some("glm-5.1"));
        assert_eq!(found("kimi-k26"), Some("kimi-k2.6"));
    }

    #[test]
    fn something_else_is_not_guessed() {
        assert_eq!(found("gpt-4o-mini"), None);
        assert_eq!(found("completely different"), None);
        assert_eq!(nearest("x", std::iter::empty()), None);
    }

    #[test]
    fn distances_are_right() {
        let distance = |a: &str, b| within(a, b, 9);
        assert_eq!(distance("kitten", "sitting"), Some(3));
        assert_eq!(distance("", "abc"), Some(3));
        assert_eq!(distance("abc", "abc"), Some(0));
        assert_eq!(distance("键一", "键二"), Some(1));
    }
}
