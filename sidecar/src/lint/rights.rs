//! Rules of the gate's rights: it may make the calls that it needs and no other, in a VM of its own.
//!
//! What each call could do in wrong hands is in docs/gate-rights.md. Does not judge the agent, which
//! reads nothing of a client. Invariant: the list is that of the documented bootstrap, and one call more for a
//! gate that keeps limits.

use super::document::Document;
use super::view::Plugin;
use super::{LintFinding, LintRule, agent};

/// What a gate is called by, and what it calls.
const NEEDED: [&str; 31] = [
    "proxy_on_vm_start",
    "proxy_on_configure",
    "proxy_on_context_create",
    "proxy_on_delete",
    "proxy_on_tick",
    "proxy_on_request_headers",
    "proxy_on_request_body",
    "proxy_on_request_trailers",
    "proxy_on_response_headers",
    "proxy_on_response_body",
    "proxy_on_response_trailers",
    "proxy_log",
    "proxy_set_tick_period_milliseconds",
    "proxy_get_current_time_nanoseconds",
    "clock_time_get",
    "random_get",
    "proxy_get_buffer_bytes",
    "proxy_set_buffer_bytes",
    "proxy_get_header_map_pairs",
    "proxy_replace_header_map_value",
    "proxy_remove_header_map_value",
    "proxy_get_property",
    "proxy_set_property",
    "proxy_get_shared_data",
    "proxy_resolve_shared_queue",
    "proxy_enqueue_shared_queue",
    "proxy_define_metric",
    "proxy_get_metric",
    "proxy_set_effective_context",
    "proxy_close_stream",
    "proxy_send_local_response",
];

/// What it calls besides if it keeps limits.
const TO_KEEP_LIMITS: &str = "proxy_set_shared_data";

const UNRESTRICTED: LintRule = LintRule {
    name: "gate-unrestricted",
    wrong: "the gate may make every call of Envoy: capability_restriction_config is missing or empty",
    breaks: "whoever takes the gate over by a request can write the key table and call other hosts",
    write: "the capability_restriction_config of the documented bootstrap",
};

const BEYOND: LintRule = LintRule {
    name: "gate-rights",
    wrong: "the gate may make calls that it does not need",
    breaks: "whoever takes the gate over can make them: with proxy_increment_metric it moves edition \
             and lease, and holds revocations back on every worker",
    write: "allowed_capabilities as in the documented bootstrap, without these",
};

const LACKING: LintRule = LintRule {
    name: "gate-lacks",
    wrong: "the gate may not make calls that it needs",
    breaks: "a callback that is left out is never called, and a call fails: requests are refused or \
             hang, or are not counted",
    write: "allowed_capabilities as in the documented bootstrap, with these",
};

const AGENTS_VM: LintRule = LintRule {
    name: "gate-vm",
    wrong: "gate and agent have the same vm_id and vm_config.configuration, so they may share a VM",
    breaks: "the rights of one are the rights of both: the gate may write the key table",
    write: "a vm_config.configuration of the gate's own, as in the documented bootstrap",
};

/// Judges what the gate may do.
pub(super) fn check(
    document: &Document,
    place: &str,
    gate: &Plugin<'_>,
    findings: &mut Vec<LintFinding>,
) {
    check_calls(place, gate, findings);
    if let Some((_, agent)) = agent::agent_in(document)
        && agent.vm_id() == gate.vm_id()
        && agent.vm_configuration() == gate.vm_configuration()
    {
        findings.push(LintFinding::at(place, &AGENTS_VM));
    }
}

fn check_calls(place: &str, gate: &Plugin<'_>, findings: &mut Vec<LintFinding>) {
    // Envoy takes an empty list for none.
    let Some(allowed) = gate.allowed_calls().filter(|allowed| !allowed.is_empty()) else {
        findings.push(LintFinding::at(place, &UNRESTRICTED));
        return;
    };
    let to_keep_limits = gate.keeps_limits().then_some(TO_KEEP_LIMITS);
    let needed: Vec<&str> = NEEDED.into_iter().chain(to_keep_limits).collect();
    let beyond = allowed.keys().map(String::as_str);
    let beyond = beyond.filter(|call| !needed.contains(call));
    let lacking = needed.iter().copied();
    let lacking = lacking.filter(|call| !allowed.contains_key(*call));
    findings.extend(finding(place, beyond.collect(), &BEYOND));
    findings.extend(finding(place, lacking.collect(), &LACKING));
}

/// One finding for all of them.
fn finding(place: &str, calls: Vec<&str>, rule: &'static LintRule) -> Option<LintFinding> {
    let place = format!("{place}: {}", calls.join(", "));
    (!calls.is_empty()).then(|| LintFinding::at(place, rule))
}
