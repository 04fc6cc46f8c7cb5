//! The ledger's time, as the agent learned it and the workers read it.
//!
//! Does not ask for it. Layout of the slot, little-endian: what the ledger's clock is ahead of the
//! monotonic one (signed, 8 bytes, milliseconds), when it was last heard (8, monotonic milliseconds), CRC-32.
//! Invariant: bytes that are not exactly this are no time.

use crate::host::{Host, HostError};

const SLOT: &str = "latchkey.ledger";
/// After so long without the ledger, limits that say so are not kept alone.
const APART_MS: u64 = 10_000;

/// What is known of the ledger's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LedgerClock {
    /// Milliseconds since 1970, without those of the monotonic clock.
    ahead_ms: i64,
    heard_ms: u64,
}

impl LedgerClock {
    /// The ledger said this time just now.
    pub fn heard(ledger_unix_ms: u64, now_ms: u64) -> Self {
        let ahead = i128::from(ledger_unix_ms) - i128::from(now_ms);
        Self {
            ahead_ms: i64::try_from(ahead).unwrap_or(0),
            heard_ms: now_ms,
        }
    }

    /// What the agent has published; `None` if it has heard nothing.
    pub fn read(host: &impl Host) -> Result<Option<Self>, HostError> {
        Ok(host.slot(SLOT)?.and_then(|bytes| Self::decode(&bytes)))
    }

    /// Publishes it.
    pub fn publish(&self, host: &impl Host) -> Result<(), HostError> {
        host.set_slot(SLOT, &self.encode())
    }

    /// The ledger's time, in milliseconds since 1970, at this time of the monotonic clock.
    pub fn unix_ms(&self, now_ms: u64) -> u64 {
        now_ms.saturating_add_signed(self.ahead_ms)
    }

    /// Whether it was not heard for so long that limits which say so are not kept alone.
    pub fn is_apart(&self, now_ms: u64) -> bool {
        now_ms.saturating_sub(self.heard_ms) >= APART_MS
    }

    fn encode(&self) -> Vec<u8> {
        let mut out = [self.ahead_ms.to_le_bytes(), self.heard_ms.to_le_bytes()].concat();
        out.extend(crc32fast::hash(&out).to_le_bytes());
        out
    }

    fn decode(bytes: &[u8]) -> Option<Self> {
        let (body, sum) = bytes.split_last_chunk::<4>()?;
        let (ahead, heard) = body.split_first_chunk::<8>()?;
        let heard = <[u8; 8]>::try_from(heard).ok()?;
        (crc32fast::hash(body).to_le_bytes() == *sum).then_some(Self {
            ahead_ms: i64::from_le_bytes(*ahead),
            heard_ms: u64::from_le_bytes(heard),
        })
    }
}
