//! What somebody may do: the roles of people, the capabilities of scripts.
//!
//! Does not know who somebody is. Invariant: a role is a set of capabilities and whether they
//! reach over all accounts, so that one check serves both.

use std::fmt;

/// What a user is in an account, or in the installation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Runs the installation: everything, in every account.
    Operator,
    /// Everything within one account.
    Owner,
    /// Reads within one account.
    Viewer,
}

/// One thing that a caller may be allowed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Capability {
    /// See keys, masked, and what they were used for.
    KeysRead,
    /// Make and change keys.
    KeysWrite,
    /// See the value of a key.
    KeysReveal,
    /// Delete keys for good.
    KeysDelete,
    /// Users, tokens, access keys, audit.
    Admin,
}

/// A set of capabilities.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities(u8);

/// The text is not a role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RoleError;

/// The text is not a capability.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CapabilityError;

impl Role {
    /// Every role.
    pub const ALL: [Self; 3] = [Self::Operator, Self::Owner, Self::Viewer];

    /// Reads `operator`, `owner` or `viewer`.
    pub fn parse(text: &str) -> Result<Self, RoleError> {
        Self::ALL
            .into_iter()
            .find(|role| role.as_str() == text)
            .ok_or(RoleError)
    }

    /// The text that [`Role::parse`] reads.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Owner => "owner",
            Self::Viewer => "viewer",
        }
    }

    /// What the role may do.
    pub fn capabilities(self) -> Capabilities {
        match self {
            Self::Operator | Self::Owner => Capabilities::ALL,
            Self::Viewer => Capabilities::of([Capability::KeysRead]),
        }
    }
}

impl Capability {
    /// Every capability.
    pub const ALL: [Self; 5] = [
        Self::KeysRead,
        Self::KeysWrite,
        Self::KeysReveal,
        Self::KeysDelete,
        Self::Admin,
    ];

    /// Reads `keys:read` and so on.
    pub fn parse(text: &str) -> Result<Self, CapabilityError> {
        Self::ALL
            .into_iter()
            .find(|capability| capability.as_str() == text)
            .ok_or(CapabilityError)
    }

    /// The text that [`Capability::parse`] reads.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::KeysRead => "keys:read",
            Self::KeysWrite => "keys:write",
            Self::KeysReveal => "keys:reveal",
            Self::KeysDelete => "keys:delete",
            Self::Admin => "admin",
        }
    }

    /// Whether whoever hands it to a script has to prove their identity first.
    pub const fn needs_verification(self) -> bool {
        matches!(self, Self::KeysReveal | Self::KeysDelete | Self::Admin)
    }

    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

impl Capabilities {
    /// All of them.
    pub const ALL: Self = Self(0b1_1111);

    /// These.
    pub fn of(capabilities: impl IntoIterator<Item = Capability>) -> Self {
        let bits = capabilities.into_iter().map(Capability::bit);
        Self(bits.fold(0, |all, bit| all | bit))
    }

    /// Reads the words that [`fmt::Display`] writes.
    pub fn parse(text: &str) -> Result<Self, CapabilityError> {
        let words = text.split_whitespace().map(Capability::parse);
        words.collect::<Result<Vec<_>, _>>().map(Self::of)
    }

    /// Whether this one is among them.
    pub const fn has(self, capability: Capability) -> bool {
        self.0 & capability.bit() != 0
    }

    /// Whether all of these are among them.
    pub const fn has_all(self, others: Self) -> bool {
        self.0 & others.0 == others.0
    }

    /// Those that are not among the others.
    #[must_use]
    pub const fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }

    /// Those that are among both.
    #[must_use]
    pub const fn and(self, others: Self) -> Self {
        Self(self.0 & others.0)
    }

    /// One after the other.
    pub fn iter(self) -> impl Iterator<Item = Capability> {
        Capability::ALL
            .into_iter()
            .filter(move |capability| self.has(*capability))
    }
}

// === impl Capabilities ===

impl fmt::Display for Capabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<_> = self.iter().map(Capability::as_str).collect();
        f.write_str(&words.join(" "))
    }
}

// === impl RoleError ===

impl fmt::Display for RoleError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("must be \"operator\", \"owner\" or \"viewer\"")
    }
}

impl std::error::Error for RoleError {}

// === impl CapabilityError ===

impl fmt::Display for CapabilityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "is no capability: write one of {}", Capabilities::ALL)
    }
}

impl std::error::Error for CapabilityError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_and_written_the_same_way() {
        for capability in Capability::ALL {
            assert_eq!(Capability::parse(capability.as_str()), Ok(capability));
        }
        let some = Capabilities::of([Capability::Admin, Capability::KeysRead]);
        assert_eq!(some.to_string(), "keys:read admin");
        assert_eq!(Capabilities::parse("admin keys:read"), Ok(some));
        assert!(Capabilities::ALL.has_all(some) && !some.has_all(Capabilities::ALL));
        assert!(Capabilities::parse("keys:Read").is_err() && Role::parse("root").is_err());
    }

    #[test]
    fn viewers_only_read() {
        let viewer = Role::Viewer.capabilities();
        assert_eq!(viewer.iter().collect::<Vec<_>>(), [Capability::KeysRead]);
        assert_eq!(Role::Owner.capabilities(), Capabilities::ALL);
        assert_eq!(Capabilities::ALL.and(viewer), viewer);
    }
}
