//! `POST /v1/keys/{id}/check`

use serde_json::{Value, json};

use crate::keys::body_with;
use crate::support::{Scratch, Sidecar};

struct Key {
    path: String,
    check: String,
}

fn key(sidecar: &Sidecar, member: &str, value: Value) -> Key {
    let answer = sidecar.post("/v1/keys?wait=none", &body_with(member, value));
    assert_eq!(answer.status, 201, "{}", answer.text);
    let path = format!("/v1/keys/{}", answer.json()["id"].as_str().unwrap());
    Key {
        check: format!("{path}/check"),
        path,
    }
}

/// Status and code of the gate.
fn verdict(sidecar: &Sidecar, key: &Key, request: &Value) -> (u64, Value) {
    let answer = sidecar.post(&key.check, request);
    assert_eq!(answer.status, 200, "{}", answer.text);
    let verdict = answer.json();
    let permitted = verdict["decision"] == "permit";
    assert_eq!(permitted, verdict["code"].is_null(), "{verdict}");
    (verdict["status"].as_u64().unwrap(), verdict["code"].clone())
}

#[test]
fn the_first_failing_check_is_the_answer() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let scope = json!({"models": ["glm-5.1", "deepseek-*"], "services": ["ep-chat"]});
    let scoped = key(&sidecar, "scope", scope);
    let of = |model: Value| {
        let request = json!({
            "ip": "192.0.2.1", "method": "POST", "path": "/v1/chat/completions", "model": model,
        });
        verdict(&sidecar, &scoped, &request)
    };
    assert_eq!(of("glm-5.1".into()), (200, Value::Null));
    assert_eq!(of("deepseek-v3".into()), (200, Value::Null));
    assert_eq!(of(json!(["glm-5.1", "ep-chat"])), (200, Value::Null));
    assert_eq!(of("gpt-4o".into()), (403, "model_not_found".into()));
    assert_eq!(
        of(json!(["glm-5.1", "ep-other"])),
        (403, "model_not_found".into())
    );
    assert_eq!(of(json!([])), (403, "endpoint_not_allowed".into()));
    let unlocated = verdict(&sidecar, &scoped, &json!({"path": "/v1/files"}));
    assert_eq!(unlocated, (403, "endpoint_not_allowed".into()));
    let late = json!({"model": "gpt-4o", "at": "2999-01-01T00:00:00Z"});
    sidecar.patch(&scoped.path, &json!({"expires_at": "2998-01-01T00:00:00Z"}));
    assert_eq!(
        verdict(&sidecar, &scoped, &late),
        (401, "api_key_expired".into())
    );
    sidecar.patch(&scoped.path, &json!({"status": "disabled"}));
    assert_eq!(
        verdict(&sidecar, &scoped, &late),
        (401, "api_key_disabled".into())
    );
}

#[test]
fn a_whole_request_is_read_by_the_gates_rules() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let scoped = key(
        &sidecar,
        "scope",
        json!({"models": ["glm-5.1"], "services": ["@files"]}),
    );
    let of = |request: Value| {
        let answer = sidecar.post(&scoped.check, &request);
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()
    };
    let chat = |body: Value| of(json!({"path": "/v1/chat/completions", "body": body}));

    let permitted = chat(json!({"model": "glm-5.1", "fallbacks": ["glm-5.1"]}));
    assert_eq!(permitted["decision"], "permit", "{permitted}");
    assert_eq!(permitted["rule"], "openai.chat");
    assert_eq!(permitted["decided_by"], "json:/model");

    let nested = chat(json!({"model": "glm-5.1", "tools": [{"parameters": {"model": "gpt-4o"}}]}));
    assert_eq!(
        (&nested["status"], &nested["resource"]),
        (&json!(403), &json!("gpt-4o"))
    );
    assert_eq!(nested["decided_by"], "json:/tools/*/parameters/model");
    let place = json!({"place": "json:/model", "name": "glm-5.1", "is_read": true});
    assert!(
        nested["places"].as_array().unwrap().contains(&place),
        "{nested}"
    );

    let decoy = of(json!({"path": "/v1/chat/completions?model=glm-5.1", "body": {"messages": []}}));
    assert_eq!(
        (&decoy["status"], &decoy["code"]),
        (&json!(400), &json!("invalid_request_body"))
    );
    let twice = chat(json!(r#"{"model":"glm-5.1","model":"gpt-4o"}"#));
    assert_eq!(twice["status"], 400, "a text is the body byte by byte");
    let file = of(json!({"method": "GET", "path": "/v1/files/file-1"}));
    assert_eq!(
        (&file["decision"], &file["decided_by"]),
        (&json!("permit"), &json!("endpoint"))
    );
    let item = of(json!({"method": "GET", "path": "/v1/models/gpt-4o"}));
    assert_eq!(item["status"], 404);
    let form = "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\ngpt-4o\r\n--b--\r\n";
    let form = of(json!({"path": "/v1/audio/transcriptions", "body": form,
        "headers": {"Content-Type": "multipart/form-data; boundary=b"}}));
    assert_eq!(
        (&form["status"], &form["decided_by"]),
        (&json!(403), &json!("form:model"))
    );
    let own = of(
        json!({"path": "/run/glm-5.1", "body": {}, "locators": {"rules": {"openai": [
        {"id": "run", "on": "POST /run/{model}", "take": ["path:model"]}]}}}),
    );
    assert_eq!(
        (&own["decision"], &own["rule"]),
        (&json!("permit"), &json!("openai.run"))
    );
    let both = sidecar.post(&scoped.check, &json!({"model": "x", "body": {}}));
    assert_eq!((both.status, both.fields()), (422, vec!["body".to_owned()]));
}

#[test]
fn where_a_request_carries_its_key_is_judged_as_the_gate_judges_it() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let key = key(&sidecar, "ip_allowlist", json!([]));
    let of = |headers: Value, places: Value| {
        let mut request = json!({"path": "/v1/chat/completions", "headers": headers});
        if !places.is_null() {
            request["key_places"] = places;
        }
        sidecar.post(&key.check, &request)
    };
    let own = json!(["header:x-latchkey-key"]);
    for (headers, places, status) in [
        (json!({}), Value::Null, 200),
        (
            json!({"Authorization": "Bearer $KEY", "x-api-key": ""}),
            Value::Null,
            200,
        ),
        (
            json!({"Authorization": "Bearer $KEY", "x-api-key": "other"}),
            Value::Null,
            401,
        ),
        (json!({"Authorization": "Bearer $KEY"}), own.clone(), 401),
        (
            json!({"Authorization": "Bearer a", "x-latchkey-key": "b"}),
            own,
            200,
        ),
    ] {
        let verdict = of(headers.clone(), places).json();
        assert_eq!(verdict["status"], status, "{headers}: {verdict}");
    }
    let wrong = of(json!({}), json!(["header:host"]));
    assert_eq!(
        (wrong.status, wrong.fields()),
        (422, vec!["key_places".to_owned()])
    );
}

#[test]
fn addresses_are_judged_as_the_gate_judges_them() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let listed = key(
        &sidecar,
        "ip_allowlist",
        json!(["10.0.0.0/8", "2001:db8::/32"]),
    );
    for (address, status) in [
        ("10.1.2.3", 200),
        ("::ffff:10.1.2.3", 200),
        ("[2001:db8::7]:4711", 200),
        ("11.0.0.1", 403),
        ("::1", 403),
    ] {
        assert_eq!(
            verdict(&sidecar, &listed, &json!({"ip": address})).0,
            status,
            "{address}"
        );
    }
    let unknown = verdict(&sidecar, &listed, &json!({}));
    assert_eq!(unknown, (403, "ip_not_allowed".into()));
}

#[test]
fn a_check_that_makes_no_sense_names_the_field_and_changes_nothing() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let all = key(&sidecar, "description", "".into());
    let before = sidecar.get(&all.path).text;
    for (member, value) in [
        ("ip", json!("example.com")),
        ("method", json!("post")),
        ("path", json!("v1")),
        ("model", json!(7)),
        ("at", json!("now")),
        ("colour", json!("red")),
    ] {
        let answer = sidecar.post(&all.check, &json!({member: value}));
        assert_eq!(
            (answer.status, answer.fields()),
            (422, vec![member.to_owned()])
        );
    }
    assert_eq!(sidecar.post(&all.check, &json!({})).status, 200);
    assert_eq!(sidecar.get(&all.path).text, before);
    assert_eq!(
        sidecar
            .post("/v1/keys/ak-20260101-0/check", &json!({}))
            .status,
        404
    );
}
