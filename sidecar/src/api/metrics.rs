//! The call `GET /metrics`: what the sidecar counts, in Prometheus' text format.
//!
//! It asks for no credential, as health does not; what is an account's own it tells to whoever may read that
//! account. Does not count. Invariant: the number of series is bounded by routes, statuses, Envoys and a fixed
//! number of models, whatever callers send.

mod fleet;

use actix_web::HttpResponse;
use actix_web::web::Data;

use crate::api::operations::Access;
use crate::domain::identity::role::Capability;
use crate::http::metrics::Text;
use crate::http::problem::Problem;
use crate::service::App;
use crate::service::caller::Caller;
use crate::store::{LimitCounts, Store};

/// `GET /metrics`
pub(super) async fn show(app: Data<App>, caller: Option<Caller>) -> Result<HttpResponse, Problem> {
    let now = app.clock.now();
    let read = move |store: &Store| {
        let limits = store.limit_counts(now)?;
        Ok((store.generation()?, store.audit_head()?, limits))
    };
    let (generation, audit_head, limits) = app.store(read).await?;
    let generation = generation.get();
    let sightings = app.fleet.sightings();
    let mut text = Text::default();
    text.gauge("generation", "The newest change.", &[], generation);
    let help = "The newest row of the audit, counted from 1; it never falls.";
    text.gauge("audit_head", help, &[], audit_head);
    let help = "Whether this process found its database to be a copy, and began a new history.";
    let copied = u64::from(app.store.was_copied());
    text.gauge("database_copied", help, &[], copied);
    show_limits(&limits, &mut text);
    app.metrics.show(&mut text);
    if let Some(caller) = caller {
        Access::Needs(Capability::KeysRead).check(&caller)?;
        app.metrics.show_tokens(caller.account.as_ref(), &mut text);
    }
    fleet::show(&sightings, generation, &mut text);
    Ok(HttpResponse::Ok()
        .content_type("text/plain; version=0.0.4; charset=utf-8")
        .body(text.finish()))
}

/// How many limits are near their end.
fn show_limits(limits: &[LimitCounts; 2], text: &mut Text) {
    let help = "Limits by how much is used of them: near from 80 % on; minutes are not counted.";
    for (of, counts) in ["key", "account"].into_iter().zip(limits) {
        let states = [
            ("free", counts.free),
            ("near", counts.near),
            ("exhausted", counts.exhausted),
        ];
        for (state, count) in states {
            text.gauge("limits", help, &[("of", of), ("state", state)], count);
        }
    }
}

#[cfg(test)]
mod tests;
