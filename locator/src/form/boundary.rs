//! What separates the parts of a form, as its Content-Type says it.
//!
//! Invariant: a boundary that parsers end at different characters is none.

/// What may stand beside a boundary: an empty parameter is the semicolon at the end.
const PARAMETERS: [&str; 3] = ["", "charset=utf-8", "charset=utf8"];
/// Longest boundary, by RFC 2046.
const BOUNDARY_BYTES_MAX: usize = 70;

/// The boundary of `multipart/form-data; boundary=...`. UTF-8 may be said beside it, and nothing else.
pub(super) fn boundary(content_type: &[u8]) -> Option<Vec<u8>> {
    let mut parameters = content_type.split(|byte| *byte == b';');
    if !parameters
        .next()?
        .trim_ascii()
        .eq_ignore_ascii_case(b"multipart/form-data")
    {
        return None;
    }
    let mut found = None;
    for parameter in parameters.map(<[u8]>::trim_ascii_start) {
        let is = |known: &&str| parameter.eq_ignore_ascii_case(known.as_bytes());
        if PARAMETERS.iter().any(is) {
            continue;
        }
        let (name, value) =
            parameter.split_at_checked(parameter.iter().position(|byte| *byte == b'=')?)?;
        let is_first = found.is_none() && name.eq_ignore_ascii_case(b"boundary");
        found = Some(boundary_value(value.get(1..)?).filter(|_| is_first)?);
    }
    found
}

/// A boundary that is the same to all readers. Without quotes they end one at different characters:
/// only a token is.
fn boundary_value(value: &[u8]) -> Option<Vec<u8>> {
    let (value, others): (_, &[u8]) = match value {
        [b'"', inside @ .., b'"'] => (inside, b"'()+_,-./:=? "),
        bare => (bare, b"'+_-."),
    };
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || others.contains(byte);
    let fits = !value.is_empty()
        && value.len() <= BOUNDARY_BYTES_MAX
        && value.iter().all(allowed)
        && !value.ends_with(b" ");
    fits.then(|| value.to_vec())
}
