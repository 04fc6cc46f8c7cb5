//! Starting from a signed table while the sidecar cannot be reached: when to ask for it, and whether
//! what comes back may be put in force.
//!
//! Plain Rust without I/O or clock, like [`super::follower`]. Does not write slots. Invariant: a table
//! is accepted only with the right signature, for this region, and for what is left of the lease
//! that began when it was made.

use std::fmt;

use keytable::{SignedTable, SignedTableError};

use super::follower::Answer;
use super::open::Open;
use crate::config::{AgentConfig, MaxStaleness, SignedTableConfig};

/// After which an answer is not waited for any more, in milliseconds.
pub const TIMEOUT_MS: u64 = 10_000;
const RETRY_NS: u64 = 1_000_000_000;

/// The state machine.
#[derive(Debug)]
pub struct Starter {
    config: SignedTableConfig,
    region: String,
    max_staleness: MaxStaleness,
    open: Option<Open>,
    not_before_ns: u64,
}

/// Why a signed table is not put in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// The cluster gave no answer.
    NoAnswer,
    /// It gave another one than 200.
    Status(u16),
    /// It is not a signed table of ours.
    Table(SignedTableError),
    /// It is of another region.
    Region,
    /// It was made later than now: a clock is wrong.
    Future,
    /// Its lease is over.
    TooOld,
    /// Envoy gave no time.
    Clock,
}

/// The present, as Envoy tells it.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// Of the monotonic clock, in nanoseconds.
    pub monotonic_ns: u64,
    /// Since 1970, in milliseconds.
    pub unix_ms: u64,
}

impl Starter {
    /// A starter, if the configuration wants one.
    pub fn new(config: &AgentConfig) -> Option<Self> {
        Some(Self {
            config: config.signed_table.clone()?,
            region: config.region.clone(),
            max_staleness: config.max_staleness,
            open: None,
            not_before_ns: 0,
        })
    }

    /// The cluster to ask now, if it is time.
    pub fn due(&mut self, now_ns: u64) -> Option<&str> {
        self.open.take_if(|open| open.is_hung(now_ns, TIMEOUT_MS));
        if self.open.is_some() || now_ns < self.not_before_ns {
            return None;
        }
        self.not_before_ns = now_ns.saturating_add(RETRY_NS);
        Some(&self.config.cluster)
    }

    /// The request was sent; its answer will carry `token`.
    pub fn sent(&mut self, token: u32, now_ns: u64) {
        self.open = Some(Open::new(token, now_ns));
    }

    /// Whether this request is open.
    pub fn expects(&self, token: u32) -> bool {
        self.open.is_some_and(|open| open.has(token))
    }

    /// Whether an answer is for this request; it is not waited for any more then.
    pub fn takes(&mut self, token: u32) -> bool {
        self.open.take_if(|open| open.has(token)).is_some()
    }

    /// The table of an answer, and until when it may be used, in milliseconds of the monotonic
    /// clock.
    pub fn judge<'a>(
        &self,
        answer: Answer<'a>,
        now: Now,
    ) -> Result<(SignedTable<'a>, u64), Unusable> {
        let body = match answer {
            Answer::Http { status: 200, body } => body,
            Answer::Http { status, .. } => return Err(Unusable::Status(status)),
            Answer::TooLarge(bytes) => {
                return Err(Unusable::Table(SignedTableError::TooLarge(bytes)));
            }
            Answer::Failed | Answer::Replayed => return Err(Unusable::NoAnswer),
        };
        let table = SignedTable::open(body, &self.config.public_key).map_err(Unusable::Table)?;
        if table.region != self.region.as_bytes() {
            return Err(Unusable::Region);
        }
        let age_ms = now.unix_ms.checked_sub(table.made_at_unix_ms);
        let age_ms = age_ms.ok_or(Unusable::Future)?;
        let until_ms = self
            .max_staleness
            .lease_left_until_ms(age_ms, now.monotonic_ns);
        Ok((table, until_ms.ok_or(Unusable::TooOld)?))
    }
}

// === impl Unusable ===

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAnswer => f.write_str(
                "its cluster gives no answer, or one above the 32 MiB that Envoy hands to an agent",
            ),
            Self::Status(status) => write!(f, "its cluster answers with status {status}"),
            Self::Table(error) => error.fmt(f),
            Self::Region => f.write_str("it is of another region"),
            Self::Future => f.write_str("it was made later than this machine's clock says"),
            Self::TooOld => f.write_str("it is older than max_staleness"),
            Self::Clock => f.write_str("Envoy gives no time"),
        }
    }
}

impl std::error::Error for Unusable {}
