//! What somebody holds, and the one rule for handing it on: nobody gives or takes over more than
//! they hold, nor for longer.
//!
//! To be asked by whatever makes, widens or hands over a credential or a person: a new user, a role, a
//! setup secret, a token, an access key, and one of them that is enabled again. To take away needs no
//! more than the call itself. Does not know who calls. Invariant: a right of every account covers
//! that of one, and one without an end that with one, never the other way round.

use std::fmt;

use keytable::AccountId;

use crate::domain::clock::UnixMillis;
use crate::domain::identity::role::{Capabilities, Capability, Role};

/// Capabilities, where, and until when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rights {
    /// What for.
    pub capabilities: Capabilities,
    /// In this account only; `None`: in every one.
    pub account: Option<AccountId>,
    /// Up to then; `None`: without an end.
    pub ends_at: Option<UnixMillis>,
}

/// Somebody would give or take over more than they hold, or for longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BeyondRights {
    missing: Capabilities,
    elsewhere: bool,
    /// The end that would be outlived.
    outlived: Option<UnixMillis>,
}

impl Rights {
    /// What a role holds; whoever has it can log in again and again.
    pub fn of_role(role: Role, account: Option<&AccountId>) -> Self {
        Self {
            capabilities: role.capabilities(),
            account: account.cloned(),
            ends_at: None,
        }
    }

    /// Refuses to hand on `others` where these rights do not cover them.
    pub fn cover(&self, others: &Self) -> Result<(), BeyondRights> {
        let beyond = BeyondRights {
            missing: others.capabilities.without(self.capabilities),
            elsewhere: self.account.is_some() && self.account != others.account,
            outlived: self.ends_at.filter(|end| outlives(others.ends_at, *end)),
        };
        match beyond.is_too_much() || beyond.is_too_long() {
            true => Err(beyond),
            false => Ok(()),
        }
    }
}

fn outlives(ends_at: Option<UnixMillis>, end: UnixMillis) -> bool {
    ends_at.is_none_or(|at| at > end)
}

impl BeyondRights {
    /// Whether it is more than they hold.
    pub fn is_too_much(&self) -> bool {
        self.missing != Capabilities::default() || self.elsewhere
    }

    /// Whether it would last longer.
    pub const fn is_too_long(&self) -> bool {
        self.outlived.is_some()
    }

    fn write_too_much(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("nobody gives or takes over more than they have themselves: you lack")?;
        let mut separator = " ";
        for capability in self.missing.iter().map(Capability::as_str) {
            write!(f, "{separator}{capability}")?;
            separator = ", ";
        }
        if self.elsewhere {
            write!(f, "{separator}rights beyond your account")?;
        }
        Ok(())
    }
}

// === impl BeyondRights ===

impl fmt::Display for BeyondRights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_too_much() {
            self.write_too_much(f)?;
        }
        let separator = if self.is_too_much() { "; " } else { "" };
        match self.outlived {
            None => Ok(()),
            Some(end) => write!(
                f,
                "{separator}what is made with a token that ends may not outlive it: give a token an \
                 expires_at up to {end}; for users and access keys, which do not end, log in or use \
                 a token without an end"
            ),
        }
    }
}

impl std::error::Error for BeyondRights {}

#[cfg(test)]
mod tests {
    use super::*;

    fn rights(capabilities: &[Capability], account: Option<&str>) -> Rights {
        Rights {
            capabilities: Capabilities::of(capabilities.iter().copied()),
            account: account.map(|id| AccountId::parse(id).unwrap()),
            ends_at: None,
        }
    }

    #[test]
    fn only_what_is_held_is_handed_on() {
        use Capability::{Admin, KeysRead};
        let admin = rights(&[Admin], Some("demo"));
        let owner = Rights::of_role(Role::Owner, admin.account.as_ref());
        let operator = Rights::of_role(Role::Operator, None);
        assert_eq!(admin.cover(&admin), Ok(()));
        assert_eq!(owner.cover(&admin), Ok(()));
        assert_eq!(operator.cover(&owner), Ok(()));
        let beyond = admin.cover(&owner).unwrap_err().to_string();
        assert!(
            beyond.ends_with("keys:read, keys:write, keys:reveal, keys:delete"),
            "{beyond}"
        );
        let elsewhere = owner.cover(&operator).unwrap_err().to_string();
        assert!(
            elsewhere.ends_with("you lack rights beyond your account"),
            "{elsewhere}"
        );
        assert!(owner.cover(&rights(&[KeysRead], Some("second"))).is_err());
        assert!(rights(&[Admin], None).cover(&operator).is_err());
    }

    #[test]
    fn what_ends_hands_on_nothing_that_ends_later_or_never() {
        let until = |end: Option<u64>| Rights {
            ends_at: end.map(UnixMillis::new),
            ..rights(&[Capability::Admin], None)
        };
        let bounded = until(Some(1_000));
        assert_eq!(bounded.cover(&until(Some(1_000))), Ok(()));
        assert_eq!(until(None).cover(&bounded), Ok(()));
        for end in [None, Some(1_001)] {
            let beyond = bounded.cover(&until(end)).unwrap_err();
            assert!(beyond.is_too_long() && !beyond.is_too_much());
            let said = beyond.to_string();
            assert!(said.contains("up to 1970-01-01T00:00:01.000Z"), "{said}");
        }
        let both = bounded.cover(&Rights::of_role(Role::Operator, None));
        let said = both.unwrap_err().to_string();
        assert!(said.contains("you lack keys:read") && said.contains("; what is made"));
    }
}
