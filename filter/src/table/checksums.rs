//! What the agent wrote into each bucket, as keyed checksums: by them it notices that somebody else wrote one.
//!
//! Does not read slots. Invariant: of a bucket that this agent never wrote nothing is claimed.

use std::hash::Hasher;

use keytable::limits::BUCKETS;
use siphasher::sip::SipHasher24;

/// Stands for a bucket that was never written.
const UNKNOWN: u32 = 0;

/// The checksums of one agent.
#[derive(Debug)]
pub struct Checksums {
    /// Nobody else knows it: with another content of the same checksum nobody could know to have one.
    key: [u8; 16],
    /// One for each bucket; none before the first was written.
    sums: Vec<u32>,
    next: u16,
}

impl Checksums {
    /// Of nothing yet.
    pub fn new(key: [u8; 16]) -> Self {
        Self {
            key,
            sums: Vec::new(),
            next: 0,
        }
    }

    /// The agent wrote this.
    pub fn note(&mut self, bucket: u16, bytes: &[u8]) {
        let sum = self.of(bytes);
        self.set(bucket, sum);
    }

    /// What is in this bucket is known no more.
    pub fn forget(&mut self, bucket: u16) {
        self.set(bucket, UNKNOWN);
    }

    /// Whether this may be what the agent wrote.
    pub fn fits(&self, bucket: u16, bytes: &[u8]) -> bool {
        let known = self.sums.get(usize::from(bucket)).copied();
        let known = known.unwrap_or(UNKNOWN);
        known == UNKNOWN || known == self.of(bytes) || mutant!(TrustTheSlots)
    }

    /// The bucket to look at next: all of them, one after the other.
    pub fn advance(&mut self) -> u16 {
        let next = self.next;
        self.next = next.wrapping_add(1);
        next
    }

    fn set(&mut self, bucket: u16, sum: u32) {
        if self.sums.is_empty() {
            let count = usize::try_from(BUCKETS).unwrap_or(usize::MAX);
            self.sums = vec![UNKNOWN; count];
        }
        if let Some(known) = self.sums.get_mut(usize::from(bucket)) {
            *known = sum;
        }
    }

    /// Never that of what is not known.
    fn of(&self, bytes: &[u8]) -> u32 {
        let mut hasher = SipHasher24::new_with_key(&self.key);
        hasher.write(bytes);
        u32::try_from(hasher.finish() >> 32)
            .unwrap_or(u32::MAX)
            .max(1)
    }
}
