//! What a key may call: a models axis and a services axis, each *all* or a list.
//!
//! Does not resolve aliases, fold case or normalise Unicode: names are compared byte by byte.
//! Invariant: an empty list allows nothing; only [`Axis::All`] allows everything.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::limits::{SCOPE_ENTRIES_MAX, SCOPE_ENTRY_BYTES_MAX};

/// Names that begin with one of these are judged on the services axis, all others on models.
const SERVICE_PREFIXES: [&[u8]; 2] = [b"ep-", b"@"];
/// What some APIs write before a name; their servers read on behind it.
const COLLECTION: &[u8] = b"models/";
/// What some APIs write between a name and that of a stored preset, which may hold other models.
const PRESET: &[u8] = b"@preset/";

/// The two axes of a scope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// Which models.
    pub models: Axis,
    /// Which services.
    pub services: Axis,
}

/// One axis: everything, or exactly what is listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Axis {
    /// Everything on this axis, also what comes to exist later.
    All,
    /// Only what an entry covers; an empty list covers nothing.
    Listed(Vec<ScopeEntry>),
}

/// Which axis a resource is judged on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AxisKind {
    /// A model name.
    Models,
    /// A service id.
    Services,
}

/// One entry of a list: an exact name, or a prefix that was written with one `*` at its end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ScopeEntry {
    /// This name and no other.
    Exact(String),
    /// Every plain name that begins with this and is longer.
    Prefix(String),
}

/// Why a text is not a scope entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScopeEntryError {
    /// Nothing was written.
    Empty,
    /// Longer than [`SCOPE_ENTRY_BYTES_MAX`] bytes.
    TooLong,
    /// A `*` that is not the last character, or more than one.
    Star,
    /// A lone `*`.
    OnlyStar,
    /// A blank at an end, or a control or invisible character.
    Character,
}

impl Scope {
    /// The scope of a key that may call everything.
    pub const ALL: Self = Self {
        models: Axis::All,
        services: Axis::All,
    };
}

impl Axis {
    /// Whether the list is within [`SCOPE_ENTRIES_MAX`].
    pub fn fits(&self) -> bool {
        self.entries().len() <= SCOPE_ENTRIES_MAX
    }

    /// The entries of the list; none for [`Axis::All`].
    pub fn entries(&self) -> &[ScopeEntry] {
        match self {
            Self::All => &[],
            Self::Listed(entries) => entries,
        }
    }
}

impl AxisKind {
    /// The axis on which `name` is judged: that of what stands behind the last `models/`, too.
    pub fn of(name: &[u8]) -> Self {
        let is_service = |name: &[u8]| {
            SERVICE_PREFIXES
                .iter()
                .any(|prefix| name.starts_with(prefix))
        };
        if is_service(name) || is_service(behind_collection(name)) {
            Self::Services
        } else {
            Self::Models
        }
    }
}

/// What stands behind the last `models/` that begins a segment.
fn behind_collection(name: &[u8]) -> &[u8] {
    let at = (0..name.len()).rev().find(|at| {
        let begins = *at == 0 || name.get(at - 1) == Some(&b'/');
        begins
            && name
                .get(*at..)
                .is_some_and(|rest| rest.starts_with(COLLECTION))
    });
    at.and_then(|at| name.get(at + COLLECTION.len()..))
        .unwrap_or(name)
}

impl ScopeEntry {
    /// Reads an entry as it is written: `name` or `prefix*`.
    pub fn parse(text: &str) -> Result<Self, ScopeEntryError> {
        if text.is_empty() {
            return Err(ScopeEntryError::Empty);
        }
        if text.len() > SCOPE_ENTRY_BYTES_MAX {
            return Err(ScopeEntryError::TooLong);
        }
        if !name_is_sound(text) {
            return Err(ScopeEntryError::Character);
        }
        match text.split_once('*') {
            None => Ok(Self::Exact(text.into())),
            Some(("", "")) => Err(ScopeEntryError::OnlyStar),
            Some((prefix, "")) => Ok(Self::Prefix(prefix.into())),
            Some(_) => Err(ScopeEntryError::Star),
        }
    }

    /// Whether a requested name is covered.
    pub fn covers(&self, name: &[u8]) -> bool {
        match self {
            Self::Exact(exact) => name == exact.as_bytes(),
            Self::Prefix(prefix) => prefix_covers(prefix.as_bytes(), name),
        }
    }
}

/// Whether a name reads the same to everybody: not empty, no blank at an end, no control or
/// invisible character.
pub fn name_is_sound(name: &str) -> bool {
    !name.is_empty() && name.trim() == name && !name.chars().any(is_unfit)
}

/// Whether a prefix entry covers `name`. The part behind the prefix must be plain: with commas,
/// dot segments or odd bytes some upstreams would read another name, or several; `@preset/` adds
/// what is stored at the provider.
pub(crate) fn prefix_covers(prefix: &[u8], name: &[u8]) -> bool {
    let plain = |b: &u8| b.is_ascii_alphanumeric() || b"-_.:/@+".contains(b);
    name.strip_prefix(prefix).is_some_and(|rest| {
        !rest.is_empty()
            && rest.iter().all(plain)
            && !name.windows(2).any(|pair| pair == b".." || pair == b"//")
            && !name
                .windows(PRESET.len())
                .any(|part| part.eq_ignore_ascii_case(PRESET))
    })
}

/// Control characters and those that do not show, or turn the direction of text.
fn is_unfit(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

// === impl ScopeEntry ===

impl fmt::Display for ScopeEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exact(name) => f.write_str(name),
            Self::Prefix(prefix) => write!(f, "{prefix}*"),
        }
    }
}

// === impl ScopeEntryError ===

impl fmt::Display for ScopeEntryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("must not be empty"),
            Self::TooLong => write!(f, "must have at most {SCOPE_ENTRY_BYTES_MAX} bytes"),
            Self::Star => f.write_str("may have one '*', as its last character: write 'prefix*'"),
            Self::OnlyStar => f.write_str("is a lone '*': write \"all\" instead of the list"),
            Self::Character => f.write_str(
                "must not begin or end with a blank or have control or invisible characters",
            ),
        }
    }
}

impl core::error::Error for ScopeEntryError {}
