//! Developers' own tools: the official SDKs know nothing of us until a refusal, and then raise
//! their own typed exception; what they may send arrives as they sent it.

use envoy::bootstrap::Tls;
use envoy::{Envoy, Stack, StackOptions};
use serde_json::json;
use tests::sdk::{Workbench, interpreter, packages};
use tests::{Admin, python, start_with, wait_for};

use crate::limits::keeping;

#[test]
fn openai_for_python() {
    Workbench::start().python("with_openai.py");
}

#[test]
fn azure_openai_for_python() {
    Workbench::start().python("with_azure.py");
}

#[test]
fn anthropic_for_python_with_a_bearer_key_and_with_an_x_api_key() {
    let bench = Workbench::start();
    bench.python("with_anthropic.py");
    bench.stack.upstream().unwrap().clear();
    bench.old_python("with_anthropic.py");
}

#[test]
fn google_genai_for_python() {
    Workbench::start().python("with_genai.py");
}

#[test]
fn cohere_ollama_and_mistral_for_python() {
    let bench = Workbench::start();
    for script in ["with_cohere.py", "with_ollama.py", "with_mistral.py"] {
        bench.python(script);
        bench.stack.upstream().unwrap().clear();
    }
}

#[test]
fn five_thousand_honest_requests_are_neither_refused_nor_changed() {
    Workbench::start().python("traffic.py");
}

/// Another Envoy of a stack, which speaks TLS, and the certificate of its issuer; nothing without Python.
fn over_tls(stack: &Stack, admin: &Admin) -> Option<(Envoy, String)> {
    let dir = stack.run_dir().join("tls");
    std::fs::create_dir_all(&dir).unwrap();
    let at_loopback = [
        "-d".as_ref(),
        dir.as_os_str(),
        "-i".as_ref(),
        "127.0.0.1".as_ref(),
    ];
    python::run_module(&interpreter()?, "trustme", &at_loopback);

    let mut settings = stack.another_envoy("tls").unwrap();
    settings.bootstrap.tls = Some(Tls {
        certificate: dir.join("server.pem"),
        private_key: dir.join("server.key"),
    });
    let envoy = Envoy::start(settings).unwrap_or_else(|error| panic!("{error}"));
    let applied = || {
        let (_, answer) = admin.call("GET", "/v1/envoys", None);
        let envoys = answer["envoys"].as_array().cloned().unwrap_or_default();
        envoys.len() == 2 && envoys.iter().all(|envoy| envoy["generation"].is_u64())
    };
    wait_for("two Envoys have the table", applied);
    Some((envoy, dir.join("client.pem").to_str().unwrap().to_owned()))
}

#[test]
fn boto3_for_bedrock_over_tls() {
    let bench = Workbench::start();
    if let Some((envoy, issuer)) = over_tls(&bench.stack, &bench.admin) {
        bench.python_at(&envoy.settings().url(), "with_bedrock.py", &[&issuer]);
    }
}

#[test]
fn a_limit_raises_each_sdk_s_own_exception_and_none_sleeps_for_more_than_a_minute() {
    let (stack, admin) = start_with(keeping(StackOptions::default()));
    let limited = |name: &str, unit: &str, window: &str, amount: u64| {
        let limit = json!({"unit": unit, "window": window, "amount": amount});
        admin.create(name, json!({"limits": [limit]})).value
    };
    let spent = limited("spent", "requests", "lifetime", 1);
    let minute = limited("minute", "requests", "minute", 1);
    let metered = limited("metered", "tokens", "lifetime", 1_000_000);
    let free = admin.create("free", json!({})).value;
    let url = stack.envoy_url();
    if let Some((envoy, issuer)) = over_tls(&stack, &admin) {
        let tls = envoy.settings().url();
        let args = [&url, &spent, &minute, &tls, &issuer, &metered, &free];
        let printed = python::run(
            &interpreter().unwrap(),
            "with_limits.py",
            &args.map(String::as_str),
        );
        assert!(printed.ends_with("ok streams\n"), "{printed}");
    }
    if let Some(packages) = packages() {
        let args = [&url, &spent, &minute, &metered, &free];
        let printed = packages.run("with_limits.mjs", &args.map(String::as_str));
        assert!(printed.ends_with("ok streams\n"), "{printed}");
    }
}

#[test]
fn openai_for_node() {
    Workbench::start().node("with_openai.mjs");
}

#[test]
fn anthropic_for_node() {
    Workbench::start().node("with_anthropic.mjs");
}

#[test]
fn vercel_ai_with_three_providers() {
    Workbench::start().node("with_ai.mjs");
}

#[test]
fn codex_which_sends_a_header_with_an_underscore() {
    let bench = Workbench::start();
    let packages = ["@openai/codex@0.101.0"];
    if bench
        .node_with("codex", &packages, "with_codex.mjs")
        .is_none()
    {
        return;
    }
    let [served] = <[_; 1]>::try_from(bench.stack.upstream().unwrap().requests()).unwrap();
    assert_eq!(
        (served.target.as_str(), served.is_complete),
        ("/v1/responses", true)
    );
    assert_eq!(served.header("originator"), Some("codex_exec"));
    let mut names = served.headers.iter().map(|(name, _)| name);
    assert!(names.all(|name| !name.contains('_')), "it reaches nobody");
}

#[test]
fn a_client_of_mcp_finds_no_oauth_and_shows_the_reason() {
    let bench = Workbench::start();
    let packages = ["@modelcontextprotocol/sdk@1.32.2"];
    if let Some(printed) = bench.node_with("mcp", &packages, "with_mcp.mjs") {
        assert!(printed.ends_with("shown\n"), "{printed}");
    }
    assert_eq!(bench.stack.upstream().unwrap().count(), 0);
}
