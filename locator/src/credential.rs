//! The one credential of a request: read from every place where it may stand, and taken out again.
//!
//! All places are read, and all that were there are removed, from one table of places: a place that
//! is read but not removed cannot exist. Does not hash or look anything up.
//!
//! Invariant: two different values, a place that is filled twice, a comma or blank inside, or another
//! authorization scheme are never resolved by precedence: they are refused. What is blank is no value.

use keytable::PresentedKey;

use crate::headers::HeaderMap;
use crate::key_places::{Form, KeyPlaces, Place};
use crate::rules::path_only;

const PATH: &[u8] = b":path";
/// The scheme and what stands behind it.
const BEARER: &[u8] = b"bearer ";

/// A request's credential and the places it stood in.
#[derive(Debug)]
pub struct Credential<'a> {
    /// The key, its format and checksum checked.
    pub key: PresentedKey<'a>,
    places: &'a KeyPlaces,
    /// Which of them were there, blank ones too: a bit for each.
    present: u64,
}

/// A change that takes the credential out of the request.
#[derive(Debug, PartialEq, Eq)]
pub enum Removal<'a> {
    /// Remove this header.
    Header(&'a [u8]),
    /// Set this header to what remains of it.
    Rest(&'a [u8], Vec<u8>),
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

impl<'a> Credential<'a> {
    /// Reads every place.
    pub fn find(headers: &'a HeaderMap, places: &'a KeyPlaces) -> Result<Self, CredentialError> {
        let mut found = Found::default();
        for (name, value) in headers.iter() {
            for (index, place) in places.in_header(name) {
                read(place, value, |value| found.add(1 << index, value))?;
            }
        }
        let value = found.value.ok_or(CredentialError::Missing)?;
        let key = PresentedKey::parse(value).map_err(|_| CredentialError::Malformed)?;
        Ok(Self {
            key,
            places,
            present: found.present,
        })
    }

    /// What has to change so that the upstream does not see the credential.
    pub fn removals(&self, headers: &HeaderMap) -> Vec<Removal<'a>> {
        let is_present = |(index, _): &(usize, &Place)| self.present & (1 << index) != 0;
        let present = self.places.iter().enumerate().filter(is_present);
        let mut removals: Vec<Removal<'a>> = Vec::new();
        for (_, place) in present {
            let name = &*place.header;
            let removal = match place.form {
                Form::Bearer | Form::Whole => Removal::Header(name),
                Form::Query(_) => {
                    let path = headers.get(PATH).unwrap_or_default();
                    Removal::Rest(name, without_query_keys(path, self.places))
                }
                Form::Subprotocol(_) => without_subprotocol_keys(headers, name, self.places),
            };
            if !removals.contains(&removal) {
                removals.push(removal);
            }
        }
        removals
    }
}

/// What was found so far.
#[derive(Default)]
struct Found<'a> {
    value: Option<&'a [u8]>,
    present: u64,
    filled: u64,
}

impl<'a> Found<'a> {
    /// Another value in the place with this bit; a place is filled once or the request is refused.
    fn add(&mut self, place: u64, value: &'a [u8]) -> Result<(), CredentialError> {
        self.present |= place;
        if value.trim_ascii().is_empty() {
            return Ok(());
        }
        if self.filled & place != 0 || self.value.is_some_and(|other| other != value) {
            return Err(CredentialError::Conflicting);
        }
        self.filled |= place;
        self.value = Some(value);
        Ok(())
    }
}

/// Gives each value that stands in this place of a header's text.
fn read<'a>(
    place: &Place,
    text: &'a [u8],
    mut add: impl FnMut(&'a [u8]) -> Result<(), CredentialError>,
) -> Result<(), CredentialError> {
    match &place.form {
        Form::Whole => add(text),
        Form::Bearer => add(bearer(text)?),
        Form::Query(name) => query_of(text)
            .split(|b| *b == b'&')
            .map(split_pair)
            .filter(|(written, _)| is_written(name, written))
            .try_for_each(|(_, value)| add(if is_blank(value) { b"" } else { value })),
        Form::Subprotocol(prefix) => protocols(text)
            .filter_map(|protocol| protocol.strip_prefix(&**prefix))
            .try_for_each(add),
    }
}

/// The token of `Bearer <token>`; the scheme in any case, exactly one blank. Empty if there is none.
fn bearer(value: &[u8]) -> Result<&[u8], CredentialError> {
    let written = value.trim_ascii();
    if written.is_empty() || written.eq_ignore_ascii_case(BEARER.trim_ascii_end()) {
        return Ok(b"");
    }
    match value.split_at_checked(BEARER.len()) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case(BEARER) => Ok(token),
        _ => Err(CredentialError::Malformed),
    }
}

/// Whether the value of a query parameter is made of blanks alone, as forms and URLs write them.
fn is_blank(value: &[u8]) -> bool {
    let blanks: [&[u8]; 4] = [b" ", b"+", b"%20", b"%09"];
    let mut rest = value;
    while let Some(after) = blanks.iter().find_map(|blank| rest.strip_prefix(*blank)) {
        rest = after;
    }
    rest.is_empty()
}

impl KeyPlaces {
    /// The query parameters that are not read for a credential, each with its name.
    pub fn query_rest<'p>(&self, path: &'p [u8]) -> impl Iterator<Item = &'p [u8]> {
        let pairs = query_of(path).split(|b| *b == b'&');
        pairs.filter(|pair| !self.is_query_key(split_pair(pair).0))
    }

    /// Whether a query parameter of this name, as it is written, is read for a credential.
    fn is_query_key(&self, written: &[u8]) -> bool {
        self.iter().any(|place| match &place.form {
            Form::Query(name) => is_written(name, written),
            _ => false,
        })
    }

    fn is_subprotocol_key(&self, protocol: &[u8]) -> bool {
        self.iter().any(|place| match &place.form {
            Form::Subprotocol(prefix) => protocol.starts_with(prefix),
            _ => false,
        })
    }
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

/// Whether what is written is this name once its percent signs are decoded.
fn is_written(name: &[u8], written: &[u8]) -> bool {
    let mut rest = written;
    for wanted in name {
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

fn without_query_keys(path: &[u8], places: &KeyPlaces) -> Vec<u8> {
    let mut out = path_only(path).to_vec();
    let mut separator = b'?';
    for pair in places.query_rest(path) {
        out.push(separator);
        out.extend_from_slice(pair);
        separator = b'&';
    }
    out
}

fn protocols(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value.split(|b| *b == b',').map(<[u8]>::trim_ascii)
}

/// All offered subprotocols of all lines but the keys, on one line.
fn without_subprotocol_keys<'a>(
    headers: &HeaderMap,
    name: &'a [u8],
    places: &KeyPlaces,
) -> Removal<'a> {
    let rest: Vec<&[u8]> = headers
        .iter()
        .filter(|(other, _)| *other == name)
        .flat_map(|(_, value)| protocols(value))
        .filter(|protocol| !places.is_subprotocol_key(protocol))
        .collect();
    if rest.is_empty() {
        Removal::Header(name)
    } else {
        Removal::Rest(name, rest.join(b", ".as_slice()))
    }
}
