//! The one credential of a request: where it may stand, and how it is taken out again.
//!
//! All places are read, and all that were read are removed, from one table of places: a place that
//! is read but not removed cannot exist. Does not hash or look anything up.
//!
//! Invariant: two different values, a repeated header, a comma or blank inside, or another
//! authorization scheme are never resolved by precedence: they are refused.

use keytable::PresentedKey;

use crate::headers::HeaderMap;
pub use crate::locator::path_only;

/// Headers whose whole value is the credential.
const KEY_HEADERS: [&[u8]; 3] = [b"x-api-key", b"api-key", b"x-goog-api-key"];
const AUTHORIZATION: &[u8] = b"authorization";
const SUBPROTOCOL: &[u8] = b"sec-websocket-protocol";
/// How OpenAI's SDK carries a key in a browser's WebSocket handshake.
const SUBPROTOCOL_PREFIX: &[u8] = b"openai-insecure-api-key.";
const QUERY_NAME: &[u8] = b"key";

/// A request's credential and the places it stood in.
#[derive(Debug)]
pub struct Credential<'a> {
    /// The key, its format and checksum checked.
    pub key: PresentedKey<'a>,
    places: Places,
}

/// Where the credential stood.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Places {
    authorization: bool,
    key_headers: [bool; KEY_HEADERS.len()],
    query: bool,
    subprotocol: bool,
}

/// A change that takes the credential out of the request.
#[derive(Debug, PartialEq, Eq)]
pub enum Removal {
    /// Remove this header.
    Header(&'static [u8]),
    /// Set this header to what remains of it.
    Rest(&'static [u8], Vec<u8>),
}

/// Why a request has no usable credential. The client learns only that it has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CredentialError {
    /// Nowhere.
    Missing,
    /// Not of the form of an API key.
    Malformed,
    /// Several, or one place filled twice.
    Conflicting,
}

/// Whether a header of this name is read for a credential.
pub(crate) fn is_credential(name: &[u8]) -> bool {
    KEY_HEADERS.contains(&name) || [AUTHORIZATION, SUBPROTOCOL].contains(&name)
}

impl<'a> Credential<'a> {
    /// Reads every place.
    pub fn find(headers: &'a HeaderMap) -> Result<Self, CredentialError> {
        let mut found = Found::default();
        for (name, value) in headers.iter() {
            if name == AUTHORIZATION {
                found.once(|places| &mut places.authorization)?;
                found.add(bearer(value)?)?;
            } else if let Some(index) = KEY_HEADERS.iter().position(|header| *header == name) {
                found.once_header(index)?;
                found.add(value)?;
            } else if name == SUBPROTOCOL {
                for protocol in subprotocol_keys(value) {
                    found.once(|places| &mut places.subprotocol)?;
                    found.add(protocol)?;
                }
            } else if name == b":path" {
                for value in query_keys(value) {
                    found.once(|places| &mut places.query)?;
                    found.add(value)?;
                }
            }
        }
        let value = found.value.ok_or(CredentialError::Missing)?;
        let key = PresentedKey::parse(value).map_err(|_| CredentialError::Malformed)?;
        Ok(Self {
            key,
            places: found.places,
        })
    }

    /// What has to change so that the upstream does not see the credential.
    pub fn removals(&self, headers: &HeaderMap) -> Vec<Removal> {
        let mut removals = Vec::new();
        if self.places.authorization {
            removals.push(Removal::Header(AUTHORIZATION));
        }
        for (header, read) in KEY_HEADERS.iter().zip(self.places.key_headers) {
            if read {
                removals.push(Removal::Header(header));
            }
        }
        if self.places.query {
            let path = headers.get(b":path").unwrap_or_default();
            removals.push(Removal::Rest(b":path", without_query_key(path)));
        }
        if self.places.subprotocol {
            removals.push(without_subprotocol_key(headers));
        }
        removals
    }
}

/// What was found so far.
#[derive(Default)]
struct Found<'a> {
    value: Option<&'a [u8]>,
    places: Places,
}

impl<'a> Found<'a> {
    /// Marks a place; a place is filled once or the request is refused.
    fn once(&mut self, place: fn(&mut Places) -> &mut bool) -> Result<(), CredentialError> {
        let filled = place(&mut self.places);
        if *filled {
            return Err(CredentialError::Conflicting);
        }
        *filled = true;
        Ok(())
    }

    fn once_header(&mut self, index: usize) -> Result<(), CredentialError> {
        match self.places.key_headers.get_mut(index) {
            Some(filled) if !*filled => {
                *filled = true;
                Ok(())
            }
            _ => Err(CredentialError::Conflicting),
        }
    }

    fn add(&mut self, value: &'a [u8]) -> Result<(), CredentialError> {
        match self.value {
            Some(other) if other != value => Err(CredentialError::Conflicting),
            _ => {
                self.value = Some(value);
                Ok(())
            }
        }
    }
}

/// The token of `Bearer <token>`; the scheme in any case, exactly one blank.
fn bearer(value: &[u8]) -> Result<&[u8], CredentialError> {
    let (scheme, rest) = value
        .split_at_checked(7)
        .ok_or(CredentialError::Malformed)?;
    if scheme.eq_ignore_ascii_case(b"bearer ") {
        Ok(rest)
    } else {
        Err(CredentialError::Malformed)
    }
}

/// The values of every query parameter that a server would call `key`.
fn query_keys(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    query_of(path).split(|b| *b == b'&').filter_map(|pair| {
        let (name, value) = split_pair(pair);
        is_key_name(name).then_some(value)
    })
}

/// The query parameters that are not read for a credential, each with its name.
pub(crate) fn query_rest(path: &[u8]) -> impl Iterator<Item = &[u8]> {
    let pairs = query_of(path).split(|b| *b == b'&');
    pairs.filter(|pair| !is_key_name(split_pair(pair).0))
}

fn query_of(path: &[u8]) -> &[u8] {
    path.iter()
        .position(|b| *b == b'?')
        .and_then(|at| path.get(at + 1..))
        .unwrap_or_default()
}

fn split_pair(pair: &[u8]) -> (&[u8], &[u8]) {
    match pair
        .iter()
        .position(|b| *b == b'=')
        .and_then(|at| pair.split_at_checked(at))
    {
        Some((name, value)) => (name, value.get(1..).unwrap_or_default()),
        None => (pair, &[]),
    }
}

/// Whether a name is `key` once its percent signs are decoded.
fn is_key_name(name: &[u8]) -> bool {
    let mut rest = name;
    for wanted in QUERY_NAME {
        let (byte, after) = match rest {
            [b'%', high, low, after @ ..] => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => ((high << 4) | low, after),
                _ => return false,
            },
            [byte, after @ ..] => (*byte, after),
            [] => return false,
        };
        if byte != *wanted {
            return false;
        }
        rest = after;
    }
    rest.is_empty()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}

fn without_query_key(path: &[u8]) -> Vec<u8> {
    let mut out = path_only(path).to_vec();
    let mut separator = b'?';
    for pair in query_of(path).split(|b| *b == b'&') {
        if !is_key_name(split_pair(pair).0) {
            out.push(separator);
            out.extend_from_slice(pair);
            separator = b'&';
        }
    }
    out
}

/// The keys among the offered WebSocket subprotocols.
fn subprotocol_keys(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    protocols(value).filter_map(|protocol| protocol.strip_prefix(SUBPROTOCOL_PREFIX))
}

fn protocols(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|b| *b == b',').map(<[u8]>::trim_ascii)
}

/// All offered subprotocols of all lines but the keys, on one line.
fn without_subprotocol_key(headers: &HeaderMap) -> Removal {
    let rest: Vec<&[u8]> = headers
        .iter()
        .filter(|(name, _)| *name == SUBPROTOCOL)
        .flat_map(|(_, value)| protocols(value))
        .filter(|protocol| !protocol.starts_with(SUBPROTOCOL_PREFIX))
        .collect();
    if rest.is_empty() {
        Removal::Header(SUBPROTOCOL)
    } else {
        Removal::Rest(SUBPROTOCOL, rest.join(b", ".as_slice()))
    }
}
