//! `/v1/catalog` and `/v1/regions`

use serde_json::json;

use crate::support::person::Person;
use crate::support::{Scratch, Sidecar};

#[test]
fn entries_are_set_read_listed_and_removed() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let regions = sidecar.get("/v1/regions").json();
    for (at, id) in ["local", "other"].into_iter().enumerate() {
        let region = &regions["regions"][at];
        assert_eq!(
            (&region["id"], &region["gateway"]),
            (&json!(id), &json!(null))
        );
    }
    let path = "/v1/catalog/local/Qwen%2FQwen3-32B";
    let body = json!({"kind": "model", "display_name": "Qwen 3", "aliases": ["qwen3"]}).to_string();
    let answer = sidecar.call("PUT", path, &[], Some(&body));
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.json()["name"], "Qwen/Qwen3-32B");
    assert_eq!(answer.header("etag"), "\"1\"");
    let stale = sidecar.call("PUT", path, &[("if-match", "\"7\"")], Some("{}"));
    assert_eq!(stale.status, 412);
    assert_eq!(
        sidecar
            .call("PUT", "/v1/catalog/local/ep-1", &[], Some("{}"))
            .status,
        200
    );
    assert_eq!(sidecar.get(path).json()["aliases"], json!(["qwen3"]));
    let names = |query: &str| {
        let list = sidecar.get(&format!("/v1/catalog/local{query}")).json();
        let entries = list["entries"].as_array().unwrap().clone();
        let names: Vec<_> = entries.iter().map(|entry| entry["name"].clone()).collect();
        (names, list["next_cursor"].clone())
    };
    assert_eq!(names("").0, ["Qwen/Qwen3-32B", "ep-1"]);
    assert_eq!(names("?kind=service").0, ["ep-1"]);
    let (first, next) = names("?limit=1");
    assert_eq!(
        (first[0].clone(), next),
        (json!("Qwen/Qwen3-32B"), json!("Qwen/Qwen3-32B"))
    );
    assert_eq!(names("?cursor=Qwen%2FQwen3-32B").0, ["ep-1"]);
    assert_eq!(sidecar.delete(path).status, 204);
    assert_eq!(sidecar.delete(path).status, 404);
    assert_eq!(sidecar.get(path).status, 404);
}

#[test]
fn bad_entries_are_named_and_only_operators_write() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    for (path, body, field) in [
        ("glm-5.1", json!({"kind": "service"}), "kind"),
        ("ep-1", json!({"kind": "model"}), "kind"),
        ("glm-5.1", json!({"aliases": "x"}), "aliases"),
        ("glm-5.1", json!({"display_name": ""}), "display_name"),
        ("glm-5.1", json!({"colour": "red"}), "colour"),
        ("glm-*", json!({}), "name"),
    ] {
        let path = format!("/v1/catalog/local/{path}");
        let answer = sidecar.call("PUT", &path, &[], Some(&body.to_string()));
        assert_eq!(
            (answer.status, answer.fields()),
            (422, vec![field.to_owned()])
        );
    }
    assert_eq!(
        sidecar
            .call("PUT", "/v1/catalog/nowhere/x", &[], Some("{}"))
            .status,
        404
    );
    let owner = Person::of(&sidecar, Some("demo"), "olga", "owner");
    let refused = owner.call("PUT", "/v1/catalog/local/x", Some(&json!({})));
    assert_eq!(refused.status, 403);
    assert_eq!(owner.get("/v1/catalog/local").status, 200);
}

#[test]
fn an_upstreams_list_is_imported() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let list = json!({"object": "list", "data": [
        {"id": "glm-5.1", "object": "model", "owned_by": "z"},
        {"id": "deepseek-v3.2"}, {"id": "glm-5.1"},
    ]});
    let path = "/v1/catalog/local/import";
    assert_eq!(
        sidecar.post(path, &list).json(),
        json!({"added": 2, "known_before": 0})
    );
    assert_eq!(
        sidecar.post(path, &list).json(),
        json!({"added": 0, "known_before": 2})
    );
    assert_eq!(
        sidecar.post(path, &json!({"models": []})).fields(),
        ["data"]
    );
    let odd = json!({"data": [{"id": "a"}, {"name": "b"}]});
    assert_eq!(sidecar.post(path, &odd).fields(), ["data[1].id"]);
}

#[test]
fn scopes_name_what_is_in_the_catalog_or_say_that_they_do_not() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    sidecar.call("PUT", "/v1/catalog/local/glm-5.1", &[], Some("{}"));
    let body = |models: &[&str], region: &str| {
        let scope = json!({"models": models});
        json!({"account": "demo", "region": region, "name": "n", "scope": scope})
    };
    assert_eq!(
        sidecar
            .post("/v1/keys", &body(&["glm-5.1", "glm-*"], "local"))
            .status,
        201
    );
    let unknown = sidecar.post("/v1/keys", &body(&["glm-5.1", "glm-5.2", "gpt-*"], "local"));
    assert_eq!(unknown.status, 422);
    assert_eq!(unknown.fields(), ["scope.models[1]", "scope.models[2]"]);
    assert!(
        unknown.text.contains("did you mean glm-5.1?"),
        "{}",
        unknown.text
    );
    let allowed = "/v1/keys?allow_unlisted=true";
    assert_eq!(
        sidecar.post(allowed, &body(&["glm-5.2"], "local")).status,
        201
    );
    assert_eq!(
        sidecar
            .post("/v1/keys", &body(&["glm-5.2"], "other"))
            .status,
        201
    );
}
