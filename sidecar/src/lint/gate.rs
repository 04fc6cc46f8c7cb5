//! Rules of the gate: it is there, stands where nothing passes it, and fails closed.
//!
//! A connection manager that leads nowhere (no route to a cluster) needs no gate. Invariant: filters before the
//! gate that are not known to be harmless are named.

use super::document::Document;
use super::route;
use super::value::{is_on, text};
use super::view::{ConnectionManager, Plugin};
use super::{LintFinding, LintRule, rights};

/// Filters that may stand before the gate: they refuse, count or mark, and neither answer for an
/// upstream nor choose one. (A health check answers, for Envoy itself.)
const HARMLESS_BEFORE: [&str; 8] = [
    "filters.http.cors.v3.Cors",
    "filters.http.csrf.v3.CsrfPolicy",
    "filters.http.health_check.v3.HealthCheck",
    "filters.http.rbac.v3.RBAC",
    "filters.http.local_ratelimit.v3.LocalRateLimit",
    "filters.http.ip_tagging.v3.IPTagging",
    "filters.http.geoip.v3.Geoip",
    "filters.http.admission_control.v3.AdmissionControl",
];

const MISSING: LintRule = LintRule {
    name: "gate-missing",
    wrong: "routes lead to clusters and there is no gate",
    breaks: "whoever reaches this listener calls the models without a key",
    write: "the HTTP filter `latchkey` of the documented bootstrap, before the router",
};

const AFTER_ROUTER: LintRule = LintRule {
    name: "gate-after-router",
    wrong: "the gate stands behind the router",
    breaks: "the router has sent the request on before the gate sees it",
    write: "the gate before envoy.filters.http.router, which is the last",
};

const FILTER_BEFORE: LintRule = LintRule {
    name: "filter-before-gate",
    wrong: "a filter before the gate can answer, route, call out or change the request",
    breaks: "it sees the API key, and what it does is done before anybody was asked for one",
    write: "that filter behind the gate",
};

const SWITCHED_OFF: LintRule = LintRule {
    name: "gate-off",
    wrong: "the gate is switched off (`disabled` or `is_optional`)",
    breaks: "requests pass without a decision, or an Envoy without Wasm starts without the gate",
    write: "the filter without `disabled` and `is_optional`",
};

const FAIL_OPEN: LintRule = LintRule {
    name: "fail-open",
    wrong: "the gate fails open",
    breaks: "after a crash of its VM every request passes without a key",
    write: "failure_policy: FAIL_RELOAD, and no fail_open",
};

const FAIL_FINAL: LintRule = LintRule {
    name: "fail-final",
    wrong: "failure_policy is not FAIL_RELOAD",
    breaks: "after a crash of its VM a worker answers 503 until Envoy is restarted",
    write: "failure_policy: FAIL_RELOAD",
};

const STOP_ITERATION: LintRule = LintRule {
    name: "stop-iteration",
    wrong: "allow_on_headers_stop_iteration is not true",
    breaks: "requests of keys with a list of models hang: their bodies never reach the gate",
    write: "allow_on_headers_stop_iteration: true (Envoy 1.35 or newer)",
};

/// Judges presence, order and failure of the gate.
pub(super) fn check(
    document: &Document,
    manager: &ConnectionManager<'_>,
    findings: &mut Vec<LintFinding>,
) {
    let Some((gate_at, filter, plugin)) = manager.gate() else {
        if manager.router_at().is_some() && route::leads_somewhere(document, manager) {
            findings.push(LintFinding::at(&manager.place, &MISSING));
        }
        return;
    };
    if manager
        .router_at()
        .is_some_and(|router_at| router_at < gate_at)
    {
        findings.push(LintFinding::at(&manager.place, &AFTER_ROUTER));
    }
    let before = manager.filters.iter().take(gate_at);
    let is_harmless = |kind: &str| HARMLESS_BEFORE.iter().any(|known| kind.ends_with(known));
    let harmful = before.filter(|filter| !filter.is_router() && !is_harmless(filter.kind));
    findings.extend(harmful.map(|filter| {
        let place = format!("{}, filter {}", manager.place, filter.name);
        LintFinding::at(place, &FILTER_BEFORE)
    }));
    let place = format!("{}, filter {}", manager.place, filter.name);
    if is_on(filter.entry, "/disabled") || is_on(filter.entry, "/is_optional") {
        findings.push(LintFinding::at(&place, &SWITCHED_OFF));
    }
    check_plugin(&place, plugin, findings);
    rights::check(document, &place, plugin, findings);
}

fn check_plugin(place: &str, plugin: &Plugin<'_>, findings: &mut Vec<LintFinding>) {
    let policy = text(plugin.config, "/failure_policy");
    if policy == "FAIL_OPEN" || is_on(plugin.config, "/fail_open") {
        findings.push(LintFinding::at(place, &FAIL_OPEN));
    } else if policy != "FAIL_RELOAD" {
        findings.push(LintFinding::at(place, &FAIL_FINAL));
    }
    if !is_on(plugin.config, "/allow_on_headers_stop_iteration") {
        findings.push(LintFinding::at(place, &STOP_ITERATION));
    }
}
