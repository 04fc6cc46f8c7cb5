//! The ring of master keys: seals values under the first, opens them with whichever they name.
//!
//! Its text is one key a line, 64 hexadecimal digits; the first is in use, the others only open
//! what was sealed before. Does not read files. Invariant: master keys are wiped when the ring
//! goes and stand in no `Debug` and no error; a ring has at least one key and none twice.

use std::fmt;
use std::sync::Arc;

use chacha20poly1305::aead::{Aead, Payload};
use chacha20poly1305::{KeyInit, XChaCha20Poly1305};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use crate::domain::secrets::entropy::{self, EntropyError};
use crate::domain::secrets::sealed::{
    MASTER_KEY_ID_BYTES, MasterKeyId, NONCE_BYTES, Opened, SealContext, SealError, Sealed,
};

/// Bytes of a master key.
const MASTER_KEY_BYTES: usize = 32;
/// Keys in one ring: old ones are kept for backups, not for ever.
pub const MASTER_KEYS_MAX: usize = 32;

/// The master keys. Clones share them.
#[derive(Clone, Debug)]
pub struct Keyring(Arc<Keys>);

#[derive(Debug)]
struct Keys {
    current: MasterKey,
    earlier: Vec<MasterKey>,
}

/// One master key.
struct MasterKey {
    id: MasterKeyId,
    bytes: Zeroizing<[u8; MASTER_KEY_BYTES]>,
}

/// Why a text is no key ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyringError {
    /// There is no key in it.
    Empty,
    /// This line, counted from 1, is not 64 hexadecimal digits.
    Line(usize),
    /// This line, counted from 1, is a key whose bytes are all the same.
    Weak(usize),
    /// This line, counted from 1, repeats an earlier one.
    Repeated(usize),
    /// More than [`MASTER_KEYS_MAX`] keys.
    TooMany,
}

impl Keyring {
    /// A ring of one new key.
    pub fn draw() -> Result<Self, EntropyError> {
        let mut bytes = Zeroizing::new([0; MASTER_KEY_BYTES]);
        entropy::fill(bytes.as_mut_slice())?;
        Ok(Self::of(MasterKey::new(bytes), Vec::new()))
    }

    /// Reads a ring; empty lines and lines that begin with `#` are let be.
    pub fn parse(text: &str) -> Result<Self, KeyringError> {
        let mut keys: Vec<MasterKey> = Vec::new();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let key = MasterKey::parse(line).ok_or(KeyringError::Line(number))?;
            if key.is_weak() {
                return Err(KeyringError::Weak(number));
            }
            if keys.iter().any(|earlier| earlier.id == key.id) {
                return Err(KeyringError::Repeated(number));
            }
            keys.push(key);
        }
        if keys.len() > MASTER_KEYS_MAX {
            return Err(KeyringError::TooMany);
        }
        let mut keys = keys.into_iter();
        let current = keys.next().ok_or(KeyringError::Empty)?;
        Ok(Self::of(current, keys.collect()))
    }

    /// The text that [`Keyring::parse`] reads.
    pub fn to_text(&self) -> Zeroizing<String> {
        let keys = || std::iter::once(&self.0.current).chain(&self.0.earlier);
        let line_bytes = 2 * MASTER_KEY_BYTES + 1;
        // Sized at once: a growing string would leave copies behind.
        let mut text = Zeroizing::new(String::with_capacity(line_bytes * keys().count()));
        for key in keys() {
            let mut digits = Zeroizing::new([0; 2 * MASTER_KEY_BYTES]);
            let line = base16ct::lower::encode_str(key.bytes.as_slice(), digits.as_mut_slice());
            // There is room for two digits of each byte.
            text.push_str(line.unwrap_or_default());
            text.push('\n');
        }
        text
    }

    /// This ring with a new key in front of it.
    pub fn with_new_key(&self) -> Result<Self, EntropyError> {
        let mut ring = self.to_text();
        let front = Self::draw()?.to_text();
        let mut text = Zeroizing::new(String::with_capacity(front.len() + ring.len()));
        text.push_str(&front);
        text.push_str(&ring);
        ring.clear();
        // Its lines come from two rings that were read; a key drawn twice is no random key.
        Self::parse(&text).map_err(|_| EntropyError)
    }

    fn of(current: MasterKey, earlier: Vec<MasterKey>) -> Self {
        Self(Arc::new(Keys { current, earlier }))
    }

    /// The key that seals.
    pub fn current(&self) -> MasterKeyId {
        self.0.current.id
    }

    /// Whether the ring opens what this key sealed.
    pub fn has(&self, id: MasterKeyId) -> bool {
        self.find(id).is_some()
    }

    fn find(&self, id: MasterKeyId) -> Option<&MasterKey> {
        let mut keys = std::iter::once(&self.0.current).chain(&self.0.earlier);
        keys.find(|key| key.id == id)
    }

    /// Seals a value for its place.
    pub fn seal(&self, context: &SealContext<'_>, plaintext: &[u8]) -> Result<Sealed, SealError> {
        let key = &self.0.current;
        let mut nonce = [0; NONCE_BYTES];
        entropy::fill(&mut nonce)?;
        let payload = Payload {
            msg: plaintext,
            aad: &context.associated_data(key.id),
        };
        let ciphertext = key
            .cipher()
            .encrypt(&nonce.into(), payload)
            .map_err(|_| SealError::Damaged)?;
        Ok(Sealed::of_parts(key.id, &nonce, &ciphertext))
    }

    /// Opens a value in its place.
    pub fn open(&self, context: &SealContext<'_>, sealed: &Sealed) -> Result<Opened, SealError> {
        let (id, nonce, ciphertext) = sealed.parts()?;
        let key = self.find(id).ok_or(SealError::UnknownMasterKey(id))?;
        let payload = Payload {
            msg: ciphertext,
            aad: &context.associated_data(id),
        };
        key.cipher()
            .decrypt(&nonce.into(), payload)
            .map(Opened::new)
            .map_err(|_| SealError::Damaged)
    }
}

impl MasterKey {
    fn new(bytes: Zeroizing<[u8; MASTER_KEY_BYTES]>) -> Self {
        let mut digest = Sha256::new();
        digest.update(b"latchkey master key id 1");
        digest.update(bytes.as_slice());
        let digest: [u8; 32] = digest.finalize().into();
        let mut id = [0; MASTER_KEY_ID_BYTES];
        id.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
        let id = MasterKeyId::from_bytes(id);
        Self { id, bytes }
    }

    fn parse(line: &str) -> Option<Self> {
        let mut bytes = Zeroizing::new([0; MASTER_KEY_BYTES]);
        let read = base16ct::mixed::decode(line, bytes.as_mut_slice()).ok()?;
        if read.len() != MASTER_KEY_BYTES {
            return None;
        }
        Some(Self::new(bytes))
    }

    fn is_weak(&self) -> bool {
        let first = self.bytes.first();
        self.bytes.iter().all(|byte| Some(byte) == first)
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(&(*self.bytes).into())
    }
}

// === impl MasterKey ===

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({})", self.id)
    }
}

// === impl KeyringError ===

impl fmt::Display for KeyringError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => {
                f.write_str("has no master key: write one a line, 64 hexadecimal digits")
            }
            Self::Line(number) => {
                write!(
                    f,
                    "line {number} must be a master key of 64 hexadecimal digits"
                )
            }
            Self::Weak(number) => write!(
                f,
                "line {number} is no random key: draw one, for example with `openssl rand -hex 32`"
            ),
            Self::Repeated(number) => write!(f, "line {number} stands there twice: remove it"),
            Self::TooMany => write!(
                f,
                "has more than {MASTER_KEYS_MAX} master keys: remove those that no backup needs"
            ),
        }
    }
}

impl std::error::Error for KeyringError {}

#[cfg(test)]
mod tests;
