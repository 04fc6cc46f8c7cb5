//! Compiled snapshots, shared by all agents that page through them.
//!
//! Does not decide who needs one. Invariant: a snapshot never changes, and one that is given as
//! new is at least as new as the newest change at the time of asking, so that an agent that
//! starts over cannot bring a deleted key back.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use actix_web::web::{self, Bytes};
use keytable::{FormatVersion, Generation};

use crate::compile::{Snapshot, TableBuilder};
use crate::domain::clock::UnixMillis;
use crate::domain::region::RegionId;
use crate::http::metrics::Metrics;
use crate::http::problem::Problem;
use crate::store::Store;

/// Snapshots that are kept.
const KEPT_MAX: usize = 4;
/// How long one is kept that nobody asks for.
const KEPT_FOR: Duration = Duration::from_secs(60);

/// The pages of one snapshot.
#[derive(Debug)]
pub(super) struct Pages {
    region: RegionId,
    format: FormatVersion,
    generation: Generation,
    pages: Vec<(u32, Bytes)>,
}

/// The snapshots of all regions.
#[derive(Debug)]
pub(super) struct Snapshots {
    store: Store,
    metrics: Arc<Metrics>,
    kept: Mutex<VecDeque<(Instant, Arc<Pages>)>>,
    /// One at a time: who comes while a snapshot is compiled most often can use that one.
    compiling: tokio::sync::Mutex<()>,
}

impl Snapshots {
    pub(super) fn new(store: Store, metrics: Arc<Metrics>) -> Self {
        Self {
            store,
            metrics,
            kept: Mutex::default(),
            compiling: tokio::sync::Mutex::default(),
        }
    }

    /// A further page of a snapshot that is still kept.
    pub(super) fn page(
        &self,
        region: &RegionId,
        format: FormatVersion,
        generation: Generation,
        bucket: u32,
    ) -> Option<Bytes> {
        self.find(|pages| pages.is_for(region, format) && pages.generation == generation)?
            .page(bucket)
    }

    /// The first page of a snapshot that has at least `newest`; if it has to be made, limits are in it as they
    /// are used `now`.
    pub(super) async fn first_page(
        &self,
        region: &RegionId,
        format: FormatVersion,
        newest: Generation,
        now: UnixMillis,
    ) -> Result<Bytes, Problem> {
        let usable = |pages: &Pages| pages.is_for(region, format) && pages.generation >= newest;
        let mut found = self.find(usable);
        if found.is_none() {
            let _turn = self.compiling.lock().await;
            found = self.find(usable);
            if found.is_none() {
                found = Some(self.compile(region, format, now).await?);
            }
        }
        found
            .and_then(|pages| pages.page(0))
            .ok_or_else(|| Problem::internal(&"a snapshot without pages"))
    }

    async fn compile(
        &self,
        region: &RegionId,
        format: FormatVersion,
        now: UnixMillis,
    ) -> Result<Arc<Pages>, Problem> {
        let (store, wanted) = (self.store.clone(), region.clone());
        let pages = web::block(move || compile(&store, wanted, format, now))
            .await
            .map_err(|error| Problem::internal(&error))??;
        self.metrics.snapshot_compiled();
        let pages = Arc::new(pages);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push_front((Instant::now(), Arc::clone(&pages)));
        kept.truncate(KEPT_MAX);
        Ok(pages)
    }

    /// Finds a kept snapshot and moves it to the front; drops those that nobody asks for.
    fn find(&self, wanted: impl Fn(&Pages) -> bool) -> Option<Arc<Pages>> {
        let now = Instant::now();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|(used, _)| now.saturating_duration_since(*used) < KEPT_FOR);
        let index = kept.iter().position(|(_, pages)| wanted(pages))?;
        let (_, pages) = kept.remove(index)?;
        kept.push_front((now, Arc::clone(&pages)));
        Some(pages)
    }

    /// Drops those that nobody asks for.
    pub(super) fn tidy(&self) {
        self.find(|_| false);
    }
}

impl Pages {
    fn is_for(&self, region: &RegionId, format: FormatVersion) -> bool {
        self.region == *region && self.format == format
    }

    fn page(&self, bucket: u32) -> Option<Bytes> {
        let page = self.pages.iter().find(|(first, _)| *first == bucket)?;
        Some(page.1.clone())
    }
}

fn compile(
    store: &Store,
    region: RegionId,
    format: FormatVersion,
    now: UnixMillis,
) -> Result<Pages, Problem> {
    let mut table = TableBuilder::default();
    let generation = store.table(&region, now, |entry| table.add(&entry))?;
    let Snapshot { generation, pages } = table
        .finish(store.epoch(), generation, format)
        .map_err(|error| Problem::internal(&error))?;
    let pages = pages
        .into_iter()
        .map(|page| (page.first_bucket, Bytes::from(page.bytes)));
    Ok(Pages {
        region,
        format,
        generation,
        pages: pages.collect(),
    })
}
