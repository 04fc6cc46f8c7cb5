//! LiteLLM's proxy as a judge.
//!
//! It asks for no key of its own: the gate in front is the only one that does. Invariant: it is
//! what PyPI has, of this version, configured with three models and no fallback of its own.

use std::fs;
use std::path::Path;

use envoy::process::Process;
use serde_json::json;
use tests::python;

use super::attack::Attack;
use super::corpus;
use super::court::{self, Court, IN_SCOPE, OUT_OF_SCOPE};
use super::models::{DOWN, Models};

const PACKAGES: [&str; 1] = ["litellm[proxy]==1.108.7"];
/// How many attacks it falls for without a gate that knows of them, at the least.
const LIVE_MIN: usize = 100;

/// Starts it behind a gate; `None`, with a word, if PyPI does not answer.
fn start() -> Option<Court> {
    let python = python::with_packages("litellm", &PACKAGES)?;
    Some(Court::start(
        |_| Vec::new(),
        |port, models, dir| run(&python, port, models, dir),
    ))
}

fn run(python: &Path, port: u16, models: &Models, dir: &Path) -> Process {
    let deployment = |name: &str| {
        let base = format!("{}/run/{name}/v1", models.url());
        let params =
            json!({"model": format!("openai/{name}"), "api_base": base, "api_key": "none"});
        json!({"model_name": name, "litellm_params": params})
    };
    let names = [IN_SCOPE[0], IN_SCOPE[1], OUT_OF_SCOPE];
    let config = json!({
        "model_list": names.map(deployment),
        "router_settings": {"num_retries": 0, "disable_cooldowns": true},
        "litellm_settings": {"num_retries": 0, "telemetry": false, "request_timeout": 20},
    });
    let file = dir.join("litellm.yaml");
    fs::write(&file, config.to_string()).unwrap();
    let port = port.to_string();
    let program = python.parent().unwrap().join("litellm");
    let words = [
        "LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY=true",
        "LITELLM_LOCAL_MODEL_COST_MAP=True",
        "NO_PROXY=127.0.0.1",
        program.to_str().unwrap(),
        "--config",
        file.to_str().unwrap(),
        "--host",
        "127.0.0.1",
        "--port",
        &port,
        "--telemetry",
        "False",
    ];
    let url = format!("http://127.0.0.1:{port}/health/liveliness");
    court::run("litellm", &words, &url, dir)
}

#[test]
fn behind_the_gate_litellm_runs_nothing_out_of_scope() {
    let Some(court) = start() else { return };
    court.serves(&honest());
    court.withstands(&corpus::all(), LIVE_MIN);
}

/// What LiteLLM serves with model servers of this kind, for a model in scope.
fn honest() -> Vec<Attack> {
    let not_served = ["rerank", "ocr", "fine_tuning", "countTokens"];
    let mut calls = corpus::honest_elsewhere(DOWN);
    calls.retain(|call| !not_served.iter().any(|path| call.name.contains(path)));
    calls.push(corpus::transcription(DOWN));
    calls
}
