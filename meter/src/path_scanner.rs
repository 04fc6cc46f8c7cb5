//! Follows JSON along the pointers of a report and passes over everything else.
//!
//! Takes one document after the other (lines of JSON, or the elements of an array at the root, which
//! are documents too). Lenient: the answer is the upstream's, and who reads it judges its syntax.
//! Does not know what figures mean. Invariants: constant memory, linear time, no panic, whatever the
//! bytes are; what is found does not depend on how they were cut.

use memchr::memchr2;

use crate::tree::{Meaning, NAME_BYTES_MAX, NodeId, Slot, Tree};

/// Deepest place that a pointer can reach: a report's pointers are shorter.
const DEPTH_MAX: usize = 16;
/// Bytes that are passed over without a branch.
const BLOCK: usize = 32;

/// What is told of a document.
pub(crate) trait Sink {
    /// A document begins.
    fn begin_document(&mut self);
    /// A figure.
    fn figure(&mut self, slot: Slot, value: u64);
    /// Text that was made: a piece of it, as it stands between its quotes.
    fn text(&mut self, piece: &[u8]);
    /// A figure that counts tokens of what is not run.
    fn counted(&mut self);
    /// Another document in base64: a piece of it.
    fn base64(&mut self, piece: &[u8]);
    /// A mark that nothing more is told.
    fn last(&mut self);
}

/// An open container that pointers lead into.
#[derive(Clone, Copy, Debug)]
struct Level {
    node: NodeId,
    is_object: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    /// Between tokens.
    #[default]
    Between,
    /// In the name of a member.
    Name {
        escaped: bool,
    },
    /// In a string.
    Text {
        escaped: bool,
    },
    /// In a number.
    Number,
    /// In a container that no pointer leads into, inside or outside of a string there.
    Skipped,
    SkippedText {
        escaped: bool,
    },
}

/// The scanner. Reset it where a document cannot go on.
#[derive(Debug)]
pub(crate) struct PathScanner {
    state: State,
    levels: [Option<Level>; DEPTH_MAX],
    depth: usize,
    /// Containers open below the last level.
    skipped: u32,
    /// Where the next value stands, if a pointer leads there.
    value_at: Option<NodeId>,
    /// In an object, a name comes next.
    name_is_next: bool,
    kept: Kept,
}

/// The front of a name, a number or a string that is compared.
#[derive(Clone, Copy, Debug)]
struct Kept {
    bytes: [u8; NAME_BYTES_MAX],
    length: usize,
    too_long: bool,
}

impl PathScanner {
    pub(crate) const fn new() -> Self {
        Self {
            state: State::Between,
            levels: [None; DEPTH_MAX],
            depth: 0,
            skipped: 0,
            value_at: Some(Tree::ROOT),
            name_is_next: false,
            kept: Kept::new(),
        }
    }

    /// Forgets an unfinished document.
    pub(crate) fn reset(&mut self) {
        *self = Self::new();
    }

    /// Reads on.
    pub(crate) fn feed(&mut self, tree: &Tree, bytes: &[u8], sink: &mut impl Sink) {
        let mut rest = bytes;
        while let Some((byte, after)) = rest.split_first() {
            rest = match self.state {
                State::Between => {
                    self.between(tree, *byte, sink);
                    after
                }
                State::Skipped => self.skip(rest),
                State::Number if is_of_number(*byte) => {
                    self.kept.push(*byte);
                    after
                }
                State::Number => {
                    self.end_number(tree, sink);
                    rest
                }
                State::Name { escaped } => self.string(tree, rest, escaped, sink),
                State::Text { escaped } => self.string(tree, rest, escaped, sink),
                State::SkippedText { escaped } => self.string(tree, rest, escaped, sink),
            };
        }
    }

    /// Nothing more comes: a number at the root has no byte behind it.
    pub(crate) fn finish(&mut self, tree: &Tree, sink: &mut impl Sink) {
        if self.state == State::Number {
            self.end_number(tree, sink);
        }
    }

    fn between(&mut self, tree: &Tree, byte: u8, sink: &mut impl Sink) {
        match byte {
            b'"' => self.begin_string(),
            b'{' => self.open(tree, true, sink),
            b'[' => self.open(tree, false, sink),
            b'}' | b']' => self.close(),
            b',' => self.next(tree, sink),
            b'-' | b'0'..=b'9' => {
                self.kept = Kept::new();
                self.kept.push(byte);
                self.state = State::Number;
            }
            _ => {}
        }
    }

    fn level(&self) -> Option<Level> {
        *self.levels.get(self.depth.checked_sub(1)?)?
    }

    /// A container begins as a value.
    fn open(&mut self, tree: &Tree, is_object: bool, sink: &mut impl Sink) {
        if self.depth == 0 && is_object {
            sink.begin_document();
        }
        let level = self.value_at.map(|node| Level { node, is_object });
        match (level, self.levels.get_mut(self.depth)) {
            (Some(level), Some(place)) => {
                *place = Some(level);
                self.depth += 1;
                self.begin_inside(tree, sink);
            }
            _ => {
                self.skipped = 1;
                self.state = State::Skipped;
            }
        }
    }

    /// Where the first value of the innermost container stands.
    fn begin_inside(&mut self, tree: &Tree, sink: &mut impl Sink) {
        let Some(level) = self.level() else {
            self.value_at = Some(Tree::ROOT);
            self.name_is_next = false;
            return;
        };
        self.name_is_next = level.is_object;
        self.value_at = match (level.is_object, self.depth) {
            (true, _) => None,
            // The elements of an array at the root are documents.
            (false, 1) => {
                sink.begin_document();
                Some(Tree::ROOT)
            }
            (false, _) => tree.element(level.node),
        };
    }

    fn next(&mut self, tree: &Tree, sink: &mut impl Sink) {
        if self.level().is_some() {
            self.begin_inside(tree, sink);
        }
    }

    fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.name_is_next = false;
        self.value_at = match self.depth {
            0 => Some(Tree::ROOT),
            _ => None,
        };
    }

    fn begin_string(&mut self) {
        self.kept = Kept::new();
        self.state = match self.name_is_next {
            true => State::Name { escaped: false },
            false => State::Text { escaped: false },
        };
    }

    /// Passes over a container, up to a string in it or its end; gives what is left.
    fn skip<'a>(&mut self, bytes: &'a [u8]) -> &'a [u8] {
        let plain = plain_run(bytes);
        let Some((byte, after)) = bytes.get(plain..).and_then(<[u8]>::split_first) else {
            return &[];
        };
        match byte {
            b'"' => self.state = State::SkippedText { escaped: false },
            b'{' | b'[' => self.skipped = self.skipped.saturating_add(1),
            _ => {
                self.skipped = self.skipped.saturating_sub(1);
                if self.skipped == 0 {
                    self.state = State::Between;
                }
            }
        }
        after
    }

    /// Reads a string up to its end, an escape or the end of the piece; gives what is left.
    fn string<'a>(
        &mut self,
        tree: &Tree,
        bytes: &'a [u8],
        escaped: bool,
        sink: &mut impl Sink,
    ) -> &'a [u8] {
        if escaped {
            let (one, after) = bytes.split_at_checked(1).unwrap_or((bytes, &[]));
            self.in_string(tree, one, sink);
            self.set_escaped(false);
            return after;
        }
        let length = memchr2(b'"', b'\\', bytes).unwrap_or(bytes.len());
        let (run, rest) = bytes.split_at_checked(length).unwrap_or((bytes, &[]));
        self.in_string(tree, run, sink);
        let Some((byte, after)) = rest.split_first() else {
            return rest;
        };
        match byte {
            b'\\' => {
                // A name or value with an escape is none of ours: it is never found.
                self.kept.too_long = true;
                self.set_escaped(true);
            }
            _ => self.end_string(tree, sink),
        }
        after
    }

    fn set_escaped(&mut self, escaped: bool) {
        self.state = match self.state {
            State::Name { .. } => State::Name { escaped },
            State::SkippedText { .. } => State::SkippedText { escaped },
            _ => State::Text { escaped },
        };
    }

    fn in_string(&mut self, tree: &Tree, run: &[u8], sink: &mut impl Sink) {
        match self.state {
            State::Name { .. } => self.kept.extend(run),
            State::Text { .. } => {
                let Some(node) = self.value_at else { return };
                if tree.has_marks(node) {
                    self.kept.extend(run);
                }
                match tree.meaning(node) {
                    Some(Meaning::Text) => sink.text(run),
                    Some(Meaning::Base64) => sink.base64(run),
                    _ => {}
                }
            }
            _ => {}
        }
    }

    fn end_string(&mut self, tree: &Tree, sink: &mut impl Sink) {
        match self.state {
            State::Name { .. } => {
                let level = self.level().zip(self.kept.whole());
                self.value_at = level.and_then(|(level, name)| tree.member(level.node, name));
                self.name_is_next = false;
            }
            State::SkippedText { .. } => {
                self.state = State::Skipped;
                return;
            }
            _ => {
                let marked = self.value_at.zip(self.kept.whole());
                if marked.is_some_and(|(node, value)| tree.is_mark(node, value)) {
                    sink.last();
                }
            }
        }
        self.state = State::Between;
    }

    fn end_number(&mut self, tree: &Tree, sink: &mut impl Sink) {
        self.state = State::Between;
        let meaning = self.value_at.and_then(|node| tree.meaning(node));
        match (meaning, self.kept.figure()) {
            (Some(Meaning::Figure(slot)), Some(value)) => sink.figure(slot, value),
            (Some(Meaning::Counted), _) => sink.counted(),
            _ => {}
        }
    }
}

// === impl Kept ===

impl Kept {
    const fn new() -> Self {
        Self {
            bytes: [0; NAME_BYTES_MAX],
            length: 0,
            too_long: false,
        }
    }

    fn push(&mut self, byte: u8) {
        self.extend(&[byte]);
    }

    fn extend(&mut self, more: &[u8]) {
        let end = self.length.saturating_add(more.len());
        match self.bytes.get_mut(self.length..end) {
            Some(place) => {
                place.copy_from_slice(more);
                self.length = end;
            }
            None => self.too_long = true,
        }
    }

    fn whole(&self) -> Option<&[u8]> {
        self.bytes.get(..self.length).filter(|_| !self.too_long)
    }

    /// A number that is not negative; `12.0` is 12.
    fn figure(&self) -> Option<u64> {
        let text = std::str::from_utf8(self.whole()?).ok()?;
        text.parse().ok().or_else(|| whole_part(text))
    }
}

/// The whole part of a number with a fraction or an exponent; what is out of range is none.
fn whole_part(text: &str) -> Option<u64> {
    let value: f64 = text.parse().ok()?;
    let whole = format!("{:.0}", value.trunc());
    let in_range = (0.0..1e18).contains(&value);
    whole.parse().ok().filter(|_| in_range)
}

const fn is_of_number(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-')
}

/// How many bytes are neither a quote nor a bracket or a brace.
fn plain_run(bytes: &[u8]) -> usize {
    let mut length = 0;
    let mut blocks = bytes.chunks_exact(BLOCK);
    for block in &mut blocks {
        if block.iter().fold(false, |stop, byte| stop | is_stop(*byte)) {
            break;
        }
        length += BLOCK;
    }
    let rest = bytes.get(length..).unwrap_or_default();
    length
        + rest
            .iter()
            .position(|byte| is_stop(*byte))
            .unwrap_or(rest.len())
}

/// `[` and `{`, `]` and `}` differ in one bit.
const fn is_stop(byte: u8) -> bool {
    let folded = byte | 0x20;
    (byte == b'"') | (folded == b'{') | (folded == b'}')
}
