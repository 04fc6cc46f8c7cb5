//! What every request of one worker shares: settings, rules, the table, the counts.
//!
//! Does not decide. Invariant: counting takes a permit or a refusal in hand.

use std::cell::RefCell;

use keytable::{ClientAddress, Permit, UsageBatch, UsageRow};

use super::family_of;
use super::running::Streams;
use crate::config::GateConfig;
use crate::host::{Host, HostError, Level, RequestHost};
use crate::locator::{Family, Locators};
use crate::outcome::Outcome;
use crate::reply::Refusal;
use crate::table::{TableReader, pulse};
use crate::tally::{Counted, Kept, Tally};

/// Rows in one message to the agent.
const HANDED_ROWS_MAX: usize = 1_000;

const DENIAL_STATE: &str = "latchkey_denial";

/// What every request of one worker shares.
#[derive(Debug)]
pub struct GateShared {
    /// The settings.
    pub config: GateConfig,
    /// The rules, compiled from them.
    pub locators: Locators,
    /// What the worker remembers of the table.
    pub table: TableReader,
    /// The requests that were permitted and are not over.
    pub(super) streams: Streams,
    /// What it has counted.
    tally: RefCell<Tally>,
}

impl GateShared {
    /// The settings with their rules compiled. The error says which rule is bad.
    /// `seed` is drawn now and told to nobody.
    pub fn new(config: GateConfig, seed: [u8; 16]) -> Result<Self, String> {
        let locators = Locators::compile(&config.locators)?;
        Ok(Self {
            config,
            locators,
            table: TableReader::new(seed),
            streams: Streams::default(),
            tally: RefCell::default(),
        })
    }

    /// What was counted since the last time, as batches for the agent, which gives them their
    /// source and sequence.
    pub fn take_counts(&self, now_unix_ms: u64) -> Vec<Vec<u8>> {
        let rows = self.take_rows(now_unix_ms);
        rows.chunks(HANDED_ROWS_MAX).map(message).collect()
    }

    fn take_rows(&self, now_unix_ms: u64) -> Vec<UsageRow> {
        let tally = self.tally.try_borrow_mut();
        tally
            .map(|mut tally| tally.take(now_unix_ms))
            .unwrap_or_default()
    }

    /// Gives the agent what this worker counted. While none takes it the counts stay here, in bounded
    /// memory: a queue in Envoy's memory that nobody empties would grow without end.
    pub fn hand_over(&self, host: &impl Host) {
        let Ok(now_unix_ms) = host.unix_ms() else {
            return;
        };
        if !pulse::is_beating(host) {
            if let Ok(mut tally) = self.tally.try_borrow_mut() {
                tally.stamp(now_unix_ms);
            }
            return;
        }
        for rows in self.take_rows(now_unix_ms).chunks(HANDED_ROWS_MAX) {
            if host.hand_over(&message(rows)).is_err() {
                host.count_lost(rows.iter().map(|row| row.count).sum());
            }
        }
        if let Some(counts) = host.take_counts() {
            let _ = host.hand_over(&counts);
        }
    }

    /// Cuts every running request whose key has lost its right. `enter` makes the calls of the host
    /// that it gives about one request; `None` if that is over.
    pub fn sweep<'h, H: RequestHost + 'h>(
        &self,
        host: &impl Host,
        mut enter: impl FnMut(u32) -> Option<&'h H>,
    ) {
        for stream in self.streams.due(host, self) {
            let Some(host) = enter(stream) else {
                continue;
            };
            if let Err(refusal) = self.streams.check(stream, host, self) {
                self.cut(stream, host, &refusal, None);
            }
        }
    }

    /// Ends a request that was permitted: with an answer, as long as there is none.
    pub(super) fn cut(
        &self,
        stream: u32,
        host: &impl RequestHost,
        refusal: &Refusal,
        family: Option<Family>,
    ) {
        let is_answered = self.streams.is_answered(stream);
        if !self.streams.leave(stream) {
            return;
        }
        host.count_cut();
        let ended = match is_answered {
            true => host.cut(),
            false => self.answer(host, refusal, family),
        };
        if let Err(HostError(status)) = ended {
            let details = refusal.outcome().details();
            host.log(
                Level::Error,
                &format!("gate: cannot cut {details} ({status})"),
            );
        }
    }

    /// Answers a request in the words of its client's API.
    pub(super) fn answer(
        &self,
        host: &impl RequestHost,
        refusal: &Refusal,
        family: Option<Family>,
    ) -> Result<(), HostError> {
        let family = family.or_else(|| {
            let headers = host.request_headers().ok()?;
            Some(family_of(self, &headers))
        });
        // For the log only: a refusal stands without it.
        let _ = host.set_filter_state(DENIAL_STATE, refusal.outcome().word().as_bytes());
        host.reply(&refusal.reply(family.unwrap_or_default()))
    }

    pub(super) fn count_permit(
        &self,
        host: &impl RequestHost,
        permit: &Permit,
        counted: Counted<'_>,
    ) {
        host.count(Outcome::Allowed);
        self.tell(host, |tally| {
            tally.permitted(permit, counted, || client_address(host))
        });
    }

    pub(super) fn count_refusal(
        &self,
        host: &impl RequestHost,
        refusal: &Refusal,
        counted: Counted<'_>,
    ) {
        self.tell(host, |tally| {
            tally.refused(refusal, counted, || client_address(host))
        });
    }

    pub(super) fn count_cut(
        &self,
        host: &impl RequestHost,
        refusal: &Refusal,
        counted: Counted<'_>,
    ) {
        self.tell(host, |tally| {
            tally.cut(refusal, counted, || client_address(host))
        });
    }

    /// Counts; a tally that is full is handed over first.
    fn tell(&self, host: &impl Host, count: impl FnOnce(&mut Tally) -> Kept) {
        let is_full = self.tally.try_borrow().is_ok_and(|tally| tally.is_full());
        if is_full {
            self.hand_over(host);
        }
        let kept = self
            .tally
            .try_borrow_mut()
            .map(|mut tally| count(&mut tally));
        if kept.unwrap_or(Kept::No) == Kept::No {
            host.count_lost(1);
        }
    }
}

/// Rows for the agent, which gives them their source and sequence.
fn message(rows: &[UsageRow]) -> Vec<u8> {
    UsageBatch {
        source: [0; 16],
        sequence: 0,
        rows: rows.to_vec(),
    }
    .encode()
}

fn client_address(host: &impl RequestHost) -> Option<ClientAddress> {
    ClientAddress::parse(&host.source_address().ok()?)
}
