//! Nobody gives or takes over more than they hold, nor for longer: every operation that makes, widens
//! or hands over a credential or a person, called with the capability `admin` and no other, and with a
//! token that ends.
//!
//! Invariant: an operation that is not sorted below fails the test, so that a new one is thought of.

use serde_json::{Value, json};

use crate::support::{Answer, Scratch, Sidecar, call};

/// They hand something on, and each is tried below.
const HANDING_ON: [&str; 6] = [
    "createUser",
    "editUser",
    "resetUser",
    "createToken",
    "createAccessKey",
    "switchAccessKey",
];
/// They take away.
const TAKING_AWAY: [&str; 3] = ["deleteUser", "revokeToken", "deleteAccessKey"];
/// They are about the caller's own log-in, or prove one.
const OWN: [&str; 9] = [
    "logIn",
    "logOut",
    "endSession",
    "setUp",
    "verify",
    "setPassword",
    "enrollTotp",
    "confirmTotp",
    "removeTotp",
];
/// Every capability.
const ALL: [&str; 5] = [
    "admin",
    "keys:read",
    "keys:write",
    "keys:reveal",
    "keys:delete",
];

#[test]
fn every_operation_that_could_hand_on_rights_is_known() {
    let document = sidecar::api::openapi::document();
    let paths = document["paths"].as_object().unwrap();
    let mut seen = 0;
    for (method, operation) in paths.values().flat_map(|of| of.as_object().unwrap()) {
        let id = operation["operationId"].as_str().unwrap();
        let access = operation["x-access"].as_str().unwrap();
        let about_people = [&HANDING_ON[..], &TAKING_AWAY, &OWN].concat().contains(&id);
        if about_people {
            seen += 1;
            continue;
        }
        // What is left reads, or is about keys, accounts, the catalog and Envoys.
        let about_others = access.contains("keys:") || access.starts_with("operator");
        assert!(
            method == "get" || about_others,
            "sort {id} ({access}) in here"
        );
    }
    assert_eq!(seen, HANDING_ON.len() + TAKING_AWAY.len() + OWN.len());
}

/// Somebody with a token.
struct Holder<'a> {
    sidecar: &'a Sidecar,
    bearer: String,
    /// What they are told where they are refused.
    why: &'static str,
}

impl<'a> Holder<'a> {
    fn with(sidecar: &'a Sidecar, account: Option<&str>, capabilities: &[&str]) -> Self {
        Self::until(sidecar, account, capabilities, None)
    }

    fn until(
        sidecar: &'a Sidecar,
        account: Option<&str>,
        capabilities: &[&str],
        expires_at: Option<&str>,
    ) -> Self {
        let mut body =
            json!({"name": "script", "capabilities": capabilities, "expires_at": expires_at});
        if let Some(account) = account {
            body["account"] = account.into();
        }
        let made = sidecar.post("/v1/tokens", &body).json();
        let why = match expires_at {
            None => "nobody gives",
            Some(_) => "may not outlive it",
        };
        Self::holding(sidecar, &made, why)
    }

    fn holding(sidecar: &'a Sidecar, made: &Value, why: &'static str) -> Self {
        let bearer = format!("Bearer {}", made["token"].as_str().unwrap());
        Self {
            sidecar,
            bearer,
            why,
        }
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> Answer {
        let url = format!("{}{path}", self.sidecar.admin());
        let headers = [("authorization", self.bearer.as_str())];
        let body = (!body.is_null()).then(|| body.to_string());
        call(&url, method, &headers, body.as_deref())
    }

    fn refused(&self, method: &str, path: &str, body: &Value) {
        let answer = self.call(method, path, body);
        assert_eq!(
            answer.status, 403,
            "{method} {path} {body}: {}",
            answer.text
        );
        assert!(answer.text.contains(self.why), "{}", answer.text);
    }

    fn allowed(&self, method: &str, path: &str, body: &Value) -> Value {
        let answer = self.call(method, path, body);
        assert!(
            answer.status < 300,
            "{method} {path} {body}: {}",
            answer.text
        );
        answer.json()
    }
}

fn user(sidecar: &Sidecar, name: &str, role: &str, account: Option<&str>) -> String {
    let mut body = json!({"name": name, "role": role});
    if let Some(account) = account {
        body["account"] = account.into();
    }
    let made = sidecar.post("/v1/users", &body);
    assert_eq!(made.status, 201, "{}", made.text);
    format!("/v1/users/{}", made.json()["id"].as_str().unwrap())
}

#[test]
fn admin_alone_makes_no_user_and_takes_none_over() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let owner = user(&sidecar, "owner", "owner", Some("demo"));
    let viewer = user(&sidecar, "viewer", "viewer", Some("demo"));
    let operator = user(&sidecar, "second", "operator", None);
    let (on, off) = (json!({"status": "enabled"}), json!({"status": "disabled"}));
    for account in [Some("demo"), None] {
        let admin = Holder::with(&sidecar, account, &["admin"]);
        for role in ["owner", "viewer"] {
            let body = json!({"account": "demo", "name": "new", "role": role});
            admin.refused("POST", "/v1/users", &body);
        }
        for user in [&owner, &viewer] {
            admin.refused("POST", &format!("{user}/reset"), &Value::Null);
            admin.allowed("PATCH", user, &off);
            admin.refused("PATCH", user, &on);
            sidecar.patch(user, &on);
        }
        admin.refused("PATCH", &viewer, &json!({"role": "owner"}));
    }
    let admin = Holder::with(&sidecar, None, &["admin"]);
    admin.refused(
        "POST",
        "/v1/users",
        &json!({"name": "new", "role": "operator"}),
    );
    admin.refused("POST", &format!("{operator}/reset"), &Value::Null);
    // With what a viewer has, too, no more than viewers.
    let reader = Holder::with(&sidecar, Some("demo"), &["admin", "keys:read"]);
    reader.allowed(
        "POST",
        "/v1/users",
        &json!({"name": "new", "role": "viewer"}),
    );
    reader.allowed("POST", &format!("{viewer}/reset"), &Value::Null);
    reader.allowed("PATCH", &owner, &json!({"role": "viewer"}));
    reader.refused("PATCH", &owner, &json!({"role": "owner"}));
    let full = Holder::with(&sidecar, Some("demo"), &ALL);
    full.allowed("PATCH", &owner, &json!({"role": "owner"}));
    full.allowed("POST", &format!("{owner}/reset"), &Value::Null);
    full.allowed(
        "POST",
        "/v1/users",
        &json!({"name": "other", "role": "owner"}),
    );
}

#[test]
fn admin_alone_makes_credentials_of_admin_alone() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let strong = json!({"account": "demo", "name": "cloud"});
    let strong = sidecar.post("/v1/access-keys", &strong).json();
    let path = format!("/v1/access-keys/{}", strong["secret_id"].as_str().unwrap());
    let admin = Holder::with(&sidecar, Some("demo"), &["admin"]);
    for capability in ["keys:read", "keys:write", "keys:reveal", "keys:delete"] {
        let body = json!({"name": "n", "capabilities": ["admin", capability]});
        let answer = admin.call("POST", "/v1/tokens", &body);
        assert_eq!(
            (answer.status, answer.fields()),
            (422, vec!["capabilities".into()])
        );
    }
    admin.allowed(
        "POST",
        "/v1/tokens",
        &json!({"name": "n", "capabilities": ["admin"]}),
    );
    let weak = admin.allowed("POST", "/v1/access-keys", &json!({"name": "n"}));
    assert_eq!(weak["capabilities"], json!(["admin"]));
    admin.allowed("PATCH", &path, &json!({"status": "disabled"}));
    admin.refused("PATCH", &path, &json!({"status": "enabled"}));
    let weak = format!("/v1/access-keys/{}", weak["secret_id"].as_str().unwrap());
    admin.allowed("PATCH", &weak, &json!({"status": "disabled"}));
    admin.allowed("PATCH", &weak, &json!({"status": "enabled"}));
}

#[test]
fn a_token_that_ends_makes_nobody_and_no_access_key() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let viewer = user(&sidecar, "viewer", "viewer", Some("demo"));
    let cloud = json!({"account": "demo", "name": "cloud"});
    let cloud = sidecar.post("/v1/access-keys", &cloud).json();
    let cloud = format!("/v1/access-keys/{}", cloud["secret_id"].as_str().unwrap());
    let (on, off) = (json!({"status": "enabled"}), json!({"status": "disabled"}));
    for account in [Some("demo"), None] {
        let bounded = Holder::until(&sidecar, account, &ALL, Some("2099-01-01T00:00:00Z"));
        for role in ["owner", "viewer"] {
            let body = json!({"account": "demo", "name": "new", "role": role});
            bounded.refused("POST", "/v1/users", &body);
        }
        bounded.refused("POST", &format!("{viewer}/reset"), &Value::Null);
        bounded.refused("PATCH", &viewer, &json!({"role": "owner"}));
        let body = json!({"account": "demo", "name": "n"});
        bounded.refused("POST", "/v1/access-keys", &body);
        for target in [&viewer, &cloud] {
            bounded.allowed("PATCH", target, &off);
            bounded.refused("PATCH", target, &on);
            sidecar.patch(target, &on);
        }
    }
}

#[test]
fn a_token_that_ends_makes_tokens_that_end_no_later_and_keys_of_the_account() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let ends = "2099-01-01T00:00:00.000Z";
    let bounded = Holder::until(&sidecar, Some("demo"), &ALL, Some(ends));
    let wanted = |expires_at: Option<&str>| json!({"name": "n", "capabilities": ["admin"], "expires_at": expires_at});
    let refused = |holder: &Holder<'_>, body: &Value| {
        let answer = holder.call("POST", "/v1/tokens", body);
        let told = (answer.status, answer.fields());
        assert_eq!(told, (422, vec!["expires_at".into()]), "{body}");
        assert!(
            answer.text.contains(&format!("up to {ends}")),
            "{}",
            answer.text
        );
    };
    refused(&bounded, &json!({"name": "n", "capabilities": ["admin"]}));
    refused(&bounded, &wanted(None));
    refused(&bounded, &wanted(Some("2099-01-01T00:00:00.001Z")));
    let made = bounded.allowed("POST", "/v1/tokens", &wanted(Some(ends)));
    assert_eq!(made["expires_at"], ends);
    let next = Holder::holding(&sidecar, &made, "may not outlive it");
    refused(&next, &wanted(None));
    next.allowed("POST", "/v1/tokens", &wanted(Some("2098-12-31T23:00:00Z")));
    // Keys for models are the account's, whoever made them.
    let body = json!({"account": "demo", "region": "local", "name": "key"});
    let key = bounded.allowed("POST", "/v1/keys", &body);
    assert_eq!(key["expires_at"], Value::Null);
}

/// Whoever made an access key has seen its secret, whosever it is.
#[test]
fn an_access_key_for_somebody_else_ends_with_whoever_made_it() {
    use crate::support::person::Person;
    use crate::support::tencent::Client;
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let colleague = user(&sidecar, "colleague", "owner", Some("demo"));
    let colleague = colleague.rsplit('/').next().unwrap();
    let list = json!({"Platform": "maas"});
    let make = |name: &str| {
        let maker = Person::of(&sidecar, Some("demo"), name, "owner");
        maker.verify();
        let body = json!({"name": name, "user": colleague});
        let made = maker.post("/v1/access-keys", &body);
        assert_eq!(made.status, 201, "{}", made.text);
        let users = sidecar.get("/v1/users?account=demo").json();
        let users = users["users"].as_array().unwrap().clone();
        let id = users.iter().find(|user| user["name"] == name).unwrap()["id"].clone();
        let client = Client::of(&sidecar, &made.json());
        client.succeed("DescribeApiKeyList", &list);
        (format!("/v1/users/{}", id.as_str().unwrap()), client)
    };
    let (path, client) = make("mallory");
    sidecar.patch(&path, &json!({"status": "disabled"}));
    let code = client.refused("DescribeApiKeyList", &list);
    assert_eq!(code, "AuthFailure.SecretIdNotFound", "disabled");
    sidecar.patch(&path, &json!({"status": "enabled"}));
    client.succeed("DescribeApiKeyList", &list);
    sidecar.patch(&path, &json!({"role": "viewer"}));
    let new = json!({"ApiKeyName": "n", "Platform": "maas", "BindType": "all"});
    let code = client.refused("CreateApiKey", &new);
    assert_eq!(code, "UnauthorizedOperation.UnauthorizedOperation");
    assert_eq!(
        sidecar.post(&format!("{path}/reset"), &json!({})).status,
        200
    );
    client.refused("DescribeApiKeyList", &list);
    let (path, client) = make("trudy");
    assert_eq!(sidecar.delete(&path).status, 200);
    client.refused("DescribeApiKeyList", &list);
    let left = sidecar.get("/v1/access-keys?account=demo").json();
    assert_eq!(left["access_keys"], json!([]));
}

/// Somebody else may come to have the name of a user who was deleted.
#[test]
fn what_a_deleted_user_made_once_is_not_told_to_the_next_of_that_name() {
    use crate::support::person::Person;
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let body = json!({"name": "script", "capabilities": ["keys:read"]});
    let make = |person: &Person<'_>| {
        let headers = [
            ("origin", sidecar.admin()),
            ("content-type", "application/json"),
            ("idempotency-key", "once"),
        ];
        let answer = person.call_with("POST", "/v1/tokens", &headers, Some(&body));
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.json()
    };
    let first = Person::of(&sidecar, Some("demo"), "alice", "owner");
    let token = make(&first);
    assert_eq!(make(&first)["token"], token["token"]);
    let users = sidecar.get("/v1/users?account=demo").json();
    let id = users["users"][0]["id"].as_str().unwrap();
    assert_eq!(sidecar.delete(&format!("/v1/users/{id}")).status, 200);
    let second = Person::of(&sidecar, Some("second"), "alice", "owner");
    let other = make(&second);
    assert_ne!(other["token"], token["token"]);
    assert_eq!(other["account"], "second");
}
