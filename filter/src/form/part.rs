//! The head of one form part: its name, and whether it is plain text.
//!
//! Does not read content. Invariant: a head that two parsers could read differently is refused:
//! folded lines, repeated or extended parameters, escapes, nested parts, transfer encodings.

use super::FormError;
use crate::json::folds_to;
use keytable::scope::name_is_sound;

/// Most header lines of one part.
const LINES_MAX: usize = 16;

/// A part's head.
#[derive(Debug)]
pub(super) struct Part {
    /// The field's name.
    pub(super) name: String,
    is_file: bool,
    content_type: Option<String>,
}

impl Part {
    /// Reads a head, with its empty line.
    pub(super) fn parse(head: &[u8]) -> Result<Self, FormError> {
        let text = std::str::from_utf8(head).map_err(|_| FormError::Head)?;
        let text = text.strip_suffix("\r\n\r\n").ok_or(FormError::Head)?;
        let (mut disposition, mut content_type) = (None, None);
        for (number, line) in text.split("\r\n").enumerate() {
            let (name, value) = line.split_once(':').ok_or(FormError::Head)?;
            let token = |b: u8| b.is_ascii_alphanumeric() || b"-_".contains(&b);
            let odd = line.contains(|c: char| c.is_control() || c == '\\') || name.is_empty();
            if odd || number >= LINES_MAX || !name.bytes().all(token) {
                return Err(FormError::Head);
            }
            let earlier = match name.to_ascii_lowercase().as_str() {
                "content-disposition" => disposition.replace(value.trim()),
                "content-type" => content_type
                    .replace(value.trim().to_ascii_lowercase())
                    .map(|_| ""),
                "content-transfer-encoding" => check_encoding(value.trim())?,
                _ => None,
            };
            if earlier.is_some() {
                return Err(FormError::Head);
            }
        }
        if content_type
            .as_deref()
            .is_some_and(|kind| kind.starts_with("multipart"))
        {
            return Err(FormError::Head);
        }
        let (name, is_file) = read_disposition(disposition.ok_or(FormError::Head)?)?;
        Ok(Self {
            name,
            is_file,
            content_type,
        })
    }

    /// Whether some server takes this field for the known one.
    pub(super) fn looks_like(&self, known: &str) -> bool {
        let mut ours = steps(&self.name);
        let mut theirs = steps(known);
        loop {
            match (ours.next(), theirs.next()) {
                (Some(our), Some(their)) if folds_to(our.as_bytes(), their.as_bytes()) => {}
                // One leads to the other: `model[0]` to `model`, or a whole `svg` to `svg[model]`.
                (None, _) | (_, None) => return true,
                (Some(_), Some(_)) => return false,
            }
        }
    }

    /// Plain UTF-8 text and no file.
    pub(super) fn is_text(&self) -> bool {
        let kinds = [
            "text/plain",
            "text/plain; charset=utf-8",
            "text/plain;charset=utf-8",
        ];
        !self.is_file
            && self
                .content_type
                .as_deref()
                .is_none_or(|kind| kinds.contains(&kind))
    }

    /// JSON and no file.
    pub(super) fn is_json(&self) -> bool {
        let json = self.content_type.as_deref() == Some("application/json");
        self.is_text() || (json && !self.is_file)
    }
}

/// The members that a field's name leads through: `svg[model]` or `svg.model` are two.
fn steps(name: &str) -> impl Iterator<Item = &str> {
    let trimmed = |c: char| c.is_whitespace() || "'\"`".contains(c) || is_invisible(c);
    name.split(['[', ']', '.'])
        .map(move |step| step.trim_matches(trimmed))
        .filter(|step| !step.is_empty())
}

/// Whether a character alone is no sound name, as is one that does not show.
fn is_invisible(c: char) -> bool {
    !name_is_sound(c.encode_utf8(&mut [0; 4]))
}

/// Encodings that change nothing; any other one is refused.
fn check_encoding(value: &str) -> Result<Option<&'static str>, FormError> {
    match ["7bit", "8bit", "binary"]
        .iter()
        .any(|known| value.eq_ignore_ascii_case(known))
    {
        true => Ok(None),
        false => Err(FormError::Head),
    }
}

/// Name, and whether it is a file, of `form-data; name="x"; filename="y"`.
fn read_disposition(value: &str) -> Result<(String, bool), FormError> {
    let (kind, mut rest) = value.split_once(';').ok_or(FormError::Head)?;
    if !kind.trim().eq_ignore_ascii_case("form-data") {
        return Err(FormError::Head);
    }
    let (mut name, mut files) = (None, 0);
    loop {
        let (parameter, value, after) = read_parameter(rest.trim_start())?;
        match parameter.to_ascii_lowercase().as_str() {
            // Readers of mail decode `=?utf-8?q?model?=`.
            "name" if name.is_none() && !value.contains("=?") => name = Some(value.to_owned()),
            "filename" if files & 1 == 0 => files |= 1,
            "filename*" if files & 2 == 0 => files |= 2,
            _ => return Err(FormError::Head),
        }
        match after.trim_start().strip_prefix(';') {
            Some(more) => rest = more,
            None if after.trim().is_empty() => break,
            None => return Err(FormError::Head),
        }
    }
    Ok((name.ok_or(FormError::Head)?, files != 0))
}

/// `parameter="value"` or `parameter=token`, and what follows.
fn read_parameter(text: &str) -> Result<(&str, &str, &str), FormError> {
    let (parameter, rest) = text.split_once('=').ok_or(FormError::Head)?;
    if let Some(quoted) = rest.strip_prefix('"') {
        let (value, after) = quoted.split_once('"').ok_or(FormError::Head)?;
        return Ok((parameter, value, after));
    }
    let extended = parameter.ends_with('*');
    let token = |c: char| {
        c.is_ascii_alphanumeric() || "-_.[]+~".contains(c) || (extended && "%'".contains(c))
    };
    let end = rest.find(|c| !token(c)).unwrap_or(rest.len());
    let (value, after) = rest.split_at_checked(end).ok_or(FormError::Head)?;
    if value.is_empty() {
        Err(FormError::Head)
    } else {
        Ok((parameter, value, after))
    }
}
