//! Propagation's wait: a change is answered once the Envoys have it in force, or the wait is over.
//!
//! Does not know which Envoys there are: the fleet does. Invariant: bounded; a caller that says
//! nothing waits for [`DEFAULT`], and for those Envoys alone that are in contact: whoever is lost is
//! named at once.

use std::time::{Duration, Instant};

use keytable::Generation;

use crate::domain::key::Key;
use crate::domain::region::RegionId;
use crate::feed::fleet::Awaited;
use crate::feed::propagation::Propagation;
use crate::feed::shared_fleet::Wait;
use crate::service::App;
use crate::store::Stored;

/// What is waited without `wait` and `timeout_s`.
pub(crate) const DEFAULT: Duration = Duration::from_secs(5);

/// The wait of a caller that says nothing.
pub(crate) const fn usual() -> Wait {
    Wait {
        timeout: DEFAULT,
        awaited: Awaited::Live,
    }
}

impl App {
    /// Waits as long as the caller wants, then says how far a change has come.
    pub(crate) async fn propagation(
        &self,
        region: &RegionId,
        generation: Generation,
        wait: Wait,
    ) -> Propagation {
        let begun = Instant::now();
        let progress = self.fleet.settle(region, generation, wait).await;
        let is_applied = progress.pending.is_empty();
        self.metrics.propagation_took(begun.elapsed(), is_applied);
        Propagation::new(generation, progress)
    }

    /// Says how far a change of a key has come, after waiting for it.
    pub(crate) async fn progress_of(&self, stored: &Stored<Key>, wait: Wait) -> Propagation {
        self.propagation(&stored.value.region, stored.generation, wait)
            .await
    }
}
