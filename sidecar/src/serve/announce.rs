//! What the sidecar says on stdout: for people, or as one JSON object a line for scripts.
//!
//! Does not log. Invariant: the operator's setup secret is said once, here or in a file that is named
//! here.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;

use serde::Serialize;

use crate::domain::secrets::secret::Secret;

/// Something that whoever started the sidecar waits for.
#[derive(Debug)]
pub enum Event {
    /// A data directory was used for the first time.
    FirstStart {
        /// Sets the operator's password, once.
        setup_secret: SetupSecret,
    },
    /// Both servers listen.
    Ready {
        /// Where browsers reach the console, if that was told.
        public_url: Option<String>,
        /// Where the REST API listens.
        admin: SocketAddr,
        /// Where the feed is.
        feed: SocketAddr,
        /// Whether both speak TLS.
        tls: bool,
    },
}

/// Where the operator's setup secret is.
#[derive(Debug)]
pub enum SetupSecret {
    /// Here, and nowhere else.
    Said(Secret),
    /// In this file, for its owner alone.
    File(PathBuf),
}

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Line {
    FirstStart(SetupSecretLine),
    Ready {
        console: String,
        admin: String,
        feed: String,
    },
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum SetupSecretLine {
    SetupSecret(String),
    SetupSecretFile(PathBuf),
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
        Event::FirstStart { setup_secret } => Line::FirstStart(match setup_secret {
            SetupSecret::Said(secret) => SetupSecretLine::SetupSecret(secret.reveal().to_string()),
            SetupSecret::File(file) => SetupSecretLine::SetupSecretFile(file),
        }),
        Event::Ready {
            public_url,
            admin,
            feed,
            tls,
        } => Line::Ready {
            console: public_url.unwrap_or_else(|| url(admin, tls)),
            admin: url(admin, tls),
            feed: url(feed, tls),
        },
    };
    // Maps of strings always have a JSON form.
    serde_json::to_string(&line).unwrap_or_default()
}

fn as_text(event: Event) -> String {
    match event {
        Event::FirstStart { setup_secret } => match setup_secret {
            SetupSecret::Said(secret) => format!(
                "First start. Set the password of the user `operator` within a week with this \
                 one-time setup secret, shown this once: {}",
                *secret.reveal()
            ),
            SetupSecret::File(file) => format!(
                "First start. Set the password of the user `operator` within a week with the \
                 one-time setup secret in {}",
                file.display()
            ),
        },
        Event::Ready {
            public_url,
            admin,
            feed,
            tls,
        } => format!(
            "Ready. Console: {}  REST API: {}  feed for Envoys: {}",
            public_url.unwrap_or_else(|| url(admin, tls)),
            url(admin, tls),
            url(feed, tls)
        ),
    }
}

fn url(address: SocketAddr, tls: bool) -> String {
    let scheme = if tls { "https" } else { "http" };
    format!("{scheme}://{address}")
}
