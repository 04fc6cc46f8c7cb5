//! Durations, counted by how long they were.
//!
//! Invariant: adding takes no lock, and a bucket counts what is at most its bound.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds, in microseconds.
const BOUNDS_US: [u64; 12] = [
    500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 250_000, 500_000, 1_000_000,
    5_000_000,
];

/// Counts of durations.
#[derive(Debug, Default)]
pub(crate) struct Histogram {
    counts: [AtomicU64; BOUNDS_US.len()],
    total: AtomicU64,
    sum_us: AtomicU64,
}

impl Histogram {
    /// Adds a duration.
    pub(crate) fn add(&self, duration: Duration) {
        let us = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        let buckets = BOUNDS_US.iter().zip(&self.counts);
        let first = buckets.into_iter().find(|(bound, _)| us <= **bound);
        if let Some((_, count)) = first {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.sum_us.fetch_add(us, Ordering::Relaxed);
        self.total.fetch_add(1, Ordering::Relaxed);
    }

    /// Every bound in seconds, and how many durations were at most that long.
    pub(crate) fn buckets(&self) -> impl Iterator<Item = (f64, u64)> {
        let counts = self.counts.iter().scan(0, |sum, count| {
            *sum += count.load(Ordering::Relaxed);
            Some(*sum)
        });
        let bounds = BOUNDS_US.iter().map(|us| Duration::from_micros(*us));
        bounds.map(|bound| bound.as_secs_f64()).zip(counts)
    }

    /// How many durations, and all of them together in seconds.
    pub(crate) fn totals(&self) -> (u64, f64) {
        let sum = Duration::from_micros(self.sum_us.load(Ordering::Relaxed));
        (self.total.load(Ordering::Relaxed), sum.as_secs_f64())
    }
}
