//! The name and the description of a key, as its admin wrote them.
//!
//! Does not make names unique: several keys may have the same. Does not look for credentials: bodies
//! with some are not read. Invariant: neither has control characters or characters that turn the
//! direction of text, so both can be shown as they are; a new name shows something.

use std::fmt;

/// Longest name, in characters.
pub const NAME_CHARS_MAX: usize = 128;
/// Longest description, in characters.
pub const DESCRIPTION_CHARS_MAX: usize = 1024;

/// The name of a key: 1 to [`NAME_CHARS_MAX`] characters; never changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyName(String);

/// What a key is for: 0 to [`DESCRIPTION_CHARS_MAX`] characters; may have line ends.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Description(String);

/// Why a text is not a name or description.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextError {
    /// Fewer or more characters than allowed.
    Length {
        /// At least so many.
        min: usize,
        /// At most so many.
        max: usize,
    },
    /// A control character, or one that turns the direction of text.
    Character,
    /// A character that does not show, or nothing that shows at all.
    Invisible,
    /// A blank at an end.
    Blank,
}

impl KeyName {
    /// Reads a name: what looks the same is the same, up to look-alikes of other alphabets.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        let name = Self::stored(text)?;
        if text.trim() != text {
            return Err(TextError::Blank);
        }
        check_visible(text)?;
        Ok(name)
    }

    /// Reads a name that was stored, perhaps under the looser rule of an earlier version.
    pub fn stored(text: &str) -> Result<Self, TextError> {
        check_length(text, 1, NAME_CHARS_MAX)?;
        check_characters(text, is_unfit)?;
        Ok(Self(text.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Description {
    /// Reads a description. An empty one is none; one that only looks empty is refused.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        let description = Self::stored(text)?;
        if !text.is_empty() {
            check_visible(text)?;
        }
        Ok(description)
    }

    /// Reads a description that was stored, perhaps under the looser rule of an earlier version.
    pub fn stored(text: &str) -> Result<Self, TextError> {
        check_length(text, 0, DESCRIPTION_CHARS_MAX)?;
        check_characters(text, |c| is_unfit(c) && !matches!(c, '\n' | '\r' | '\t'))?;
        Ok(Self(text.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn check_length(text: &str, min: usize, max: usize) -> Result<(), TextError> {
    if (min..=max).contains(&text.chars().count()) {
        Ok(())
    } else {
        Err(TextError::Length { min, max })
    }
}

fn check_characters(text: &str, unfit: impl Fn(char) -> bool) -> Result<(), TextError> {
    if text.chars().any(unfit) {
        Err(TextError::Character)
    } else {
        Ok(())
    }
}

/// Refuses characters that take no room, and a text of nothing but blanks and joiners.
fn check_visible(text: &str) -> Result<(), TextError> {
    let shows = |c: char| !c.is_whitespace() && !is_joiner(c) && !is_blank_letter(c);
    match text.chars().any(is_invisible) || !text.chars().any(shows) {
        true => Err(TextError::Invisible),
        false => Ok(()),
    }
}

/// What joins or varies its neighbours in emoji and in several scripts: of use in a text, nothing
/// alone.
const fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0020}'..='\u{e007f}')
}

/// Letters and patterns that look like a blank.
const fn is_blank_letter(c: char) -> bool {
    matches!(
        c,
        '\u{115f}' | '\u{1160}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}'
    )
}

const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}'
        | '\u{2060}'..='\u{2065}' | '\u{206a}'..='\u{206f}' | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e001f}' | '\u{e0100}'..='\u{e01ef}')
}

fn is_unfit(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

// === impl TextError ===

impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length { min, max } => write!(f, "must have {min} to {max} characters"),
            Self::Character => f.write_str(
                "must not have control characters or characters that turn the direction of text",
            ),
            Self::Invisible => {
                f.write_str("must show: it has characters that take no room, or nothing but blanks")
            }
            Self::Blank => f.write_str("must not begin or end with a blank"),
        }
    }
}

impl std::error::Error for TextError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_counted_in_characters() {
        assert!(KeyName::parse(&"键".repeat(128)).is_ok());
        let length = TextError::Length { min: 1, max: 128 };
        assert_eq!(KeyName::parse(&"键".repeat(129)), Err(length));
        assert_eq!(KeyName::parse(""), Err(length));
    }

    #[test]
    fn control_characters_are_refused_but_descriptions_may_have_lines() {
        for text in ["a\0", "a\nb", "\u{7f}", "\u{202e}txt"] {
            assert_eq!(KeyName::parse(text), Err(TextError::Character));
        }
        assert!(Description::parse("two\nlines").is_ok());
        assert!(Description::parse("bell\u{7}").is_err());
    }

    #[test]
    fn a_name_shows_something_and_nothing_that_does_not_show() {
        for text in [
            " ",
            "\u{a0}\u{3000}",
            "\u{200d}",
            "\u{fe0f}\u{200c}",
            "\u{2800}\u{3164}",
        ] {
            let error = KeyName::parse(text).unwrap_err();
            assert!(
                matches!(error, TextError::Blank | TextError::Invisible),
                "{text:?}"
            );
        }
        for text in [
            "a\u{200b}",
            "\u{feff}a",
            "a\u{ad}b",
            "a\u{2060}b",
            "a\u{e0101}",
        ] {
            assert_eq!(KeyName::parse(text), Err(TextError::Invisible), "{text:?}");
        }
        for text in [" a", "a ", "\u{3000}a"] {
            assert_eq!(KeyName::parse(text), Err(TextError::Blank), "{text:?}");
            assert!(
                KeyName::stored(text).is_ok(),
                "what is there stays readable"
            );
        }
        for text in [
            "two words",
            "👩\u{200d}💻 team",
            "می\u{200c}خواهم",
            "☎\u{fe0f}",
        ] {
            assert!(KeyName::parse(text).is_ok(), "{text}");
        }
        assert_eq!(Description::parse(" \n"), Err(TextError::Invisible));
        assert!(Description::parse("").is_ok() && Description::parse("a\n").is_ok());
    }
}
