//! Starts both servers, says when they listen, and stops them.
//!
//! Does not read flags or print. Invariant: when [`run`] returns, nothing of it is left: both
//! ports are closed and the data directory is free.

pub mod announce;
mod error;
pub(crate) mod first_start;
mod tls;

use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::{Server, ServerHandle};
use actix_web::middleware::from_fn;
use actix_web::rt::signal::unix::{SignalKind, signal};
use actix_web::rt::time::timeout;
use actix_web::rt::{System, spawn};
use actix_web::web::Data;
use actix_web::{App as WebApp, HttpServer};

use crate::api;
use crate::config::Config;
use crate::console;
use crate::domain::clock::{Clock, SystemClock};
use crate::domain::secrets::keyring::Keyring;
use crate::feed::auth::FeedToken;
use crate::feed::ledger::SharedLedger;
use crate::feed::shared_fleet::SharedFleet;
use crate::feed::{self, Feed};
use crate::http::envelope::envelope;
use crate::http::host_policy::HostPolicy;
use crate::http::metrics::{self, Metrics};
use crate::master_key;
use crate::serve::announce::Event;
use crate::service::App;
use crate::service::attempt_limit::AttemptLimit;
use crate::service::minute_limit::{LOOKUPS_MAX, MinuteLimit, REVEALS_MAX};
use crate::store::{self, OpenError, Store, StorePlace};
use crate::telemetry::Line;
use crate::tokenhub::{self, CallHistory};

pub use error::ServeError;
pub use tls::TlsError;

/// How long requests may take to end when the sidecar stops, in seconds.
const SHUTDOWN_S: u64 = 1;

/// How long the servers' threads may take to let go of the database.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// Where a server lets requests in.
struct ServerOptions {
    listener: TcpListener,
    /// What it shows; `None`: it speaks plain HTTP.
    tls: Option<rustls::ServerConfig>,
    /// Threads for what blocks.
    threads: usize,
}

/// Serves until SIGTERM or SIGINT.
pub fn run(config: &Config, announce: impl FnMut(Event)) -> Result<(), ServeError> {
    System::new().block_on(async {
        let mut terminate = signal(SignalKind::terminate()).map_err(ServeError::Signal)?;
        let mut interrupt = signal(SignalKind::interrupt()).map_err(ServeError::Signal)?;
        let stop = std::future::poll_fn(move |context| {
            let asked = terminate.poll_recv(context).is_ready();
            if asked || interrupt.poll_recv(context).is_ready() {
                std::task::Poll::Ready(())
            } else {
                std::task::Poll::Pending
            }
        });
        serve(config, announce, stop).await
    })
}

/// Looks into the files that the settings name, as a start does; gives what to say.
pub fn check(config: &Config) -> Result<&'static str, ServeError> {
    FeedToken::from_file(&config.feed_token_file)?;
    master_key::check(&config.master_key)?;
    store::check_place(&config.store)?;
    config.tls.as_ref().map(tls::load).transpose()?;
    Ok("the settings make sense")
}

/// Serves until `stop` is over.
pub async fn serve(
    config: &Config,
    mut announce: impl FnMut(Event),
    stop: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    let token = FeedToken::from_file(&config.feed_token_file)?;
    let tls = config.tls.as_ref().map(tls::load).transpose()?;
    let admin = listen(config.admin)?;
    let feed = listen(config.feed)?;
    let store = open_store(&config.store, config.key_limit_default)?;
    let keyring = master_key::open(&config.master_key, &store, SystemClock.now())?;
    prepare(&store, config, &mut announce)?;
    let known = store.known_envoys()?;
    let fleet = SharedFleet::new(Arc::new(SystemClock), known, store.generation()?);
    let metrics = Arc::new(Metrics::default());
    let ledger = SharedLedger::new(store.clone(), fleet.clone());
    let app = app(config, (&store, &fleet, &ledger), &metrics, keyring);
    let ready = Event::Ready {
        public_url: config.public_url.clone(),
        admin: address_of(&admin)?,
        feed: address_of(&feed)?,
        tls: tls.is_some(),
    };
    let options = |listener| ServerOptions {
        listener,
        tls: tls.clone(),
        threads: config.blocking_threads,
    };
    let admin = admin_server(options(admin), app)?;
    let followed = Feed::new(
        store.clone(),
        fleet.clone(),
        ledger,
        token,
        Arc::clone(&metrics),
    );
    let feed = feed_server(options(feed), followed, metrics)?;
    let handles = [admin.handle(), feed.handle()];
    let servers = [spawn(admin), spawn(feed)];
    announce(ready);
    let is_lost = is_lost_before(&store, stop).await;
    Line::info("stopping").write();
    fleet.close();
    store.wake_followers();
    stop_all(handles).await;
    for server in servers {
        server
            .await
            .map_err(|error| ServeError::Server(io::Error::other(error)))?
            .map_err(ServeError::Server)?;
    }
    if is_lost {
        return Err(ServeError::Lost);
    }
    remember(&store, &fleet);
    // The servers' threads let go of the store a moment after the servers have ended.
    drop(fleet);
    timeout(CLOSE_TIMEOUT, store.closed())
        .await
        .map_err(|_| ServeError::NotClosed)
}

/// Over when `stop` is, or when this process has lost the database: whether it has.
async fn is_lost_before(store: &Store, stop: impl Future<Output = ()>) -> bool {
    tokio::select! {
        () = stop => false,
        () = store.lost() => true,
    }
}

/// What the calls work with.
fn app(
    config: &Config,
    (store, fleet, ledger): (&Store, &SharedFleet, &SharedLedger),
    metrics: &Arc<Metrics>,
    keyring: Keyring,
) -> App {
    App {
        store: store.clone(),
        fleet: fleet.clone(),
        ledger: ledger.clone(),
        clock: Arc::new(SystemClock),
        key_prefix: config.key_prefix.clone(),
        metrics: Arc::clone(metrics),
        keyring,
        recoverable: config.recoverable,
        host_policy: host_policy(config),
        gateways: Arc::new(config.gateways.clone()),
        attempts: AttemptLimit::default(),
        reveals: MinuteLimit::new(REVEALS_MAX),
        lookups: MinuteLimit::new(LOOKUPS_MAX),
    }
}

/// Writes down what is known of the Envoys. Only for people: what a change after the next start rests on
/// was written before.
fn remember(store: &Store, fleet: &SharedFleet) {
    if let Err(error) = store.remember_envoys(&fleet.known()) {
        log::error!("what is known of the Envoys could not be written: {error}");
    }
}

/// Asks both to stop before waiting for either.
async fn stop_all([admin, feed]: [ServerHandle; 2]) {
    let (admin, feed) = (spawn(admin.stop(true)), spawn(feed.stop(true)));
    // A task that failed has no server left to stop.
    let _ = admin.await;
    let _ = feed.await;
}

fn admin_server(options: ServerOptions, app: App) -> Result<Server, ServeError> {
    let path = app.host_policy.tokenhub_path.clone();
    let metrics = Data::from(Arc::clone(&app.metrics));
    let app = Data::new(app);
    let history = Data::new(CallHistory::default());
    let factory = move || {
        WebApp::new()
            .app_data(app.clone())
            .app_data(metrics.clone())
            .app_data(history.clone())
            .wrap(from_fn(api::check_host))
            .wrap(from_fn(envelope))
            .wrap(from_fn(metrics::measure))
            // First: its path may be one of the others', with another method.
            .configure(tokenhub::routes(&path))
            .configure(api::routes)
            .configure(console::routes)
    };
    let server = HttpServer::new(factory)
        .disable_signals()
        .shutdown_timeout(SHUTDOWN_S)
        .worker_max_blocking_threads(options.threads);
    let server = match options.tls {
        Some(tls) => server.listen_rustls_0_23(options.listener, tls),
        None => server.listen(options.listener),
    };
    Ok(server.map_err(ServeError::Server)?.run())
}

fn feed_server(
    options: ServerOptions,
    feed: Feed,
    metrics: Arc<Metrics>,
) -> Result<Server, ServeError> {
    let feed = Data::new(feed);
    let metrics = Data::from(metrics);
    let factory = move || {
        WebApp::new()
            .app_data(feed.clone())
            .app_data(metrics.clone())
            .wrap(from_fn(metrics::watch))
            .wrap(from_fn(envelope))
            .configure(feed::routes)
    };
    // An Envoy that died leaves a closed connection: its request is over, not half over.
    let server = HttpServer::new(factory)
        .disable_signals()
        .shutdown_timeout(SHUTDOWN_S)
        .h1_allow_half_closed(false)
        .worker_max_blocking_threads(options.threads);
    let server = match options.tls {
        Some(tls) => server.listen_rustls_0_23(options.listener, tls),
        None => server.listen(options.listener),
    };
    Ok(server.map_err(ServeError::Server)?.run())
}

/// Opens the database; logs if it was found to be a copy, which only this start can tell.
pub(crate) fn open_store(place: &StorePlace, key_limit_default: u64) -> Result<Store, OpenError> {
    let store = Store::open_at(place, key_limit_default)?;
    if store.was_copied() {
        let message = "this database is a copy, or was moved to another file system: it goes on as a \
                       history of its own. Is the sidecar that it was copied from stopped?";
        Line::error(message).write();
    }
    Ok(store)
}

fn listen(address: SocketAddr) -> Result<TcpListener, ServeError> {
    TcpListener::bind(address).map_err(|error| ServeError::Bind(address, error))
}

fn address_of(listener: &TcpListener) -> Result<SocketAddr, ServeError> {
    listener.local_addr().map_err(ServeError::Server)
}

fn host_policy(config: &Config) -> HostPolicy {
    HostPolicy {
        tls: config.behind_tls_proxy || config.tls.is_some(),
        public_url: config.public_url.clone(),
        hosts: config.admin_hosts.clone(),
        proxies: config.trusted_proxies.clone(),
        tokenhub_path: config.tokenhub_path.clone(),
    }
}

/// Makes what is to be there before the first call.
fn prepare(
    store: &Store,
    config: &Config,
    announce: &mut impl FnMut(Event),
) -> Result<(), ServeError> {
    let now = SystemClock.now();
    for account in &config.seed_accounts {
        store.seed_account(account, now)?;
    }
    for region in &config.seed_regions {
        store.seed_region(region, now)?;
    }
    if let Some(setup_secret) = first_start::first_start(store, config, now)? {
        announce(Event::FirstStart { setup_secret });
    }
    Ok(())
}
