//! Reads the resources that a JSON body names, as the body streams by.
//!
//! The reader keeps a state, not the body: its memory does not grow with what it reads. It is
//! stricter than any server behind it may be, because what two parsers could read differently
//! (repeated or case-varied members, odd encodings, trailing bytes) is a way around a scope.
//! Does not decide whether a name is in scope.
//!
//! Invariant: after `finish` gave `Ok`, the body was one JSON object in UTF-8 and every place of
//! the patterns was read; the outcome does not depend on how the body was cut into chunks.

mod choice;
mod members;
mod scanner;
mod stream_options;
#[cfg(test)]
mod tests;
mod text;
mod trail;

pub(crate) use text::folds_to;

pub use stream_options::{StreamOptions, UsagePlace};

use std::fmt;
use std::rc::Rc;

use crate::chooser::Choosers;
use crate::mention::Mention;

use members::Members;
use scanner::Scanner;

/// Most patterns of one reader: they are bits of a `u64`.
pub const PATTERNS_MAX: usize = 64;

/// A place in a document: the members that lead to it, from the root; `*` is every element of an
/// array.
#[derive(Clone, Debug)]
pub struct Pattern {
    segments: Vec<String>,
    meaning: Meaning,
}

/// What stands at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Meaning {
    /// The name of a resource, where the server reads it.
    Take,
    /// The name of one more resource.
    Name,
    /// Something that chooses a resource which cannot be seen, unless it is `null`.
    Reference,
    /// The same, if it is this very string.
    ReferenceIf(String),
    /// Below it nothing is searched.
    Opaque,
    /// It is searched, although it stands below an opaque place.
    Open,
}

/// A reader in the middle of a body.
#[derive(Debug)]
pub struct JsonReader {
    scanner: Scanner,
    members: Members,
}

/// Why a body is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonError {
    /// Not JSON.
    Syntax,
    /// Not UTF-8, or with a byte order mark.
    Encoding,
    /// Nested deeper than any honest request.
    Depth,
    /// The body is JSON, but no object.
    NotAnObject,
    /// The body ended in the middle.
    Cut,
    /// A member that names a resource stands twice.
    Duplicate,
    /// A member differs from one that names a resource by upper and lower case alone.
    CaseVariant,
    /// A member name that some parsers cut or replace.
    OddMember,
    /// A resource that is no string.
    NotAString,
    /// On the way to a resource, an object where a list belongs, or a list where an object does.
    OddContainer,
    /// A fallback or an adapter that is no name.
    OddChoice,
    /// An element of a list that the server reads a name from has none.
    Unnamed,
    /// It chooses its resource by something that cannot be seen here.
    Indirect,
    /// More names than any honest request has.
    TooManyNames,
    /// A resource name that is empty, too long, or has blanks at an end or invisible characters.
    OddName,
}

impl Pattern {
    /// The place of a name.
    pub fn new(segments: &[&str]) -> Self {
        let segments = segments
            .iter()
            .map(|segment| (*segment).to_owned())
            .collect();
        Self {
            segments,
            meaning: Meaning::Name,
        }
    }

    /// Reads a JSON pointer such as `/tools/*/model`.
    pub fn parse(pointer: &str, meaning: Meaning) -> Result<Self, String> {
        let path = pointer.strip_prefix('/').filter(|path| !path.contains('~'));
        let segments: Vec<String> = path
            .into_iter()
            .flat_map(|path| path.split('/'))
            .map(str::to_owned)
            .collect();
        if segments.is_empty() || segments.iter().any(String::is_empty) {
            return Err(format!("`{pointer}` is no pointer: write /member/*/member"));
        }
        Ok(Self { segments, meaning })
    }

    /// Reads `/member`, or `/member='text'` for a member that counts with this text alone.
    pub fn parse_reference(text: &str) -> Result<Self, String> {
        match text
            .split_once("='")
            .and_then(|(at, text)| Some((at, text.strip_suffix('\'')?)))
        {
            Some((pointer, text)) => Self::parse(pointer, Meaning::ReferenceIf(text.to_owned())),
            None => Self::parse(text, Meaning::Reference),
        }
    }
}

impl JsonReader {
    /// A reader for a body of which nothing was seen: it reads the declared places alone.
    pub fn new(patterns: Rc<[Pattern]>) -> Self {
        Self {
            scanner: Scanner::default(),
            members: Members::new(patterns, None),
        }
    }

    /// The same, and members that choose by their name count wherever they stand.
    pub fn closed(patterns: Rc<[Pattern]>, choosers: Rc<Choosers>) -> Self {
        Self {
            scanner: Scanner::default(),
            members: Members::new(patterns, Some(choosers)),
        }
    }

    /// The same, and each name says where it stands.
    pub fn with_places(mut self) -> Self {
        self.members.set_places();
        self
    }

    /// Reads on. After an error the body is refused; no more may be fed.
    pub fn feed(&mut self, chunk: &[u8]) -> Result<(), JsonError> {
        self.scanner.feed(chunk, &mut self.members)
    }

    /// The body is over.
    pub fn finish(&self) -> Result<(), JsonError> {
        self.scanner.finish()
    }

    /// What an error that is about a member is about, for people; `None` for the whole body.
    pub fn place(&self) -> Option<String> {
        self.members.place()
    }

    /// The names that were read since the last call, each once in the life of the reader.
    pub fn take_names(&mut self) -> Vec<Mention> {
        self.members.take_names()
    }
}

impl JsonError {
    /// Whether it is about a member, and not the whole body.
    pub fn is_of_member(self) -> bool {
        !matches!(
            self,
            Self::Syntax
                | Self::Encoding
                | Self::Depth
                | Self::NotAnObject
                | Self::Cut
                | Self::TooManyNames
        )
    }

    /// What to tell the client.
    pub fn message(self) -> &'static str {
        match self {
            Self::Syntax => "it is not valid JSON",
            Self::Encoding => "it is not UTF-8, or has a byte order mark",
            Self::Depth => "it is nested too deeply",
            Self::NotAnObject => "it must be one JSON object",
            Self::Cut => "it ends before the JSON object is complete",
            Self::Duplicate => "a member that names a model stands twice, or in two spellings",
            Self::CaseVariant => "a member name differs from 'model' by upper and lower case alone",
            Self::OddMember => "a member name has a character that parsers read differently",
            Self::NotAString => "the model must be a string",
            Self::OddContainer => "an object stands where a list belongs, or the other way round",
            Self::OddChoice => {
                "a fallback or an adapter must be a name, or a list of names and of objects with a 'model'"
            }
            Self::Unnamed => "an element of the list that names the models names none",
            Self::Indirect => "it chooses its model by a reference",
            Self::TooManyNames => "it names too many models",
            Self::OddName => "the model's name is empty, too long or has unfit characters",
        }
    }
}

// === impl JsonError ===

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl std::error::Error for JsonError {}
