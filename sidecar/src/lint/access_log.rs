//! Rules of access logs: no API key gets into them.
//!
//! Formats in files of their own are not read. Invariant: a log whose format is not given is judged
//! by Envoy's default, which has the query string.

use serde_json::Value;

use super::value::{list, text};
use super::{Finding, LintRule};

/// Pieces of format operators, upper case, that print a place where a key may stand.
const SECRETS: [&str; 9] = [
    "REQ(AUTHORIZATION",
    "REQ(PROXY-AUTHORIZATION",
    "REQ(X-API-KEY",
    "REQ(API-KEY",
    "REQ(X-GOOG-API-KEY",
    "REQ(SEC-WEBSOCKET-PROTOCOL",
    "REQ(X-ENVOY-ORIGINAL-PATH",
    "REQ(:PATH",
    "%QUERY_PARAM",
];

/// Members that hold a format.
const FORMATS: [&str; 3] = ["log_format", "format", "json_format"];

const SECRET: LintRule = LintRule {
    name: "log-secret",
    wrong: "the access log has a header that carries keys, or the path with its query",
    breaks: "API keys (?key=, Authorization) are in the log and wherever it is sent",
    write: "%PATH(NQ)% for the path, and no credential header",
};

const DEFAULT_FORMAT: LintRule = LintRule {
    name: "log-default",
    wrong: "the access log has no format of its own",
    breaks: "Envoy's default has the path with its query, and in it keys that came as ?key=",
    write: "log_format: { json_format: ... } as in the documented bootstrap",
};

/// Judges every access log of a listener.
pub(super) fn check(listener: &Value, findings: &mut Vec<Finding>) {
    let chains = list(listener, "/filter_chains").iter();
    let chains = chains.chain(listener.get("default_filter_chain"));
    let filters = chains.flat_map(|chain| list(chain, "/filters"));
    let logs = filters.flat_map(|filter| list(filter, "/typed_config/access_log"));
    let place = format!("listener {}", text(listener, "/name"));
    for log in logs {
        let place = format!("{place}, access log {}", text(log, "/name"));
        let Some(config) = log.get("typed_config") else {
            continue;
        };
        if prints_a_secret(config) {
            findings.push(Finding::at(place, &SECRET));
        } else if is_default(config) {
            findings.push(Finding::at(place, &DEFAULT_FORMAT));
        }
    }
}

fn prints_a_secret(config: &Value) -> bool {
    let printed = config.to_string().to_ascii_uppercase();
    let headers = list(config, "/additional_request_headers_to_log").iter();
    let carries_a_key = |name: &str| {
        let operator = format!("REQ({}", name.to_ascii_uppercase());
        SECRETS.contains(&operator.as_str())
    };
    SECRETS.iter().any(|piece| printed.contains(piece))
        || has_path_with_query(&printed)
        || headers.filter_map(Value::as_str).any(carries_a_key)
}

/// `%PATH(NQ)%` is without the query, every other form of it with.
fn has_path_with_query(printed: &str) -> bool {
    let operators = printed.match_indices("%PATH");
    let rests = operators.filter_map(|(at, _)| printed.get(at + 5..));
    let mut rests = rests.filter(|rest| rest.starts_with('%') || rest.starts_with('('));
    rests.any(|rest| !rest.starts_with("(NQ"))
}

fn is_default(config: &Value) -> bool {
    let kind = text(config, "/@type");
    let has_format = FORMATS.iter().any(|name| config.get(name).is_some());
    let is_known = ["FileAccessLog", "StdoutAccessLog", "StderrAccessLog"];
    is_known.iter().any(|known| kind.ends_with(known)) && !has_format
}
