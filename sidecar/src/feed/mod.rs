//! The feed: what Envoys follow, on a port of its own.
//!
//! `GET /feed/v1/table`: an agent says what it has in force and gets one frame, at once if there
//! is something newer and else when there is, or when its wait ends. `POST /feed/v1/usage`: it
//! says what its gate has counted, and what is to be charged. `POST /feed/v1/goodbye`: whoever ends
//! an Envoy says so. Does not push: no Envoy has to be reachable.
//!
//! Invariant: an agent is of the fleet before the table is read for it, so that a change that it
//! does not get yet waits for it.

pub mod auth;
pub mod bookkeeper;
mod catch_up;
mod catch_up_cache;
mod envoy_writer;
pub mod fleet;
mod goodbye;
pub mod holdings;
pub mod ledger;
pub mod position;
pub mod propagation;
mod request;
pub mod shared_fleet;
mod snapshots;
mod usage;

use std::sync::Arc;

use actix_web::http::header;
use actix_web::web::{self, Bytes, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use tokio::time::{Instant, timeout_at};

use crate::compile;
use crate::domain::envoy::KnownEnvoy;
use crate::domain::region::RegionId;
use crate::feed::auth::FeedToken;
use crate::feed::catch_up::{CatchUp, NextAnswer, TableQuery};
use crate::feed::catch_up_cache::CatchUpCache;
use crate::feed::envoy_writer::EnvoyWriter;
use crate::feed::fleet::Arrival;
use crate::feed::ledger::SharedLedger;
use crate::feed::request::{TableRequest, WantedPage};
use crate::feed::shared_fleet::{LongPoll, SharedFleet};
use crate::feed::snapshots::Snapshots;
use crate::http::metrics::Metrics;
use crate::http::problem::Problem;
use crate::store::{Newcomer, Store};

/// The header of an answer that says to which request it is.
const ANSWERS: &str = "x-latchkey-answers";

/// What the feed answers from.
#[derive(Debug)]
pub struct Feed {
    store: Store,
    fleet: SharedFleet,
    token: FeedToken,
    catch_ups: CatchUpCache,
    envoys: EnvoyWriter,
    snapshots: Snapshots,
    ledger: SharedLedger,
    metrics: Arc<Metrics>,
}

/// The calls of the feed.
pub fn routes(config: &mut ServiceConfig) {
    config
        .service(web::resource("/feed/v1/table").get(table))
        .service(web::resource("/feed/v1/usage").post(usage::post))
        .service(web::resource("/feed/v1/goodbye").post(goodbye::post));
}

async fn table(feed: Data<Feed>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    feed.authorize(&request)?;
    let wanted = TableRequest::parse(request.query_string())?;
    let frame = feed.answer(&wanted).await?;
    // Also that nothing is new may be said by the one sidecar alone that could make something new.
    feed.store.require_alone()?;
    let mut answer = HttpResponse::Ok();
    answer
        .content_type("application/octet-stream")
        // An answer is about one moment: what a cache repeats proves nothing. One that repeats it all the
        // same gives it away by the request that it names.
        .insert_header((header::CACHE_CONTROL, "no-store"));
    if let Some(name) = wanted.name() {
        answer.insert_header((ANSWERS, name));
    }
    Ok(answer.body(frame))
}

impl Feed {
    /// A feed of what `store` holds.
    pub fn new(
        store: Store,
        fleet: SharedFleet,
        ledger: SharedLedger,
        token: FeedToken,
        metrics: Arc<Metrics>,
    ) -> Self {
        Self {
            fleet,
            ledger,
            token,
            catch_ups: CatchUpCache::new(store.clone()),
            envoys: EnvoyWriter::new(store.clone()),
            snapshots: Snapshots::new(store.clone(), Arc::clone(&metrics)),
            metrics,
            store,
        }
    }

    fn authorize(&self, request: &HttpRequest) -> Result<(), Problem> {
        let mut values = request.headers().get_all(header::AUTHORIZATION);
        match (values.next(), values.next()) {
            (Some(value), None) if self.token.admits(value.as_bytes()) => Ok(()),
            _ => Err(Problem::unauthorized(
                "send the feed token that this sidecar was given",
            )),
        }
    }

    async fn answer(&self, wanted: &TableRequest) -> Result<Bytes, Problem> {
        self.require_region(&wanted.asked.region).await?;
        let (poll, arrival) = self.fleet.arrive(&wanted.who, wanted.trouble.clone());
        poll.note_limits(wanted.asked.format.keeps_limits());
        self.remember(arrival).await?;
        let deadline = Instant::now() + wanted.wait;
        let mut commits = self.store.follow();
        self.snapshots.tidy();
        loop {
            commits.mark_unchanged();
            if self.fleet.is_closing() {
                return Err(Problem::stopping());
            }
            let mut found = self.catch_ups.get(&wanted.asked, self.fleet.now()).await?;
            let epoch = self.store.epoch();
            found.position.is_foreign |= wanted.page.is_some_and(|page| page.is_foreign(epoch));
            if poll.acknowledge(&found.position) {
                self.metrics.envoy_went_astray();
            }
            let newest = found.newest;
            if let Some(frame) = self.frame(wanted, found, &poll).await? {
                return Ok(frame);
            }
            if timeout_at(deadline, commits.changed()).await.is_err() {
                return Ok(compile::heartbeat(epoch, newest, wanted.asked.format).into());
            }
        }
    }

    /// Writes down who is new. If that fails it is served all the same, unless the database is on a server: it
    /// would refuse all traffic for want of a table, and this process knows it. Its next request tries again.
    async fn remember(&self, Arrival { newcomer, gone }: Arrival) -> Result<(), Problem> {
        let Some(introduction) = newcomer else {
            return Ok(());
        };
        let envoy = KnownEnvoy {
            introduction: introduction.clone(),
            generation: None,
            heard_at: self.fleet.now(),
        };
        if self.envoys.write(Newcomer { envoy, gone }).await {
            self.fleet.wrote(&introduction);
        } else if self.store.must_note_envoys() {
            let cause = "who asks cannot be written down";
            return Err(Problem::unavailable(cause, &cause));
        }
        Ok(())
    }

    async fn require_region(&self, region: &RegionId) -> Result<(), Problem> {
        if self.store.knows_region(region) {
            return Ok(());
        }
        let (store, wanted) = (self.store.clone(), region.clone());
        let found = web::block(move || store.require_region(&wanted)).await;
        Ok(found.map_err(|error| Problem::internal(&error))??)
    }

    /// The frame to answer with; `None` if there is nothing new.
    async fn frame(
        &self,
        wanted: &TableRequest,
        found: CatchUp,
        poll: &LongPoll,
    ) -> Result<Option<Bytes>, Problem> {
        let TableQuery { region, format, .. } = &wanted.asked;
        let page = match (wanted.page, found.next) {
            (None, NextAnswer::Wait) => return Ok(None),
            (None, NextAnswer::Delta(frame)) => return Ok(Some(frame)),
            (None, NextAnswer::Snapshot) => None,
            (Some(page), _) if page.is_foreign(self.store.epoch()) => None,
            (Some(page), _) => {
                let WantedPage {
                    generation, bucket, ..
                } = page;
                self.snapshots.page(region, *format, generation, bucket)
            }
        };
        let page = match page {
            Some(page) => page,
            None => {
                let snapshots = &self.snapshots;
                snapshots
                    .first_page(region, *format, found.newest, self.fleet.now())
                    .await?
            }
        };
        poll.give_page();
        Ok(Some(page))
    }
}
