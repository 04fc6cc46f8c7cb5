//! Portkey's gateway as a judge.
//!
//! Which provider it calls is said by Envoy's route, behind the gate, as an operator would. Invariant:
//! it is what npm has, of this version, with its own defaults.

use std::path::Path;

use envoy::bootstrap::{Addition, Place};
use envoy::process::Process;
use serde_json::json;
use tests::node::{self, Packages};

use super::attack::Attack;
use super::corpus;
use super::court::{self, Court, OUT_OF_SCOPE};
use super::endpoints::{self, CHAT};
use super::models::{DOWN, Models};

const PACKAGES: [&str; 1] = ["@portkey-ai/gateway@1.15.2"];
const SERVER: &str = "node_modules/@portkey-ai/gateway/build/start-server.js";
/// How many attacks it falls for without a gate that knows of them, at the least.
const LIVE_MIN: usize = 150;

/// Starts it behind a gate; `None`, with a word, if npm does not answer.
fn start() -> Option<Court> {
    let packages = Packages::install("portkey", &PACKAGES)?;
    let node = node::program()?;
    let route = |models: &Models| Addition {
        place: Place::Routes,
        yaml: route(&host_of(models)),
    };
    Some(Court::start(
        |models| vec![route(models)],
        |port, _, dir| run(&node, &packages.path(SERVER), port, dir),
    ))
}

/// The models' address as Portkey wants it.
fn host_of(models: &Models) -> String {
    format!("{}/v1", models.url())
}

/// All requests go to one provider, whatever the client says of providers.
fn route(host: &str) -> String {
    let action = "OVERWRITE_IF_EXISTS_OR_ADD";
    let header = |name: &str, value: &str| json!({"header": {"key": name, "value": value}, "append_action": action});
    let route = json!({
        "match": {"prefix": "/"},
        "route": {"cluster": "upstream", "timeout": "0s"},
        "request_headers_to_add": [
            header("x-portkey-provider", "openai"),
            header("x-portkey-custom-host", host),
            header("authorization", "Bearer none"),
        ],
    });
    format!("- {route}")
}

fn run(node: &Path, server: &Path, port: u16, dir: &Path) -> Process {
    let port_argument = format!("--port={port}");
    let words = [
        "NODE_ENV=production",
        node.to_str().unwrap(),
        server.to_str().unwrap(),
        &port_argument,
        "--headless",
    ];
    let url = format!("http://127.0.0.1:{port}/");
    court::run("portkey", &words, &url, dir)
}

#[test]
fn behind_the_gate_portkey_runs_nothing_out_of_scope() {
    let Some(court) = start() else { return };
    court.serves(&[
        Attack::json("chat", CHAT, &endpoints::body_of(CHAT, DOWN)),
        corpus::transcription(DOWN),
    ]);
    court.withstands(
        &[corpus::all(), configurations(&host_of(&court.models))].concat(),
        LIVE_MIN,
    );
}

/// The header in which a client of Portkey says what is to be run instead; `host`: of the models.
fn configurations(host: &str) -> Vec<Attack> {
    let chosen = json!({"model": OUT_OF_SCOPE});
    let provider = json!({"provider": "openai", "api_key": "none", "custom_host": host});
    let mut target = provider.clone();
    (target["override_params"], target["name"]) = (chosen.clone(), json!("b"));
    let fallback = json!({"strategy": {"mode": "fallback"}, "targets": [provider, target]});
    let conditions = json!([{"query": {"metadata.x": {"$ne": "1"}}, "then": "b"}]);
    let conditional = json!({"mode": "conditional", "conditions": conditions, "default": "b"});
    let configurations = [
        target.clone(),
        json!({"override_params": chosen}),
        json!({"override_params": chosen, "retry": {"attempts": 0}}),
        json!({"override_params": chosen, "request_timeout": 5000}),
        json!({"override_params": chosen, "cache": {"mode": "simple"}}),
        json!({"overrideParams": chosen, "retry": {"attempts": 0}}),
        json!({"strategy": {"mode": "single"}, "targets": [target]}),
        json!({"strategy": {"mode": "single"}, "override_params": chosen, "targets": [provider]}),
        json!({"strategy": {"mode": "loadbalance"}, "targets": [target]}),
        json!({"strategy": conditional, "targets": [target]}),
        json!({"strategy": {"mode": "single"}, "targets": [fallback]}),
        fallback,
    ];
    let mut attacks = Vec::new();
    for it in &endpoints::ALL {
        for configuration in &configurations {
            let name = format!("{} {configuration}", it.path);
            let call = Attack::json(name, &it.path_for(DOWN), &it.body_for(DOWN));
            attacks.push(call.with("x-portkey-config", configuration.to_string()));
        }
    }
    attacks
}
