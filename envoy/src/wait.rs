//! Waiting for a state to be reached, with a bound.
//!
//! It judges nothing: whoever waits says what is awaited. Invariant: it looks at least once, and
//! ends.

use std::thread;
use std::time::{Duration, Instant};

/// Time between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Looks until `look` finds something; `None` if it did not within `limit`.
pub fn until<T>(limit: Duration, mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let begin = Instant::now();
    loop {
        if let Some(found) = look() {
            return Some(found);
        }
        if begin.elapsed() >= limit {
            return None;
        }
        thread::sleep(LOOK_EVERY);
    }
}
