//! Sets of header names: whole names, and beginnings that are written with a `*` behind them.
//!
//! Does not know what a set is for. Invariant: no beginning in a set begins with another, so that
//! one comparison tells whether a name begins with any.

/// A set of header names, in lower case.
#[derive(Debug, Default)]
pub struct HeaderNames {
    /// With which letters something in it begins: a bit for each, by its lower five bits.
    letters: u32,
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
            set.letters |= letter_of(pattern.as_bytes());
            match pattern.strip_suffix('*') {
                Some(beginning) => set.beginnings.push(beginning.as_bytes().into()),
                None => set.names.push(pattern.as_bytes().into()),
            }
        }
        set.names.sort_unstable();
        set.beginnings.sort_unstable();
        set.beginnings
            .dedup_by(|later, earlier| later.starts_with(earlier));
        set
    }

    /// Whether something in the set begins with the same letter, whatever its case: most names of
    /// most requests are done with so.
    pub fn may_hold(&self, name: &[u8]) -> bool {
        self.letters & letter_of(name) != 0
    }

    /// Whether and how a name is in the set.
    pub fn find(&self, name: &[u8]) -> Option<Listed> {
        if !self.may_hold(name) {
            return None;
        }
        let at = self
            .names
            .binary_search_by(|known| known.as_ref().cmp(name));
        if at.is_ok() {
            return Some(Listed::ByName);
        }
        let behind = self
            .beginnings
            .partition_point(|beginning| beginning.as_ref() <= name);
        let nearest = self.beginnings.get(behind.checked_sub(1)?)?;
        name.starts_with(nearest).then_some(Listed::ByBeginning)
    }
}

fn letter_of(name: &[u8]) -> u32 {
    name.first().map_or(0, |first| 1 << (first & 31))
}

/// The patterns of a text: one a line, without blank lines and those that begin with `#`.
pub fn patterns_of(text: &str) -> impl Iterator<Item = &str> {
    let lines = text.lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with('#'))
}
