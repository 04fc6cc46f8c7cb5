//! The identity of an API key on the data plane: the SHA-256 of its bytes.
//!
//! Invariant: equality takes the same time whatever the bytes, and `Debug` shows no digest.

use core::fmt;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::api_key::PresentedKey;
use crate::key_id::AccountId;

/// What stands in front of an account's id in the text that is hashed: no API key has a blank.
const ACCOUNT_PREFIX: &str = "account ";

/// SHA-256 of an API key: 32 bytes.
#[derive(Clone, Copy)]
pub struct KeyHash([u8; 32]);

impl KeyHash {
    /// Length of a hash, in bytes.
    pub const BYTES: usize = 32;

    /// The hash of a key.
    pub fn of(key: &PresentedKey<'_>) -> Self {
        Self(Sha256::digest(key.as_bytes()).into())
    }

    /// Where an account's record stands: the SHA-256 of a text that is no API key, so that no key has
    /// this hash.
    pub fn of_account(account: &AccountId) -> Self {
        let text = Sha256::new_with_prefix(ACCOUNT_PREFIX).chain_update(account.as_str());
        Self(text.finalize().into())
    }

    /// A hash that was stored or received.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The bucket that holds this key's record: the first 16 bits, big-endian.
    pub const fn bucket(&self) -> u16 {
        let [high, low, ..] = self.0;
        u16::from_be_bytes([high, low])
    }
}

// === impl KeyHash ===

impl PartialEq for KeyHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for KeyHash {}

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHash(..)")
    }
}
