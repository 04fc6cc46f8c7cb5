//! Sets of header names: whole names, and beginnings that are written with a `*` behind them.
//!
//! Does not know what a set is for. Invariant: no beginning in a set begins with another, so that
//! one comparison tells whether a name begins with any.

use std::cmp::Ordering;

/// A set of header names, in lower case.
#[derive(Debug, Default)]
pub struct HeaderNames {
    /// How long the names are that begin with a letter, by its lower five bits: a bit for each length.
    lengths: [u64; 32],
    /// With which letters its beginnings begin: a bit for each.
    letters: u32,
    /// By length first: few of one length are compared letter by letter.
    names: Vec<Box<[u8]>>,
    beginnings: Vec<Box<[u8]>>,
}

/// How a name is in a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listed {
    /// As it is.
    ByName,
    /// By its beginning.
    ByBeginning,
}

impl HeaderNames {
    /// A set of these patterns.
    pub fn new<'p>(patterns: impl Iterator<Item = &'p str>) -> Self {
        let mut set = Self::default();
        for pattern in patterns {
            match pattern.strip_suffix('*') {
                Some(beginning) => set.begin_with(beginning.as_bytes()),
                None => set.add(pattern.as_bytes()),
            }
        }
        set.names.sort_unstable_by(|one, other| order(one, other));
        set.beginnings.sort_unstable();
        set.beginnings
            .dedup_by(|later, earlier| later.starts_with(earlier));
        set
    }

    fn add(&mut self, name: &[u8]) {
        if let Some(lengths) = self.lengths.get_mut(letter_of(name)) {
            *lengths |= length_bit(name);
        }
        self.names.push(name.into());
    }

    fn begin_with(&mut self, beginning: &[u8]) {
        self.letters |= 1 << letter_of(beginning);
        self.beginnings.push(beginning.into());
    }

    /// Whether the set may have this name, in whatever case: most names of most requests are done with so.
    pub fn may_hold(&self, name: &[u8]) -> bool {
        self.may_name(name) || self.may_begin(name)
    }

    /// A name in it has this length, and begins with the same letter.
    fn may_name(&self, name: &[u8]) -> bool {
        let lengths = self.lengths.get(letter_of(name));
        lengths.is_some_and(|lengths| lengths & length_bit(name) != 0)
    }

    /// A beginning in it begins with the same letter.
    fn may_begin(&self, name: &[u8]) -> bool {
        self.letters & (1 << letter_of(name)) != 0
    }

    /// Whether and how a name is in the set.
    pub fn find(&self, name: &[u8]) -> Option<Listed> {
        if self.may_name(name) {
            let at = self.names.binary_search_by(|known| order(known, name));
            if at.is_ok() {
                return Some(Listed::ByName);
            }
        }
        if !self.may_begin(name) {
            return None;
        }
        let behind = self
            .beginnings
            .partition_point(|beginning| beginning.as_ref() <= name);
        let nearest = self.beginnings.get(behind.checked_sub(1)?)?;
        name.starts_with(nearest).then_some(Listed::ByBeginning)
    }
}

fn letter_of(name: &[u8]) -> usize {
    name.first().map_or(0, |first| usize::from(first & 31))
}

fn order(one: &[u8], other: &[u8]) -> Ordering {
    one.len().cmp(&other.len()).then_with(|| one.cmp(other))
}

/// The bit of a length; all that are longer than any standard name share one.
fn length_bit(name: &[u8]) -> u64 {
    1 << name.len().min(63)
}

/// The patterns of a text: one a line, without blank lines and those that begin with `#`.
pub fn patterns_of(text: &str) -> impl Iterator<Item = &str> {
    let lines = text.lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with('#'))
}
