//! Follows patterns through a document: which member is on the way to a resource, which string is
//! one, and what is in the way of reading it in one way only.
//!
//! Patterns are bits of a mask: each open container knows which of them are still alive in it, so
//! containers that no pattern enters cost one counter. Does not scan bytes.
//!
//! Invariant: in every object that a pattern walks through, each of its members stands once and
//! in one spelling; a container of a kind that no pattern can go through is refused, not skipped.

use super::scanner::{CAPTURE_BYTES_MAX, Captured, Container, Role, Visitor};
use super::{JsonError, Pattern};
use keytable::scope::name_is_sound;

/// Longest resource name, in bytes.
const NAME_BYTES_MAX: usize = keytable::limits::SCOPE_ENTRY_BYTES_MAX;
/// Most names of one body.
const NAMES_MAX: usize = 256;
/// Patterns are bits of a `u64`.
const PATTERNS_MAX: usize = 64;

const _: () = assert!(NAME_BYTES_MAX < CAPTURE_BYTES_MAX);

/// The patterns and how far each has come.
#[derive(Debug)]
pub(super) struct Members {
    patterns: &'static [Pattern],
    /// The open containers that a pattern has entered, outermost first.
    walked: Vec<Walked>,
    /// Open containers inside those that no pattern enters.
    skipped: usize,
    /// The patterns that lead to the value that comes next.
    next: u64,
    names: Vec<String>,
    /// Names that were read, also those taken since.
    names_read: usize,
}

/// A container that a pattern has entered.
#[derive(Debug)]
struct Walked {
    container: Container,
    /// The patterns that lead through it.
    alive: u64,
    /// The patterns whose member was seen in it.
    seen: u64,
}

impl Members {
    pub(super) fn new(patterns: &'static [Pattern]) -> Self {
        let next = patterns
            .iter()
            .take(PATTERNS_MAX)
            .fold(0, |mask, _| (mask << 1) | 1);
        Self {
            patterns,
            walked: Vec::new(),
            skipped: 0,
            next,
            names: Vec::new(),
            names_read: 0,
        }
    }

    pub(super) fn take_names(&mut self) -> Vec<String> {
        std::mem::take(&mut self.names)
    }

    /// The patterns in `mask` whose segment at `depth` passes the test.
    fn matching(&self, mask: u64, depth: usize, test: impl Fn(Option<&&str>) -> bool) -> u64 {
        let passes = |index: &usize, pattern: &Pattern| {
            mask >> index & 1 == 1 && test(pattern.segments.get(depth))
        };
        self.patterns
            .iter()
            .enumerate()
            .filter(|(index, pattern)| passes(index, pattern))
            .fold(0, |found, (index, _)| found | 1 << index)
    }

    /// The patterns that end at the value that comes next.
    fn ending_here(&self) -> u64 {
        self.matching(self.next, self.walked.len(), |segment| segment.is_none())
    }

    /// Takes the patterns of the value that begins; in an array, each element has the same.
    fn begin_value(&mut self) {
        if self.skipped > 0 {
            self.next = 0;
        } else if let Some(Walked {
            container: Container::Array,
            alive,
            ..
        }) = self.walked.last()
        {
            self.next = *alive;
        }
    }

    /// The patterns of the value that begins which lead through a container of this kind.
    fn through(&self, container: Container) -> u64 {
        let depth = self.walked.len();
        self.matching(self.next, depth, |segment| match container {
            Container::Array => segment == Some(&"*"),
            Container::Object => segment != Some(&"*"),
        })
    }

    fn member(&mut self, text: &Captured) -> Result<(), JsonError> {
        let depth = self.walked.len().saturating_sub(1);
        let Some(alive) = self.walked.last().map(|walked| walked.alive) else {
            return Ok(());
        };
        if text.lone_surrogate || text.bytes.contains(&0) {
            return Err(JsonError::OddMember);
        }
        let exact = |segment: Option<&&str>| segment.is_some_and(|s| s.as_bytes() == text.bytes);
        let folded = fold(&text.bytes);
        let alike = |segment: Option<&&str>| segment.is_some_and(|s| fold(s.as_bytes()) == folded);
        let found = self.matching(alive, depth, exact);
        if self.matching(alive, depth, alike) != found {
            return Err(JsonError::CaseVariant);
        }
        if let Some(walked) = self.walked.last_mut() {
            if walked.seen & found != 0 {
                return Err(JsonError::Duplicate);
            }
            walked.seen |= found;
        }
        self.next = found;
        Ok(())
    }

    fn name(&mut self, text: &Captured) -> Result<(), JsonError> {
        let name = std::str::from_utf8(&text.bytes).map_err(|_| JsonError::OddName)?;
        let sound = !text.too_long && !text.lone_surrogate && name.len() <= NAME_BYTES_MAX;
        if !sound || !name_is_sound(name) {
            return Err(JsonError::OddName);
        }
        if self.names_read == NAMES_MAX {
            return Err(JsonError::TooManyNames);
        }
        self.names_read += 1;
        self.names.push(name.to_owned());
        Ok(())
    }
}

/// Lower case as the most lenient known parser folds it: ASCII, and the two letters outside of
/// ASCII whose simple folding is an ASCII letter.
fn fold(name: &[u8]) -> String {
    let fold_char = |c: char| match c {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        _ => c.to_ascii_lowercase(),
    };
    String::from_utf8_lossy(name)
        .chars()
        .map(fold_char)
        .collect()
}

// === impl Members ===

impl Visitor for Members {
    fn open(&mut self, container: Container) -> Result<(), JsonError> {
        self.begin_value();
        if self.ending_here() != 0 {
            return Err(JsonError::NotAString);
        }
        let alive = self.through(container);
        if alive != 0 {
            self.walked.push(Walked {
                container,
                alive,
                seen: 0,
            });
        } else if self.next == 0 {
            self.skipped += 1;
        } else {
            return Err(JsonError::OddContainer);
        }
        self.next = 0;
        Ok(())
    }

    fn close(&mut self) {
        if self.skipped > 0 {
            self.skipped -= 1;
        } else {
            self.walked.pop();
        }
    }

    fn scalar(&mut self) -> Result<(), JsonError> {
        self.begin_value();
        if self.ending_here() == 0 {
            Ok(())
        } else {
            Err(JsonError::NotAString)
        }
    }

    fn begin_string(&mut self, role: Role) -> bool {
        match role {
            Role::Member => {
                self.next = 0;
                self.skipped == 0
            }
            Role::Value => {
                self.begin_value();
                self.ending_here() != 0
            }
        }
    }

    fn string(&mut self, role: Role, text: &Captured) -> Result<(), JsonError> {
        match role {
            Role::Member => self.member(text),
            Role::Value => self.name(text),
        }
    }
}
