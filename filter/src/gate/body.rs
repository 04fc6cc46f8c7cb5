//! A request whose body is being read because its key is limited to a list.
//!
//! The request is held until it names a resource that is in scope; then it flows, and the reading
//! goes on to the end, since a second name can always follow. One that names nothing in as much as may
//! be held is refused, or flows without its end. Does not answer.
//!
//! Invariants: a byte is judged before it is passed on; the end of the body, by its framing or by what it
//! says, is judged before its last byte is passed on; when the table changes, the key and all that was
//! named are judged anew, and a key that expires is refused on time.

use keytable::{KeyHash, Permit, RecordView, admit};

use super::arrival::content_length;
use super::holder::{Holder, denied, facts, judge_finding};
use super::running::Judged;
use super::{GateShared, failed, identity};
use crate::config::BeyondHold;
use crate::headers::HeaderMap;
use crate::host::RequestHost;
use crate::locator::{BodyReader, Kind, Located, Mention, Mentions, Unnamed};
use crate::reply::Refusal;
use crate::table::{CheckedRecord, Unavailable, look_up};
use crate::tally::Counted;

/// The state of the reading.
#[derive(Debug)]
pub(super) struct Reading {
    key_hash: KeyHash,
    /// The edition under which `record` was read.
    edition: u64,
    record: CheckedRecord,
    reader: BodyReader,
    kind: Kind,
    unnamed: Unnamed,
    /// What was found so far, all in scope.
    finding: Mentions,
    /// Whether more was found since that was asked last.
    has_news: bool,
    passage: Passage,
    /// An answer has come before anything was named, and passes.
    answer_passes: bool,
    /// Most bytes that may be held.
    hold_bytes_max: usize,
    received: u64,
    content_length: Option<u64>,
}

/// Whether the request goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Passage {
    /// Envoy holds it back, with so many bytes of its body.
    Held(usize),
    /// It flows although it has named nothing yet: there was too much to be held.
    Unnamed,
    /// It flows.
    Named,
}

impl Reading {
    /// Begins to read; what was found in path and query is in scope.
    pub(super) fn new(
        reader: BodyReader,
        holder: &Holder<'_>,
        finding: Mentions,
        located: &Located<'_>,
        headers: &HeaderMap,
        hold_bytes_max: usize,
    ) -> Self {
        Self {
            key_hash: holder.key_hash,
            edition: holder.edition,
            record: holder.record.clone(),
            reader,
            kind: located.rule.kind,
            unnamed: Unnamed::of(located.rule),
            finding,
            has_news: false,
            passage: Passage::Held(0),
            answer_passes: false,
            hold_bytes_max,
            received: 0,
            content_length: content_length(headers),
        }
    }

    pub(super) fn is_held(&self) -> bool {
        matches!(self.passage, Passage::Held(_))
    }

    /// The size of Envoy's buffer as far as it was seen.
    pub(super) fn held_bytes(&self) -> usize {
        match self.passage {
            Passage::Held(bytes) => bytes,
            Passage::Unnamed | Passage::Named => 0,
        }
    }

    /// Whether a part of an answer may pass. A server that says yes to a request which has not named
    /// anything yet has acted on a part of it: as on one that names nothing.
    pub(super) fn check_answer(
        &mut self,
        host: &impl RequestHost,
        shared: &GateShared,
    ) -> Result<(), Refusal> {
        if self.passage != Passage::Unnamed || self.answer_passes {
            return Ok(());
        }
        let headers = host.response_headers().map_err(failed)?;
        let says_no = matches!(headers.get(b":status"), Some([b'4' | b'5', ..]));
        self.answer_passes = says_no || self.may_name_nothing(shared);
        match self.answer_passes {
            true => Ok(()),
            false => Err(Refusal::Ambiguous(
                "it was answered before it had named its model: send 'model' earlier in the body"
                    .into(),
            )),
        }
    }

    /// Whether the request would be permitted if its body ended without a name.
    fn may_name_nothing(&self, shared: &GateShared) -> bool {
        let mut finding = self.finding.clone();
        let stands_in = self
            .unnamed
            .stand_in(shared.locators.service(), &mut finding);
        stands_in.is_ok() && judge_finding(&self.record, &finding).is_ok()
    }

    /// Whether it has named more since this was asked last.
    pub(super) fn take_news(&mut self) -> bool {
        std::mem::take(&mut self.has_news)
    }

    /// What the request has named.
    pub(super) fn judged(&self) -> Judged {
        Judged::Found(self.finding.clone())
    }

    /// Judges what has arrived. On `Ok`, what Envoy has in hand may be passed on unless
    /// [`Self::is_held`]; with a permit at the end of the body.
    pub(super) fn advance(
        &mut self,
        host: &impl RequestHost,
        shared: &GateShared,
        size: usize,
        end_of_stream: bool,
    ) -> Result<Option<Permit>, Refusal> {
        self.judge(host, shared, size, end_of_stream)
            .and_then(|()| match end_of_stream {
                true => judge_finding(&self.record, &self.finding).map(Some),
                false => Ok(None),
            })
            .map_err(|refusal| refusal.of_kind(self.kind))
    }

    /// Counts a request that was passed on whole.
    pub(super) fn count_permit(
        &self,
        host: &impl RequestHost,
        shared: &GateShared,
        permit: &Permit,
    ) {
        if let Ok(view) = self.record.view() {
            shared.count_permit(host, permit, self.counted(&view));
        }
    }

    /// Counts a request that was refused by what its body is, or cut in the middle of it.
    pub(super) fn count_refusal(
        &self,
        host: &impl RequestHost,
        shared: &GateShared,
        refusal: &Refusal,
    ) {
        match self.record.view() {
            Ok(view) if self.is_held() => shared.count_refusal(host, refusal, self.counted(&view)),
            Ok(view) => shared.count_cut(host, refusal, self.counted(&view)),
            Err(_) => {}
        }
    }

    /// Counts a request that is over before its body was, if anything of it was passed on: under what it
    /// has named, or as cut if its key has lost its right meanwhile.
    pub(super) fn count_unfinished(
        &self,
        host: &impl RequestHost,
        shared: &GateShared,
        standing: Result<(), Refusal>,
    ) {
        if self.is_held() {
            return;
        }
        let permit = standing.and_then(|()| judge_finding(&self.record, &self.finding));
        match permit {
            Ok(permit) => self.count_permit(host, shared, &permit),
            Err(refusal) => self.count_refusal(host, shared, &refusal),
        }
    }

    /// A request of this key, with the first resource that its body has named so far.
    fn counted<'a>(&'a self, view: &RecordView<'a>) -> Counted<'a> {
        Counted {
            key_hash: &self.key_hash,
            key_id: view.key_id(),
            resource: self.finding.first().unwrap_or_default(),
        }
    }

    fn judge(
        &mut self,
        host: &impl RequestHost,
        shared: &GateShared,
        size: usize,
        end_of_stream: bool,
    ) -> Result<(), Refusal> {
        self.revalidate(host, shared).inspect_err(|_| {
            if !self.is_held() {
                host.count_cut();
            }
        })?;
        // Names before syntax: the answer must not depend on how the body was cut into chunks.
        let read = self.read(host, size)?;
        self.judge_new_names()?;
        read?;
        let over = end_of_stream
            || self.content_length == Some(self.received)
            || self.is_whole_beyond(shared.config.beyond_hold);
        if over {
            self.reader.finish()?;
            if self.finding.read().is_none() {
                self.has_news = true;
                let configured = shared.locators.service();
                self.unnamed.stand_in(configured, &mut self.finding)?;
                judge_finding(&self.record, &self.finding)?;
            }
        }
        if over || !shared.config.hold_whole_body {
            self.release_if_named(host)?;
        }
        self.check_held(shared.config.beyond_hold)
    }

    /// Whether it is too large to be held and has come to its end by what it says, be its framing over
    /// or not: a server that reads as it streams would act now.
    fn is_whole_beyond(&self, beyond_hold: BeyondHold) -> bool {
        let hold_bytes_max = u64::try_from(self.hold_bytes_max).unwrap_or(u64::MAX);
        beyond_hold == BeyondHold::Flow
            && self.received > hold_bytes_max
            && self.finding.read().is_none()
            && self.reader.has_ended()
    }

    /// Lets the request flow once it named what the server reads.
    pub(super) fn release_if_named(&mut self, host: &impl RequestHost) -> Result<(), Refusal> {
        let Some(name) = self.finding.read() else {
            return Ok(());
        };
        let told = match self.passage {
            Passage::Held(_) => identity::set_model(host, name),
            Passage::Unnamed => identity::log_model(host, name),
            Passage::Named => Ok(()),
        };
        self.passage = Passage::Named;
        told.map_err(failed)
    }

    fn check_held(&mut self, beyond_hold: BeyondHold) -> Result<(), Refusal> {
        match (self.passage, beyond_hold) {
            (Passage::Held(held), _) if held <= self.hold_bytes_max => Ok(()),
            (Passage::Held(_), BeyondHold::Refuse) => Err(Refusal::TooLarge),
            (Passage::Held(_), BeyondHold::Flow) => {
                self.passage = Passage::Unnamed;
                Ok(())
            }
            (Passage::Unnamed | Passage::Named, _) => Ok(()),
        }
    }

    /// Feeds the new bytes; the inner result is what the reader says of them.
    fn read(
        &mut self,
        host: &impl RequestHost,
        size: usize,
    ) -> Result<Result<(), Refusal>, Refusal> {
        let start = self.held_bytes();
        let new = size.saturating_sub(start);
        let bytes = match new {
            0 => Vec::new(),
            _ => host.request_body(start, new).map_err(failed)?,
        };
        if bytes.len() != new {
            return Err(Refusal::Unavailable(Unavailable::Damaged));
        }
        self.received = self
            .received
            .saturating_add(u64::try_from(new).unwrap_or(u64::MAX));
        if self.is_held() {
            self.passage = Passage::Held(size);
        }
        Ok(self.reader.feed(&bytes).map_err(Refusal::from))
    }

    fn judge_new_names(&mut self) -> Result<(), Refusal> {
        let names = self.reader.take_names();
        if names.is_empty() {
            Ok(())
        } else {
            self.add_names(names)
        }
    }

    fn add_names(&mut self, names: Vec<Mention>) -> Result<(), Refusal> {
        self.has_news = true;
        for name in names {
            self.finding.add(name);
        }
        judge_finding(&self.record, &self.finding).map(drop)
    }

    fn revalidate(&mut self, host: &impl RequestHost, shared: &GateShared) -> Result<(), Refusal> {
        let edition = shared.table.open(host)?;
        let has_moved = edition != self.edition;
        if has_moved {
            self.record = look_up(host, &self.key_hash)?.ok_or(Refusal::UnknownKey)?;
            self.edition = edition;
        }
        let view = self.record.view()?;
        if has_moved || view.expires_at_unix_ms().is_some() {
            admit(&view, &facts(host, &view)?).map_err(denied)?;
        }
        if has_moved && !self.finding.is_empty() {
            judge_finding(&self.record, &self.finding)?;
        }
        Ok(())
    }
}
