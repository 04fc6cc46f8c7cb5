//! `GET /v1/usage`

use keytable::UsageOutcome;
use serde_json::json;

use crate::feed::usage::{no_tokens, report, row};
use crate::support::person::Person;
use crate::support::{Scratch, Sidecar};

#[test]
fn an_account_tells_what_its_keys_were_used_for_also_deleted_ones() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let (one, two) = (sidecar.make("one", "local"), sidecar.make("two", "other"));
    let rows = vec![
        row(&one, "glm-5.1", UsageOutcome::Permitted, 10),
        row(&two, "glm-5.1", UsageOutcome::Disabled, 4),
    ];
    report(&sidecar, 1, rows);
    let path = format!("/v1/keys/{}?confirm=two", two["id"].as_str().unwrap());
    assert_eq!(sidecar.delete(&path).status, 200);
    let usage = sidecar.get("/v1/usage?account=demo&period=day").json();
    assert_eq!(
        usage["total"],
        json!({"permitted": 10, "refused": 4, "tokens": no_tokens()})
    );
    let keys = json!([
        {"id": one["id"], "name": "one", "permitted": 10, "refused": 0, "tokens": no_tokens()},
        {"id": two["id"], "name": "two", "permitted": 0, "refused": 4, "tokens": no_tokens()},
    ]);
    assert_eq!(usage["keys"], keys);
    let second = sidecar.get("/v1/usage?account=second").json();
    assert_eq!(
        second["total"],
        json!({"permitted": 0, "refused": 0, "tokens": no_tokens()})
    );
    let all = sidecar.get("/v1/usage/accounts?period=day").json();
    assert_eq!(all["total"]["permitted"], 10);
    assert_eq!(
        (&all["accounts"][0]["id"], &all["accounts"][0]["refused"]),
        (&json!("demo"), &json!(4))
    );
    assert_eq!(all["resources"][0]["kind"], "model");
    assert_eq!(sidecar.get("/v1/usage").fields(), ["account"]);
    assert_eq!(sidecar.get("/v1/usage?account=nobody").status, 404);
    let viewer = Person::of(&sidecar, Some("demo"), "vera", "viewer");
    assert_eq!(viewer.get("/v1/usage").json()["total"]["permitted"], 10);
    assert_eq!(viewer.get("/v1/usage?account=second").status, 404);
    assert_eq!(viewer.get("/v1/usage/accounts").status, 403);
}
