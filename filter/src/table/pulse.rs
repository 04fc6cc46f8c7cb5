//! The agent's pulse: workers see by it that what they hand over is taken.
//!
//! A crashed singleton is never started again, and nobody else empties its queue. Does not hand anything
//! over. Invariant: whatever is missing, damaged or old is no pulse.

use super::slots;
use crate::host::Host;

/// How often the agent shows that it runs.
pub const EVERY_NS: u64 = 1_000_000_000;
/// After so long without a pulse, nothing is taken any more.
const SILENCE_MS_MAX: u64 = 5_000;

/// Whether this process's agent ran just now.
pub fn is_beating(host: &impl Host) -> bool {
    let (Ok(Some(pulse_ms)), Ok(now_ns)) = (slots::read_pulse(host), host.monotonic_ns()) else {
        return false;
    };
    (now_ns / 1_000_000).saturating_sub(pulse_ms) < SILENCE_MS_MAX
}
