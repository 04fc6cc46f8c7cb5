//! The attacks that are tried on every gateway: what a body, a query, a header and a form may name
//! beside the model that is in scope, or instead of it.
//!
//! Does not know which of them a gateway falls for. Invariant: where an attack names a model in
//! scope at all, it is one that fails, so that whatever else it names gets its turn.

use serde_json::{Value, json};

use super::attack::{Attack, put};
use super::court::OUT_OF_SCOPE;
use super::endpoints::{self, CHAT, SPEECH};
use super::models::DOWN;

/// How deep fallbacks of fallbacks go.
const DEPTH_MAX: usize = 6;
/// How many of the shapes are tried at every endpoint.
const SHAPES_READ: usize = 5;
const BOUNDARY: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbb";

/// Every attack of this module.
pub(super) fn all() -> Vec<Attack> {
    let kinds = [
        honest_elsewhere(OUT_OF_SCOPE),
        fallbacks(),
        members(),
        decoys(),
        queries(),
        headers(),
        odd_bodies(),
        forms(),
    ];
    kinds.concat()
}

/// A good call of each endpoint for a model.
pub(super) fn honest_elsewhere(model: &str) -> Vec<Attack> {
    let call = |it: &endpoints::Endpoint| {
        let name = format!("{} for {model}", it.path);
        Attack::json(name, &it.path_for(model), &it.body_for(model))
    };
    endpoints::ALL.iter().map(call).collect()
}

/// Fallbacks in every shape that some gateway reads, at each endpoint.
fn fallbacks() -> Vec<Attack> {
    let bad = OUT_OF_SCOPE;
    // Those that gateways were seen to read come first.
    let mut shapes = vec![
        json!([bad]),
        json!([{"model": bad}]),
        json!([{DOWN: [bad]}]),
        json!([{"*": [bad]}]),
        json!([{"model": DOWN, "fallbacks": [bad]}]),
        json!(bad),
        json!([[bad]]),
        json!({"model": bad}),
        json!({DOWN: [bad]}),
        json!([{"model": DOWN}, {"model": bad}]),
    ];
    let mut nested = json!([{"model": bad}]);
    for _ in 1..DEPTH_MAX {
        nested = json!([{"model": DOWN, "fallbacks": nested}]);
        shapes.push(nested.clone());
    }
    let mut attacks = Vec::new();
    for it in &endpoints::ALL {
        let shapes = match it.path {
            CHAT => shapes.as_slice(),
            _ => &shapes[..SHAPES_READ],
        };
        let mut add = |member: &str, value: &Value| {
            let mut body = it.body_for(DOWN);
            body[member] = value.clone();
            let name = format!("{} {member}={value}", it.path);
            attacks.push(Attack::json(name, &it.path_for(DOWN), &body));
        };
        shapes.iter().for_each(|shape| add("fallbacks", shape));
        let map = json!([{DOWN: [bad]}]);
        add("router_settings_override", &json!({"fallbacks": map}));
        add("context_window_fallbacks", &map);
        add("content_policy_fallbacks", &map);
        add("default_fallbacks", &json!([bad]));
        add("deployment_id", &json!(bad));
        add("model", &json!(format!("{DOWN},{bad}")));
    }
    attacks
}

/// Members that choose a model, where the APIs and gateways that have them say (`members.json`).
fn members() -> Vec<Attack> {
    let rows: Vec<(String, String, Value)> =
        serde_json::from_str(include_str!("members.json")).unwrap();
    let attack = |(path, pointer, value): (String, String, Value)| {
        let mut body = endpoints::body_of(&path, DOWN);
        put(&mut body, &pointer, value);
        Attack::json(format!("{path} {pointer}"), &path, &body)
    };
    rows.into_iter().map(attack).collect()
}

/// The place that the server reads is left out, and another one names a model in scope.
pub(super) fn decoys() -> Vec<Attack> {
    let places = [
        "/engine",
        "/deployment",
        "/models/0",
        "/fallbacks/0",
        "/fallbacks/0/model",
        "/moderation/model",
        "/svg/model",
        "/tools/0/model",
        "/extra_body/model",
        "/metadata/model",
        "/messages/0/model",
        "/Model",
        "/model_id",
    ];
    let mut attacks = Vec::new();
    for it in endpoints::ALL.iter().filter(|it| !it.by_path) {
        for query in ["model", "deployment"] {
            let path = format!("{}?{query}={DOWN}", it.path);
            attacks.push(Attack::json(format!("decoy {path}"), &path, &it.body()));
        }
        for place in places {
            let mut body = it.body();
            put(&mut body, place, json!(DOWN));
            attacks.push(Attack::json(
                format!("decoy {} {place}", it.path),
                it.path,
                &body,
            ));
        }
    }
    let form = form(&[file()]);
    for query in ["?model=good-1", "?deployment=good-1", ""] {
        let decoy = Attack::raw(
            format!("decoy form{query}"),
            &format!("{SPEECH}{query}"),
            form.clone(),
        );
        attacks.push(decoy.of_type(&form_type()));
    }
    attacks
}

/// The query names another model than the body.
fn queries() -> Vec<Attack> {
    let queries = [
        "model=bad-1",
        "model=good-1&model=bad-1",
        "Model=bad-1",
        "model[]=bad-1",
        "mod%65l=bad-1",
        "model=%62ad-1",
        "x=1;model=bad-1",
        "?model=bad-1",
        "deployment=bad-1",
        "deployment_id=bad-1",
        "engine=bad-1",
        "fallbacks=bad-1",
        "models=bad-1",
        "model_id=bad-1",
        "adapter=bad-1",
        "target_model_names=bad-1",
    ];
    let mut attacks = Vec::new();
    for it in [0, 1, 2, 6].map(|at| &endpoints::ALL[at]) {
        for query in queries {
            let path = format!("{}?{query}", it.path);
            for body in [it.body_for(DOWN), it.body()] {
                attacks.push(Attack::json(format!("{path} {body}"), &path, &body));
            }
        }
    }
    attacks
}

/// Headers by which gateways choose a model, a backend or an identity.
fn headers() -> Vec<Attack> {
    let names: Vec<String> = serde_json::from_str(include_str!("headers.json")).unwrap();
    let attack = |name: String| {
        let call = Attack::json(
            format!("header {name}"),
            CHAT,
            &endpoints::body_of(CHAT, DOWN),
        );
        call.with(&name, OUT_OF_SCOPE)
    };
    names.into_iter().map(attack).collect()
}

/// Bodies that two readers may read differently, under types that do or do not fit them.
fn odd_bodies() -> Vec<Attack> {
    let bodies = [
        r#"{"model":"good-1","model":"bad-1","messages":[]}"#,
        r#"{"model":"bad-1","model":"good-1","messages":[]}"#,
        r#"{"model":"good-1","mod\u0065l":"bad-1","messages":[]}"#,
        r#"{"model":"good-1","Model":"bad-1","messages":[]}"#,
        r#"{"model":"good-1","messages":[]}{"model":"bad-1","messages":[]}"#,
        r#"{"model":"good-1\u0000bad-1","messages":[]}"#,
        r#"{"model":["good-1","bad-1"],"messages":[]}"#,
        r#"{"model":{"model":"bad-1"},"messages":[]}"#,
        r#"{"model":"bad\u002d1","messages":[]}"#,
        r#"{"model":" bad-1","messages":[]}"#,
        r#"{"model":"openai/bad-1","messages":[]}"#,
        r#"{"model":"good-1","messages":[],"fallbacks":["\u0062ad-1"]}"#,
        r#"{"model":"good-1","messages":[],"fall\u0062acks":["bad-1"]}"#,
        r#"{"model":"good-1","messages":[],"fallbacks":[],"fallbacks":["bad-1"]}"#,
        r#"{"model":"good-1","messages":[],"fallbacks":[["bad-1"]]}"#,
        "\u{feff}{\"model\":\"bad-1\",\"messages\":[]}",
        "model=bad-1&messages=[]",
        r#"[{"model":"bad-1","messages":[]}]"#,
    ];
    let types = [
        "application/json",
        "application/json; charset=utf-16",
        "application/json, application/x-www-form-urlencoded",
        "application/x-www-form-urlencoded",
        "text/plain",
        "application/vnd.api+json",
        "multipart/form-data; boundary=x",
        "APPLICATION/JSON",
    ];
    let mut attacks = Vec::new();
    for body in bodies {
        for content_type in types {
            let name = format!("{content_type}: {body}");
            attacks.push(Attack::raw(name, CHAT, body).of_type(content_type));
        }
        attacks.push(Attack::raw(format!("no type: {body}"), CHAT, body));
    }
    attacks
}

/// Forms that name another model in some field, or in a field that only some read as the model.
fn forms() -> Vec<Attack> {
    let fields = [
        "name=\"model\"",
        "name=model",
        "name=\"Model\"",
        "name=\"model[]\"",
        "name=\"fallbacks\"",
        "name=\"fallbacks[]\"",
        "name=\"models[]\"",
        "name=\"deployment_id\"",
        "name=\"x\"; name=\"model\"",
        "name=\"model\"; name=\"x\"",
        "filename=\"name=model\"; name=\"x\"",
        "filename=\"; name=model\"; name=\"x\"",
        "name=\"x\"; filename=\"a\"; name=\"model\"",
        "name*=utf-8''model",
        "name=\"x\"; name*=utf-8''model",
        "name=\"mod\\el\"",
        "name=\"model\"; filename=\"\"",
        "name=\"model\"; filename=\"a\"",
        "\r\n name=\"model\"",
    ];
    let mut attacks = Vec::new();
    for path in [SPEECH, "/v1/audio/translations", "/v1/images/edits"] {
        for field in fields {
            let bad = part(field, OUT_OF_SCOPE);
            let good = part("name=\"model\"", DOWN);
            let orders = [
                vec![bad.clone(), good.clone(), file()],
                vec![good, file(), bad.clone()],
                vec![file(), bad],
            ];
            for (number, parts) in orders.iter().enumerate() {
                let attack =
                    Attack::raw(format!("form {path} {field} {number}"), path, form(parts));
                attacks.push(attack.of_type(&form_type()));
            }
        }
    }
    attacks
}

/// A good form.
pub(super) fn transcription(model: &str) -> Attack {
    let parts = [part("name=\"model\"", model), file()];
    Attack::raw(format!("a form for {model}"), SPEECH, form(&parts)).of_type(&form_type())
}

fn form_type() -> String {
    format!("multipart/form-data; boundary={BOUNDARY}")
}

fn part(parameters: &str, content: &str) -> String {
    format!("--{BOUNDARY}\r\nContent-Disposition: form-data; {parameters}\r\n\r\n{content}\r\n")
}

fn file() -> String {
    let head = "name=\"file\"; filename=\"a.wav\"\r\nContent-Type: audio/wav";
    part(head, "RIFF")
}

fn form(parts: &[String]) -> String {
    format!("{}--{BOUNDARY}--\r\n", parts.concat())
}
