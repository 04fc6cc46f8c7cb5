//! What somebody holds, and the one rule for handing it on: nobody gives or takes over more than
//! they hold.
//!
//! To be asked by whatever makes, widens or hands over a credential or a person: a new user, a role, a
//! setup secret, a token, an access key, and one of them that is enabled again. To take away needs no
//! more than the call itself. Does not know who calls. Invariant: a right of every account covers
//! that of one, never the other way round.

use std::fmt;

use keytable::AccountId;

use crate::domain::identity::role::{Capabilities, Capability, Role};

/// Capabilities, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rights {
    /// What for.
    pub capabilities: Capabilities,
    /// In this account only; `None`: in every one.
    pub account: Option<AccountId>,
}

/// Somebody would give or take over more than they hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BeyondRights {
    missing: Capabilities,
    elsewhere: bool,
}

impl Rights {
    /// What a role holds.
    pub fn of_role(role: Role, account: Option<&AccountId>) -> Self {
        Self {
            capabilities: role.capabilities(),
            account: account.cloned(),
        }
    }

    /// Refuses to hand on `others` where these rights do not cover them.
    pub fn cover(&self, others: &Self) -> Result<(), BeyondRights> {
        let missing = others.capabilities.without(self.capabilities);
        let elsewhere = self.account.is_some() && self.account != others.account;
        match missing == Capabilities::default() && !elsewhere {
            true => Ok(()),
            false => Err(BeyondRights { missing, elsewhere }),
        }
    }
}

// === impl BeyondRights ===

impl fmt::Display for BeyondRights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
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

impl std::error::Error for BeyondRights {}

#[cfg(test)]
mod tests {
    use super::*;

    fn rights(capabilities: &[Capability], account: Option<&str>) -> Rights {
        Rights {
            capabilities: Capabilities::of(capabilities.iter().copied()),
            account: account.map(|id| AccountId::parse(id).unwrap()),
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
}
