//! The rule of statistics: Envoy keeps the figures by which agent and gates know of each other.
//!
//! Invariant: a pattern that is not understood keeps a figure only if it names it.

use serde_json::Value;

use super::agent::agent_in;
use super::document::Document;
use super::value::{is_on, list, text};
use super::{LintFinding, LintRule};

/// The figure without which there is no table.
const FIGURE: &str = "wasmcustom.latchkey.edition";

const EXCLUDED: LintRule = LintRule {
    name: "figures-excluded",
    wrong: "stats_matcher leaves out the figures of agent and gate",
    breaks: "the gates never learn that there is a table: 503 for everybody",
    write: "an inclusion of `prefix: wasmcustom.latchkey`, or no exclusion of it",
};

/// Judges which figures Envoy keeps.
pub(super) fn check(document: &Document, findings: &mut Vec<LintFinding>) {
    let matcher = document.bootstrap.pointer("/stats_config/stats_matcher");
    if agent_in(document).is_some() && matcher.is_some_and(leaves_out) {
        findings.push(LintFinding::at("stats_config", &EXCLUDED));
    }
}

fn leaves_out(matcher: &Value) -> bool {
    let any = |list_at: &str| list(matcher, list_at).iter().any(is_of_figure);
    let includes = matcher.get("inclusion_list").is_some();
    is_on(matcher, "/reject_all")
        || (includes && !any("/inclusion_list/patterns"))
        || any("/exclusion_list/patterns")
}

fn is_of_figure(pattern: &Value) -> bool {
    let given = |member: &str| Some(text(pattern, member)).filter(|text| !text.is_empty());
    given("/prefix").is_some_and(|prefix| FIGURE.starts_with(prefix))
        || given("/suffix").is_some_and(|suffix| FIGURE.ends_with(suffix))
        || given("/contains").is_some_and(|part| FIGURE.contains(part))
        || given("/exact") == Some(FIGURE)
        || given("/safe_regex/regex").is_some_and(|regex| {
            regex == ".*" || regex.contains("latchkey") || regex.contains("wasmcustom")
        })
}
