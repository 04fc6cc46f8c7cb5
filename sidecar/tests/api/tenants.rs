//! Accounts and regions are disabled, enabled and deleted: `/v1/accounts/{id}`, `/v1/regions`.

use keytable::{KeyHash, PresentedKey, RecordView, Status};
use serde_json::{Value, json};

use crate::support::agent::{Agent, Got};
use crate::support::{FEED_TOKEN, Scratch, Sidecar, call_bytes};

fn status_in(agent: &mut Agent, key: &Value) -> Status {
    agent.catch_up();
    let value = PresentedKey::parse(key["key"].as_str().unwrap().as_bytes()).unwrap();
    let record = &agent.table[KeyHash::of(&value).as_bytes()];
    RecordView::parse(record).unwrap().status()
}

fn path_of(key: &Value) -> String {
    format!(
        "/v1/keys/{}?account={}",
        key["id"].as_str().unwrap(),
        key["account"].as_str().unwrap()
    )
}

#[test]
fn what_is_disabled_refuses_every_key_in_it_and_changes_none() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let mut agent = Agent::new(&sidecar, 'a', "edge", "local");
    let mine = sidecar.make("mine", "local");
    let wanted = json!({"account": "second", "region": "local", "name": "theirs"});
    let theirs = sidecar.post("/v1/keys?wait=none", &wanted).json();
    for place in ["/v1/accounts/demo", "/v1/regions/local"] {
        let is_region = place.ends_with("local");
        let put = |status: &str| {
            let path = format!("{place}?timeout_s=0");
            let answer = sidecar.patch(&path, &json!({"status": status}));
            assert_eq!(answer.status, 200, "{}", answer.text);
            let answer = answer.json();
            assert_eq!(answer["status"], status);
            assert!(answer["propagation"]["generation"].is_u64(), "{answer}");
        };
        put("disabled");
        assert_eq!(status_in(&mut agent, &mine), Status::Disabled);
        let others = [Status::Enabled, Status::Disabled][usize::from(is_region)];
        assert_eq!(status_in(&mut agent, &theirs), others);
        // Also what is made meanwhile, and what a check says.
        let late = sidecar.make(&format!("late {is_region}"), "local");
        assert_eq!(status_in(&mut agent, &late), Status::Disabled);
        let asked = json!({"method": "GET", "path": "/v1/models"});
        let check = format!("/v1/keys/{}/check", mine["id"].as_str().unwrap());
        let checked = sidecar.post(&check, &asked).json();
        assert_eq!(checked["code"], "api_key_disabled", "{checked}");
        let shown = sidecar.get(&path_of(&mine)).json();
        assert_eq!(
            (&shown["status"], &shown["revision"]),
            (&json!("enabled"), &mine["revision"])
        );
        // A whole table has it as well as the changes.
        let mut newcomer = Agent::new(&sidecar, 'b', "new", "local");
        assert_eq!(status_in(&mut newcomer, &mine), Status::Disabled);
        put("enabled");
        assert_eq!(status_in(&mut agent, &mine), Status::Enabled);
        assert_eq!(status_in(&mut agent, &late), Status::Enabled);
    }
}

#[test]
fn an_account_is_deleted_when_nothing_is_left_in_it_and_its_id_is_gone() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    sidecar.post("/v1/accounts", &json!({"id": "acme", "name": "Acme"}));
    let key = json!({"account": "acme", "region": "local", "name": "one"});
    let key = sidecar.post("/v1/keys?wait=none", &key).json();
    let token = json!({"account": "acme", "name": "t", "capabilities": ["keys:read"]});
    let token = sidecar.post("/v1/tokens", &token).json();
    let user = json!({"account": "acme", "name": "ann", "role": "viewer"});
    let user = sidecar.post("/v1/users", &user).json();
    let limits = json!({"limits": [{"unit": "requests", "window": "day", "amount": 9}]});
    assert_eq!(
        sidecar.patch("/v1/accounts/acme?wait=none", &limits).status,
        200
    );
    let refused = |what: &str| {
        let answer = sidecar.delete("/v1/accounts/acme");
        assert_eq!(answer.status, 409, "{}", answer.text);
        assert!(answer.text.contains(what), "{}", answer.text);
    };
    refused("keys");
    let confirm = format!("{}&confirm=one&wait=none", path_of(&key));
    assert_eq!(sidecar.delete(&confirm).status, 200);
    refused("users");
    let gone = |path: String| assert_eq!(sidecar.delete(&path).status, 200, "{path}");
    gone(format!("/v1/users/{}", user["id"].as_str().unwrap()));
    refused("API tokens");
    gone(format!("/v1/tokens/{}", token["id"].as_str().unwrap()));
    let stale = [("if-match", "\"1\"")];
    assert_eq!(
        sidecar
            .call("DELETE", "/v1/accounts/acme", &stale, None)
            .status,
        412
    );
    let deleted = sidecar.delete("/v1/accounts/acme");
    assert_eq!(deleted.status, 200, "{}", deleted.text);
    assert_eq!(deleted.json()["id"], "acme");

    assert_eq!(sidecar.get("/v1/accounts/acme").status, 404);
    assert!(!sidecar.get("/v1/accounts").text.contains("acme"));
    let key = json!({"account": "acme", "region": "local", "name": "two"});
    assert_eq!(sidecar.post("/v1/keys", &key).status, 422);
    let again = sidecar.post("/v1/accounts", &json!({"id": "acme", "name": "Other"}));
    assert_eq!(again.status, 409, "an id is never given again");
    let mut agent = Agent::new(&sidecar, 'a', "edge", "local");
    agent.more = "&format=3";
    agent.catch_up();
    assert!(agent.table.is_empty(), "its limits are gone from the table");
    let audit = sidecar.get("/v1/audit?action=account.deleted").json();
    assert_eq!(audit["entries"][0]["target"], "acme", "{audit}");
}

#[test]
fn a_region_is_made_and_deleted_when_no_key_and_no_envoy_is_left() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let made = sidecar.post("/v1/regions", &json!({"id": "eu-west"}));
    assert_eq!(
        (made.status, made.header("location")),
        (201, "/v1/regions/eu-west")
    );
    assert_eq!(
        sidecar
            .post("/v1/regions", &json!({"id": "eu-west"}))
            .status,
        409
    );
    for bad in [
        json!({"id": "No Handle"}),
        json!({}),
        json!({"id": "x", "name": "y"}),
    ] {
        assert_eq!(sidecar.post("/v1/regions", &bad).status, 422, "{bad}");
    }
    let entry = json!({"display_name": "One"});
    sidecar.call(
        "PUT",
        "/v1/catalog/eu-west/glm-5.1",
        &[],
        Some(&entry.to_string()),
    );
    let key = sidecar.make("here", "eu-west");
    let mut agent = Agent::new(&sidecar, 'a', "edge", "eu-west");
    assert_eq!(status_in(&mut agent, &key), Status::Enabled);

    let refused = |what: &str| {
        let answer = sidecar.delete("/v1/regions/eu-west");
        assert_eq!(answer.status, 409, "{}", answer.text);
        assert!(answer.text.contains(what), "{}", answer.text);
    };
    refused("Envoys");
    let goodbye = format!(
        "{}/feed/v1/goodbye?region=eu-west&node=edge&within_s=0",
        sidecar.feed()
    );
    let (parts, _) = call_bytes(&goodbye, "POST", &[("authorization", FEED_TOKEN)], None);
    assert_eq!(parts.status, 204);
    refused("keys");
    assert_eq!(
        sidecar
            .delete(&format!("{}&confirm=here&wait=none", path_of(&key)))
            .status,
        200
    );
    let deleted = sidecar.delete("/v1/regions/eu-west");
    assert_eq!(deleted.status, 200, "{}", deleted.text);
    assert_eq!(sidecar.get("/v1/regions/eu-west").status, 404);
    assert_eq!(sidecar.get("/v1/catalog/eu-west").status, 404);
    assert_eq!(
        agent.poll(0),
        Got::Refusal(404),
        "nobody follows a region that is gone"
    );
    // An operator may begin it anew.
    assert_eq!(
        sidecar
            .post("/v1/regions", &json!({"id": "eu-west"}))
            .status,
        201
    );
}
