//! Where an API states what was used: as it is written, and as a meter follows it.
//!
//! Does not read answers. Invariant: what is not understood is refused, with a text that says what
//! may stand there.

use serde::Deserialize;

use crate::figures::{Sums, Term};
use crate::tree::{Meaning, SLOTS_MAX, Slot, Tree};

/// A report as it is written. Each figure is a sum of terms; a term is a JSON pointer, or the name
/// of a header of the answer; `a|b` are two places of one term, of which the last one read counts,
/// and `a else b` is `b` if `a` was never stated.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReportText {
    /// The whole prompt, caches included.
    pub input: Vec<String>,
    /// What was read from a cache, a part of the input.
    pub cached: Vec<String>,
    /// What was made, reasoning included.
    pub output: Vec<String>,
    /// A part of the output.
    pub reasoning: Vec<String>,
    /// A stated total: what it is above input and output counts too.
    pub total: Vec<String>,
    /// `POINTER=TEXT`: a document with this string there ends what is told.
    pub last: Vec<String>,
    /// Where text that was made stands: what is counted of an answer that tells nothing.
    pub text: Vec<String>,
    /// Where tokens are counted and nothing is run: such an answer used none.
    pub counted: Vec<String>,
    /// Where frames carry another document of the same report, in base64.
    pub base64: Vec<String>,
}

/// A report that a meter can follow.
#[derive(Debug)]
pub struct Report {
    pub(crate) tree: Tree,
    pub(crate) sums: Sums,
    /// Headers of the answer that state a figure.
    pub(crate) headers: Vec<(String, u8)>,
}

/// The terms that have slots.
#[derive(Debug, Default)]
struct Terms {
    known: Vec<String>,
}

impl Report {
    /// Compiles a report.
    pub fn compile(text: &ReportText) -> Result<Self, String> {
        let mut report = Self {
            tree: Tree::new(),
            sums: Sums::default(),
            headers: Vec::new(),
        };
        let mut terms = Terms::default();
        report.sums = Sums {
            input: report.sum(&mut terms, &text.input)?,
            cached: report.sum(&mut terms, &text.cached)?,
            output: report.sum(&mut terms, &text.output)?,
            reasoning: report.sum(&mut terms, &text.reasoning)?,
            total: report.sum(&mut terms, &text.total)?,
        };
        for mark in &text.last {
            let (pointer, value) = mark
                .split_once('=')
                .ok_or_else(|| format!("`{mark}` is no mark: POINTER=TEXT"))?;
            report.tree.add_mark(pointer, value)?;
        }
        for pointer in &text.text {
            report.tree.add(pointer, Meaning::Text)?;
        }
        for pointer in &text.counted {
            report.tree.add(pointer, Meaning::Counted)?;
        }
        for pointer in &text.base64 {
            report.tree.add(pointer, Meaning::Base64)?;
        }
        Ok(report)
    }

    /// The headers of an answer that this report reads.
    pub fn header_names(&self) -> impl Iterator<Item = &str> {
        self.headers.iter().map(|(name, _)| name.as_str())
    }

    fn sum(&mut self, terms: &mut Terms, figure: &[String]) -> Result<Vec<Term>, String> {
        let term = |text: &String| {
            let slots = text.split(" else ");
            slots.map(|places| self.slot(terms, places)).collect()
        };
        figure.iter().map(term).collect()
    }

    fn slot(&mut self, terms: &mut Terms, places: &str) -> Result<u8, String> {
        match terms.known(places) {
            Some(slot) => Ok(slot),
            None => self.add_term(terms, places),
        }
    }

    fn add_term(&mut self, terms: &mut Terms, term: &str) -> Result<u8, String> {
        let index = terms.add(term)?;
        for place in term.split('|') {
            if place.starts_with('/') {
                let adds = place.split('/').any(|segment| segment == "*");
                self.tree
                    .add(place, Meaning::Figure(Slot { index, adds }))?;
            } else {
                self.headers.push((place.to_ascii_lowercase(), index));
            }
        }
        Ok(index)
    }
}

impl Terms {
    fn known(&self, term: &str) -> Option<u8> {
        let at = self.known.iter().position(|known| known == term)?;
        u8::try_from(at).ok()
    }

    fn add(&mut self, term: &str) -> Result<u8, String> {
        let index = u8::try_from(self.known.len()).unwrap_or(u8::MAX);
        if usize::from(index) >= SLOTS_MAX {
            return Err(format!("more than {SLOTS_MAX} figures in one report"));
        }
        self.known.push(term.to_owned());
        Ok(index)
    }
}
