//! A user: a person who logs in, by name and password, to act in an account.
//!
//! Does not hold the password, only what checks it. Invariant: operators and only operators have
//! no account; a name has one written form, so that nobody can look like somebody else.

use std::fmt;

use keytable::{AccountId, KeyHash};

use crate::domain::clock::UnixMillis;
use crate::domain::identity::role::Role;
use crate::domain::secrets::sealed::Sealed;
use crate::domain::secrets::secret::Secret;

/// Longest name, in characters.
const NAME_CHARS_MAX: usize = 64;

/// The name that a user logs in with: lower-case letters, digits, `.`, `_`, `-` and `@`, a letter
/// or digit first.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct UserName(String);

/// The text is not a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UserNameError;

/// A stored user.
#[derive(Clone, Debug)]
pub struct User {
    /// The public handle.
    pub id: String,
    /// What to log in with.
    pub name: UserName,
    /// Where the user may act; `None`: everywhere.
    pub account: Option<AccountId>,
    /// What the user may do there.
    pub role: Role,
    /// Whether the user may log in.
    pub enabled: bool,
    /// What checks the password, a PHC string; `None`: it is not set yet.
    pub password: Option<String>,
    /// What sets the password, once.
    pub setup: Option<Setup>,
    /// The second factor.
    pub totp: Option<TotpFactor>,
    /// When the user was made.
    pub created_at: UnixMillis,
    /// When the user was last changed.
    pub updated_at: UnixMillis,
    /// When the user last logged in.
    pub last_login_at: Option<UnixMillis>,
    /// Rises with every change, from 1.
    pub revision: u64,
}

/// A one-time secret that sets a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setup {
    /// The hash of the secret.
    pub hash: KeyHash,
    /// From when on it is worthless.
    pub expires_at: UnixMillis,
}

/// A second factor by time-based codes.
#[derive(Clone, Debug)]
pub struct TotpFactor {
    /// The sealed seed.
    pub seed: Sealed,
    /// Whether a code has proved that the user has the seed.
    pub confirmed: bool,
    /// The newest step whose code was used; no code of it or of an earlier one counts.
    pub step: u64,
}

impl UserName {
    /// Reads a name in its written form.
    pub fn parse(text: &str) -> Result<Self, UserNameError> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
        let fits = |b: u8| plain(b) || b"._-@".contains(&b);
        let starts_well = text.bytes().next().is_some_and(plain);
        if starts_well && text.len() <= NAME_CHARS_MAX && text.bytes().all(fits) {
            Ok(Self(text.into()))
        } else {
            Err(UserNameError)
        }
    }

    /// Reads a name as somebody typed it to log in.
    pub fn typed(text: &str) -> Result<Self, UserNameError> {
        Self::parse(&text.trim().to_ascii_lowercase())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Setup {
    /// How long a setup secret may wait for its user, in milliseconds: a week.
    const LIFETIME_MS: u64 = 7 * 24 * 60 * 60 * 1000;

    /// What a new secret sets up.
    pub fn of(secret: &Secret, now: UnixMillis) -> Self {
        Self {
            hash: secret.hash(),
            expires_at: now.plus_ms(Self::LIFETIME_MS),
        }
    }
}

impl User {
    /// The second factor, if a log-in needs it.
    pub fn second_factor(&self) -> Option<&TotpFactor> {
        self.totp.as_ref().filter(|totp| totp.confirmed)
    }
}

// === impl UserName ===

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

// === impl UserNameError ===

impl fmt::Display for UserNameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "must be 1 to {NAME_CHARS_MAX} lower-case letters, digits, '.', '_', '-' and '@', \
             with a letter or digit first"
        )
    }
}

impl std::error::Error for UserNameError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_written_form() {
        for text in ["admin", "li.wei@example.com", "7of9"] {
            assert_eq!(UserName::parse(text).unwrap().as_str(), text);
        }
        for text in [
            "",
            "Admin",
            " admin",
            "admin\0",
            "аdmin",
            "@x",
            "a b",
            &"a".repeat(65),
        ] {
            assert_eq!(UserName::parse(text), Err(UserNameError), "{text:?}");
        }
        let admin = UserName::parse("admin").unwrap();
        for text in ["Admin", " admin", "ADMIN\t"] {
            assert_eq!(UserName::typed(text), Ok(admin.clone()), "{text:?}");
        }
        assert!(UserName::typed("admin\0").is_err());
    }
}
