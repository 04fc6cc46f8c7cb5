//! What every request of one worker shares: settings, rules, the table, the counts.
//!
//! Does not decide. Invariant: counting takes a permit or a refusal in hand.

use std::cell::RefCell;
use std::rc::Rc;

use keytable::{ClientAddress, KeyHash, Permit, Tokens, UsageBatch, UsageRow};

use super::header_allowlist::HeaderAllowlist;
use super::held::HeldTotals;
use super::limiting::LimitKeeper;
use super::named::RemovedNames;
use super::running::Streams;
use crate::config::GateConfig;
use crate::host::{Host, HostError, Level, RequestHost};
use crate::locator::Locators;
use crate::outcome::Outcome;
use crate::reply::{Client, Refusal};
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
    /// What Envoy holds back.
    pub(super) held: Rc<HeldTotals>,
    /// What its requests hold of limits.
    pub limits: LimitKeeper,
    /// Which headers go on.
    pub(super) header_allowlist: HeaderAllowlist,
    /// What it has counted.
    tally: RefCell<Tally>,
    /// Which of those that do not go on are counted by name.
    removed_names: RefCell<RemovedNames>,
}

impl GateShared {
    /// The settings with their rules compiled. The error says which rule is bad.
    /// `seed` is drawn now and told to nobody.
    pub fn new(config: GateConfig, seed: [u8; 16]) -> Result<Self, String> {
        let locators = Locators::compile(&config.locators)?;
        config.hold_bounds().check(&locators)?;
        let header_allowlist = HeaderAllowlist::new(&config.pass_headers, &config.key_places)?;
        Ok(Self {
            held: HeldTotals::new(config.held_bytes_total_max),
            config,
            locators,
            limits: LimitKeeper::new(seed),
            table: TableReader::new(seed),
            streams: Streams::default(),
            header_allowlist,
            tally: RefCell::default(),
            removed_names: RefCell::default(),
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
                self.cut(stream, host, &refusal);
            }
        }
    }

    /// Ends a request that was permitted: with an answer, as long as there is none. True if the
    /// client gets this answer.
    pub(super) fn cut(&self, stream: u32, host: &impl RequestHost, refusal: &Refusal) -> bool {
        let Some((client, is_answered)) = self.streams.cut(stream) else {
            return false;
        };
        host.count_cut();
        let answers = !is_answered && self.answer(host, refusal, &client);
        if is_answered {
            reset(host, refusal);
        }
        if !answers {
            self.streams.leave(stream);
        }
        answers
    }

    /// Answers a request in the words of its client's API. False if that failed; then it is reset.
    pub(super) fn answer(
        &self,
        host: &impl RequestHost,
        refusal: &Refusal,
        client: &Client,
    ) -> bool {
        // For the log only: a refusal stands without it.
        let _ = host.set_filter_state(DENIAL_STATE, refusal.outcome().word().as_bytes());
        let replied = host.reply(&refusal.reply(client, self.config.key_places.how()));
        if let Err(HostError(status)) = replied {
            let details = refusal.outcome().details();
            host.log(
                Level::Error,
                &format!("gate: cannot answer {details} ({status})"),
            );
            reset(host, refusal);
        }
        replied.is_ok()
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

    /// Adds what a request used that was counted when it was permitted.
    pub(super) fn count_tokens(&self, host: &impl Host, tokens: &Tokens, counted: Counted<'_>) {
        self.tell(host, |tally| tally.used(tokens, counted));
    }

    /// Counts a header of this key's request that does not go on.
    pub(super) fn count_removed_header(&self, host: &impl Host, name: &[u8], key: &KeyHash) {
        if let Ok(mut names) = self.removed_names.try_borrow_mut() {
            host.count_removed_header(names.word(name, key));
        }
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
        charges: Vec::new(),
    }
    .encode()
}

/// Ends a request without an answer, or in the middle of one.
fn reset(host: &impl RequestHost, refusal: &Refusal) {
    if let Err(HostError(status)) = host.cut() {
        let details = refusal.outcome().details();
        host.log(
            Level::Error,
            &format!("gate: cannot cut {details} ({status})"),
        );
    }
}

fn client_address(host: &impl RequestHost) -> Option<ClientAddress> {
    ClientAddress::parse(&host.source_address().ok()?)
}
