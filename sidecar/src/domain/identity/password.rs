//! Passwords: hashed with Argon2id, checked, and made anew when the policy moves on.
//!
//! Does not store or limit attempts. Invariant: a check costs the same whether or not there is
//! such a user; a password is bounded before it is hashed, and wiped when it goes.

use std::fmt;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use zeroize::Zeroizing;

/// Fewest characters.
const CHARS_MIN: usize = 12;
/// Most bytes: nobody types more, and hashing more would be work for an attacker's sake.
const BYTES_MAX: usize = 256;
/// Memory of one hashing, in KiB; with the passes, what OWASP recommends.
const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// A password as somebody typed it; nothing of it is changed, also not its Unicode form.
pub struct Password(Zeroizing<String>);

/// Why a text is no new password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PasswordError {
    /// Fewer than [`CHARS_MIN`] characters or more than [`BYTES_MAX`] bytes.
    Length,
    /// All characters are the same.
    Same,
    /// A control character, which not every keyboard gives again.
    Control,
}

/// The machine could not hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HashError;

/// How a check ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Check {
    /// It is not the password.
    Wrong,
    /// It is.
    Right,
    /// It is, but the hash is of an earlier policy: store this one.
    Renew(String),
}

impl Password {
    /// Takes a password that is to be set.
    pub fn choose(text: String) -> Result<Self, PasswordError> {
        let text = Zeroizing::new(text);
        let mut chars = text.chars();
        let first = chars.next();
        if text.len() > BYTES_MAX || text.chars().count() < CHARS_MIN {
            return Err(PasswordError::Length);
        }
        if text.chars().any(char::is_control) {
            return Err(PasswordError::Control);
        }
        if chars.all(|c| Some(c) == first) {
            return Err(PasswordError::Same);
        }
        Ok(Self(text))
    }

    /// Takes a password that is to be checked. What can be no password becomes one that is wrong.
    pub fn attempt(text: String) -> Self {
        let text = Zeroizing::new(text);
        if text.len() > BYTES_MAX {
            return Self(Zeroizing::new(String::new()));
        }
        Self(text)
    }

    /// The hash to store, a PHC string with a salt of its own.
    pub fn hash(&self) -> Result<String, HashError> {
        let hash = hasher()?.hash_password(self.0.as_bytes());
        hash.map(|hash| hash.to_string()).map_err(|_| HashError)
    }

    /// Checks it against a stored hash; `None` if there is none, which takes as long.
    pub fn check(&self, stored: Option<&str>) -> Result<Check, HashError> {
        let Some(stored) = stored else {
            self.hash()?;
            return Ok(Check::Wrong);
        };
        let parsed = PasswordHash::new(stored).map_err(|_| HashError)?;
        let hasher = hasher()?;
        if hasher.verify_password(self.0.as_bytes(), &parsed).is_err() {
            return Ok(Check::Wrong);
        }
        let params = Params::try_from(&parsed).map_err(|_| HashError)?;
        let cost = |params: &Params| (params.m_cost(), params.t_cost(), params.p_cost());
        if cost(&params) == cost(hasher.params()) {
            Ok(Check::Right)
        } else {
            self.hash().map(Check::Renew)
        }
    }
}

fn hasher() -> Result<Argon2<'static>, HashError> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|_| HashError)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

// === impl Password ===

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(..)")
    }
}

// === impl PasswordError ===

impl fmt::Display for PasswordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Length => write!(
                f,
                "must have at least {CHARS_MIN} characters and at most {BYTES_MAX} bytes"
            ),
            Self::Same => f.write_str("must not be one character over and over"),
            Self::Control => f.write_str("must not have control characters"),
        }
    }
}

impl std::error::Error for PasswordError {}

// === impl HashError ===

impl fmt::Display for HashError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the password could not be hashed: try again")
    }
}

impl std::error::Error for HashError {}

#[cfg(test)]
mod tests {
    use rustix::time::{ClockId, clock_gettime};

    use super::*;

    fn attempt(text: &str) -> Password {
        Password::attempt(text.into())
    }

    #[test]
    fn only_the_same_password_is_right() {
        let stored = Password::choose("correct horse".into())
            .unwrap()
            .hash()
            .unwrap();
        assert!(
            stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{stored}"
        );
        assert_eq!(
            attempt("correct horse").check(Some(&stored)),
            Ok(Check::Right)
        );
        for wrong in [
            "",
            "correct hors",
            "Correct horse",
            "correct horse\0",
            &"x".repeat(1 << 20),
        ] {
            assert_eq!(attempt(wrong).check(Some(&stored)), Ok(Check::Wrong));
        }
        assert_eq!(attempt("correct horse").check(None), Ok(Check::Wrong));
    }

    #[test]
    fn a_hash_of_an_earlier_policy_is_renewed() {
        let params = Params::new(8 * 1024, 1, 1, None).unwrap();
        let weak = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let stored = weak.hash_password(b"correct horse").unwrap().to_string();
        let Ok(Check::Renew(renewed)) = attempt("correct horse").check(Some(&stored)) else {
            panic!("not renewed");
        };
        assert_eq!(
            attempt("correct horse").check(Some(&renewed)),
            Ok(Check::Right)
        );
        assert_eq!(
            attempt("wrong horse").check(Some(&stored)),
            Ok(Check::Wrong)
        );
    }

    #[test]
    fn weak_passwords_are_refused() {
        let choose = |text: &str| Password::choose(text.into()).unwrap_err();
        assert_eq!(choose("short"), PasswordError::Length);
        assert_eq!(choose(&"ab".repeat(129)), PasswordError::Length);
        assert_eq!(choose("aaaaaaaaaaaaaaaa"), PasswordError::Same);
        assert_eq!(choose("nul is no\0character"), PasswordError::Control);
        assert!(Password::choose("密码密码密码密码密码密码!".into()).is_ok());
        assert_eq!(format!("{:?}", attempt("correct horse")), "Password(..)");
    }

    #[test]
    fn a_user_that_does_not_exist_takes_as_long() {
        let stored = attempt("correct horse").hash().unwrap();
        // The processor's time of this thread: what else the machine does is not in it.
        let spent = || {
            let time = clock_gettime(ClockId::ThreadCPUTime);
            time.tv_sec * 1_000_000_000 + time.tv_nsec
        };
        let time = |stored: Option<&str>| {
            let start = spent();
            assert_eq!(attempt("wrong horse").check(stored), Ok(Check::Wrong));
            spent() - start
        };
        // The fastest of several, in turns.
        let (mut known, mut unknown) = (time(Some(&stored)), time(None));
        for _ in 0..15 {
            known = known.min(time(Some(&stored)));
            unknown = unknown.min(time(None));
        }
        assert!(
            known < unknown * 2 && unknown < known * 2,
            "{known:?} {unknown:?}"
        );
    }
}
