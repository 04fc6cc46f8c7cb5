//! What a configuration can change: profiles, mounts, rules of its own, rules switched off.

use filter::headers::HeaderMap;
use filter::locator::{LocatorConfig, Locators};

use crate::support::{Rig, names, record};
use keytable::Record;

fn rule_of(config: &str, call: &str) -> Option<String> {
    let config: LocatorConfig = serde_json::from_str(config).unwrap();
    let locators = Locators::compile(&config).unwrap();
    let (method, path) = call.split_once(' ').unwrap();
    let headers =
        HeaderMap::from_pairs(&[(b":method", method.as_bytes()), (b":path", path.as_bytes())]);
    locators
        .locate(&headers)
        .map(|located| located.rule.name.clone())
}

fn assert_rule(config: &str, call: &str, rule: Option<&str>) {
    assert_eq!(rule_of(config, call).as_deref(), rule, "{config} {call}");
}

#[test]
fn profiles_choose_and_order_the_rules() {
    let chat = "POST /v1/chat/completions";
    assert_rule("{}", chat, Some("openai.chat"));
    assert_rule(r#"{"profiles":["anthropic"]}"#, chat, None);
    let list = "GET /v1/models";
    assert_rule(
        r#"{"profiles":["openai","gemini"]}"#,
        list,
        Some("openai.models.list"),
    );
    assert_rule(
        r#"{"profiles":["gemini","openai"]}"#,
        list,
        Some("gemini.models.list"),
    );
}

#[test]
fn mounts_replace_those_of_the_profile() {
    let config = r#"{"mounts":{"openai":["/llm/openai/v1",""]}}"#;
    assert_rule(
        config,
        "POST /llm/openai/v1/chat/completions",
        Some("openai.chat"),
    );
    assert_rule(config, "POST /chat/completions", Some("openai.chat"));
    assert_rule(config, "POST /v1/chat/completions", None);
    let tenants = r#"{"mounts":{"openai":["/{tenant}/v1"]}}"#;
    assert_rule(
        tenants,
        "POST /acme/v1/chat/completions",
        Some("openai.chat"),
    );
    assert_rule(tenants, "POST /a/b/v1/chat/completions", None);
}

#[test]
fn a_rule_of_the_same_id_replaces_and_a_new_one_comes_first() {
    let config = r#"{"rules":{"openai":[
        {"id":"embeddings","on":"POST {m}/vectors","take":["json:/model"]},
        {"id":"first","on":"POST {m}/{any+}","kind":"object","service":"@any"},
        {"id":"second","on":"POST {m}/chat/completions","kind":"open"}]}}"#;
    assert_rule(config, "POST /v1/vectors", Some("openai.first"));
    assert_rule(config, "POST /v1/chat/completions", Some("openai.first"));
    let config = r#"{"rules":{"openai":[
        {"id":"embeddings","on":"POST {m}/vectors","take":["json:/model"]}]}}"#;
    assert_rule(config, "POST /v1/vectors", Some("openai.embeddings"));
    assert_rule(config, "POST /v1/embeddings", Some("tei.infer"));
}

#[test]
fn rules_and_whole_profiles_can_be_switched_off() {
    let chat = "POST /v1/chat/completions";
    assert_rule(r#"{"disable":["openai.chat"]}"#, chat, None);
    assert_rule(r#"{"disable":["openai.*"]}"#, chat, None);
    assert_rule(
        r#"{"disable":["openai.*"]}"#,
        "GET /v1/models",
        Some("anthropic.models.list"),
    );
    assert_rule(
        r#"{"disable":["openai.chat"]}"#,
        "POST /v1/embeddings",
        Some("openai.embeddings"),
    );
}

#[test]
fn the_first_rule_wins_whatever_the_shapes() {
    let rule = |id: &str, on: &str| format!(r#"{{"id":"{id}","on":"POST {on}","kind":"open"}}"#);
    let shapes = [
        "/a/b",
        "/a/{x}",
        "/{x}/b",
        "/{x+}",
        "/a/{x+}",
        "/{x}/{y}",
        "/a/{x=b|c}",
    ];
    for first in shapes {
        for second in shapes.into_iter().filter(|second| *second != first) {
            let (one, two) = (rule("one", first), rule("two", second));
            let config = format!(r#"{{"rules":{{"mcp":[{one},{two}]}},"profiles":["mcp"]}}"#);
            assert_rule(&config, "POST /a/b", Some("mcp.one"));
        }
    }
}

#[test]
fn templates_are_matched_whole() {
    let config = r#"{"profiles":["mcp"],"rules":{"mcp":[
        {"id":"one","on":"GET,PUT /a/{x}.json","kind":"open"},
        {"id":"two","on":"* /b/{x+}/end","kind":"open"},
        {"id":"three","on":"GET /c/*/d","kind":"open"},
        {"id":"four","on":"GET /{x=d|d/}","kind":"open"},
        {"id":"five","on":"GET /e/{x+}/","kind":"open"},
        {"id":"six","on":"POST /f/{x}:{y=go|stop}","kind":"open"}]}}"#;
    for (call, rule) in [
        ("GET /a/x.json", Some("mcp.one")),
        ("PUT /a/.json.json", Some("mcp.one")),
        ("POST /a/x.json", None),
        ("GET /a/.json", None),
        ("GET /a/x.json/y", None),
        ("GET /a/x/y.json", None),
        ("GET /a/x.jsonx", None),
        ("GET /x/a/x.json", None),
        ("ANY /b/1/end", Some("mcp.two")),
        ("ANY /b/1/2/end", Some("mcp.two")),
        ("ANY /b/end", None),
        ("ANY /b//end", None),
        ("ANY /b/1/end/", None),
        ("GET /c/x/d", Some("mcp.three")),
        ("GET /c/d", None),
        ("GET /c/x/y/d", None),
        ("GET /d", Some("mcp.four")),
        ("GET /d/", Some("mcp.four")),
        ("GET /d//", None),
        ("GET /d/x", None),
        ("GET /e/1/2/", Some("mcp.five")),
        ("GET /e/1/2", None),
        ("POST /f/1:go", Some("mcp.six")),
        ("POST /f/1%3Ago", Some("mcp.six")),
        ("POST /f/1%3astop", Some("mcp.six")),
        ("POST /f/1%3Ago%3A", None),
        ("POST /f/%3Ago", None),
        ("POST /f/1%253Ago", None),
    ] {
        assert_rule(config, call, rule);
    }
}

#[test]
fn an_own_rule_is_judged_like_the_others() {
    let settings = r#""locators":{"rules":{"openai":[
        {"id":"mine","on":"POST /run/{team}/{model+}/go","take":["path:team+model"],
         "also":["json:/with/*"],"refs":["/preset"]},
        {"id":"tool","on":"* /tools/{server}/call","kind":"object","service":"@tool:{server}"}]}}"#;
    let rig = Rig::configured(
        &[Record {
            scope: names(&["t/a/b", "c", "@tool:x"]),
            ..record(1)
        }],
        settings,
    );
    let send = |path: &str, body: &str| {
        let request = rig.post().with(":path", path).bearer(1);
        request.send(&[body.as_bytes()]).answered()
    };
    assert_eq!(send("/run/t/a/b/go", r#"{"with":["c"]}"#), 200);
    assert_eq!(send("/run/t/a/b/go", r#"{"with":["c","d"]}"#), 403);
    assert_eq!(send("/run/t/a/b/go", r#"{"with":["c"],"preset":"p"}"#), 403);
    assert_eq!(send("/run/t/a/c/go", "{}"), 403);
    assert_eq!(send("/tools/x/call", "anything"), 200);
    assert_eq!(send("/tools/y/call", "anything"), 403);
    assert_eq!(send("/tools/%78/call", "anything"), 403);
}
