//! The name and the description of a key, as its admin wrote them.
//!
//! Does not make names unique: several keys may have the same. Invariant: neither has control
//! characters or characters that turn the direction of text, so both can be shown as they are.

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
}

impl KeyName {
    /// Reads a name.
    pub fn parse(text: &str) -> Result<Self, TextError> {
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
    /// Reads a description.
    pub fn parse(text: &str) -> Result<Self, TextError> {
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
}
