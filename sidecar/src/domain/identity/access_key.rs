//! An access key: how a client of the cloud API signs its requests.
//!
//! Does not check signatures. Invariant: the secret is stored sealed, since a signature can only
//! be checked with it; it is shown once.

use std::fmt;

use keytable::AccountId;
use zeroize::Zeroizing;

use crate::domain::clock::UnixMillis;
use crate::domain::identity::role::Capabilities;
use crate::domain::name::KeyName;
use crate::domain::secrets::entropy::{self, EntropyError};
use crate::domain::secrets::sealed::Sealed;

const ID_CHARS: usize = 32;
const SECRET_CHARS: usize = 40;
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
    /// Its own capabilities, as far as its user has them too.
    pub capabilities: Capabilities,
}

/// A new secret key; wiped when it goes.
pub struct SecretKey(Zeroizing<String>);

/// A new secret id.
pub fn new_secret_id() -> Result<String, EntropyError> {
    Ok(format!("AKID{}", draw(ID_CHARS)?.as_str()))
}

impl SecretKey {
    /// Draws one.
    pub fn draw() -> Result<Self, EntropyError> {
        draw(SECRET_CHARS).map(Self)
    }

    /// The value, to seal it and for the one answer that shows it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// Letters and digits from six bits of each random byte: at least 5.9 bits each.
fn draw(count: usize) -> Result<Zeroizing<String>, EntropyError> {
    let mut bytes = Zeroizing::new(vec![0; count]);
    entropy::fill(&mut bytes)?;
    let mut text = Zeroizing::new(String::with_capacity(count));
    let letter = |byte: &u8| LETTERS.get(usize::from(byte & 63)).copied();
    text.extend(bytes.iter().filter_map(letter).map(char::from));
    Ok(text)
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
        assert_eq!(one.reveal().len(), 40);
        assert_eq!(format!("{one:?}"), "SecretKey(..)");
    }
}
