//! Why a form is refused, and what is said of it.
//!
//! Invariant: no text of the form stands in it.

use std::fmt;

use crate::json::JsonError;

/// Why a form is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FormError {
    /// Not in the shape of multipart/form-data, or in one that parsers read differently.
    Syntax,
    /// The head of a part is too long, malformed, or can be read in two ways.
    Head,
    /// It ended before its last delimiter.
    Cut,
    /// A field that names a resource stands twice.
    Duplicate,
    /// A field's name only looks like one that names a resource.
    Variant,
    /// A field that names a resource is a file, or encoded.
    NotText,
    /// A resource name that is empty, too long, or has unfit characters.
    OddName,
    /// The JSON in a field.
    Json(JsonError),
}

impl FormError {
    /// Whether it is about a field, and not the whole form.
    pub fn is_of_field(self) -> bool {
        !matches!(self, Self::Syntax | Self::Head | Self::Cut)
    }

    /// What to tell the client.
    pub fn message(self) -> &'static str {
        match self {
            Self::Syntax => "it is not strict multipart/form-data",
            Self::Head => "the head of a form part is malformed or can be read in two ways",
            Self::Cut => "it ends before the form is complete",
            Self::Duplicate => "a form field that names a model stands twice",
            Self::Variant => "a form field only looks like one that names a model",
            Self::NotText => "the form field that names a model must be plain text",
            Self::OddName => "the model's name is empty, too long or has unfit characters",
            Self::Json(error) => error.message(),
        }
    }
}

// === impl FormError ===

impl fmt::Display for FormError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl std::error::Error for FormError {}
