//! What the scanner meets, one event after the other, as far as it matters to the members.
//!
//! Does not know what leads to a name. Invariant: what is open here is open in the document, and the
//! rest is counted.

use super::{Inside, Meaning, Members, Next, Walked};
use crate::json::JsonError;
use crate::json::scanner::{Captured, Container, Role, Scalar, Visitor};

// === impl Members ===

impl Visitor for Members {
    fn open(&mut self, container: Container) -> Result<(), JsonError> {
        self.begin_value();
        if self.skipped > 0 {
            self.skipped += 1;
            return Ok(());
        }
        if self.ends(|meaning| *meaning == Meaning::Reference) {
            return Err(JsonError::Indirect);
        }
        let must_name = self.ends(Meaning::is_name);
        let alive = self.through(container);
        let reads = self.beyond(Meaning::is_read);
        if must_name && alive & reads == 0 {
            return Err(JsonError::NotAString);
        }
        if reads != 0 && alive & reads == 0 {
            return Err(JsonError::OddContainer);
        }
        let is_declared = self.beyond(Meaning::is_name) != 0;
        let inside = match self.next.choice {
            Some(choice) => {
                self.add_key()?;
                choice.inside(container, is_declared)?
            }
            None => Inside::default(),
        };
        // What should have been opened further down is searched from here, if it cannot stand there.
        let opens = self.beyond(|meaning| *meaning == Meaning::Open);
        let is_searched = self.next.is_searched || (opens & !alive != 0 && self.choosers.is_some());
        if is_searched || alive != 0 {
            self.walked.push(Walked {
                container,
                alive,
                seen: 0,
                must_name,
                is_searched,
                in_schema: self.next.in_schema,
                choice: inside.elements,
                is_broken: inside.is_link,
                chosen: Vec::new(),
            });
        } else {
            self.skipped += 1;
        }
        self.next = Next::default();
        Ok(())
    }

    fn close(&mut self) -> Result<(), JsonError> {
        if self.skipped > 0 {
            self.skipped -= 1;
            return Ok(());
        }
        let Some(walked) = self.walked.pop() else {
            return Ok(());
        };
        let depth = self.walked.len();
        let taken = self.matching(walked.alive, |pattern| pattern.is_taken_below(depth));
        if walked.must_name && walked.seen == 0 {
            Err(JsonError::NotAString)
        } else if walked.is_broken {
            Err(JsonError::OddChoice)
        } else if walked.container == Container::Object && taken != 0 && walked.seen & taken == 0 {
            Err(JsonError::Unnamed)
        } else {
            Ok(())
        }
    }

    fn scalar(&mut self, scalar: Scalar) -> Result<(), JsonError> {
        self.begin_value();
        if self.next.patterns != 0 {
            if self.ends(Meaning::is_name) {
                return Err(JsonError::NotAString);
            }
            let is_null = scalar == Scalar::Null;
            if !is_null && self.ends(|meaning| *meaning == Meaning::Reference) {
                return Err(JsonError::Indirect);
            }
            if self.is_short_of_a_name() {
                return Err(JsonError::Unnamed);
            }
        }
        let Some(choice) = self.next.choice else {
            return Ok(());
        };
        self.add_key()?;
        choice.may_be(scalar)
    }

    fn begin_string(&mut self, role: Role) -> bool {
        match role {
            Role::Member => {
                self.next = Next::default();
                self.skipped == 0
            }
            Role::Value => {
                self.begin_value();
                self.next.patterns != 0 || self.next.choice.is_some()
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
