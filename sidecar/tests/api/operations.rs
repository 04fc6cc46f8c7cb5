//! Every operation of the OpenAPI document, enumerated from it: who is refused.

use serde_json::{Map, Value, json};

use crate::support::person::Person;
use crate::support::{Answer, Scratch, Sidecar, call};

/// One operation of the document.
struct Operation {
    method: String,
    path: String,
    access: String,
    has_body: bool,
}

fn operations() -> Vec<Operation> {
    let document = sidecar::api::openapi::document();
    let paths = document["paths"].as_object().unwrap().clone();
    let of_path = |(path, methods): (String, Value)| {
        let methods: Map<_, _> = methods.as_object().unwrap().clone();
        methods
            .into_iter()
            .map(move |(method, operation)| Operation {
                method: method.to_uppercase(),
                path: filled(&path),
                access: operation["x-access"].as_str().unwrap().to_owned(),
                has_body: operation.get("requestBody").is_some(),
            })
    };
    paths.into_iter().flat_map(of_path).collect()
}

/// The path with something in place of each parameter.
fn filled(path: &str) -> String {
    let part = |part: &str| match part.starts_with('{') {
        true => "ak-20260101-0000000000000000".to_owned(),
        false => part.to_owned(),
    };
    path.split('/').map(part).collect::<Vec<_>>().join("/")
}

impl Operation {
    fn try_with(&self, sidecar: &Sidecar, headers: &[(&str, &str)]) -> Answer {
        let url = format!("{}{}", sidecar.admin(), self.path);
        call(&url, &self.method, headers, self.has_body.then_some("{}"))
    }

    fn name(&self) -> String {
        format!("{} {} ({})", self.method, self.path, self.access)
    }
}

#[test]
fn every_operation_refuses_an_anonymous_caller() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let (mut refused, mut public) = (0, Vec::new());
    for operation in operations() {
        let answer = operation.try_with(&sidecar, &[]);
        if operation.access == "public" {
            public.push(operation.path.clone());
            continue;
        }
        assert_eq!(answer.status, 401, "{}: {}", operation.name(), answer.text);
        let with_cookie = [("cookie", "latchkey_session=lks-none")];
        let answer = operation.try_with(&sidecar, &with_cookie);
        assert_eq!(answer.status, 401, "{}", operation.name());
        refused += 1;
    }
    println!("{refused} operations refuse an anonymous caller; public: {public:?}");
    assert_eq!(public, ["/v1/session", "/v1/setup"]);
    assert!(refused >= 30, "{refused}");
}

#[test]
fn every_operation_refuses_a_role_below_the_needed_one() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let viewer = Person::of(&sidecar, Some("demo"), "viewer", "viewer");
    let cookie = viewer.cookie.clone().unwrap();
    let mut refused = 0;
    for operation in operations() {
        let lacking = match operation.access.as_str() {
            "public" | "any credential" => continue,
            "a person who has logged in" => vec![sidecar.token()],
            access => below(&sidecar, access),
        };
        for token in lacking {
            let bearer = format!("Bearer {token}");
            let answer = operation.try_with(&sidecar, &[("authorization", &bearer)]);
            assert_eq!(answer.status, 403, "{}: {}", operation.name(), answer.text);
            refused += 1;
        }
        if !matches!(
            operation.access.as_str(),
            "keys:read" | "a person who has logged in"
        ) {
            let headers = [
                ("cookie", cookie.as_str()),
                ("origin", sidecar.admin()),
                ("content-type", "application/json"),
            ];
            let answer = operation.try_with(&sidecar, &headers);
            assert_eq!(answer.status, 403, "{}: {}", operation.name(), answer.text);
            refused += 1;
        }
    }
    println!("{refused} calls with too low a role are refused");
    assert!(refused >= 60, "{refused}");
}

/// Tokens that have everything but what `access` needs.
fn below(sidecar: &Sidecar, access: &str) -> Vec<String> {
    let all = [
        "keys:read",
        "keys:write",
        "keys:reveal",
        "keys:delete",
        "admin",
    ];
    let (needed, operator) = match access.strip_prefix("operator with ") {
        Some(needed) => (needed, true),
        None => (access, false),
    };
    assert!(all.contains(&needed), "{access}");
    let others: Vec<_> = all.into_iter().filter(|other| *other != needed).collect();
    let mut bodies = vec![json!({"name": "others", "capabilities": others})];
    if operator {
        bodies.push(json!({"account": "demo", "name": "owner", "capabilities": all}));
    }
    let mint = |body: &Value| {
        let made = sidecar.post("/v1/tokens", body).json();
        let path = format!("/v1/tokens/{}", made["id"].as_str().unwrap());
        (made["token"].as_str().unwrap().to_owned(), path)
    };
    bodies.iter().map(|body| mint(body).0).collect()
}

/// Case A-09: what a link or an image can make a browser send.
#[test]
fn no_get_changes_anything() {
    let scratch = Scratch::in_file();
    let sidecar = Sidecar::start(&scratch);
    let bearer = format!("Bearer {}", sidecar.token());
    let database = rusqlite::Connection::open(scratch.data().join("latchkey.db")).unwrap();
    let version = || -> i64 {
        database
            .pragma_query_value(None, "data_version", |row| row.get(0))
            .unwrap()
    };
    let before = version();
    let gets: Vec<_> = operations()
        .into_iter()
        .filter(|o| o.method == "GET")
        .collect();
    for operation in &gets {
        operation.try_with(&sidecar, &[("authorization", &bearer)]);
        assert_eq!(version(), before, "{}", operation.name());
    }
    println!("{} GETs change nothing", gets.len());
    sidecar.make("a change", "local");
    assert_ne!(version(), before, "a change would have been seen");
}

#[test]
fn every_operation_is_there_and_every_other_method_is_not() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let bearer = format!("Bearer {}", sidecar.token());
    let headers = [("authorization", bearer.as_str())];
    let all = operations();
    for operation in &all {
        let answer = operation.try_with(&sidecar, &headers);
        let refusal = answer.text.contains("there is no such call") || answer.status == 405;
        assert!(!refusal, "{}: {}", operation.name(), answer.text);
        assert!(answer.status < 500, "{}: {}", operation.name(), answer.text);
        for method in [
            "GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY",
        ] {
            let is_known =
                |other: &Operation| other.path == operation.path && other.method == method;
            if !all.iter().any(is_known) {
                let url = format!("{}{}", sidecar.admin(), operation.path);
                let answer = call(&url, method, &headers, None);
                assert_eq!(answer.status, 405, "{method} {}", operation.path);
                assert!(answer.header("allow").contains(&operation.method));
            }
        }
    }
}
