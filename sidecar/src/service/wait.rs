//! Propagation's wait: a change is answered once the Envoys have it in force, or the wait is over.
//!
//! Does not know which Envoys there are: the fleet does. Invariant: bounded; a caller that says
//! nothing waits for [`DEFAULT`], and for those Envoys alone that are in contact: whoever is lost is
//! named at once.

use std::time::{Duration, Instant};

use keytable::Generation;

use crate::domain::key::Key;
use crate::domain::region::RegionId;
use crate::feed::fleet::{Awaited, PropagationState};
use crate::feed::propagation::Propagation;
use crate::feed::shared_fleet::Wait;
use crate::http::problem::Problem;
use crate::service::App;
use crate::store::{Store, Stored};

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

    /// Waits as long as the caller wants, then says how far a change has come that is one of every region.
    pub(crate) async fn propagation_everywhere(
        &self,
        generation: Generation,
        wait: Wait,
    ) -> Result<Propagation, Problem> {
        let regions = self.store(Store::regions).await?;
        let begun = Instant::now();
        let mut progress = PropagationState::default();
        for region in &regions {
            let timeout = wait.timeout.saturating_sub(begun.elapsed());
            let wait = Wait { timeout, ..wait };
            progress.join(self.fleet.settle(region, generation, wait).await);
        }
        let is_applied = progress.pending.is_empty();
        self.metrics.propagation_took(begun.elapsed(), is_applied);
        Ok(Propagation::new(generation, progress))
    }

    /// Says how far a change of a key has come, after waiting for it.
    pub(crate) async fn progress_of(&self, stored: &Stored<Key>, wait: Wait) -> Propagation {
        self.propagation(&stored.value.region, stored.generation, wait)
            .await
    }
}
