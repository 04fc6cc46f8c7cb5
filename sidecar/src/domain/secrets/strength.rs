//! How hard a value from elsewhere would be to guess: an estimate that errs on the low side.
//!
//! Knows nothing of how the value was made; it sees patterns. Invariant: a value that is one
//! character, a row of the alphabet, or a short text repeated gets next to nothing.

use std::collections::HashSet;

/// Least strength of a value that is taken over, in bits.
pub const STRENGTH_BITS_MIN: u32 = 128;
/// A text of so many characters that stood earlier makes a character predictable.
const CONTEXT_CHARS: usize = 3;
/// `log2(62)` in thousandths of a bit: a value has base62 characters.
const BITS_PER_MILLE_MAX: u64 = 5_954;

/// The estimate for the random part of a value, in bits.
pub fn bits(random_part: &[u8]) -> u32 {
    let bits_each = log2_per_mille(distinct(random_part)).min(BITS_PER_MILLE_MAX);
    let total = unpredictable(random_part) * bits_each / 1000;
    u32::try_from(total).unwrap_or(u32::MAX)
}

fn distinct(text: &[u8]) -> u64 {
    let characters: HashSet<u8> = text.iter().copied().collect();
    u64::try_from(characters.len()).unwrap_or(u64::MAX)
}

/// How many characters neither continue a row (`abc`, `777`, `864`) nor end a text that stood
/// earlier.
fn unpredictable(text: &[u8]) -> u64 {
    let mut seen = HashSet::new();
    let mut count = 0;
    for end in 1..=text.len() {
        let known = text.get(..end).unwrap_or_default();
        let repeats = known
            .len()
            .checked_sub(CONTEXT_CHARS)
            .and_then(|start| known.get(start..))
            .is_some_and(|context| !seen.insert(context));
        if !repeats && !continues_a_row(known) {
            count += 1;
        }
    }
    count
}

fn continues_a_row(known: &[u8]) -> bool {
    let Some([a, b, c]) = known.last_chunk::<3>() else {
        return false;
    };
    i16::from(*b) - i16::from(*a) == i16::from(*c) - i16::from(*b)
}

/// `log2`, rounded down, in thousandths; by squaring, since floating point is not needed.
fn log2_per_mille(number: u64) -> u64 {
    if number < 2 {
        return 0;
    }
    let whole = u64::from(number.ilog2());
    // The fraction of the logarithm of 1 <= x < 2, x in 1/2^32.
    let mut x = (u128::from(number) << 32) >> whole;
    let (mut fraction, mut step) = (0, 500_000);
    while step > 0 {
        x = (x * x) >> 32;
        if x >= 2 << 32 {
            x >>= 1;
            fraction += step;
        }
        step /= 2;
    }
    1000 * whole + fraction / 1000
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::secrets::secret::{KeyPrefix, Secret};

    #[test]
    fn logarithms_are_right() {
        for (number, wanted) in [(0, 0), (1, 0), (2, 1000), (8, 3000), (10, 3321), (62, 5954)] {
            let found = log2_per_mille(number);
            assert!(found <= wanted && found + 1 >= wanted, "{number}: {found}");
        }
    }

    #[test]
    fn minted_values_are_strong_enough() {
        let prefix = KeyPrefix::parse("sk-").unwrap();
        for _ in 0..2_000 {
            let value = Secret::mint(&prefix).unwrap().reveal();
            let strength = bits(&value.as_bytes()[3..43]);
            assert!(strength >= STRENGTH_BITS_MIN, "{strength}");
        }
    }

    #[test]
    fn patterns_are_weak() {
        let patterns = [
            "a".repeat(40),
            "0123456789".repeat(4),
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN".into(),
            "correcthorsebatterystaple".into(),
            "Passw0rd".repeat(5),
            "aB3dE5gH1j".into(),
            "ab".repeat(20),
        ];
        for pattern in patterns {
            let strength = bits(pattern.as_bytes());
            assert!(strength < STRENGTH_BITS_MIN, "{pattern}: {strength}");
        }
    }
}
