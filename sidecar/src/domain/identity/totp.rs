//! Time-based one-time codes (RFC 6238: SHA-1, six digits, 30 seconds), as authenticator apps
//! make them.
//!
//! Does not store seeds. Invariant: a step's code counts once: whoever checks is told the step
//! and remembers it.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::domain::clock::UnixMillis;
use crate::domain::secrets::entropy::{self, EntropyError};

const SEED_BYTES: usize = 20;
const STEP_MS: u64 = 30_000;
const DIGITS: usize = 6;
/// How many steps a device's clock may be off, each way.
const STEPS_OFF_MAX: u64 = 1;
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// What a user's device and the sidecar both know.
pub struct TotpSeed(Zeroizing<Vec<u8>>);

impl TotpSeed {
    /// Draws a new seed.
    pub fn draw() -> Result<Self, EntropyError> {
        let mut bytes = Zeroizing::new(vec![0; SEED_BYTES]);
        entropy::fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// A seed that was stored.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(bytes.to_vec()))
    }

    /// The bytes to store, sealed.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The seed as people type it into a device.
    pub fn base32(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(SEED_BYTES * 8 / 5 + 1));
        let (mut bits, mut count) = (0u32, 0);
        for byte in self.0.iter() {
            bits = (bits << 8) | u32::from(*byte);
            count += 8;
            while count >= 5 {
                count -= 5;
                let digit = BASE32.get((bits >> count & 31) as usize).copied();
                text.push(char::from(digit.unwrap_or(b'A')));
            }
        }
        text
    }

    /// What a device reads off a square code.
    pub fn uri(&self, user: &str) -> Zeroizing<String> {
        let user = user.replace('@', "%40");
        let seed = self.base32();
        Zeroizing::new(format!(
            "otpauth://totp/Latchkey:{user}?secret={}&issuer=Latchkey",
            *seed
        ))
    }

    /// The step whose code this is, if it is later than `after` and close to now.
    pub fn accepts(&self, code: &str, after: u64, now: UnixMillis) -> Option<u64> {
        let step = now.get() / STEP_MS;
        let steps = step.saturating_sub(STEPS_OFF_MAX)..=step.saturating_add(STEPS_OFF_MAX);
        let mut matching = steps.filter(|step| {
            let right = self.code(*step);
            bool::from(right.as_bytes().ct_eq(code.as_bytes())) && *step > after
        });
        matching.next_back()
    }

    /// The code of a step.
    fn code(&self, step: u64) -> String {
        // A key of any length is a key for HMAC.
        let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(&self.0) else {
            return String::new();
        };
        mac.update(&step.to_be_bytes());
        let mac: [u8; 20] = mac.finalize().into_bytes().into();
        let offset = usize::from(mac.last().copied().unwrap_or(0) & 15);
        let word = mac.get(offset..).and_then(|bytes| bytes.first_chunk::<4>());
        let number = u32::from_be_bytes(word.copied().unwrap_or_default()) & 0x7fff_ffff;
        format!("{:0DIGITS$}", number % 1_000_000)
    }
}

// === impl TotpSeed ===

impl fmt::Debug for TotpSeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TotpSeed(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seed() -> TotpSeed {
        TotpSeed::from_bytes(b"12345678901234567890")
    }

    #[test]
    fn the_codes_are_those_of_the_standard() {
        let vectors = [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
        ];
        for (at_s, code) in vectors {
            assert_eq!(seed().code(at_s / 30), code);
        }
        assert_eq!(*seed().base32(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
    }

    #[test]
    fn a_code_counts_once_and_only_around_its_time() {
        let at = |s: u64| UnixMillis::new(s * 1000);
        assert_eq!(seed().accepts("287082", 0, at(59)), Some(1));
        assert_eq!(seed().accepts("287082", 1, at(59)), None, "used");
        assert_eq!(
            seed().accepts("287082", 0, at(89)),
            Some(1),
            "a little late"
        );
        assert_eq!(seed().accepts("287082", 0, at(120)), None, "too late");
        for wrong in ["", "28708", "2870820", "000000", "２87082"] {
            assert_eq!(seed().accepts(wrong, 0, at(59)), None);
        }
    }
}
