//! What a permitted request used: its answer is read as it passes by.
//!
//! Does not read reports (`meter` does) or refuse. Invariants: each request that was passed on is settled
//! once, however it ended; nothing of body or answer is changed unless a stream is asked (`asking`).

mod asking;
mod usage_chunks;

use std::rc::Rc;

use keytable::{KeyHash, TokenCounts, Tokens};
use meter::{End, Format, Meter, Report, Usage};

use super::GateShared;
use super::arrival::{Arrival, content_length};
use crate::config::StreamUsage;
use crate::headers::HeaderMap;
use crate::host::{HostError, RequestHost};
use crate::table::CheckedRecord;
use crate::tally::Counted;
use asking::Asking;

/// A request whose answer states what was used.
#[derive(Debug)]
pub(super) struct Metering {
    key_hash: KeyHash,
    record: CheckedRecord,
    report: Rc<Report>,
    /// Size of the request's body: as its head says, or else as far as it has come.
    request_bytes: u64,
    is_size_stated: bool,
    answer: Option<Answer>,
    /// Asks its stream to state it.
    asking: Option<Asking>,
    /// What the request called, as far as that was known when its answer began.
    resource: String,
}

/// An answer whose head has come.
#[derive(Debug)]
struct Answer {
    meter: Meter,
    is_error: bool,
    /// It is text that is compressed: so many bytes of it have come.
    unread_bytes: Option<u64>,
}

impl Metering {
    /// Begins, if the endpoint's rule knows a report.
    pub(super) fn new(
        arrival: &Arrival<'_>,
        key_hash: KeyHash,
        record: CheckedRecord,
    ) -> Option<Self> {
        let report = arrival.located?.rule.usage.clone()?;
        let stated = content_length(arrival.headers);
        Some(Self {
            key_hash,
            record,
            report,
            request_bytes: stated.unwrap_or(0),
            is_size_stated: stated.is_some() || arrival.end_of_stream,
            answer: None,
            asking: None,
            resource: String::new(),
        })
    }

    /// What it used is charged: a stream that would not state it is asked to, if it may be.
    pub(super) fn ask(
        &mut self,
        host: &impl RequestHost,
        setting: StreamUsage,
        arrival: &Arrival<'_>,
    ) -> Result<(), HostError> {
        self.asking = Asking::begin(host, setting, arrival)?;
        Ok(())
    }

    /// Body of the request has come: the new piece, or all of it while it is held.
    pub(super) fn saw_body(&mut self, size: usize, is_held: bool) {
        if self.is_size_stated {
            return;
        }
        let size = u64::try_from(size).unwrap_or(u64::MAX);
        self.request_bytes = match is_held {
            true => self.request_bytes.max(size),
            false => self.request_bytes.saturating_add(size),
        };
    }

    /// Body of the request goes on, all that Envoy has in hand.
    pub(super) fn pass_body(&mut self, host: &impl RequestHost, size: usize) {
        let passed = self.asking.as_mut().map(|it| it.pass_body(host, size));
        if let Some(Err(_)) = passed {
            self.asking = None;
        }
    }

    /// Whether the upstream has begun to answer, and not with an error: it has what it runs.
    pub(super) fn is_answered(&self) -> bool {
        self.answer.as_ref().is_some_and(|answer| !answer.is_error)
    }

    /// The head of the answer to a request that calls `resource`.
    pub(super) fn begin(
        &mut self,
        host: &impl RequestHost,
        resource: String,
    ) -> Result<(), HostError> {
        self.resource = resource;
        let Ok(headers) = host.response_headers() else {
            return Ok(());
        };
        let status = headers.get(b":status").unwrap_or_default();
        let format = format_of(&headers);
        let unread = format.filter(|_| is_compressed(&headers));
        let mut meter = Meter::new(Rc::clone(&self.report), format.filter(|_| unread.is_none()));
        for name in self.report.header_names() {
            if let Some(value) = headers.get(name.as_bytes()) {
                meter.header(name, value);
            }
        }
        self.answer = Some(Answer {
            meter,
            is_error: matches!(status, [b'4'..=b'9', ..]),
            unread_bytes: unread.map(|_| 0),
        });
        match &mut self.asking {
            Some(asking) => asking.begin_answer(host, &headers),
            None => Ok(()),
        }
    }

    /// The next `size` bytes of the answer's body go on, its last if `is_last`. An error leaves a stream
    /// that was asked without some of its bytes.
    pub(super) fn pass_answer(
        &mut self,
        host: &impl RequestHost,
        size: usize,
        is_last: bool,
    ) -> Result<(), HostError> {
        self.read(host, size);
        match &mut self.asking {
            Some(asking) => asking.pass_answer(host, size, is_last),
            None => Ok(()),
        }
    }

    fn read(&mut self, host: &impl RequestHost, size: usize) {
        let Some(answer) = self.answer.as_mut().filter(|_| size > 0) else {
            return;
        };
        if let Some(unread_bytes) = &mut answer.unread_bytes {
            let size = u64::try_from(size).unwrap_or(u64::MAX);
            *unread_bytes = unread_bytes.saturating_add(size);
        }
        if !answer.meter.reads_body() {
            return;
        }
        if let Ok(piece) = host.response_body(0, size) {
            answer.meter.feed(&piece);
        }
    }

    /// The request is over, its answer whole or not: what it used is counted, under `resource` if it
    /// is known still. Gives the tokens that it used.
    pub(super) fn settle(
        self,
        host: &impl RequestHost,
        shared: &GateShared,
        resource: Option<String>,
        is_whole: bool,
    ) -> u64 {
        let resource = resource.unwrap_or(self.resource);
        let answer = self.answer.unwrap_or_else(|| Answer {
            meter: Meter::new(Rc::clone(&self.report), None),
            is_error: false,
            unread_bytes: None,
        });
        let usage = answer.meter.end(End {
            is_whole,
            is_error: answer.is_error,
            request_bytes: self.request_bytes,
            unread_bytes: answer.unread_bytes.unwrap_or(0),
        });
        let tokens = tokens(&usage);
        if let Ok(view) = self.record.view()
            && !tokens.is_zero()
        {
            let counted = Counted {
                key_hash: &self.key_hash,
                key_id: view.key_id(),
                resource: &resource,
            };
            shared.count_tokens(host, &tokens, counted);
        }
        usage.total()
    }
}

fn tokens(usage: &Usage) -> Tokens {
    let counts = TokenCounts {
        input: usage.input,
        cached: usage.cached,
        output: usage.output,
        reasoning: usage.reasoning,
    };
    let none = TokenCounts::default();
    let (reported, estimated) = match usage.is_reported {
        true => (counts, none),
        false => (none, counts),
    };
    Tokens {
        reported,
        estimated,
    }
}

/// In which form a body is told, compressed or not; `None` if in none that is known.
fn format_of(headers: &HeaderMap) -> Option<Format> {
    Format::of_content_type(headers.get(b"content-type")?)
}

fn is_compressed(headers: &HeaderMap) -> bool {
    let encoding = headers.get(b"content-encoding");
    encoding.is_some_and(|encoding| !encoding.eq_ignore_ascii_case(b"identity"))
}
