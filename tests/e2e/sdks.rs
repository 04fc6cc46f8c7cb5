//! Developers' own tools: the official SDKs know nothing of us until a refusal, and then raise
//! their own typed exception; what they may send arrives as they sent it.

use envoy::Envoy;
use envoy::bootstrap::Tls;
use tests::sdk::{Workbench, interpreter};
use tests::{python, wait_for};

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

#[test]
fn boto3_for_bedrock_over_tls() {
    let bench = Workbench::start();
    let dir = bench.stack.run_dir().join("tls");
    std::fs::create_dir_all(&dir).unwrap();
    let at_loopback = [
        "-d".as_ref(),
        dir.as_os_str(),
        "-i".as_ref(),
        "127.0.0.1".as_ref(),
    ];
    let Some(interpreter) = interpreter() else {
        return;
    };
    python::run_module(&interpreter, "trustme", &at_loopback);

    let mut settings = bench.stack.another_envoy("tls").unwrap();
    settings.bootstrap.tls = Some(Tls {
        certificate: dir.join("server.pem"),
        private_key: dir.join("server.key"),
    });
    let envoy = Envoy::start(settings).unwrap_or_else(|error| panic!("{error}"));
    let applied = || {
        let (_, answer) = bench.admin.call("GET", "/v1/envoys", None);
        let envoys = answer["envoys"].as_array().cloned().unwrap_or_default();
        envoys.len() == 2 && envoys.iter().all(|envoy| envoy["generation"].is_u64())
    };
    wait_for("two Envoys have the table", applied);
    let issuer = dir.join("client.pem");
    let issuer = issuer.to_str().unwrap();
    bench.python_at(&envoy.settings().url(), "with_bedrock.py", &[issuer]);
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
fn a_client_of_mcp_finds_no_oauth_and_shows_the_reason() {
    let bench = Workbench::start();
    let packages = ["@modelcontextprotocol/sdk@1.32.2"];
    if let Some(printed) = bench.node_with("mcp", &packages, "with_mcp.mjs") {
        assert!(printed.ends_with("shown\n"), "{printed}");
    }
    assert_eq!(bench.stack.upstream().unwrap().count(), 0);
}
