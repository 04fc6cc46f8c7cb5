//! Where a body that asks for a stream takes the word that the stream shall state what it uses.
//!
//! Reads the body as it streams by and changes nothing. A client that speaks of it itself has said what it
//! wants. Invariants: there is one place at most, and only in what has been JSON up to there; which one does
//! not depend on how the body was cut.

use super::JsonError;
use super::scanner::{Captured, Container, Role, Scalar, Scanner, Visitor};
use super::text::folds_to;

const STREAM: &[u8] = b"stream";
const OPTIONS: &[u8] = b"stream_options";
/// Members of the options by which a client speaks of it.
const SPOKEN_OF: [&[u8]; 2] = [b"include_usage", b"continuous_usage_stats"];

/// A reader in the middle of a body.
#[derive(Debug, Default)]
pub struct StreamOptions {
    scanner: Scanner,
    members: OptionMembers,
    is_over: bool,
}

/// Where the word goes, in front of a closing brace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsagePlace {
    /// At the end of the body, which has no `stream_options`.
    Body,
    /// At the end of its `stream_options`.
    Options {
        /// They have no members.
        is_empty: bool,
    },
}

#[derive(Debug, Default)]
struct OptionMembers {
    depth: usize,
    /// Which member of the body comes or is open.
    at: Member,
    /// Whether a stream is asked for, as far as the body has said.
    streams: Option<bool>,
    has_options: bool,
    /// The options are open.
    in_options: bool,
    is_empty: bool,
    is_spoken_of: bool,
    /// What the last brace has shown.
    place: Option<UsagePlace>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Member {
    #[default]
    Other,
    Stream,
    Options,
}

impl StreamOptions {
    /// Reads on. Gives the place and in front of which byte of this piece it is, if that is in it.
    pub fn feed(&mut self, piece: &[u8]) -> Option<(usize, UsagePlace)> {
        let mut read = 0;
        for part in piece.split_inclusive(|byte| *byte == b'}') {
            if self.is_over {
                return None;
            }
            read += part.len();
            let place = self.scanner.feed(part, &mut self.members);
            match place.map(|()| self.members.place) {
                Ok(None) => {}
                Ok(Some(place)) => {
                    self.is_over = true;
                    return Some((read - 1, place));
                }
                Err(_) => self.is_over = true,
            }
        }
        None
    }
}

impl OptionMembers {
    /// A member of the body begins.
    fn enter(&mut self, name: &[u8]) {
        self.at = match name {
            STREAM => Member::Stream,
            OPTIONS => Member::Options,
            _ => Member::Other,
        };
        self.has_options |= folds_to(name, OPTIONS);
    }

    fn say_stream(&mut self, streams: bool) {
        if self.depth == 1 && self.at == Member::Stream {
            self.streams = Some(streams);
        }
    }
}

// === impl Visitor ===

impl Visitor for OptionMembers {
    fn open(&mut self, container: Container) -> Result<(), JsonError> {
        self.say_stream(false);
        if self.depth == 1 {
            self.in_options = self.at == Member::Options && container == Container::Object;
            self.is_empty = true;
        }
        self.depth += 1;
        Ok(())
    }

    fn close(&mut self) -> Result<(), JsonError> {
        self.depth = self.depth.saturating_sub(1);
        let is_empty = self.is_empty;
        self.place = match self.depth {
            0 if self.streams == Some(true) && !self.has_options => Some(UsagePlace::Body),
            1 if std::mem::take(&mut self.in_options) => {
                let is_left = self.is_spoken_of || self.streams == Some(false);
                (!is_left).then_some(UsagePlace::Options { is_empty })
            }
            _ => None,
        };
        Ok(())
    }

    fn scalar(&mut self, scalar: Scalar) -> Result<(), JsonError> {
        self.say_stream(scalar == Scalar::True);
        Ok(())
    }

    fn begin_string(&mut self, role: Role) -> bool {
        if role == Role::Value {
            self.say_stream(false);
        }
        role == Role::Member && (self.depth == 1 || (self.depth == 2 && self.in_options))
    }

    fn string(&mut self, _: Role, text: &Captured) -> Result<(), JsonError> {
        if self.depth == 1 {
            self.enter(&text.bytes);
        } else {
            self.is_empty = false;
            let mut names = SPOKEN_OF.iter();
            self.is_spoken_of |= names.any(|name| folds_to(&text.bytes, name));
        }
        Ok(())
    }
}
