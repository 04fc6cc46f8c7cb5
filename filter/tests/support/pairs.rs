//! Headers as names and values, the way tests write them.
//!
//! Does not know whose they are. Invariant: their order stays.

use filter::headers::HeaderMap;

/// Names and values in their order.
pub(crate) type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

pub(crate) fn pairs_of(headers: &[(&str, &str)]) -> Pairs {
    let bytes = |text: &str| text.as_bytes().to_vec();
    headers
        .iter()
        .map(|(name, value)| (bytes(name), bytes(value)))
        .collect()
}

pub(crate) fn map_of(pairs: &[(Vec<u8>, Vec<u8>)]) -> HeaderMap {
    let pairs: Vec<(&[u8], &[u8])> = pairs
        .iter()
        .map(|(name, value)| (name.as_slice(), value.as_slice()))
        .collect();
    HeaderMap::from_pairs(&pairs)
}
