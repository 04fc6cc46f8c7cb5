//! Bytes from the operating system's random source.
//!
//! Does not seed or cache a generator of its own, so that a copied process or machine image never
//! repeats a key. Invariant: without the operating system's bytes there is an error, no weak key.

use std::fmt;

use keytable::{Epoch, KeyId};
use rand::TryRng;
use rand::rngs::SysRng;

use crate::domain::clock::UnixMillis;
use crate::domain::origin::Origin;

/// The operating system gave no random bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntropyError;

/// Fills `bytes` with random bytes.
pub fn fill(bytes: &mut [u8]) -> Result<(), EntropyError> {
    SysRng.try_fill_bytes(bytes).map_err(|_| EntropyError)
}

/// A new key id: `ak-<day>-<16 hexadecimal digits>`; that of a plan key begins with `ak-tp-` or
/// `ak-cp-`.
pub fn new_key_id(origin: Origin, now: UnixMillis) -> Result<KeyId, EntropyError> {
    let mut bytes = [0; 8];
    fill(&mut bytes)?;
    let number = u64::from_be_bytes(bytes);
    let (plan, day) = (origin.prefix_part(), now.day());
    KeyId::parse(&format!("ak-{plan}{day}-{number:016x}")).map_err(|_| EntropyError)
}

/// A new handle of something that is no key: `<kind>-<16 hexadecimal digits>`.
pub fn new_handle(kind: &str) -> Result<String, EntropyError> {
    let mut bytes = [0; 8];
    fill(&mut bytes)?;
    Ok(format!("{kind}-{:016x}", u64::from_be_bytes(bytes)))
}

/// The name of a new history.
pub fn new_epoch() -> Result<Epoch, EntropyError> {
    let mut bytes = [0; Epoch::BYTES];
    fill(&mut bytes)?;
    Ok(Epoch::from_bytes(bytes))
}

// === impl EntropyError ===

impl fmt::Display for EntropyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the operating system gave no random bytes: try again")
    }
}

impl std::error::Error for EntropyError {}
