//! Honest bodies that say `model` where it chooses nothing: in texts, tools, arguments, metadata.

use serde_json::{Value, json};

use super::placing::quoted;
use super::targets;
use super::words::{PLAIN, SPELLINGS};

/// A JSON Schema whose properties have the names of choosers.
fn schema() -> Value {
    json!({"type": "object", "properties": loaded(), "required": ["model"],
        "$defs": loaded(), "additionalProperties": false})
}

/// An object that says every chooser.
fn loaded() -> Value {
    let names = SPELLINGS.iter().flat_map(|(_, names)| names.iter());
    names
        .map(|name| (name.to_string(), json!("anything")))
        .collect()
}

#[test]
fn what_is_opaque_holds_whatever_it_likes() {
    let opaque = [
        ("metadata", loaded()),
        ("labels", loaded()),
        ("messages", json!([{"role": "user", "content": [loaded()]}])),
        (
            "contents",
            json!([{"parts": [{"functionCall": {"args": loaded()}}]}]),
        ),
        ("system", json!([loaded()])),
        ("systemInstruction", loaded()),
        ("documents", json!([loaded()])),
        (
            "tools",
            json!([{"type": "function", "function": {"name": "f", "parameters": schema()}}]),
        ),
        (
            "tools",
            json!([{"name": "f", "input_schema": schema(), "input_examples": [loaded()]}]),
        ),
        (
            "tools",
            json!([{"toolSpec": {"inputSchema": {"json": schema()}}}]),
        ),
        (
            "tools",
            json!([{"functionDeclarations": [{"parametersJsonSchema": schema()}]}]),
        ),
        ("tools", json!([{"type": "mcp", "headers": loaded()}])),
        (
            "response_format",
            json!({"json_schema": {"schema": schema()}}),
        ),
        ("generationConfig", json!({"responseSchema": schema()})),
        ("text", json!({"format": {"schema": schema()}})),
    ];
    for target in targets() {
        for (name, value) in &opaque {
            if target.row.body.get(*name).is_some() {
                continue;
            }
            let body = target.with(&format!("{}:{value}", quoted(name)));
            assert_eq!(target.send(&body), 200, "{} {body}", target.row.rule);
        }
    }
}

#[test]
fn names_that_only_look_like_choosers_say_nothing() {
    for target in targets() {
        for name in PLAIN {
            for value in [r#""bad-1""#, r#"["bad-1"]"#, "{}", "7", "null"] {
                let body = target.with(&format!(r#""x":{{{}:{value}}}"#, quoted(name)));
                assert_eq!(target.send(&body), 200, "{} {body}", target.row.rule);
            }
        }
    }
}

#[test]
fn what_is_opened_again_is_searched() {
    let opened = [
        (
            "openai.responses",
            r#""input":[{"tools":[{"parameters":{"model":"bad-1"}}]}]"#,
        ),
        (
            "openai.conversations",
            r#""items":[{"tools":[{"model":"bad-1"}]}]"#,
        ),
        (
            "azure.responses",
            r#""input":[{"tools":[{"model":"bad-1"}]}]"#,
        ),
        (
            "anthropic.messages",
            r#""messages":[{"content":[{"tool":{"definition":{"draft_model":"bad-1"}}}]}]"#,
        ),
        (
            "anthropic.messages",
            r#""messages":[{"content":[{"tools":[{"model":"bad-1"}]}]}]"#,
        ),
        (
            "bedrock.model",
            r#""messages":[{"content":[{"tool":{"definition":{"model":"bad-1"}}}]}]"#,
        ),
    ];
    let targets = targets();
    for (rule, members) in opened {
        let target = targets
            .iter()
            .find(|target| target.row.rule == rule)
            .unwrap();
        let mut body = target.row.body.clone();
        let honest: Value = serde_json::from_str(&format!("{{{members}}}")).unwrap();
        body.as_object_mut()
            .unwrap()
            .extend(honest.as_object().unwrap().clone());
        let bad = body.to_string();
        assert_eq!(target.send(&bad), 403, "{rule} {bad}");
        assert_eq!(
            target.send(&bad.replace("bad-1", "good-1")),
            200,
            "{rule} {bad}"
        );
    }
}

#[test]
fn what_a_server_makes_requests_of_is_never_opaque() {
    let merged = [
        r#""additionalModelRequestFields":{"model":"bad-1"}"#,
        r#""modelInput":{"tools":[{"model":"bad-1"}]}"#,
        r#""provider":{"options":{"x":{"model":"bad-1"}}}"#,
        r#""extra_body":{"fallbacks":["bad-1"]}"#,
        r#""requests":[{"body":{"model":"bad-1"}}]"#,
        r#""tools":[{"customConfigs":{"model":"bad-1"}}]"#,
        r#""generationConfig":{"routingConfig":{"manualMode":{"modelName":"bad-1"}}}"#,
        r#""data_sources":[{"parameters":{"embedding_dependency":{"deployment_name":"bad-1"}}}]"#,
        r#""method":{"reinforcement":{"grader":{"graders":[{"model":"bad-1"}]}}}"#,
    ];
    for target in targets() {
        for members in merged {
            let status = target.send(&target.with(members));
            let is_refused = [400, 403, 404].contains(&status);
            assert!(is_refused, "{}: {status} {members}", target.row.rule);
        }
    }
}
