//! Follows patterns through a document: which member is on the way to a resource, which string is
//! one, and what is in the way of reading it in one way only.
//!
//! Patterns are bits of a mask: each open container knows which of them are still alive in it, so
//! containers that no pattern enters cost one counter. Does not scan bytes.
//!
//! Invariant: in every object that a pattern walks through, each of its members stands once and
//! in one spelling; a container of a kind that no pattern can go through is refused, not skipped.

use std::rc::Rc;

use super::scanner::{CAPTURE_BYTES_MAX, Captured, Container, Role, Visitor};
use super::{JsonError, Meaning, PATTERNS_MAX, Pattern};
use keytable::scope::name_is_sound;

/// Longest resource name, in bytes.
const NAME_BYTES_MAX: usize = keytable::limits::SCOPE_ENTRY_BYTES_MAX;
/// Most different names of one body.
const NAMES_MAX: usize = 256;
/// Every element of an array.
const ANY: &str = "*";

const _: () = assert!(NAME_BYTES_MAX < CAPTURE_BYTES_MAX);

/// The patterns and how far each has come.
#[derive(Debug)]
pub(super) struct Members {
    patterns: Rc<[Pattern]>,
    /// The open containers that a pattern has entered, outermost first.
    walked: Vec<Walked>,
    /// Open containers inside those that no pattern enters.
    skipped: usize,
    /// The patterns that lead to the value that comes next.
    next: u64,
    /// The names that were read, each once.
    names: Vec<String>,
    /// How many of them were taken.
    taken: usize,
}

/// A container that a pattern has entered.
#[derive(Debug)]
struct Walked {
    container: Container,
    /// The patterns that lead through it.
    alive: u64,
    /// The patterns whose member was seen in it.
    seen: u64,
    /// It stands where a name could stand, so it must hold one.
    must_name: bool,
}

impl Members {
    pub(super) fn new(patterns: Rc<[Pattern]>) -> Self {
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
            taken: 0,
        }
    }

    pub(super) fn take_names(&mut self) -> Vec<String> {
        let new = self.names.get(self.taken..).unwrap_or_default().to_vec();
        self.taken = self.names.len();
        new
    }

    /// The patterns in `mask` that pass the test.
    fn matching(&self, mask: u64, test: impl Fn(&Pattern) -> bool) -> u64 {
        let mut rest = mask;
        let mut found = 0;
        while rest != 0 {
            let bit = rest & rest.wrapping_neg();
            let index = usize::try_from(bit.trailing_zeros()).unwrap_or(PATTERNS_MAX);
            if self.patterns.get(index).is_some_and(&test) {
                found |= bit;
            }
            rest ^= bit;
        }
        found
    }

    /// The patterns that end at the value that comes next and pass the test.
    fn ending(&self, test: impl Fn(&Meaning) -> bool) -> u64 {
        let depth = self.walked.len();
        self.matching(self.next, |pattern| {
            pattern.segments.len() == depth && test(&pattern.meaning)
        })
    }

    /// Whether a list of names belongs here. Some servers take a lone text for a list of one.
    fn is_for_names(&self) -> bool {
        let depth = self.walked.len();
        let list_of_names = |pattern: &Pattern| {
            pattern.meaning == Meaning::Name
                && pattern.segments.len() == depth + 1
                && pattern.segments.last().is_some_and(|last| last == ANY)
        };
        self.matching(self.next, list_of_names) != 0
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
        self.matching(self.next, |pattern| {
            let any = pattern.segments.get(depth).map(|segment| segment == ANY);
            any == Some(container == Container::Array)
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
        let alike = self.matching(alive, |pattern| {
            pattern
                .segments
                .get(depth)
                .is_some_and(|s| folds_to(&text.bytes, s.as_bytes()))
        });
        let found = self.matching(alike, |pattern| {
            pattern
                .segments
                .get(depth)
                .is_some_and(|s| s.as_bytes() == text.bytes)
        });
        if alike != found {
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

    fn value(&mut self, text: &Captured) -> Result<(), JsonError> {
        let referring = self.ending(|meaning| match meaning {
            Meaning::Name => false,
            Meaning::Reference => true,
            Meaning::ReferenceIf(wanted) => *wanted.as_bytes() == text.bytes,
        });
        if referring != 0 {
            return Err(JsonError::Indirect);
        }
        if self.ending(|meaning| *meaning == Meaning::Name) == 0 {
            return match self.is_for_names() {
                true => Err(JsonError::OddContainer),
                false => Ok(()),
            };
        }
        let name = std::str::from_utf8(&text.bytes).map_err(|_| JsonError::OddName)?;
        let sound = !text.too_long && !text.lone_surrogate && name.len() <= NAME_BYTES_MAX;
        if !sound || !name_is_sound(name) {
            return Err(JsonError::OddName);
        }
        if self.names.iter().any(|known| known == name) {
            return Ok(());
        }
        if self.names.len() == NAMES_MAX {
            return Err(JsonError::TooManyNames);
        }
        self.names.push(name.to_owned());
        Ok(())
    }
}

/// Whether a member is read as `wanted` by the most lenient known parser: by ASCII case, and by
/// the letters outside of ASCII that some language's comparison folds to an ASCII letter.
pub(crate) fn folds_to(member: &[u8], wanted: &[u8]) -> bool {
    if member.is_ascii() {
        return member.eq_ignore_ascii_case(wanted);
    }
    let fold = |c: char| match c {
        '\u{17f}' => 's',
        '\u{130}' | '\u{131}' => 'i',
        '\u{212a}' => 'k',
        _ => c.to_ascii_lowercase(),
    };
    let (member, wanted) = (
        String::from_utf8_lossy(member),
        String::from_utf8_lossy(wanted),
    );
    member.chars().map(fold).eq(wanted.chars().map(fold))
}

// === impl Members ===

impl Visitor for Members {
    fn open(&mut self, container: Container) -> Result<(), JsonError> {
        self.begin_value();
        if self.ending(|meaning| *meaning == Meaning::Reference) != 0 {
            return Err(JsonError::Indirect);
        }
        let must_name = self.ending(|meaning| *meaning == Meaning::Name) != 0;
        let alive = self.through(container);
        let odd = self.matching(self.next, |p| p.segments.len() > self.walked.len()) != 0;
        if alive != 0 {
            self.walked.push(Walked {
                container,
                alive,
                seen: 0,
                must_name,
            });
        } else if must_name {
            return Err(JsonError::NotAString);
        } else if odd {
            return Err(JsonError::OddContainer);
        } else {
            self.skipped += 1;
        }
        self.next = 0;
        Ok(())
    }

    fn close(&mut self) -> Result<(), JsonError> {
        if self.skipped > 0 {
            self.skipped -= 1;
            return Ok(());
        }
        match self.walked.pop() {
            Some(Walked {
                must_name: true,
                seen: 0,
                ..
            }) => Err(JsonError::NotAString),
            _ => Ok(()),
        }
    }

    fn scalar(&mut self, is_null: bool) -> Result<(), JsonError> {
        self.begin_value();
        if self.ending(|meaning| *meaning == Meaning::Name) != 0 {
            return Err(JsonError::NotAString);
        }
        if !is_null && self.ending(|meaning| *meaning == Meaning::Reference) != 0 {
            return Err(JsonError::Indirect);
        }
        Ok(())
    }

    fn begin_string(&mut self, role: Role) -> bool {
        match role {
            Role::Member => {
                self.next = 0;
                self.skipped == 0
            }
            Role::Value => {
                self.begin_value();
                self.next != 0
            }
        }
    }

    fn string(&mut self, role: Role, text: &Captured) -> Result<(), JsonError> {
        match role {
            Role::Member => self.member(text),
            Role::Value => self.value(text),
        }
    }
}
