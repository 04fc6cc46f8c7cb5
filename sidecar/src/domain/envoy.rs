//! An Envoy as its agent introduces it: who it is, and how long it may go on alone.
//!
//! Does not know which Envoys there are. Invariant: a [`Lease`] never promises an end that is
//! earlier than the real one.

use std::fmt;
use std::time::Duration;

use keytable::{Generation, find_credential, redact};

use crate::domain::clock::UnixMillis;
use crate::domain::region::RegionId;

/// Longest node id, in bytes: that of a proxy of Istio has an address and four names of Kubernetes.
const NODE_BYTES_MAX: usize = 256;
/// Longest word for a version or a trouble, in bytes.
const WORD_BYTES_MAX: usize = 40;
/// A lease ends on every worker at most so much later than its length.
const LEASE_END_SPARE: Duration = Duration::from_secs(1);
/// Two monotonic clocks differ by at most this part of what they measure.
const CLOCK_RATE_SPARE: u32 = 1000;

/// What an agent says of itself with each request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Introduction {
    /// Whose keys it follows.
    pub region: RegionId,
    /// Which start of an agent it is.
    pub agent: AgentId,
    /// Which Envoy it is in.
    pub node: NodeName,
    /// How long that Envoy serves without hearing from the sidecar.
    pub lease: Lease,
    /// Which filter it runs; `None` if it does not say.
    pub version: Option<Label>,
}

/// An Envoy that another process of this sidecar has known.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KnownEnvoy {
    /// What it said.
    pub introduction: Introduction,
    /// What it had in force.
    pub generation: Option<Generation>,
    /// When it was heard, as far as that process came to write it down.
    pub heard_at: UnixMillis,
}

/// One start of an agent: 32 lower-case hexadecimal digits that it drew.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AgentId(String);

/// The node id of an Envoy: 1 to 256 printable ASCII characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeName(String);

/// A version or a kind of trouble: 1 to 40 characters of `a-z`, `0-9`, `_`, `-`, `.`, `+`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Label(String);

/// How long an Envoy serves from the moment at which it sent the last request that was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lease {
    /// So many seconds.
    Seconds(u64),
    /// Without end.
    Never,
}

impl AgentId {
    /// Reads an instance id; `None` if it is no 32 lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Option<Self> {
        let digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        (text.len() == 32 && text.bytes().all(digit)).then(|| Self(text.into()))
    }

    /// The agent whose batches of usage have this source.
    pub fn of_bytes(source: &[u8; 16]) -> Self {
        Self(base16ct::lower::encode_string(source))
    }

    /// The digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl NodeName {
    /// Reads a node id; `None` if it is empty, longer than 256 bytes or not printable ASCII. One that
    /// holds a credential is kept without it: an Envoy must be able to follow all the same.
    pub fn parse(text: &str) -> Option<Self> {
        let printable = |b: u8| (b' '..=b'~').contains(&b);
        let fits = (1..=NODE_BYTES_MAX).contains(&text.len()) && text.bytes().all(printable);
        fits.then(|| Self(redact(text).into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Label {
    /// Reads a word; `None` if it is empty, too long or has other characters.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-.+".contains(&b);
        let fits = (1..=WORD_BYTES_MAX).contains(&text.len()) && text.bytes().all(plain);
        let word = match find_credential(text.as_bytes()) {
            None => text,
            Some(_) => "redacted",
        };
        fits.then(|| Self(word.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Lease {
    /// Reads a number of seconds or `never`.
    pub fn parse(text: &str) -> Option<Self> {
        if text == "never" {
            return Some(Self::Never);
        }
        let plain = text.bytes().all(|b| b.is_ascii_digit());
        text.parse().ok().filter(|_| plain).map(Self::Seconds)
    }

    /// The seconds; `None` = without end.
    pub const fn seconds(self) -> Option<u64> {
        match self {
            Self::Seconds(seconds) => Some(seconds),
            Self::Never => None,
        }
    }

    /// How long after its last request an Envoy may still serve, at most; `None` = without end.
    /// The request was sent before it arrived here, so the lease cannot end later.
    pub fn serves_for(self) -> Option<Duration> {
        let length = Duration::from_secs(self.seconds()?);
        if mutant!(LeaseWithoutSpare) {
            return Some(length);
        }
        Some(
            length
                .saturating_add(length / CLOCK_RATE_SPARE)
                .saturating_add(LEASE_END_SPARE),
        )
    }
}

// === impl AgentId ===

impl fmt::Display for AgentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

// === impl NodeName ===

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

// === impl Label ===

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_ids_are_refused() {
        assert!(AgentId::parse(&"A".repeat(32)).is_none());
        assert!(AgentId::parse("abc").is_none());
        assert!(NodeName::parse("").is_none());
        assert!(NodeName::parse("a\n").is_none());
        assert!(NodeName::parse(&"n".repeat(257)).is_none());
        assert!(Label::parse("Gap").is_none());
        assert!(Label::parse("").is_none());
        assert!(Label::parse(&"a".repeat(41)).is_none());
        for text in ["", "-1", "+5", "5s", "Never"] {
            assert!(Lease::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_lease_is_said_to_end_late_rather_than_early() {
        let hour = Lease::parse("3600").unwrap();
        assert_eq!(hour.serves_for(), Some(Duration::from_millis(3_604_600)));
        assert_eq!(Lease::Never.serves_for(), None);
        assert!(Lease::Seconds(u64::MAX).serves_for() > hour.serves_for());
        assert!(Lease::Never > Lease::Seconds(u64::MAX));
    }
}
