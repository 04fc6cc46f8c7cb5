//! Marks: Envoys that never saw a subject are told that nothing is left of a counter.
//!
//! Does not choose when: whoever charges collects what is due. Invariant: a mark rests on amount and sum of
//! the transaction that makes it, and ends by itself.

use keytable::CounterId;

use crate::domain::clock::UnixMillis;
use crate::domain::limit::{CountedLimit, FOREVER};
use crate::store::error::StoreError;
use crate::store::feed::changes::ChangeEntry;
use crate::store::feed::told;
use crate::store::limits::{figures, subjects};
use crate::store::{Store, Stored};

/// A window that ends sooner is not worth a change of the table, in milliseconds: an hour.
const LEFT_MS_MIN: u64 = 60 * 60 * 1000;

impl Store {
    /// Marks those of these counters of which nothing is left, all in one change; how many.
    pub fn mark_full(
        &self,
        counters: &[CounterId],
        now: UnixMillis,
    ) -> Result<Stored<usize>, StoreError> {
        self.change(|connection| {
            let (mut marked, mut changes): (usize, Vec<ChangeEntry>) = (0, Vec::new());
            for counter in counters {
                let mut limits = subjects::read(connection, &counter.subject)?;
                let used = figures::used(connection, counter)?;
                let due =
                    |one: &&mut CountedLimit| one.has(counter) && is_due(one, counter, used, now);
                let Some(limit) = limits.iter_mut().find(due) else {
                    continue;
                };
                limit.full_until = Some(end_of(limit, counter));
                subjects::write(connection, &counter.subject, &limits)?;
                changes.extend(told::of_subject(connection, &counter.subject)?);
                marked += 1;
            }
            Ok((marked, changes))
        })
    }
}

/// Whether Envoys are to be told that nothing is left of a counter.
pub(super) fn is_due(
    limit: &CountedLimit,
    counter: &CounterId,
    used: u64,
    now: UnixMillis,
) -> bool {
    let end = end_of(limit, counter);
    (used >= limit.limit.amount.get() || mutant!(MarkWhatWasFull))
        && end >= now.plus_ms(LEFT_MS_MIN)
        && limit.full_until.is_none_or(|until| until < end)
}

/// When the window of a counter ends.
fn end_of(limit: &CountedLimit, counter: &CounterId) -> UnixMillis {
    let span = limit.limit.window.span_at(counter.start_unix_ms);
    span.end_unix_ms.map_or(FOREVER, UnixMillis::new)
}
