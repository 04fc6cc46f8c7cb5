//! Follows patterns and choosers through a document: which member is on the way to a resource,
//! which string is one, and what is in the way of reading it in one way only.
//!
//! Patterns are bits of a mask: each open container knows which of them are still alive in it.
//! Containers that are neither searched nor on the way of a pattern cost one counter. Does not scan
//! bytes, and does not know which words choose.
//!
//! Invariant: in every object that is read, each member that leads to a resource stands once and in
//! one spelling; a container of a kind that no pattern can go through is refused, not skipped.

mod visitor;

use std::rc::Rc;

use super::choice::{Choice, Inside};
use super::scanner::{CAPTURE_BYTES_MAX, Captured, Container};
use super::text::{folds_to, is_respelled};
use super::trail::Trail;
use super::{JsonError, Meaning, PATTERNS_MAX, Pattern};
use crate::chooser::{ChooserKind, Choosers, Sense, spelling_hash};
use crate::mention::Mention;
use keytable::scope::name_is_sound;

/// Longest resource name, in bytes.
const NAME_BYTES_MAX: usize = keytable::limits::SCOPE_ENTRY_BYTES_MAX;
/// Most different names of one body.
const NAMES_MAX: usize = 256;
/// Most members of one object that choose by their name.
const CHOOSERS_MAX: usize = 64;
/// Every element of an array.
const ANY: &str = "*";

const _: () = assert!(NAME_BYTES_MAX < CAPTURE_BYTES_MAX);

/// The patterns and how far each has come.
#[derive(Debug)]
pub(super) struct Members {
    patterns: Rc<[Pattern]>,
    choosers: Option<Rc<Choosers>>,
    /// The open containers that are read, outermost first.
    walked: Vec<Walked>,
    /// Open containers inside those, which are not.
    skipped: usize,
    next: Next,
    /// Where the reader is.
    trail: Trail,
    /// Each name says where it stands.
    has_places: bool,
    /// The names that were read, each once.
    names: Vec<Mention>,
    /// How many of them were taken.
    taken: usize,
}

/// What is known of the value that comes next.
#[derive(Clone, Copy, Debug, Default)]
struct Next {
    /// The patterns that lead to it.
    patterns: u64,
    /// Members below it that choose by their name count.
    is_searched: bool,
    /// A member above it holds a JSON Schema.
    in_schema: bool,
    /// It is chosen by the name of a member.
    choice: Option<Choice>,
    /// It is the `model` of an object in a chain.
    is_link: bool,
}

/// A container that is read.
#[derive(Debug)]
struct Walked {
    container: Container,
    /// The patterns that lead through it.
    alive: u64,
    /// The patterns whose member was seen in it.
    seen: u64,
    /// It stands where a name could stand, so it must hold one.
    must_name: bool,
    is_searched: bool,
    in_schema: bool,
    /// What its elements are, or the members of an object that holds names.
    choice: Option<Choice>,
    /// An object of a chain whose `model` was not seen yet.
    is_broken: bool,
    /// The members that choose by their name, by spelling.
    chosen: Vec<u64>,
}

impl Members {
    pub(super) fn new(patterns: Rc<[Pattern]>, choosers: Option<Rc<Choosers>>) -> Self {
        let all = patterns
            .iter()
            .take(PATTERNS_MAX)
            .fold(0, |mask, _| (mask << 1) | 1);
        let next = Next {
            patterns: all,
            is_searched: choosers.is_some(),
            ..Next::default()
        };
        Self {
            patterns,
            choosers,
            walked: Vec::new(),
            skipped: 0,
            next,
            trail: Trail::default(),
            has_places: false,
            names: Vec::new(),
            taken: 0,
        }
    }

    /// Says where each name stands.
    pub(super) fn set_places(&mut self) {
        self.has_places = true;
    }

    /// The value that was read last, for people; `None` for the whole body.
    pub(super) fn place(&self) -> Option<String> {
        self.trail.said(self.walked.len())
    }

    pub(super) fn take_names(&mut self) -> Vec<Mention> {
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

    /// Whether a pattern that passes the test ends at the value that comes next.
    fn ends(&self, test: impl Fn(&Meaning) -> bool) -> bool {
        let depth = self.walked.len();
        self.matching(self.next.patterns, |pattern| {
            pattern.segments.len() == depth && test(&pattern.meaning)
        }) != 0
    }

    /// Whether a list of names belongs here. Some servers take a lone text for a list of one.
    fn is_for_names(&self) -> bool {
        let depth = self.walked.len();
        let list_of_names = |pattern: &Pattern| {
            pattern.meaning.is_name()
                && pattern.segments.len() == depth + 1
                && pattern.segments.last().is_some_and(|last| last == ANY)
        };
        self.matching(self.next.patterns, list_of_names) != 0
    }

    /// Takes what is known of the value that begins; in an array, it is the same for each element.
    fn begin_value(&mut self) {
        if self.skipped > 0 {
            self.next = Next::default();
        } else if let Some(Walked {
            container: Container::Array,
            alive,
            is_searched,
            in_schema,
            choice,
            ..
        }) = self.walked.last()
        {
            self.next = Next {
                patterns: *alive,
                is_searched: *is_searched,
                in_schema: *in_schema,
                choice: *choice,
                is_link: false,
            };
            self.enter(ANY.as_bytes());
        }
    }

    /// The value that comes next is this member or element.
    fn enter(&mut self, segment: &[u8]) {
        let depth = self.walked.len().saturating_sub(1);
        self.trail.enter(depth, segment);
    }

    /// The patterns of the value that begins which lead through a container of this kind.
    fn through(&self, container: Container) -> u64 {
        let depth = self.walked.len();
        self.matching(self.next.patterns, |pattern| {
            let any = pattern.segments.get(depth).map(|segment| segment == ANY);
            any == Some(container == Container::Array)
        })
    }

    /// The patterns of the value that begins which pass the test and go on below it.
    fn beyond(&self, test: impl Fn(&Meaning) -> bool) -> u64 {
        let depth = self.walked.len();
        self.matching(self.next.patterns, |pattern| {
            pattern.segments.len() > depth && test(&pattern.meaning)
        })
    }

    /// Whether a place that the server reads in each element of a list lies below the value that
    /// begins.
    fn is_short_of_a_name(&self) -> bool {
        let depth = self.walked.len();
        self.matching(self.next.patterns, |pattern| {
            pattern.segments.len() > depth && pattern.is_taken_below(depth)
        }) != 0
    }

    fn member(&mut self, text: &Captured) -> Result<(), JsonError> {
        let depth = self.walked.len().saturating_sub(1);
        let Some(alive) = self.walked.last().map(|walked| walked.alive) else {
            return Ok(());
        };
        self.enter(&text.bytes);
        if text.lone_surrogate || text.bytes.contains(&0) {
            return Err(JsonError::OddMember);
        }
        let found = self.patterns_of(alive, depth, &text.bytes)?;
        self.next = Next {
            patterns: found,
            ..Next::default()
        };
        if self.ends(|meaning| *meaning == Meaning::Opaque) {
            return Ok(());
        }
        let opens = self.ends(|meaning| *meaning == Meaning::Open);
        if opens || self.walked.last().is_some_and(|walked| walked.is_searched) {
            self.search(text)?;
        }
        Ok(())
    }

    /// The patterns on whose way a member is; each once in an object, and in one spelling.
    fn patterns_of(&mut self, alive: u64, depth: usize, name: &[u8]) -> Result<u64, JsonError> {
        if alive == 0 {
            return Ok(0);
        }
        let at = |pattern: &Pattern, is: fn(&[u8], &[u8]) -> bool| {
            let segment = pattern.segments.get(depth);
            segment.is_some_and(|segment| is(name, segment.as_bytes()))
        };
        let exact = self.matching(alive, |pattern| at(pattern, |name, wanted| name == wanted));
        let reads = |pattern: &Pattern| pattern.meaning != Meaning::Opaque;
        let folded = self.matching(alive, |pattern| reads(pattern) && at(pattern, folds_to));
        let respelled = self.matching(alive & !folded, |pattern| {
            pattern.meaning.is_reference() && at(pattern, is_respelled)
        });
        let (found, alike) = (exact | respelled, folded | respelled);
        if alike & !found != 0 {
            return Err(JsonError::CaseVariant);
        }
        if let Some(walked) = self.walked.last_mut() {
            if walked.seen & alike != 0 {
                return Err(JsonError::Duplicate);
            }
            walked.seen |= alike;
        }
        Ok(found)
    }

    /// What the name of a member says, where that counts.
    fn search(&mut self, text: &Captured) -> Result<(), JsonError> {
        let is_root = self.walked.len() == 1;
        let (Some(choosers), Some(walked)) = (&self.choosers, self.walked.last_mut()) else {
            return Ok(());
        };
        if text.too_long {
            return Err(JsonError::OddMember);
        }
        let sense = choosers.sense(&text.bytes, is_root, walked.in_schema);
        if sense == Sense::Opaque {
            return Ok(());
        }
        self.next.is_searched = true;
        self.next.in_schema = walked.in_schema || sense == Sense::Schema;
        self.next.is_link = walked.is_broken && text.bytes == b"model";
        let Sense::Chooser(kind) = sense else {
            self.next.choice = walked.choice;
            return Ok(());
        };
        let spelling = spelling_hash(&text.bytes);
        if walked.chosen.contains(&spelling) {
            return Err(JsonError::Duplicate);
        }
        if walked.chosen.len() == CHOOSERS_MAX {
            return Err(JsonError::TooManyNames);
        }
        walked.chosen.push(spelling);
        let is_keyed = walked.choice.is_some_and(|choice| choice.is_keyed);
        self.next.choice = Some(Choice::of(kind, &text.bytes, is_keyed));
        Ok(())
    }

    fn value(&mut self, text: &Captured) -> Result<(), JsonError> {
        let refers = self.ends(|meaning| match meaning {
            Meaning::Reference => true,
            Meaning::ReferenceIf(wanted) => *wanted.as_bytes() == text.bytes,
            _ => false,
        });
        let choice = self.next.choice;
        if refers || choice.is_some_and(|choice| choice.kind == ChooserKind::Ref) {
            return Err(JsonError::Indirect);
        }
        if self.is_short_of_a_name() {
            return Err(JsonError::Unnamed);
        }
        if !self.ends(Meaning::is_name) && !choice.is_some_and(Choice::takes_text) {
            return match self.is_for_names() {
                true => Err(JsonError::OddContainer),
                false => Ok(()),
            };
        }
        // An empty text says nothing; where the server reads its name, and as one of several names, it must
        // not stand.
        let is_empty = text.bytes.is_empty() && !text.too_long && !text.lone_surrogate;
        let is_one_of_several = self.next.is_link || choice.is_some_and(Choice::is_element);
        if is_empty && !self.ends(Meaning::is_name) && !is_one_of_several {
            // The member's own name may be one.
            return self.add_key();
        }
        if let (true, Some(walked)) = (self.next.is_link, self.walked.last_mut()) {
            walked.is_broken = false;
        }
        if text.too_long || text.lone_surrogate {
            return Err(JsonError::OddName);
        }
        let is_read = self.ends(|meaning| *meaning == Meaning::Take);
        self.add(&text.bytes, is_read)
    }

    /// The member that leads to the value that begins is itself a name, if it is one of an object whose
    /// members are, and its value no text.
    fn add_key(&mut self) -> Result<(), JsonError> {
        if !self.next.choice.is_some_and(|choice| choice.is_keyed) {
            return Ok(());
        }
        let key = self.trail.last(self.walked.len()).to_vec();
        self.add(&key, false)
    }

    fn add(&mut self, bytes: &[u8], is_read: bool) -> Result<(), JsonError> {
        let name = std::str::from_utf8(bytes).map_err(|_| JsonError::OddName)?;
        if name.len() > NAME_BYTES_MAX || !name_is_sound(name) {
            return Err(JsonError::OddName);
        }
        let depth = self.walked.len();
        let mention = Mention {
            name: name.to_owned(),
            is_read,
            place: self.has_places.then(|| self.trail.pointer(depth)),
        };
        let is_known = |known: &Mention| known.is_same(&mention) && known.is_read >= is_read;
        if self.names.iter().any(is_known) {
            return Ok(());
        }
        if self.names.len() == NAMES_MAX {
            return Err(JsonError::TooManyNames);
        }
        self.names.push(mention);
        Ok(())
    }
}

impl Meaning {
    fn is_name(&self) -> bool {
        matches!(self, Self::Take | Self::Name)
    }

    fn is_reference(&self) -> bool {
        matches!(self, Self::Reference | Self::ReferenceIf(_))
    }

    /// Whether it matters how the way to it is built.
    fn is_read(&self) -> bool {
        !matches!(self, Self::Opaque | Self::Open)
    }
}

impl Pattern {
    /// Whether the server reads a name from each element of a list, and `depth` members lead into
    /// such an element.
    fn is_taken_below(&self, depth: usize) -> bool {
        let before = self.segments.get(..depth).unwrap_or_default();
        self.meaning == Meaning::Take && before.iter().any(|segment| segment == ANY)
    }
}
