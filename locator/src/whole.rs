//! A request that is there as a whole: what its rule finds in it, and what the decision is.
//!
//! The gate does the same step by step while the request streams by; both use the same readers,
//! the same [`Mentions`] and the same [`keytable::decide`]. Does not change anything.
//!
//! Invariant: a request that the gate would refuse is refused here, for the same reason.

use keytable::{Denial, RecordView, RequestFacts, Resources, admit};

use crate::body::{BodyReader, Fault, Reads, Unnamed};
use crate::headers::HeaderMap;
use crate::mentions::Mentions;
use crate::rules::{Kind, Located, Locators, path_only};

/// A request as a whole.
#[derive(Debug)]
pub struct Asked<'a> {
    /// With `:method` and `:path`.
    pub headers: &'a HeaderMap,
    /// All of the body; empty if there is none.
    pub body: &'a [u8],
}

/// What was seen of a request, and how it was judged.
#[derive(Debug)]
pub struct Seen {
    /// `profile.id` of the rule that it was read by; `None`: there is none.
    pub rule: Option<String>,
    /// Every name, with its place.
    pub mentions: Mentions,
    /// Why it would be refused; with the name that is the reason.
    pub outcome: Result<(), (Refused, Option<String>)>,
}

/// Why a request would be refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// By the key's record.
    Denied(Denial),
    /// By what the request is.
    Fault(Fault),
    /// An item out of scope does not exist.
    Unknown,
}

impl Asked<'_> {
    /// Judges it for the holder of this record.
    pub fn judge(
        &self,
        locators: &Locators,
        record: &RecordView<'_>,
        facts: &RequestFacts,
    ) -> Seen {
        let located = locators.locate(self.headers);
        let rule = located.map(|located| located.rule);
        let mut finding = Mentions::new(rule.map(|rule| rule.norm).unwrap_or_default());
        let outcome = self.outcome(locators, located, record, facts, &mut finding);
        let is_item = rule.is_some_and(|rule| rule.kind == Kind::Item);
        let outcome = outcome.map_err(|(refused, name)| match refused {
            Refused::Denied(Denial::OutOfScope { .. }) if is_item => (Refused::Unknown, name),
            refused => (refused, name),
        });
        Seen {
            rule: rule.map(|rule| rule.name.clone()),
            mentions: finding,
            outcome,
        }
    }

    fn outcome(
        &self,
        locators: &Locators,
        located: Option<Located<'_>>,
        record: &RecordView<'_>,
        facts: &RequestFacts,
        finding: &mut Mentions,
    ) -> Result<(), (Refused, Option<String>)> {
        let denied = |denial| (Refused::Denied(denial), None);
        let admitted = admit(record, facts).map_err(denied)?;
        if admitted.permit_unread().is_some() {
            return Ok(());
        }
        let Some(located) = located else {
            return Err(denied(Denial::EndpointNotAllowed));
        };
        let read = self.read(locators, &located, finding);
        // Names before faults, as the gate finds them.
        if !finding.is_empty() {
            let judged = finding.judge(record);
            judged.map_err(|(denial, name)| (Refused::Denied(denial), name))?;
        }
        read.map_err(|fault| (Refused::Fault(fault), None))?;
        match finding.is_empty() {
            true => admitted.permit(Resources::Open).map(drop).map_err(denied),
            false => Ok(()),
        }
    }

    /// Adds what the request names.
    fn read(
        &self,
        locators: &Locators,
        located: &Located<'_>,
        finding: &mut Mentions,
    ) -> Result<(), Fault> {
        let raw = self.headers.get(b":path").unwrap_or_default();
        let path = path_only(raw);
        located.check_path(path).map_err(Fault::Ambiguous)?;
        let query = raw.get(path.len() + 1..).unwrap_or_default();
        *finding = located.in_target(path, query).map_err(Fault::Ambiguous)?;
        let rule = located.rule;
        match rule.kind {
            Kind::Object => {
                let service = located.service(path).ok_or_else(unreadable)?;
                finding.set_service(service);
                return Ok(());
            }
            Kind::Open | Kind::List => return Ok(()),
            Kind::Infer | Kind::Item => {}
        }
        if !self.body.is_empty() {
            let mut reader = BodyReader::new(self.headers, located, Reads::Places)?;
            let read = reader.feed(self.body).and_then(|()| reader.finish());
            for name in reader.take_names() {
                finding.add(name);
            }
            read?;
        }
        if finding.read().is_none() {
            Unnamed::of(rule).stand_in(locators.service(), finding)?;
        }
        Ok(())
    }
}

/// A path that is no text, of which none that was checked is.
fn unreadable() -> Fault {
    Fault::Ambiguous("its path is no text".into())
}
