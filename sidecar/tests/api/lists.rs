//! Lists of users, tokens, access keys and limit requests: read part by part, each by its own
//! cursors.

use serde_json::{Value, json};

use crate::support::{Scratch, Sidecar};

/// The name of one member of each entry, and where the list is.
const LISTS: [(&str, &str, &str); 4] = [
    ("/v1/users", "users", "name"),
    ("/v1/tokens", "tokens", "name"),
    ("/v1/access-keys", "access_keys", "name"),
    ("/v1/limit-requests", "limit_requests", "reason"),
];

fn make(sidecar: &Sidecar, path: &str, name: &str) {
    let mut body = json!({"account": "demo"});
    let more = match path {
        "/v1/users" => json!({"name": name, "role": "viewer"}),
        "/v1/tokens" => json!({"name": name, "capabilities": ["keys:read"]}),
        "/v1/access-keys" => json!({"name": name}),
        _ => json!({"key_limit": 60, "reason": name}),
    };
    for (member, value) in more.as_object().unwrap() {
        body[member] = value.clone();
    }
    let answer = sidecar.post(path, &body);
    assert_eq!(answer.status, 201, "{}", answer.text);
}

/// The names in a list that is read in parts of `limit`, and the last cursor.
fn names(sidecar: &Sidecar, list: (&str, &str, &str), limit: usize) -> (Vec<String>, String) {
    let (path, member, name) = list;
    let (mut names, mut cursor) = (Vec::new(), String::new());
    loop {
        let url = format!("{path}?account=demo&limit={limit}&cursor={cursor}");
        let part = sidecar.get(&url).json();
        let entries = part[member].as_array().unwrap();
        assert!(entries.len() <= limit);
        let text = |entry: &Value| entry[name].as_str().unwrap().to_owned();
        names.extend(entries.iter().map(text));
        match part["next_cursor"].as_str() {
            Some(next) => cursor = next.into(),
            None => return (names, cursor),
        }
    }
}

#[test]
fn lists_are_read_part_by_part() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let mut cursors = Vec::new();
    for list in LISTS {
        for name in ["a", "b", "c", "d", "e"] {
            make(&sidecar, list.0, name);
        }
        let (in_parts, cursor) = names(&sidecar, list, 2);
        let (at_once, _) = names(&sidecar, list, 200);
        assert_eq!(in_parts, at_once);
        let mut expected = ["e", "d", "c", "b", "a"];
        if list.1 == "users" {
            expected.reverse();
        }
        assert_eq!(in_parts, expected, "{}", list.0);
        cursors.push(cursor);
    }
    for (list, cursor) in LISTS.iter().zip(cursors.iter().cycle().skip(1)) {
        let foreign = sidecar.get(&format!("{}?cursor={cursor}", list.0));
        assert_eq!(
            (foreign.status, foreign.fields()),
            (400, vec!["cursor".into()])
        );
    }
}

#[test]
fn what_comes_in_between_shifts_nothing() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    for name in ["a", "b", "c"] {
        make(&sidecar, "/v1/tokens", name);
    }
    let first = sidecar.get("/v1/tokens?account=demo&limit=2").json();
    make(&sidecar, "/v1/tokens", "d");
    let id = first["tokens"][1]["id"].as_str().unwrap();
    assert_eq!(sidecar.delete(&format!("/v1/tokens/{id}")).status, 200);
    let next = first["next_cursor"].as_str().unwrap();
    let rest = sidecar
        .get(&format!("/v1/tokens?account=demo&cursor={next}"))
        .json();
    let names: Vec<_> = rest["tokens"]
        .as_array()
        .unwrap()
        .iter()
        .map(|t| &t["name"])
        .collect();
    assert_eq!(names, ["a"]);
}

#[test]
fn a_credential_is_deleted_in_the_state_that_was_read() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let token = json!({"account": "demo", "name": "n", "capabilities": ["keys:read"]});
    let key = json!({"account": "demo", "name": "n"});
    for (path, body) in [("/v1/tokens", token), ("/v1/access-keys", key)] {
        let made = sidecar.post(path, &body);
        let (place, tag) = (made.header("location"), made.header("etag"));
        assert_eq!(sidecar.get(place).header("etag"), tag);
        let with = |tag: &str| {
            sidecar
                .call("DELETE", place, &[("if-match", tag)], None)
                .status
        };
        assert_eq!((with("\"7\""), with(tag)), (412, 200), "{path}");
        assert_eq!(with("\"7\""), 404, "{path}");
    }
}
