//! The nearest of known names to one that is not known: what somebody probably meant to write.
//!
//! Compares characters, ignoring the case of ASCII letters. Invariant: the work is bounded by the
//! lengths of the names; nothing is suggested that differs in more than a third of its length.

/// The known name with the fewest changes from `wanted`; `None` if none is near.
pub fn nearest<'a>(wanted: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let wanted: Vec<char> = folded(wanted).collect();
    let tolerated = (wanted.len() / 3).max(2);
    known
        .filter_map(|name| Some((within(&wanted, name, tolerated)?, name)))
        .min()
        .map(|(_, name)| name)
}

/// How many characters have to be changed, added or taken away; `None` if more than `tolerated`.
fn within(wanted: &[char], name: &str, tolerated: usize) -> Option<usize> {
    let name: Vec<char> = folded(name).collect();
    if name.len().abs_diff(wanted.len()) > tolerated {
        return None;
    }
    let mut above: Vec<usize> = (0..=wanted.len()).collect();
    for (row, character) in (1..).zip(&name) {
        let mut line = vec![row];
        let mut left = row;
        for ((corner, up), other) in above.iter().zip(above.iter().skip(1)).zip(wanted) {
            let replaced = corner + usize::from(character != other);
            left = replaced.min(left + 1).min(up + 1);
            line.push(left);
        }
        if line.iter().all(|distance| *distance > tolerated) {
            return None;
        }
        above = line;
    }
    above
        .last()
        .copied()
        .filter(|distance| *distance <= tolerated)
}

fn folded(text: &str) -> impl Iterator<Item = char> + '_ {
    text.chars().map(|c| c.to_ascii_lowercase())
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
        let distance = |a: &str, b| within(&a.chars().collect::<Vec<_>>(), b, 9);
        assert_eq!(distance("kitten", "sitting"), Some(3));
        assert_eq!(distance("", "abc"), Some(3));
        assert_eq!(distance("abc", "abc"), Some(0));
        assert_eq!(distance("键一", "键二"), Some(1));
    }
}
