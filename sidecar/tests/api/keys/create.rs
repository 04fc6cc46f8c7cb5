//! `POST /v1/keys`

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::keys::body_with;
use crate::support::{Scratch, Sidecar};

#[test]
fn a_key_is_made_as_written_and_its_value_shown_once() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let written = json!({
        "account": "demo", "region": "local", "name": "Production text",
        "description": "chat backend", "ip_allowlist": ["10.0.0.0/8", "2001:db8:0::7"],
        "scope": {"models": ["glm-5.1", "deepseek-*"]},
        "expires_at": "2999-01-01T01:00:00+01:00", "labels": {"team": "search"},
    });
    let answer = sidecar.post("/v1/keys", &written);
    assert_eq!(answer.status, 201, "{}", answer.text);
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.header("etag"), "\"1\"");
    let key = answer.json();
    let (id, value) = (key["id"].as_str().unwrap(), key["key"].as_str().unwrap());
    assert_eq!(answer.header("location"), format!("/v1/keys/{id}"));
    assert!(keytable::PresentedKey::parse(value.as_bytes()).is_ok());
    let masked = format!("{}***{}", &value[..5], &value[value.len() - 4..]);
    let created_at = key["created_at"].clone();
    let wanted = json!({
        "id": id, "key": value, "masked": masked, "name": "Production text",
        "description": "chat backend", "account": "demo", "region": "local",
        "origin": "standard", "status": "enabled",
        "scope": {"models": ["glm-5.1", "deepseek-*"], "services": []},
        "ip_allowlist": ["10.0.0.0/8", "2001:db8::7"],
        "expires_at": "2999-01-01T00:00:00.000Z", "labels": {"team": "search"},
        "limits": [], "created_at": created_at, "updated_at": created_at, "value_set_at": created_at,
        "last_used_at": null, "creator": key["creator"], "key_version": 1, "recoverable": true,
        "predecessor": null, "successor": null,
        "propagation": {"generation": 1, "envoys": 0, "applied": 0, "pending": []},
    });
    assert_eq!(key, wanted);
    assert!(key["creator"].as_str().unwrap().starts_with("token:"));
    for path in ["/v1/keys?account=demo".into(), format!("/v1/keys/{id}")] {
        let text = sidecar.get(&path).text;
        assert!(!text.contains(value) && text.contains(&masked), "{text}");
    }
}

#[test]
fn what_is_left_out_has_its_default() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let key = sidecar.make("plain", "local");
    assert_eq!(key["scope"], json!({"models": "all", "services": "all"}));
    assert_eq!(key["ip_allowlist"], json!([]));
    assert_eq!(key["description"], "");
    assert_eq!(key["expires_at"], Value::Null);
    let id = key["id"].as_str().unwrap();
    let day = key["created_at"].as_str().unwrap()[..10].replace('-', "");
    assert!(id.starts_with(&format!("ak-{day}-")) && id.len() == "ak-20260101-".len() + 16);
}

#[test]
fn plan_keys_have_their_prefix_and_their_own_list() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    for (origin, prefix) in [("token_plan", "sk-tp-"), ("coding_plan", "sk-cp-")] {
        let answer = sidecar.post("/v1/keys?wait=none", &body_with("origin", origin.into()));
        assert!(answer.json()["key"].as_str().unwrap().starts_with(prefix));
        let list = sidecar
            .get(&format!("/v1/keys?account=demo&origin={origin}"))
            .json();
        assert_eq!(list["total"], 1);
    }
    assert_eq!(sidecar.total(), 0);
}

#[test]
fn a_bad_field_is_named_and_nothing_is_stored() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let many: Vec<String> = (0..51).map(|n| format!("10.0.0.{n}")).collect();
    let cases = [
        ("account", json!("nobody"), "account"),
        ("account", json!("Demo"), "account"),
        ("account", json!(7), "account"),
        ("region", json!("nowhere"), "region"),
        ("name", json!(""), "name"),
        ("name", json!("n".repeat(129)), "name"),
        ("name", json!("bell\u{7}"), "name"),
        ("name", json!(null), "name"),
        ("description", json!("d".repeat(1025)), "description"),
        ("description", json!(["x"]), "description"),
        ("status", json!("on"), "status"),
        ("origin", json!("free"), "origin"),
        ("ip_allowlist", json!(many), "ip_allowlist"),
        ("ip_allowlist", json!("10.0.0.1"), "ip_allowlist"),
        (
            "ip_allowlist",
            json!(["10.0.0.1", "10.1.2.3/8"]),
            "ip_allowlist[1]",
        ),
        ("ip_allowlist", json!(["010.0.0.1"]), "ip_allowlist[0]"),
        ("ip_allowlist", json!(["fe80::1%eth0"]), "ip_allowlist[0]"),
        (
            "ip_allowlist",
            json!(["::ffff:10.0.0.1"]),
            "ip_allowlist[0]",
        ),
        (
            "ip_allowlist",
            json!(["2001:db8::1", "2001:db8:0::1/128"]),
            "ip_allowlist[1]",
        ),
        ("ip_allowlist", json!([7]), "ip_allowlist[0]"),
        ("scope", json!("all"), "scope"),
        ("scope", json!(null), "scope"),
        ("scope", json!({"models": "some"}), "scope.models"),
        ("scope", json!({"models": ["a*b"]}), "scope.models[0]"),
        ("scope", json!({"models": ["a", "*"]}), "scope.models[1]"),
        (
            "scope",
            json!({"services": ["ep-1", "ep-1"]}),
            "scope.services[1]",
        ),
        ("scope", json!({"model": ["a"]}), "scope.model"),
        ("expires_at", json!("2001-01-01T00:00:00Z"), "expires_at"),
        ("expires_at", json!("2999-01-01"), "expires_at"),
        ("expires_at", json!("2999-01-01T00:00:00"), "expires_at"),
        ("expires_at", json!(4_102_444_800_u64), "expires_at"),
        ("id", json!("ak-1"), "id"),
        ("key", json!("sk-1"), "key"),
        ("created_at", json!("2026-01-01T00:00:00Z"), "created_at"),
        ("colour", json!("red"), "colour"),
    ];
    for (name, value, field) in cases {
        let answer = sidecar.post("/v1/keys", &body_with(name, value.clone()));
        assert_eq!(answer.status, 422, "{name} {value}: {}", answer.text);
        assert_eq!(answer.fields(), [field], "{name} {value}: {}", answer.text);
    }
    assert_eq!(sidecar.total(), 0);
    let next = sidecar.make("first", "local");
    assert_eq!(
        next["propagation"]["generation"], 1,
        "the refused ones took no generation"
    );
}

#[test]
fn a_name_that_can_only_be_judged_on_the_other_axis_is_told_where_it_belongs() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    for (scope, field, belongs) in [
        (
            json!({"models": ["@cf/meta/x"]}),
            "scope.models[0]",
            "scope.services",
        ),
        (
            json!({"models": ["a", "ep-*"]}),
            "scope.models[1]",
            "scope.services",
        ),
        (
            json!({"models": ["models/ep-1"]}),
            "scope.models[0]",
            "scope.services",
        ),
        (
            json!({"services": ["glm-5.1"]}),
            "scope.services[0]",
            "scope.models",
        ),
    ] {
        let answer = sidecar.post("/v1/keys", &body_with("scope", scope));
        assert_eq!(
            (answer.status, answer.fields()),
            (422, vec![field.to_owned()])
        );
        assert!(answer.text.contains(belongs), "{}", answer.text);
    }
    let scope = json!({"models": ["e*", "a"], "services": ["ep-1", "@files", "e*"]});
    let answer = sidecar.post("/v1/keys", &body_with("scope", scope));
    assert_eq!(answer.status, 201, "{}", answer.text);
}

#[test]
fn all_errors_are_told_at_once() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let body = json!({
        "region": "", "name": "", "status": 1, "ip_allowlist": ["x", "10.0.0.0/8", "10.1.2.3/8"],
        "scope": {"models": ["**"], "servics": []}, "masked": "m", "colour": "red",
    });
    let answer = sidecar.post("/v1/keys", &body);
    let mut fields = answer.fields();
    fields.sort();
    let wanted = [
        "account",
        "colour",
        "ip_allowlist[0]",
        "ip_allowlist[2]",
        "masked",
        "name",
        "region",
        "scope.models[0]",
        "scope.servics",
        "status",
    ];
    assert_eq!(fields, wanted);
    let advice = "10.1.2.3/8 has bits set behind its prefix length: write 10.0.0.0/8 instead";
    assert!(answer.text.contains(advice), "{}", answer.text);
    let both = json!({"account": "nobody", "region": "nowhere", "name": "n"});
    assert_eq!(
        sidecar.post("/v1/keys", &both).fields(),
        ["account", "region"]
    );
}

#[test]
fn parameters_that_nobody_knows_are_refused() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let body = body_with("name", "n".into());
    for (query, field) in [
        ("wait=later", "wait"),
        ("timeout_s=61", "timeout_s"),
        ("timeout_s=1&timeout_s=2", "timeout_s"),
        ("allow_unlisted=yes", "allow_unlisted"),
        ("dry_run=true", "dry_run"),
    ] {
        let answer = sidecar.post(&format!("/v1/keys?{query}"), &body);
        assert_eq!(
            (answer.status, answer.fields()),
            (400, vec![field.to_owned()]),
            "{query}"
        );
    }
    assert_eq!(sidecar.total(), 0);
    assert_eq!(
        sidecar
            .post("/v1/keys?allow_unlisted=true&wait=none", &body)
            .status,
        201
    );
}

#[test]
fn a_hundred_at_once_do_not_get_past_the_limit() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let answers: Vec<_> = std::thread::scope(|scope| {
        let make = |n: u32| {
            let region = if n.is_multiple_of(2) {
                "local"
            } else {
                "other"
            };
            let mut body = body_with("name", format!("key {n}").into());
            body["region"] = region.into();
            sidecar.post("/v1/keys?wait=none", &body)
        };
        let threads: Vec<_> = (0..100).map(|n| scope.spawn(move || make(n))).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    let made: Vec<_> = answers
        .iter()
        .filter(|answer| answer.status == 201)
        .collect();
    let refused: Vec<_> = answers
        .iter()
        .filter(|answer| answer.status == 409)
        .collect();
    assert_eq!((made.len(), refused.len(), sidecar.total()), (50, 50, 50));
    let values: HashSet<String> = made
        .iter()
        .map(|answer| answer.json()["key"].to_string())
        .collect();
    assert_eq!(values.len(), 50);
    let problem = refused[0].json();
    assert_eq!(
        problem["type"],
        "https://latchkey.dev/problems/key-limit-reached"
    );
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("raise the account's limit")
    );

    let plan = sidecar.post(
        "/v1/keys?wait=none",
        &body_with("origin", "token_plan".into()),
    );
    assert_eq!(plan.status, 201, "plan keys do not count");
    let mut elsewhere = body_with("account", "second".into());
    elsewhere["name"] = "theirs".into();
    assert_eq!(sidecar.post("/v1/keys?wait=none", &elsewhere).status, 201);
}

#[test]
fn the_limit_and_the_prefix_can_be_set() {
    let scratch = Scratch::new();
    let more = ["--key-limit-default", "1", "--key-prefix", "lk-live-"];
    let sidecar = Sidecar::start_with(&scratch, &more);
    let key = sidecar.make("first", "local");
    assert!(key["key"].as_str().unwrap().starts_with("lk-live-"));
    assert_eq!(
        sidecar
            .post("/v1/keys", &body_with("name", "second".into()))
            .status,
        409
    );
}
