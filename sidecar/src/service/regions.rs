//! What is done with regions.
//!
//! Does not know what runs in one: the fleet does. Invariant: a region that an Envoy may still serve stays.

use serde_json::json;

use crate::domain::audit::AuditAction;
use crate::domain::clock::UnixMillis;
use crate::domain::region::{Region, RegionId};
use crate::domain::status::status_word;
use crate::http::problem::Problem;
use crate::service::App;
use crate::service::caller::Caller;
use crate::store::{Idempotent, IdempotentCall, Store, Stored};
use keytable::Status;

impl App {
    /// Every region, by id.
    pub(crate) async fn regions(&self) -> Result<Vec<Region>, Problem> {
        self.store(Store::all_regions).await
    }

    /// Finds a region.
    pub(crate) async fn region(&self, id: RegionId) -> Result<Region, Problem> {
        self.store(move |store| store.region(&id)).await
    }

    /// Makes a region, or finds what the same call made before.
    pub(crate) async fn make_region(
        &self,
        caller: &Caller,
        id: RegionId,
        once: Option<IdempotentCall>,
    ) -> Result<Region, Problem> {
        let act = caller.act(self.clock.now());
        let entry = act.entry(AuditAction::RegionCreated, None, id.as_str(), json!({}));
        self.store(
            move |store| match store.insert_region(&id, once.as_ref(), &entry)? {
                Idempotent::Done(region) => Ok(region),
                Idempotent::Repeated(earlier) => earlier.found(store.region(&id)),
            },
        )
        .await
    }

    /// Changes a region that has one of these revisions.
    pub(crate) async fn edit_region(
        &self,
        caller: &Caller,
        id: RegionId,
        revisions: Option<Vec<u64>>,
        status: Option<Status>,
    ) -> Result<Stored<Region>, Problem> {
        let detail = json!({"status": status.map(status_word)});
        let act = caller.act(self.clock.now());
        let entry = act.entry(AuditAction::RegionEdited, None, id.as_str(), detail);
        self.store(move |store| store.edit_region(&id, revisions.as_deref(), status, &entry))
            .await
    }

    /// Deletes a region that has one of these revisions, without keys and Envoys; says when.
    pub(crate) async fn delete_region(
        &self,
        caller: &Caller,
        id: RegionId,
        revisions: Option<Vec<u64>>,
    ) -> Result<UnixMillis, Problem> {
        let sightings = self.fleet.sightings();
        if sightings
            .iter()
            .any(|one| one.who.region == id && !one.is_over)
        {
            return Err(Problem::conflict(
                "envoys-in-region",
                "Envoys may still serve this region: stop them, and wait until their leases are over or dismiss them",
            ));
        }
        let act = caller.act(self.clock.now());
        let entry = act.entry(AuditAction::RegionDeleted, None, id.as_str(), json!({}));
        self.store(move |store| store.delete_region(&id, revisions.as_deref(), &entry))
            .await?;
        Ok(act.at)
    }
}
