//! A sealed value: bytes that only the ring of master keys opens, and only in their own place.
//!
//! Layout: version 1, 8 bytes of master-key id, 24 bytes of nonce, ciphertext with its tag
//! (XChaCha20-Poly1305). Does not hold keys. Invariant: the associated data is the whole
//! [`SealContext`] and the master-key id, so that a value that was moved to another row, column
//! or key version does not open.

use std::fmt;

use base16ct::HexDisplay;
use zeroize::Zeroizing;

use crate::domain::secrets::entropy::EntropyError;

/// Bytes of a master-key id.
pub const MASTER_KEY_ID_BYTES: usize = 8;
/// Bytes of a nonce: long enough to be drawn at random for ever.
pub(super) const NONCE_BYTES: usize = 24;
/// Where the nonce begins.
const NONCE_AT: usize = 1 + MASTER_KEY_ID_BYTES;
const VERSION: u8 = 1;

/// The name of a master key: the beginning of a hash of it, so that a wrong key cannot bear the
/// name of the right one.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct MasterKeyId([u8; MASTER_KEY_ID_BYTES]);

/// The place of a value; opened in another place it is refused.
#[derive(Clone, Copy, Debug)]
pub struct SealContext<'a> {
    /// The table.
    pub table: &'a str,
    /// The id of the row.
    pub row: &'a str,
    /// The column.
    pub column: &'a str,
    /// Which version of the value; 1 where a value never changes.
    pub key_version: u32,
}

/// An encrypted value, as it is stored.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(Vec<u8>);

/// A decrypted value; wiped when it goes.
pub struct Opened(Zeroizing<Vec<u8>>);

/// Why a value cannot be sealed or opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SealError {
    /// The operating system gave no random bytes.
    Entropy,
    /// The ring does not have the master key that the value was sealed with.
    UnknownMasterKey(MasterKeyId),
    /// The value is damaged, or was sealed for another place.
    Damaged,
}

impl MasterKeyId {
    /// The id with these bytes.
    pub const fn from_bytes(bytes: [u8; MASTER_KEY_ID_BYTES]) -> Self {
        Self(bytes)
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; MASTER_KEY_ID_BYTES] {
        &self.0
    }
}

impl SealContext<'_> {
    /// The associated data: every part with its length in front, so that no two places give the
    /// same bytes.
    pub(super) fn associated_data(&self, master_key: MasterKeyId) -> Vec<u8> {
        let mut bytes = b"latchkey sealed value 1".to_vec();
        for part in [self.table, self.row, self.column] {
            let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
            bytes.extend_from_slice(&length.to_le_bytes());
            bytes.extend_from_slice(part.as_bytes());
        }
        bytes.extend_from_slice(&self.key_version.to_le_bytes());
        bytes.extend_from_slice(master_key.as_bytes());
        bytes
    }
}

impl Sealed {
    /// Bytes that were stored. Whether they are whole is seen when they are opened.
    pub const fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes to store.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Puts the parts together.
    pub(super) fn of_parts(
        master_key: MasterKeyId,
        nonce: &[u8; NONCE_BYTES],
        ciphertext: &[u8],
    ) -> Self {
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(master_key.as_bytes());
        bytes.extend_from_slice(nonce);
        bytes.extend_from_slice(ciphertext);
        Self(bytes)
    }

    /// Takes the parts apart.
    pub(super) fn parts(&self) -> Result<(MasterKeyId, [u8; NONCE_BYTES], &[u8]), SealError> {
        let parts = || {
            let (head, ciphertext) = self.0.split_at_checked(NONCE_AT + NONCE_BYTES)?;
            let (version, head) = head.split_first()?;
            let (id, nonce) = head.split_first_chunk()?;
            let nonce = nonce.try_into().ok()?;
            (*version == VERSION).then_some((MasterKeyId(*id), nonce, ciphertext))
        };
        parts().ok_or(SealError::Damaged)
    }

    /// Which master key opens it.
    pub fn master_key(&self) -> Result<MasterKeyId, SealError> {
        self.parts().map(|(id, _, _)| id)
    }
}

impl Opened {
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The value.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

// === impl MasterKeyId ===

impl fmt::Display for MasterKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}", HexDisplay(&self.0))
    }
}

impl fmt::Debug for MasterKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKeyId({self})")
    }
}

// === impl Sealed ===

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sealed(..)")
    }
}

// === impl Opened ===

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Opened(..)")
    }
}

// === impl SealError ===

impl From<EntropyError> for SealError {
    fn from(_: EntropyError) -> Self {
        Self::Entropy
    }
}

impl fmt::Display for SealError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Entropy => f.write_str("the operating system gave no random bytes: try again"),
            Self::UnknownMasterKey(id) => write!(
                f,
                "a value was sealed with master key {id}: add that key to the ring"
            ),
            Self::Damaged => f.write_str(
                "a sealed value is damaged or stands in another place than it was sealed for",
            ),
        }
    }
}

impl std::error::Error for SealError {}
