//! Rules of the routes behind a gate: nothing goes round it, and bodies and answers fit through.
//!
//! Routes that xDS brings are seen in a config dump only. Invariant: a route that leads to no
//! cluster breaks nothing.

use locator::{HELD_BYTES_TOTAL_MAX, HOLD_BYTES_MAX, HoldBounds, LocatorConfig, Locators};
use serde_json::Value;

use super::document::Document;
use super::feed;
use super::value::{is_on, list, number, text};
use super::view::ConnectionManager;
use super::{LintFinding, LintRule};

/// What Envoy buffers of a connection unless it is told otherwise, in bytes.
const CONNECTION_BUFFER_BYTES: u64 = 1 << 20;

/// Where Envoy and what keeps it tell how they are.
const OWN_PATHS: [&str; 3] = ["/stats/prometheus", "/healthz/ready", "/ready"];
/// Where whoever ends an Envoy says so, on a listener that only this machine reaches: no key opens it, and
/// nothing worth one is there.
const GOODBYE_PATH: &str = "/feed/v1/goodbye";
/// Members of a route's action that make another path of it.
const REWRITES: [&str; 4] = [
    "prefix_rewrite",
    "regex_rewrite",
    "path_rewrite",
    "path_rewrite_policy",
];

const WITHOUT_GATE: LintRule = LintRule {
    name: "route-without-gate",
    wrong: "the gate is switched off here (FilterConfig disabled)",
    breaks: "these requests need no key",
    write: "no `disabled` for the gate, or be sure that the route leads to nothing worth a key",
};

const BUFFER: LintRule = LintRule {
    name: "buffer-limit",
    wrong: "the request body buffer is smaller than what the gate may hold back and one more \
            chunk",
    breaks: "Envoy answers 413 in plain text before the gate has found the model's name",
    write: "request_body_buffer_limit of the virtual host: the gate's hold_bytes_max (where it has none, the \
            largest of its rules: 71303168) plus per_connection_buffer_limit_bytes (1048576) or more",
};

const TIMEOUT: LintRule = LintRule {
    name: "route-timeout",
    wrong: "a route without timeout",
    breaks: "Envoy ends every answer after 15 seconds, in the middle of a stream",
    write: "timeout: 0s (stream_idle_timeout and request_timeout bound the rest)",
};

/// Whether any route leads to a cluster that is worth a gate; unknown routes do.
pub(super) fn leads_somewhere(document: &Document, manager: &ConnectionManager<'_>) -> bool {
    let mut routes = manager
        .hosts()
        .iter()
        .flat_map(|host| list(host, "/routes"));
    let is_local = manager
        .listener
        .pointer("/address/socket_address")
        .is_some_and(feed::is_loopback);
    let is_goodbye = |route: &Value| is_local && is_as_it_is(route, &[GOODBYE_PATH]);
    manager.routes.is_none()
        || routes.any(|route| !is_goodbye(route) && is_worth_a_gate(document, route))
}

/// Whether a route is for these paths alone and does not make others of them.
fn is_as_it_is(route: &Value, paths: &[&str]) -> bool {
    let matched = ["/match/path", "/match/prefix"].map(|member| text(route, member));
    let action = route.get("route");
    let is_rewritten = |action: &Value| REWRITES.iter().any(|member| action.get(member).is_some());
    matched.iter().any(|path| paths.contains(path)) && !action.is_some_and(is_rewritten)
}

/// Not worth one are the figures of Envoy itself and what its keeper says of its health: at these
/// paths, as they are, on this machine.
fn is_worth_a_gate(document: &Document, route: &Value) -> bool {
    let Some(action) = route.get("route") else {
        return false;
    };
    let cluster = document.cluster(text(action, "/cluster"));
    !is_as_it_is(route, &OWN_PATHS) || !cluster.is_some_and(feed::is_on_loopback)
}

/// Judges the routes behind a gate.
pub(super) fn check(manager: &ConnectionManager<'_>, findings: &mut Vec<LintFinding>) {
    let (Some((_, filter, plugin)), Some(routes)) = (manager.gate(), manager.routes) else {
        return;
    };
    check_switch(routes, filter.name, &manager.place, findings);
    let buffer = number(manager.listener, "/per_connection_buffer_limit_bytes");
    let buffer = buffer.unwrap_or(CONNECTION_BUFFER_BYTES);
    let hold = hold_bytes_max(&plugin.settings);
    for host in manager.hosts() {
        let place = format!("{}, virtual host {}", manager.place, text(host, "/name"));
        check_switch(host, filter.name, &place, findings);
        for route in list(host, "/routes") {
            check_switch(route, filter.name, &place, findings);
            check_route(route, &place, findings);
        }
        if body_limits(host).any(|limit| limit.unwrap_or(buffer) < hold + buffer) {
            findings.push(LintFinding::at(place, &BUFFER));
        }
    }
}

/// Most bytes of a body that a gate with these settings holds back.
fn hold_bytes_max(settings: &Value) -> u64 {
    let bytes = |member| number(settings, member).and_then(|bytes| usize::try_from(bytes).ok());
    let bounds = HoldBounds {
        bytes_max: bytes("/hold_bytes_max"),
        total_bytes_max: bytes("/held_bytes_total_max").unwrap_or(HELD_BYTES_TOTAL_MAX),
    };
    let locators = settings.get("locators").cloned().unwrap_or_default();
    let config: Option<LocatorConfig> = match locators {
        Value::Null => Some(LocatorConfig::default()),
        locators => serde_json::from_value(locators).ok(),
    };
    // Envoy refuses rules that cannot be compiled, so what is said here matters to nobody then.
    let compiled = config.and_then(|config| Locators::compile(&config).ok());
    let largest = compiled.map(|locators| bounds.largest(&locators));
    let largest = largest.or(bounds.bytes_max).unwrap_or(HOLD_BYTES_MAX);
    u64::try_from(largest).unwrap_or(u64::MAX)
}

fn check_switch(scope: &Value, gate: &str, place: &str, findings: &mut Vec<LintFinding>) {
    let settings = scope.get("typed_per_filter_config");
    let setting = settings.and_then(|settings| settings.get(gate));
    if setting.is_some_and(|setting| is_on(setting, "/disabled")) {
        findings.push(LintFinding::at(place, &WITHOUT_GATE));
    }
    for cluster in list(scope, "/route/weighted_clusters/clusters") {
        check_switch(cluster, gate, place, findings);
    }
}

fn check_route(route: &Value, place: &str, findings: &mut Vec<LintFinding>) {
    let has_no_timeout = |action: &Value| action.get("timeout").is_none();
    if route.get("route").is_some_and(has_no_timeout) {
        findings.push(LintFinding::at(place, &TIMEOUT));
    }
}

/// How much of a body Envoy buffers on each route to a cluster; `None`: as much as of a connection.
fn body_limits(host: &Value) -> impl Iterator<Item = Option<u64>> {
    let of_host = number(host, "/request_body_buffer_limit");
    let routes = list(host, "/routes").iter();
    let routes = routes.filter(|route| route.get("route").is_some());
    routes.map(move |route| number(route, "/request_body_buffer_limit").or(of_host))
}
