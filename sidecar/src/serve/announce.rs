//! What the sidecar says on stdout: for people, or as one JSON object a line for scripts.
//!
//! Does not log. Invariant: the operator's setup secret is said once, here.

use std::io::{self, Write};
use std::net::SocketAddr;

use serde::Serialize;

use crate::domain::secrets::secret::Secret;

/// Something that whoever started the sidecar waits for.
#[derive(Debug)]
pub enum Event {
    /// A data directory was used for the first time.
    FirstStart {
        /// Sets the operator's password, once; it is nowhere else.
        setup_secret: Secret,
    },
    /// Both servers listen.
    Ready {
        /// Where the REST API is.
        admin: SocketAddr,
        /// Where the feed is.
        feed: SocketAddr,
        /// Whether both speak TLS.
        tls: bool,
    },
}

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Line {
    FirstStart { setup_secret: String },
    Ready { admin: String, feed: String },
}

/// Says an event on stdout.
pub fn print(event: Event, json: bool) {
    let line = if json { as_json(event) } else { as_text(event) };
    let mut stdout = io::stdout().lock();
    // Nobody listens: there is nobody to tell that nobody listens.
    let _ = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
}

fn as_json(event: Event) -> String {
    let line = match event {
        Event::FirstStart { setup_secret } => Line::FirstStart {
            setup_secret: setup_secret.reveal().to_string(),
        },
        Event::Ready { admin, feed, tls } => Line::Ready {
            admin: url(admin, tls),
            feed: url(feed, tls),
        },
    };
    // Maps of strings always have a JSON form.
    serde_json::to_string(&line).unwrap_or_default()
}

fn as_text(event: Event) -> String {
    match event {
        Event::FirstStart { setup_secret } => format!(
            "First start. Set the password of the user `operator` within a week with this \
             one-time setup secret, shown this once: {}",
            *setup_secret.reveal()
        ),
        Event::Ready { admin, feed, tls } => format!(
            "Ready. REST API: {}  feed for Envoys: {}",
            url(admin, tls),
            url(feed, tls)
        ),
    }
}

fn url(address: SocketAddr, tls: bool) -> String {
    let scheme = if tls { "https" } else { "http" };
    format!("{scheme}://{address}")
}
