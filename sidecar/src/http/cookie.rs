//! The session's cookie: read, set, taken away.
//!
//! Does not know sessions. Invariant: no script in a page can read it and no other site's page
//! makes a browser send it; with TLS no other host can set it either.

use actix_web::http::header::{self, HeaderMap};
use keytable::{KeyHash, PresentedKey};

use crate::http::host_policy::HostPolicy;

const PLAIN_NAME: &str = "latchkey_session";
const SECURE_NAME: &str = "__Host-latchkey_session";

/// The hash of the session that a request presents; `None` if there are several.
pub(crate) fn session(headers: &HeaderMap, hosts: &HostPolicy) -> Option<KeyHash> {
    let values = headers.get_all(header::COOKIE);
    let pairs = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='));
    let mut ours = pairs.filter(|(name, _)| *name == name_at(hosts));
    match (ours.next(), ours.next()) {
        (Some((_, value)), None) => PresentedKey::parse(value.as_bytes())
            .ok()
            .map(|key| KeyHash::of(&key)),
        _ => None,
    }
}

/// The header that gives a browser its session for `age_s` seconds; 0 takes it away.
pub(crate) fn set(hosts: &HostPolicy, value: &str, age_s: u64) -> String {
    let secure = if hosts.is_secure() { "; Secure" } else { "" };
    let name = name_at(hosts);
    format!("{name}={value}; Path=/; Max-Age={age_s}; HttpOnly; SameSite=Strict{secure}")
}

fn name_at(hosts: &HostPolicy) -> &'static str {
    if hosts.is_secure() {
        SECURE_NAME
    } else {
        PLAIN_NAME
    }
}
