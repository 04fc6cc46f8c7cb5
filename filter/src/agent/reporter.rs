//! The agent's side of usage: gathers what the workers counted and reports it, each batch once.
//!
//! Plain Rust without I/O or clock, like [`super::follower`]. Does not count requests.
//!
//! Invariants: a batch keeps its sequence and its bytes until the sidecar has it, so that one that
//! is sent twice is counted once; what is gathered meanwhile is bounded in rows, and who hands over more
//! is told how much was lost.

use std::collections::BTreeMap;

use keytable::limits::USAGE_ROWS_MAX;
use keytable::{Charge, FormatVersion, KeyId, UsageAnswer, UsageBatch, UsageOutcome, UsageRow};

use super::open::Open;

/// How long counts are gathered before they are reported.
const GATHER_NS: u64 = 2_000_000_000;
/// How long after an answer the next charges are told.
const CHARGE_NS: u64 = 1_000_000_000;
const BACKOFF_MS_FIRST: u64 = 1_000;
const BACKOFF_MS_MAX: u64 = 60_000;

/// After which an answer is not waited for any more, in milliseconds.
pub const TIMEOUT_MS: u64 = 10_000;

/// Where batches are posted.
pub const PATH: &str = "/feed/v1/usage";

/// The state machine.
#[derive(Debug)]
pub struct Reporter {
    source: [u8; 16],
    /// What the sidecar reads.
    format: FormatVersion,
    sequence: u64,
    gathered: BTreeMap<(KeyId, String, UsageOutcome), UsageRow>,
    /// The batch that the sidecar does not have yet.
    batch: Option<Vec<u8>>,
    /// The callout that carries it.
    open: Option<Open>,
    failures: u32,
    not_before_ns: u64,
    /// From when on rows are reported again.
    rows_from_ns: u64,
    /// From when on charges are welcome again.
    charges_from_ns: u64,
}

/// What became of a batch, for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reported {
    /// The answer belongs to another call.
    NotOurs,
    /// The sidecar has it, and has charged it.
    Charged(UsageAnswer),
    /// The sidecar has its rows.
    Taken,
    /// It will be sent again.
    Later,
    /// The sidecar will never take it: it was dropped.
    Dropped(u16),
}

impl Reporter {
    /// A reporter that has nothing. `source` is drawn at each start.
    pub fn new(source: [u8; 16]) -> Self {
        Self {
            source,
            format: FormatVersion::OLDEST,
            sequence: 0,
            gathered: BTreeMap::new(),
            batch: None,
            open: None,
            failures: 0,
            not_before_ns: 0,
            rows_from_ns: 0,
            charges_from_ns: 0,
        }
    }

    /// The sidecar writes this format, so it reads it too.
    pub fn heard(&mut self, format: FormatVersion) {
        self.format = format;
    }

    /// Takes what a worker handed over, and says how many requests of it there was no room for; bytes
    /// that are no batch are ignored.
    pub fn gather(&mut self, bytes: &[u8]) -> u64 {
        let mut lost: u64 = 0;
        let rows = UsageBatch::decode(bytes)
            .map(|batch| batch.rows)
            .unwrap_or_default();
        for row in rows {
            let resource = match self.gathered.len() < USAGE_ROWS_MAX {
                true => row.resource.clone(),
                false => String::new(),
            };
            let key = (row.key_id.clone(), resource.clone(), row.outcome);
            let room = self.gathered.len() < USAGE_ROWS_MAX;
            match self.gathered.get_mut(&key) {
                Some(known) => merge(known, &row),
                None if room => {
                    self.gathered.insert(key, UsageRow { resource, ..row });
                }
                None => lost = lost.saturating_add(row.count),
            }
        }
        lost
    }

    /// From when on charges are welcome.
    pub fn charges_from_ns(&self) -> u64 {
        self.charges_from_ns
    }

    /// Whether the sidecar reads charges.
    pub fn takes_charges(&self) -> bool {
        self.format.keeps_limits()
    }

    /// Whether a batch could be begun, if there is something for it.
    pub fn is_free(&self, now_ns: u64) -> bool {
        let is_alone = self.batch.is_none() && self.open.is_none();
        (is_alone || mutant!(BeginBesideTheOpen)) && now_ns >= self.not_before_ns
    }

    /// The batch to send now, if one is due. `charges`: what is to be told with it; `None` if nothing has to be.
    pub fn due(&mut self, now_ns: u64, charges: Option<Vec<Charge>>) -> Option<&[u8]> {
        if self
            .open
            .take_if(|open| open.is_hung(now_ns, TIMEOUT_MS))
            .is_some()
        {
            self.back_off(now_ns);
        }
        if self.open.is_some() || now_ns < self.not_before_ns {
            return None;
        }
        let has_rows = !self.gathered.is_empty() && now_ns >= self.rows_from_ns;
        if self.batch.is_none() && (has_rows || charges.is_some()) {
            self.sequence = self.sequence.saturating_add(1);
            let rows = std::mem::take(&mut self.gathered).into_values().collect();
            let batch = UsageBatch {
                source: self.source,
                sequence: self.sequence,
                rows,
                charges: charges.unwrap_or_default(),
            };
            self.batch = Some(batch.encode_as(self.format));
        }
        self.batch.as_deref()
    }

    /// The batch was sent; its answer will carry `token`.
    pub fn sent(&mut self, token: u32, now_ns: u64) {
        self.open = Some(Open::new(token, now_ns));
    }

    /// The batch could not be sent.
    pub fn unsent(&mut self, now_ns: u64) {
        self.back_off(now_ns);
    }

    /// An answer arrived; `status` is 0 for none. `body`: what it says.
    pub fn answer(&mut self, token: u32, status: u16, body: &[u8], now_ns: u64) -> Reported {
        if self.open.take_if(|open| open.has(token)).is_none() {
            return Reported::NotOurs;
        }
        let answer = UsageAnswer::decode(body).ok();
        let answer = answer.filter(|answer| answer.sequence == self.sequence);
        match (status, answer) {
            (200, Some(answer)) => {
                self.taken(now_ns, answer.next_ms);
                Reported::Charged(answer)
            }
            // What came to it is not known: the same batch is asked about again.
            (200, None) if !body.is_empty() => {
                self.back_off(now_ns);
                Reported::Later
            }
            (200..=299, _) => {
                self.taken(now_ns, 0);
                Reported::Taken
            }
            (400 | 413 | 415 | 422, _) => {
                self.batch = None;
                self.back_off(now_ns);
                Reported::Dropped(status)
            }
            _ => {
                self.back_off(now_ns);
                Reported::Later
            }
        }
    }

    fn taken(&mut self, now_ns: u64, next_ms: u32) {
        self.batch = None;
        self.failures = 0;
        self.not_before_ns = now_ns;
        self.rows_from_ns = now_ns.saturating_add(GATHER_NS);
        let next_ns = u64::from(next_ms).saturating_mul(1_000_000);
        self.charges_from_ns = now_ns.saturating_add(next_ns.max(CHARGE_NS));
    }

    fn back_off(&mut self, now_ns: u64) {
        let delay_ms = (BACKOFF_MS_FIRST << self.failures.min(6)).min(BACKOFF_MS_MAX);
        self.failures = self.failures.saturating_add(1);
        self.not_before_ns = now_ns.saturating_add(delay_ms * 1_000_000);
    }
}

fn merge(known: &mut UsageRow, row: &UsageRow) {
    known.count = known.count.saturating_add(row.count);
    known.tokens.add(&row.tokens);
    if row.last_at_unix_ms >= known.last_at_unix_ms {
        known.last_at_unix_ms = row.last_at_unix_ms;
        known.last_address = row.last_address.or(known.last_address);
    }
}
