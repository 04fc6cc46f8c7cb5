//! `GET /v1/keys`

use serde_json::json;

use crate::support::{Scratch, Sidecar};

fn names(sidecar: &Sidecar, query: &str) -> Vec<String> {
    let answer = sidecar.get(&format!("/v1/keys?account=demo{query}"));
    assert_eq!(answer.status, 200, "{}", answer.text);
    let list = answer.json();
    let keys = list["keys"].as_array().unwrap();
    keys.iter()
        .map(|key| key["name"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_list_is_paged_newest_first() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    for name in ["a", "b", "c", "d", "e"] {
        sidecar.make(name, "local");
    }
    let (mut cursor, mut names) = (String::new(), Vec::new());
    loop {
        let path = format!("/v1/keys?account=demo&limit=2&cursor={cursor}");
        let page = sidecar.get(&path).json();
        assert_eq!(page["total"], 5);
        let keys = page["keys"].as_array().unwrap().clone();
        names.extend(
            keys.iter()
                .map(|key| key["name"].as_str().unwrap().to_owned()),
        );
        match page["next_cursor"].as_str() {
            Some(next) => cursor = next.to_owned(),
            None => break,
        }
    }
    assert_eq!(names, ["e", "d", "c", "b", "a"]);
}

#[test]
fn a_list_is_filtered() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    sidecar.make("Alpha", "local");
    sidecar.make("beta 100%", "other");
    let off = json!({"account": "demo", "region": "local", "name": "gamma", "status": "disabled"});
    sidecar.post("/v1/keys?wait=none", &off);
    assert_eq!(names(&sidecar, ""), ["gamma", "beta 100%", "Alpha"]);
    assert_eq!(names(&sidecar, "&region=other"), ["beta 100%"]);
    assert_eq!(names(&sidecar, "&status=disabled"), ["gamma"]);
    assert_eq!(names(&sidecar, "&status=enabled&region=local"), ["Alpha"]);
    assert_eq!(names(&sidecar, "&name_contains=ALPH"), ["Alpha"]);
    assert_eq!(names(&sidecar, "&name_contains=%25"), ["beta 100%"]);
    assert_eq!(names(&sidecar, "&name_contains=_"), Vec::<String>::new());
    assert_eq!(
        names(&sidecar, "&name_contains=%27%3B+DROP+TABLE+keys%3B--"),
        Vec::<String>::new()
    );
    assert_eq!(names(&sidecar, "&origin=token_plan"), Vec::<String>::new());
}

#[test]
fn a_search_looks_into_name_description_id_and_masked_value() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let key = sidecar.make("Alpha", "local");
    let path = format!("/v1/keys/{}?wait=none", key["id"].as_str().unwrap());
    sidecar.patch(&path, &json!({"description": "Nightly 100%"}));
    sidecar.make("beta", "local");
    let masked = key["masked"].as_str().unwrap();
    let id = key["id"].as_str().unwrap();
    for part in [
        "ALPH",
        "nightly",
        "100%25",
        id,
        &id[12..],
        &masked[masked.len() - 4..],
    ] {
        let found = names(&sidecar, &format!("&search={part}"));
        assert_eq!(found, ["Alpha"], "{part}");
    }
    assert_eq!(names(&sidecar, "&search=a"), ["beta", "Alpha"]);
    assert_eq!(names(&sidecar, "&search=_"), Vec::<String>::new());
}

#[test]
fn a_list_is_of_one_account() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    sidecar.make("ours", "local");
    let theirs = sidecar.get("/v1/keys?account=second").json();
    assert_eq!(theirs, json!({"keys": [], "next_cursor": null, "total": 0}));
    assert_eq!(sidecar.get("/v1/keys?account=nobody").status, 404);
    assert_eq!(
        sidecar.get("/v1/keys?account=demo&region=nowhere").status,
        404
    );
}

#[test]
fn bad_parameters_are_named() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    assert_eq!(sidecar.get("/v1/keys").fields(), ["account"]);
    let cases = [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=-1", "limit"),
        ("limit=+5", "limit"),
        ("limit=1e9", "limit"),
        ("cursor=7", "cursor"),
        ("cursor=k-7", "cursor"),
        ("status=on", "status"),
        ("origin=all", "origin"),
        ("region=Local", "region"),
        ("sort=colour", "sort"),
        ("sort=name&cursor=k7", "cursor"),
        ("unused_for_days=0", "unused_for_days"),
        ("account=second", "account"),
    ];
    for (query, field) in cases {
        let answer = sidecar.get(&format!("/v1/keys?account=demo&{query}"));
        assert_eq!(
            (answer.status, answer.fields()),
            (400, vec![field.to_owned()]),
            "{query}"
        );
    }
}

#[test]
fn lists_are_sorted_and_read_part_by_part() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    for name in ["beta", "Alpha", "gamma", "alpha 2"] {
        sidecar.make(name, "local");
    }
    let names = |sort: &str| {
        let (mut cursor, mut names) = (String::new(), Vec::new());
        loop {
            let path = format!("/v1/keys?account=demo&limit=1&sort={sort}&cursor={cursor}");
            let part = sidecar.get(&path).json();
            names.push(part["keys"][0]["name"].as_str().unwrap().to_owned());
            match part["next_cursor"].as_str() {
                Some(next) => cursor = next.to_owned(),
                None => return names,
            }
        }
    };
    assert_eq!(names("name"), ["Alpha", "alpha 2", "beta", "gamma"]);
    assert_eq!(names("-name"), ["gamma", "beta", "alpha 2", "Alpha"]);
    assert_eq!(names("created_at"), ["beta", "Alpha", "gamma", "alpha 2"]);
    let unused = sidecar
        .get("/v1/keys?account=demo&unused_for_days=1")
        .json();
    assert_eq!(unused["total"], 0, "they were made just now");
}
