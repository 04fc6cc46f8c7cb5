//! Forms as an honest client writes them.
//!
//! Invariant: the boundary is [`BOUNDARY`] and the whole is what every parser reads alike.

/// The boundary of every form here.
pub(crate) const BOUNDARY: &str = "7d3f1c";

/// The content type that goes with [`form`].
pub(crate) fn content_type() -> String {
    format!("multipart/form-data; boundary={BOUNDARY}")
}

/// A form of these text fields.
pub(crate) fn form(fields: &[(&str, &str)]) -> String {
    let parts: String = fields
        .iter()
        .map(|(name, value)| part(&format!("name=\"{name}\""), value))
        .collect();
    format!("{parts}--{BOUNDARY}--\r\n")
}

/// One part with these parameters of its disposition.
pub(crate) fn part(parameters: &str, value: &str) -> String {
    format!("--{BOUNDARY}\r\nContent-Disposition: form-data; {parameters}\r\n\r\n{value}\r\n")
}
