//! Rules of access logs: no API key gets into them.
//!
//! Formats in files of their own are not read. Invariant: a log whose format is not given is judged
//! by Envoy's default, which has the query string.

use locator::KeyPlaces;
use serde_json::Value;

use super::value::{list, text};
use super::view::ConnectionManager;
use super::{LintFinding, LintRule};

/// Headers, upper case, that may hold a key besides those that a gate reads for one.
const HEADERS: [&str; 3] = ["PROXY-AUTHORIZATION", "X-ENVOY-ORIGINAL-PATH", ":PATH"];

/// Operators, upper case, that print headers; each names one, or several with `?` in between.
const HEADER_OPERATORS: [&str; 2] = ["%REQ(", "%REQ_WITHOUT_QUERY("];

/// Pieces of a log's configuration, upper case, that print the path or the query in other ways.
const PATHS: [&str; 7] = [
    "%PATH",
    "%QUERY_PARAM",
    "REQUEST.PATH",
    "REQUEST.URL_PATH",
    "REQUEST.QUERY",
    "REQUEST.HEADERS",
    "HTTPGRPCACCESSLOGCONFIG",
];

/// Members that hold a format.
const FORMATS: [&str; 3] = ["log_format", "format", "json_format"];

const SECRET: LintRule = LintRule {
    name: "log-secret",
    wrong: "the access log has a header that carries keys, or the path as the client wrote it",
    breaks: "API keys (Authorization, ?key=, or in the path by mistake) are in the log and wherever it is sent",
    write: "%FILTER_STATE(wasm.latchkey_request:PLAIN)% for method and path, and no credential header",
};

const DEFAULT_FORMAT: LintRule = LintRule {
    name: "log-default",
    wrong: "the access log has no format of its own",
    breaks: "Envoy's default has the path with its query, and in it keys that came as ?key=",
    write: "log_format: { json_format: ... } as in the documented bootstrap",
};

/// Headers, upper case, in which a key may stand: where these gates read them, and where others do.
pub(super) fn secret_headers(managers: &[ConnectionManager<'_>]) -> Vec<String> {
    let gates = managers.iter().filter_map(ConnectionManager::gate);
    let told = gates.filter_map(|(_, _, plugin)| plugin.settings.get("key_places").cloned());
    let told = told.filter_map(|places| serde_json::from_value::<KeyPlaces>(places).ok());
    let places: Vec<KeyPlaces> = told.chain([KeyPlaces::default()]).collect();
    let read = places.iter().flat_map(KeyPlaces::headers);
    let read = read.map(|name| String::from_utf8_lossy(name).to_ascii_uppercase());
    read.chain(HEADERS.map(str::to_owned)).collect()
}

/// Judges every access log of a listener.
pub(super) fn check(listener: &Value, secrets: &[String], findings: &mut Vec<LintFinding>) {
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
        if prints_a_secret(config, secrets) {
            findings.push(LintFinding::at(place, &SECRET));
        } else if is_default(config) {
            findings.push(LintFinding::at(place, &DEFAULT_FORMAT));
        }
    }
}

fn prints_a_secret(config: &Value, secrets: &[String]) -> bool {
    let printed = config.to_string().to_ascii_uppercase();
    let logged = list(config, "/additional_request_headers_to_log").iter();
    let mut logged = logged
        .filter_map(Value::as_str)
        .map(str::to_ascii_uppercase);
    PATHS.iter().any(|piece| printed.contains(piece))
        || HEADER_OPERATORS
            .iter()
            .any(|operator| names_a_secret(&printed, operator, secrets))
        || logged.any(|name| secrets.contains(&name))
}

fn names_a_secret(printed: &str, operator: &str, secrets: &[String]) -> bool {
    let uses = printed.split(operator).skip(1);
    let names = uses.filter_map(|rest| rest.split(')').next());
    names
        .flat_map(|names| names.split('?'))
        .any(|name| secrets.iter().any(|secret| secret == name.trim()))
}

fn is_default(config: &Value) -> bool {
    let kind = text(config, "/@type");
    let has_format = FORMATS.iter().any(|name| config.get(name).is_some());
    let is_known = ["FileAccessLog", "StdoutAccessLog", "StderrAccessLog"];
    is_known.iter().any(|known| kind.ends_with(known)) && !has_format
}
