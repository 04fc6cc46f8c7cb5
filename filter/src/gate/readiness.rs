//! Readiness: whether this Envoy has a table in force, told to probes, which have no key.
//!
//! Does not decide about a request and tells nothing of a key. Invariant: it counts nothing and
//! reaches no upstream.

use crate::config::GateConfig;
use crate::headers::HeaderMap;
use crate::host::{HostError, RequestHost};
use crate::locator::path_only;
use crate::reply::{Refusal, Reply};
use crate::table::Unavailable;

/// Whether a request asks the gate itself.
pub(super) fn is_asked(config: &GateConfig, headers: &HeaderMap) -> bool {
    let Some(ready_path) = &config.ready_path else {
        return false;
    };
    let is_get = headers.get(b":method") == Some(b"GET");
    let path = headers.get(b":path").map(path_only);
    is_get && path == Some(ready_path.as_bytes())
}

/// Answers 200 with a table in force, else 503 and why.
pub(super) fn answer(
    host: &impl RequestHost,
    table: Result<u64, Unavailable>,
) -> Result<(), HostError> {
    let (status, details, body) = match table {
        Ok(_) => (200, "latchkey_ready", r#"{"ready":true}"#.to_owned()),
        Err(unavailable) => {
            let why = Refusal::Unavailable(unavailable).outcome().word();
            let body = format!(r#"{{"ready":false,"reason":"{why}"}}"#);
            (503, "latchkey_not_ready", body)
        }
    };
    let headers = vec![
        ("content-type", "application/json"),
        ("cache-control", "no-store"),
    ];
    host.reply(&Reply {
        status,
        details,
        headers,
        made_headers: Vec::new(),
        id_headers: &[],
        request_id: "".into(),
        body: body.into_bytes(),
    })
}
