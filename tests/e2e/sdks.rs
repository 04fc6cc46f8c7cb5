//! Developers' own tools: the official SDKs know nothing of us until a refusal, and then raise
//! their own typed exception.

use serde_json::json;
use tests::{python, start};

#[test]
fn openai_for_python_chats_streams_and_raises_its_own_exceptions() {
    let (stack, admin) = start();
    let good = admin.create("good", json!({}));
    let disabled = admin.create("disabled", json!({}));
    admin.patch(&disabled, &json!({"status": "disabled"}));
    let limited = admin.create("limited", json!({"scope": {"models": ["kimi-k2.6"]}}));

    let interpreter = python::with_packages("openai", &["openai==3.54.0"]);
    let base_url = format!("{}/v1", stack.envoy_url());
    let args = [&base_url, &good.value, &disabled.value, &limited.value].map(String::as_str);
    let printed = python::run(&interpreter, "openai_chat.py", &args);
    for step in ["chat ok", "stream ok", "disabled ok", "scope ok"] {
        assert!(printed.contains(step), "{step}: {printed}");
    }
}
