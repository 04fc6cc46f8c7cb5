//! An access key: how a client of the cloud API signs its requests.
//!
//! Does not check signatures. Invariant: the secret is stored sealed, since a signature can only
//! be checked with it; it is shown once.

use std::fmt;

use crate::domain::clock::UnixMillis;
use crate::domain::identity::role::Capabilities;
use crate::domain::name::KeyName;
use crate::domain::secrets::entropy::{self, EntropyError};
use crate::domain::secrets::sealed::Sealed;
use crate::domain::secrets::secret::{KeyPrefix, Secret};
use keytable::AccountId;

const ID_CHARS: usize = 32;
/// Letters and digits by six bits of a random byte; some stand for two of them.
const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789AZ";

/// A stored access key.
#[derive(Clone, Debug)]
pub struct AccessKey {
    /// The secret id, which is no secret.
    pub id: String,
    /// Where it may act.
    pub account: AccountId,
    /// What it is called.
    pub name: KeyName,
    /// Whether it may be used.
    pub enabled: bool,
    /// The sealed secret key.
    pub secret: Sealed,
    /// The id of the user whose it is and with whom it dies; `None`: a script's.
    pub user: Option<String>,
    /// The id of the user who made it, or whose script did, and with whom it dies, too: they have
    /// seen its secret.
    pub maker: Option<String>,
    /// What it may do at most: what whoever made it could.
    pub capabilities: Capabilities,
    /// Who made it.
    pub creator: String,
    /// When it was made.
    pub created_at: UnixMillis,
    /// When it was last changed.
    pub updated_at: UnixMillis,
    /// Rises with every change, from 1.
    pub revision: u64,
}

/// An access key with what it may do now.
#[derive(Clone, Debug)]
pub struct Signer {
    /// The access key.
    pub key: AccessKey,
    /// Its own capabilities, as far as its user and its maker have them too.
    pub capabilities: Capabilities,
}

/// A new secret key: a value of our own format, so that it is known wherever somebody writes it.
pub struct SecretKey(Secret);

/// A new secret id.
pub fn new_secret_id() -> Result<String, EntropyError> {
    let mut bytes = [0; ID_CHARS];
    entropy::fill(&mut bytes)?;
    let letter = |byte: &u8| LETTERS.get(usize::from(byte & 63)).copied();
    let letters = bytes.iter().filter_map(letter).map(char::from);
    Ok(format!("AKID{}", letters.collect::<String>()))
}

impl SecretKey {
    /// Draws one.
    pub fn draw() -> Result<Self, EntropyError> {
        Secret::mint(&KeyPrefix::access_key()).map(Self)
    }

    /// The value, to seal it and for the one answer that shows it.
    pub fn reveal(&self) -> &str {
        self.0.as_str()
    }
}

// === impl SecretKey ===

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_and_secrets_are_letters_and_digits_and_differ() {
        let id = new_secret_id().unwrap();
        assert_eq!(id.len(), 36);
        assert!(id.bytes().all(|b| b.is_ascii_alphanumeric()));
        let (one, other) = (SecretKey::draw().unwrap(), SecretKey::draw().unwrap());
        assert_ne!(one.reveal(), other.reveal());
        assert_eq!(format!("{one:?}"), "SecretKey(..)");
    }
    /// Drawn letters alone are seen to be drawn in 98 of 100 cases.
    #[test]
    fn every_secret_is_seen_to_be_a_credential_wherever_it_stands() {
        use keytable::{CredentialKind, find_credential};
        for _ in 0..2000 {
            let text = format!("my{}and", SecretKey::draw().unwrap().reveal());
            let found = find_credential(text.as_bytes());
            assert_eq!(found, Some(CredentialKind::Own));
        }
    }
}
