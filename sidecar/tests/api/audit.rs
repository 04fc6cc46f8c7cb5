//! What was done is written down, and cannot be changed without being found out.

use serde_json::{Value, json};

use crate::support::person::Person;
use crate::support::{Scratch, Sidecar};

fn actions(sidecar: &Sidecar, query: &str) -> Vec<String> {
    let rows = sidecar.get(&format!("/v1/audit?{query}")).json();
    let rows = rows["entries"].as_array().unwrap().clone();
    rows.iter()
        .map(|row| row["action"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn every_change_is_written_down_with_who_and_from_where() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let owner = Person::of(&sidecar, Some("demo"), "owner", "owner");
    owner.verify();
    let wanted = json!({"name": "all", "capabilities": ["keys:delete"]});
    let token = owner.post("/v1/tokens", &wanted).json();
    owner.post(
        "/v1/verifications",
        &json!({"password": "wrong horse battery"}),
    );
    let guess = json!({"current": "wrong horse battery", "password": "another horse battery"});
    assert_eq!(owner.post("/v1/me/password", &guess).status, 403);
    Person::unknown(&sidecar, "owner", "wrong").log_in();
    owner.call("DELETE", "/v1/session", None);
    let rows = sidecar.get("/v1/audit?account=demo").json();
    let found: Vec<_> = rows["entries"]
        .as_array()
        .unwrap()
        .iter()
        .rev()
        .cloned()
        .collect();
    let told: Vec<_> = found
        .iter()
        .map(|row| row["action"].as_str().unwrap())
        .collect();
    let expected = [
        "user.created",
        "user.password_set",
        "session.logged_in",
        "verification.given",
        "token.created",
        "verification.refused",
        "verification.refused",
        "session.refused",
        "session.logged_out",
    ];
    assert_eq!(told, expected);
    let minted = &found[4];
    assert_eq!(
        (&minted["actor"], &minted["target"]),
        (&json!("user:owner"), &token["id"])
    );
    assert_eq!(minted["address"], "127.0.0.1");
    assert_eq!(minted["detail"]["capabilities"], "keys:delete");
    assert_eq!(found[7]["actor"], "anonymous");
    assert_eq!(
        actions(&sidecar, "actor=system"),
        ["installation.first_start"]
    );
}

#[test]
fn rows_are_filtered_and_read_part_by_part_in_ones_own_account() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    for number in 0..5 {
        sidecar.post(
            "/v1/accounts",
            &json!({"id": format!("acme-{number}"), "name": "Acme"}),
        );
    }
    let (mut seqs, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/v1/audit?action=account.created&limit=2&cursor={cursor}");
        let part = sidecar.get(&path).json();
        let rows = part["entries"].as_array().unwrap().clone();
        seqs.extend(rows.iter().map(|row| row["seq"].as_u64().unwrap()));
        match part["next_cursor"].as_str() {
            Some(next) => cursor = next.into(),
            None => break,
        }
    }
    assert_eq!(seqs.len(), 5);
    assert!(seqs.is_sorted_by(|a, b| a > b), "{seqs:?}");
    assert_eq!(actions(&sidecar, "target=acme-3"), ["account.created"]);
    assert!(actions(&sidecar, "until=2020-01-01T00:00:00Z").is_empty());
    assert_eq!(sidecar.get("/v1/audit?limit=1000000000").status, 400);
    assert_eq!(sidecar.get("/v1/audit?cursor=%27%20OR%201").status, 400);
    let owner = Person::of(&sidecar, Some("acme-1"), "owner", "owner");
    let rows = owner.get("/v1/audit").json();
    let accounts = rows["entries"].as_array().unwrap();
    assert!(
        accounts.iter().all(|row| row["account"] == "acme-1"),
        "{rows}"
    );
    assert!(
        accounts
            .iter()
            .any(|row| row["action"] == "account.created")
    );
}

#[test]
fn a_password_that_was_typed_as_a_name_is_not_kept() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    Person::unknown(&sidecar, "hunter2hunter2", "x").log_in();
    let rows = sidecar.get("/v1/audit?action=session.refused");
    assert_eq!(rows.json()["entries"][0]["detail"]["name"], Value::Null);
    assert!(!rows.text.contains("hunter2"));
}
