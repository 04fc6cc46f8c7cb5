//! The version of the formats, and which one two sides of different releases speak.
//!
//! Does not lay out bytes. Invariant: a [`FormatVersion`] is one that this build reads and writes.

/// A version of frame, record, head and usage batch that this build knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FormatVersion(u16);

impl FormatVersion {
    /// The oldest that this build reads and writes.
    pub const OLDEST: Self = Self(1);
    /// The newest. `rehearsal` builds the next release as far as versions go: one more, laid out
    /// alike, for the tests of an upgrade.
    pub const NEWEST: Self = Self(if cfg!(feature = "rehearsal") { 4 } else { 3 });

    /// The version with this number, if this build knows it.
    pub fn known(number: u16) -> Option<Self> {
        let version = Self(number);
        (Self::OLDEST..=Self::NEWEST)
            .contains(&version)
            .then_some(version)
    }

    /// The newest version that both this build and one whose newest is `newest` know.
    pub fn shared_with(newest: u16) -> Option<Self> {
        Self::known(newest.min(Self::NEWEST.0))
    }

    /// Whether a reader of this version keeps limits. One that does not gets a key that has any
    /// written as disabled.
    pub fn keeps_limits(self) -> bool {
        self >= Self(3)
    }

    /// Its number.
    pub const fn number(self) -> u16 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_older_side_decides_and_too_old_is_none() {
        let newest = FormatVersion::NEWEST;
        assert_eq!(FormatVersion::shared_with(newest.number()), Some(newest));
        assert_eq!(FormatVersion::shared_with(u16::MAX), Some(newest));
        assert_eq!(FormatVersion::shared_with(1), Some(FormatVersion::OLDEST));
        assert_eq!(FormatVersion::shared_with(0), None);
    }

    #[test]
    fn versions_of_other_releases_are_not_known() {
        assert_eq!(FormatVersion::known(0), None);
        assert_eq!(
            FormatVersion::known(FormatVersion::NEWEST.number() + 1),
            None
        );
    }
}
