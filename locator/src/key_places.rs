//! Where requests carry their keys, as a gate is told: which headers, in which form.
//!
//! Does not read requests (that is [`crate::credential`]). Invariants: a place stands once, and no
//! place is a header that says what a request is, since what is read is taken out.

use serde::Deserialize;

/// The places where nothing else is said.
const DEFAULT: [&str; 7] = [
    "bearer:authorization",
    "header:x-api-key",
    "header:api-key",
    "header:x-goog-api-key",
    "header:apikey",
    "query:key",
    // How OpenAI's SDK carries a key in a browser's WebSocket handshake.
    "subprotocol:openai-insecure-api-key.",
];
/// Most places: each is a bit to the reader.
const PLACES_MAX: usize = 32;
const SUBPROTOCOL: &str = "sec-websocket-protocol";

/// Beginnings of headers that say what a request is, or that the gate itself writes.
const RESERVED: [&str; 13] = [
    "accept",
    "connection",
    "content-",
    "cookie",
    "expect",
    "host",
    "te",
    "transfer-encoding",
    "upgrade",
    "x-forwarded-",
    "x-latchkey-account",
    "x-latchkey-key-id",
    "x-latchkey-model",
];

/// Where requests carry their keys.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "Vec<String>")]
pub struct KeyPlaces {
    places: Vec<Place>,
    /// With which letters their headers begin: a bit for each, by its lower five bits.
    letters: u32,
    /// Headers that others read for keys, and this gate does not.
    left: Vec<Box<[u8]>>,
    /// How to send a key, for people.
    how: String,
}

/// One place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The header that it is in.
    pub(crate) header: Box<[u8]>,
    pub(crate) form: Form,
}

/// What of the header's text is the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// What stands behind the scheme `Bearer`.
    Bearer,
    /// All of it.
    Whole,
    /// The query parameter of this name.
    Query(Box<[u8]>),
    /// What stands behind this in a subprotocol of a WebSocket.
    Subprotocol(Box<[u8]>),
}

impl KeyPlaces {
    /// What is written. The error says what is wrong with it.
    pub fn new(written: &[&str]) -> Result<Self, String> {
        let places = written
            .iter()
            .map(|place| Place::parse(place).map_err(|why| format!("key_places: `{place}` {why}")));
        let places = places.collect::<Result<Vec<_>, _>>()?;
        let is_twice = |(at, place): (usize, &Place)| {
            let earlier = places.iter().take(at);
            earlier.clone().any(|other| other.overlaps(place))
        };
        if let Some(at) = places.iter().enumerate().position(is_twice) {
            let place = written.get(at).unwrap_or(&"");
            return Err(format!("key_places: `{place}` stands there already"));
        }
        let Some(first) = places.first() else {
            return Err("key_places is empty: no request could carry a key".to_owned());
        };
        if places.len() > PLACES_MAX {
            return Err(format!("key_places has more than {PLACES_MAX} places"));
        }
        let how = first.how();
        let letters = places.iter().map(|place| letter_of(&place.header));
        let mut all = Self {
            letters: letters.fold(0, |all, letter| all | letter),
            places,
            left: Vec::new(),
            how,
        };
        let others = DEFAULT.iter().filter_map(|place| Place::parse(place).ok());
        let others = others.map(|place| place.header);
        all.left = others
            .filter(|name| name.first() != Some(&b':') && !all.reads(name))
            .collect();
        Ok(all)
    }

    /// Whether a header of this name is read for a key.
    pub fn reads(&self, name: &[u8]) -> bool {
        self.in_header(name).next().is_some()
    }

    /// Whether a header of this name carries keys for others: it belongs to the upstream.
    pub fn leaves(&self, name: &[u8]) -> bool {
        self.left.iter().any(|left| **left == *name)
    }

    /// The headers that are read, and those that carry keys for others.
    pub fn headers(&self) -> impl Iterator<Item = &[u8]> {
        let read = self.places.iter().map(|place| &*place.header);
        read.chain(self.left.iter().map(|name| &**name))
    }

    /// How to send a key, for people: `'Authorization: Bearer <key>'`.
    pub fn how(&self) -> &str {
        &self.how
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Place> {
        self.places.iter()
    }

    /// The places in a header of this name, each with its number.
    pub(crate) fn in_header(&self, name: &[u8]) -> impl Iterator<Item = (usize, &Place)> {
        let places = match self.letters & letter_of(name) {
            0 => &[],
            _ => self.places.as_slice(),
        };
        let places = places.iter().enumerate();
        places.filter(move |(_, place)| *place.header == *name)
    }
}

fn letter_of(name: &[u8]) -> u32 {
    name.first().map_or(0, |first| 1 << (first & 31))
}

impl Place {
    fn parse(written: &str) -> Result<Self, &'static str> {
        let (form, rest) = written.split_once(':').unwrap_or(("", written));
        match form {
            "bearer" => header(rest, Form::Bearer),
            "header" => header(rest, Form::Whole),
            "query" if is_plain(rest) && !["model", "deployment"].contains(&rest) => Ok(Self {
                header: b":path".as_slice().into(),
                form: Form::Query(rest.as_bytes().into()),
            }),
            "subprotocol" if is_plain(rest) => Ok(Self {
                header: SUBPROTOCOL.as_bytes().into(),
                form: Form::Subprotocol(rest.as_bytes().into()),
            }),
            "query" | "subprotocol" => Err("has no name that a key could stand in"),
            _ => {
                Err("is no place: bearer:HEADER, header:HEADER, query:NAME, subprotocol:BEGINNING")
            }
        }
    }

    /// Whether what stands in one of them stands in the other, too.
    fn overlaps(&self, other: &Self) -> bool {
        self.header == other.header
            && match (&self.form, &other.form) {
                (Form::Query(name), Form::Query(other)) => name == other,
                (Form::Subprotocol(one), Form::Subprotocol(other)) => {
                    one.starts_with(other) || other.starts_with(one)
                }
                _ => true,
            }
    }

    fn how(&self) -> String {
        let name = String::from_utf8_lossy(&self.header);
        match &self.form {
            Form::Bearer if name == "authorization" => "'Authorization: Bearer <key>'".to_owned(),
            Form::Bearer => format!("'{name}: Bearer <key>'"),
            Form::Whole => format!("'{name}: <key>'"),
            Form::Query(parameter) => {
                let parameter = String::from_utf8_lossy(parameter);
                format!("the query parameter '{parameter}=<key>'")
            }
            Form::Subprotocol(prefix) => {
                let prefix = String::from_utf8_lossy(prefix);
                format!("'{name}: {prefix}<key>'")
            }
        }
    }
}

fn header(name: &str, form: Form) -> Result<Place, &'static str> {
    // Envoy drops headers with an underscore, as it should be told to.
    let is_odd = |b: u8| b.is_ascii_uppercase() || b == b'_';
    if !is_plain(name) || name.bytes().any(is_odd) {
        return Err("names no header in lower case, of a-z, 0-9, '-' and '.'");
    }
    let is_reserved = |reserved: &str| match reserved.strip_suffix('-') {
        Some(_) => name.starts_with(reserved),
        None => name == reserved,
    };
    if name == SUBPROTOCOL || RESERVED.iter().any(|reserved| is_reserved(reserved)) {
        return Err("is a header that says what the request is: what is read is taken out");
    }
    Ok(Place {
        header: name.as_bytes().into(),
        form,
    })
}

fn is_plain(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
    !name.is_empty() && name.bytes().all(plain)
}

// === impl KeyPlaces ===

impl Default for KeyPlaces {
    fn default() -> Self {
        let empty = Self {
            places: Vec::new(),
            letters: 0,
            left: Vec::new(),
            how: String::new(),
        };
        // Without a place no request carries a key: closed, if the built-in ones could not be read.
        Self::new(&DEFAULT).unwrap_or(empty)
    }
}

impl TryFrom<Vec<String>> for KeyPlaces {
    type Error = String;

    fn try_from(written: Vec<String>) -> Result<Self, String> {
        let written: Vec<&str> = written.iter().map(String::as_str).collect();
        Self::new(&written)
    }
}
