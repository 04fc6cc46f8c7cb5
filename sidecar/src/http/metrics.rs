//! What the sidecar counts of itself: calls, waits, looks at the database.
//!
//! Each call is a line of the log too, but for looks at health and at the figures. Does not know
//! Envoys. Keys, names and addresses are in neither, and a route is its pattern, never a path; of tokens
//! accounts and models are told. Invariant: the number of series is bounded, whatever callers send.

mod histogram;
mod text;
mod tokens;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use actix_web::Error;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::web::Data;
use keytable::AccountId;

use crate::http::problem::REQUEST_ID;
use crate::store::CountedTokens;
use crate::telemetry::Line;
use histogram::Histogram;
pub(crate) use text::Text;
use tokens::TokenTotals;

/// What monitoring asks again and again: no line of the log.
const PROBES: [&str; 3] = ["/healthz", "/readyz", "/metrics"];

/// The figures of one process. Clones of the [`Arc`] share them.
#[derive(Debug, Default)]
pub struct Metrics {
    /// By route, method and status.
    requests: Mutex<BTreeMap<(String, &'static str, u16), u64>>,
    request: Histogram,
    store: Histogram,
    propagation: Histogram,
    unfinished_propagations: AtomicU64,
    feed_watchers: AtomicI64,
    snapshots_compiled: AtomicU64,
    envoys_astray: AtomicU64,
    tokens: Mutex<TokenTotals>,
}

impl Metrics {
    /// A whole table was made for the Envoys that need one.
    pub(crate) fn snapshot_compiled(&self) {
        self.snapshots_compiled.fetch_add(1, Ordering::Relaxed);
    }

    /// An Envoy that had followed this sidecar came with a table of another.
    pub(crate) fn envoy_went_astray(&self) {
        self.envoys_astray.fetch_add(1, Ordering::Relaxed);
    }

    /// A call of the database has taken so long, waiting for a thread included.
    pub(crate) fn store_took(&self, duration: Duration) {
        self.store.add(duration);
    }

    /// A change was waited for; `is_applied`: every live Envoy has it in force.
    pub(crate) fn propagation_took(&self, duration: Duration, is_applied: bool) {
        self.propagation.add(duration);
        if !is_applied {
            self.unfinished_propagations.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Tokens of requests were counted.
    pub(crate) fn count_tokens(&self, counted: Vec<CountedTokens>) {
        let mut tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        counted.into_iter().for_each(|counted| tokens.add(counted));
    }

    pub(crate) fn count(&self, route: String, method: &'static str, status: u16) {
        let mut requests = self.requests.lock().unwrap_or_else(PoisonError::into_inner);
        *requests.entry((route, method, status)).or_default() += 1;
    }
}

/// Counts and times a request of the REST API.
pub(crate) async fn measure<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let metrics = request.app_data::<Data<Metrics>>().cloned();
    let route = request.match_pattern();
    let method = known_method(request.method().as_str());
    let begun = Instant::now();
    let outcome = next.call(request).await;
    if let Some(metrics) = metrics {
        let status = match &outcome {
            Ok(response) => response.status(),
            Err(error) => error.as_response_error().status_code(),
        };
        let (took, status) = (begun.elapsed(), status.as_u16());
        let route = route.unwrap_or_else(|| "other".to_owned());
        metrics.request.add(took);
        log_call(&route, method, status, took, request_id(&outcome));
        metrics.count(route, method, status);
    }
    outcome
}

fn request_id<B>(outcome: &Result<ServiceResponse<B>, Error>) -> Option<&str> {
    let response = outcome.as_ref().ok()?;
    response.headers().get(REQUEST_ID)?.to_str().ok()
}

fn log_call(route: &str, method: &str, status: u16, took: Duration, request_id: Option<&str>) {
    if PROBES.contains(&route) {
        return;
    }
    let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    Line::info("call")
        .field("request_id", request_id)
        .field("route", route)
        .field("method", method)
        .field("status", status)
        .field("duration_ms", duration_ms)
        .write();
}

/// Counts the requests of agents that hang.
pub(crate) async fn watch<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let metrics = request.app_data::<Data<Metrics>>().cloned();
    let _watcher = metrics.map(|metrics| Watcher::arrive(metrics.into_inner()));
    next.call(request).await
}

/// A request that hangs; it leaves also when its connection breaks.
pub(crate) struct Watcher(Arc<Metrics>);

impl Watcher {
    pub(crate) fn arrive(metrics: Arc<Metrics>) -> Self {
        metrics.feed_watchers.fetch_add(1, Ordering::Relaxed);
        Self(metrics)
    }
}

// === impl Watcher ===

impl Drop for Watcher {
    fn drop(&mut self) {
        self.0.feed_watchers.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Methods are a client's text: those that no route has are one.
fn known_method(method: &str) -> &'static str {
    let known = ["GET", "POST", "PUT", "PATCH", "DELETE"];
    let found = known.into_iter().find(|known| *known == method);
    found.unwrap_or("other")
}

impl Metrics {
    /// Writes the figures.
    pub(crate) fn show(&self, text: &mut Text) {
        self.show_requests(text);
        self.show_feed(text);
    }

    /// What the requests of this account used, or of all.
    pub(crate) fn show_tokens(&self, of: Option<&AccountId>, text: &mut Text) {
        let tokens = self.tokens.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.show(of, text);
    }

    fn show_requests(&self, text: &mut Text) {
        let requests = self
            .requests
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        for ((route, method, status), count) in requests {
            let status = status.to_string();
            let labels = [
                ("route", route.as_str()),
                ("method", method),
                ("status", &status),
            ];
            text.counter("requests_total", "Calls of the REST API.", &labels, count);
        }
        let (request, store) = (&self.request, &self.store);
        text.histogram(
            "request_seconds",
            "Time of one call of the REST API.",
            request,
        );
        text.histogram("store_seconds", "Time of one call of the database.", store);
        text.histogram(
            "propagation_seconds",
            "Time from a change to the answer that says who has it in force.",
            &self.propagation,
        );
        text.counter(
            "propagation_unfinished_total",
            "Changes that were answered before every live Envoy had them in force.",
            &[],
            self.unfinished_propagations.load(Ordering::Relaxed),
        );
    }

    fn show_feed(&self, text: &mut Text) {
        let watchers = self.feed_watchers.load(Ordering::Relaxed);
        text.gauge(
            "feed_watchers",
            "Requests of agents that wait for news.",
            &[],
            u64::try_from(watchers).unwrap_or(0),
        );
        text.counter(
            "snapshots_compiled_total",
            "Whole tables that were made, each for all Envoys that needed it.",
            &[],
            self.snapshots_compiled.load(Ordering::Relaxed),
        );
        text.counter(
            "envoys_astray_total",
            "Times that an Envoy of this sidecar came with a table that this sidecar never had.",
            &[],
            self.envoys_astray.load(Ordering::Relaxed),
        );
    }
}
