//! Rules of the agent: it is there, once, and shares its data with every gate.
//!
//! A configuration without any gate needs no agent. Invariant: each gate is compared with the agent
//! by itself.

use serde_json::Value;

use super::document::Document;
use super::value::{is_on, list, text};
use super::view::{ConnectionManager, Plugin, plugin};
use super::{LintFinding, LintRule};

const WASM_SERVICE: &str = "envoy.extensions.wasm.v3.WasmService";

/// Members of a plugin configuration that would hold a secret.
const TOKEN_NAMES: [&str; 5] = ["token", "feed_token", "authorization", "secret", "password"];

const MISSING: LintRule = LintRule {
    name: "agent-missing",
    wrong: "there is a gate and no agent",
    breaks: "no table ever arrives: 503 for everybody",
    write: "bootstrap_extensions with the WasmService `agent` of the documented bootstrap",
};

const NOT_SINGLETON: LintRule = LintRule {
    name: "agent-singleton",
    wrong: "the agent is not a singleton",
    breaks: "every worker follows the sidecar by itself, and they overwrite each other's table",
    write: "singleton: true",
};

const OTHER_VM_ID: LintRule = LintRule {
    name: "vm-id",
    wrong: "this gate's vm_id is not the agent's, or empty",
    breaks: "the gate never sees a table: 503 for everybody",
    write: "the same vm_id for agent and gate, as `latchkey`",
};

const NO_NODE_ID: LintRule = LintRule {
    name: "node-id",
    wrong: "this Envoy has no node id",
    breaks: "the agent refuses to start, and so does Envoy: a laggard could not be named",
    write: "node: { id: NAME } with another name for each Envoy, or start it with --service-node",
};

const INLINE_TOKEN: LintRule = LintRule {
    name: "token-in-plugin",
    wrong: "a token stands in a plugin configuration",
    breaks: "whoever reads the configuration or /config_dump can follow the feed",
    write: "the token into a file, a secret that names it, and the credential injector",
};

/// Judges the agent and what it shares.
pub(super) fn check(
    document: &Document,
    managers: &[ConnectionManager<'_>],
    findings: &mut Vec<LintFinding>,
) {
    let gates = managers
        .iter()
        .filter_map(|manager| Some((manager, manager.gate()?.2)));
    let gates: Vec<_> = gates.collect();
    let found = agent_in(document);
    match &found {
        Some((service, agent)) => check_agent(document, service, agent, findings),
        None if gates.is_empty() => {}
        None => findings.push(LintFinding::at("bootstrap", &MISSING)),
    }
    for (manager, gate) in gates {
        let agent = found.as_ref().map(|(_, agent)| agent.vm_id());
        if gate.vm_id().is_empty() || agent.is_some_and(|vm_id| vm_id != gate.vm_id()) {
            findings.push(LintFinding::at(&manager.place, &OTHER_VM_ID));
        }
        if holds_a_token(gate) {
            findings.push(LintFinding::at(&manager.place, &INLINE_TOKEN));
        }
    }
}

fn check_agent(
    document: &Document,
    service: &Value,
    agent: &Plugin<'_>,
    findings: &mut Vec<LintFinding>,
) {
    let broken = [
        (!is_on(service, "/singleton"), &NOT_SINGLETON),
        (lacks_a_node_id(document), &NO_NODE_ID),
        (holds_a_token(agent), &INLINE_TOKEN),
    ];
    let broken = broken.into_iter().filter(|(is_broken, _)| *is_broken);
    findings.extend(broken.map(|(_, rule)| LintFinding::at("agent", rule)));
}

/// A running Envoy has one, or it would not run; from its command line it is not in the dump.
fn lacks_a_node_id(document: &Document) -> bool {
    !document.is_dump && text(&document.bootstrap, "/node/id").is_empty()
}

/// The Wasm service that is our agent, and its plugin.
pub(super) fn agent_in(document: &Document) -> Option<(&Value, Plugin<'_>)> {
    let extensions = list(&document.bootstrap, "/bootstrap_extensions").iter();
    let services = extensions.filter_map(|extension| extension.get("typed_config"));
    let services = services.filter(|service| text(service, "/@type").ends_with(WASM_SERVICE));
    let mut plugins =
        services.filter_map(|service| Some((service, plugin(service.get("config")?)?)));
    plugins.find(|(_, plugin)| plugin.role() == "agent")
}

fn holds_a_token(plugin: &Plugin<'_>) -> bool {
    is_token(&plugin.settings)
}

fn is_token(value: &Value) -> bool {
    match value {
        Value::String(text) => text.starts_with("Bearer "),
        Value::Array(items) => items.iter().any(is_token),
        Value::Object(members) => members
            .iter()
            .any(|(name, value)| TOKEN_NAMES.contains(&name.as_str()) || is_token(value)),
        _ => false,
    }
}
