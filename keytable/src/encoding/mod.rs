//! How bytes are laid out, whatever they say: numbers and texts one behind the other, and the envelope
//! around what is sent.
//!
//! Does not know any message. Invariant: what is read is checked against the length that there is.

pub(crate) mod envelope;
pub(crate) mod wire;
