//! The head of one form part: its name, and whether it is plain text.
//!
//! Does not read content. Invariant: a head that two parsers could read differently is refused:
//! folded lines, repeated or extended parameters, escapes, nested parts, transfer encodings.

use super::FormError;
use crate::chooser::steps;
use crate::json::folds_to;

/// Most header lines of one part.
const LINES_MAX: usize = 16;
/// Charsets in which ASCII is ASCII, as clients declare them.
const CHARSETS: [&str; 3] = ["utf-8", "us-ascii", "iso-8859-1"];

/// A part's head.
#[derive(Debug)]
pub(super) struct Part {
    /// The field's name.
    pub(super) name: String,
    /// It has a file's name.
    pub(super) is_file: bool,
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
            let is_disposition = name.eq_ignore_ascii_case("content-disposition");
            let odd = |c: char| c.is_control() || (c == '\\' && !is_disposition);
            let odd = line.contains(odd) || name.is_empty();
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

    /// Plain text and no file.
    pub(super) fn is_text(&self) -> bool {
        let charset = self.charset();
        let known =
            charset.is_some_and(|charset| charset.is_empty() || CHARSETS.contains(&charset));
        !self.is_file && known
    }

    /// Whether its text is the same to everybody only as long as it is ASCII.
    pub(super) fn is_ascii(&self) -> bool {
        let charset = self.charset();
        charset.is_some_and(|charset| !["", "utf-8"].contains(&charset))
    }

    /// The charset of plain text, empty if it is not said; `None` if this is something else.
    fn charset(&self) -> Option<&str> {
        let Some(kind) = self.content_type.as_deref() else {
            return Some("");
        };
        let parameter = kind.strip_prefix("text/plain")?.trim_start();
        match parameter.strip_prefix(';') {
            Some(parameter) => parameter.trim().strip_prefix("charset=").map(unquoted),
            None => parameter.is_empty().then_some(""),
        }
    }

    /// JSON and no file.
    pub(super) fn is_json(&self) -> bool {
        let json = self.content_type.as_deref() == Some("application/json");
        (self.is_text() && !self.is_ascii()) || (json && !self.is_file)
    }
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
///
/// Some readers know no quotes and take the first `name=` that they see, or cut at each semicolon;
/// some know no escapes. So nothing but the parameter may look like one, and an escape may only
/// stand behind the name.
fn read_disposition(value: &str) -> Result<(String, bool), FormError> {
    let (kind, mut rest) = value.split_once(';').ok_or(FormError::Head)?;
    if !kind.trim().eq_ignore_ascii_case("form-data") {
        return Err(FormError::Head);
    }
    let (mut name, mut files) = (None, 0);
    loop {
        let (parameter, value, after) = read_parameter(rest.trim_start(), name.is_some())?;
        if says_name(value) {
            return Err(FormError::Head);
        }
        match parameter.to_ascii_lowercase().as_str() {
            // Readers of mail decode `=?utf-8?q?model?=`.
            "name" if name.is_none() && !value.contains("=?") && !value.contains([';', '\\']) => {
                name = Some(value.to_owned());
            }
            "filename" if files & 1 == 0 => files |= 1,
            "filename*" if files & 2 == 0 => files |= 2,
            "creation-date" | "modification-date" | "read-date" | "size" => {}
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

/// Whether a reader that knows no quotes could take some of this for a parameter `name` or
/// `filename`.
fn says_name(value: &str) -> bool {
    let value = value.to_ascii_lowercase();
    value.match_indices("name").any(|(at, word)| {
        let behind = value.get(at + word.len()..).unwrap_or_default();
        let sign = |c: char| c.is_whitespace() || c == '*' || c.is_ascii_digit();
        behind.trim_start_matches(sign).starts_with('=')
    })
}

/// `parameter="value"` or `parameter=token`, and what follows.
fn read_parameter(text: &str, may_escape: bool) -> Result<(&str, &str, &str), FormError> {
    let (parameter, rest) = text.split_once('=').ok_or(FormError::Head)?;
    if let Some(value) = last_file_name(parameter, rest).filter(|_| may_escape) {
        return Ok((parameter, value, ""));
    }
    if let Some(quoted) = rest.strip_prefix('"') {
        let end = closing_quote(quoted, may_escape).ok_or(FormError::Head)?;
        let value = quoted.get(..end).ok_or(FormError::Head)?;
        let after = quoted.get(end + 1..).unwrap_or_default();
        return Ok((parameter, value, after));
    }
    let extended = parameter.ends_with('*');
    let token = |c: char| {
        c.is_ascii_alphanumeric() || "-_.+~".contains(c) || (extended && "%'".contains(c))
    };
    let end = rest.find(|c| !token(c)).unwrap_or(rest.len());
    let (value, after) = rest.split_at_checked(end).ok_or(FormError::Head)?;
    if value.is_empty() {
        Err(FormError::Head)
    } else {
        Ok((parameter, value, after))
    }
}

/// The name of a file behind which nothing stands. Some writers escape no quote in it: without `;` and `=` no reader
/// can take some of it for another parameter, wherever it ends the name.
fn last_file_name<'a>(parameter: &str, rest: &'a str) -> Option<&'a str> {
    let value = rest.strip_prefix('"')?.strip_suffix('"')?;
    let is_plain = parameter.eq_ignore_ascii_case("filename") && !value.contains([';', '=', '\\']);
    is_plain.then_some(value)
}

/// The same without the quotes around it.
fn unquoted(value: &str) -> &str {
    let inside = value
        .strip_prefix('"')
        .and_then(|value| value.strip_suffix('"'));
    inside.unwrap_or(value)
}

/// Where a quoted value ends: at the first quote that no backslash escapes, if that may be.
fn closing_quote(quoted: &str, may_escape: bool) -> Option<usize> {
    let mut is_escaped = false;
    for (at, c) in quoted.char_indices() {
        match c {
            '"' if !is_escaped => return Some(at),
            '\\' if !may_escape => return None,
            '\\' => is_escaped = !is_escaped,
            _ => is_escaped = false,
        }
    }
    None
}
