//! Access keys: they have the role of their user, as it is at the moment of the call.

use serde_json::{Value, json};

use crate::support::person::Person;
use crate::support::tencent::Client;
use crate::support::{Scratch, Sidecar, call};

const UNAUTHORIZED: &str = "UnauthorizedOperation.UnauthorizedOperation";
const UNKNOWN: &str = "AuthFailure.SecretIdNotFound";

fn user(sidecar: &Sidecar, name: &str, role: &str) -> String {
    let body = json!({"account": "demo", "name": name, "role": role});
    let answer = sidecar.post("/v1/users", &body);
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json()["id"].as_str().unwrap().to_owned()
}

fn client_of(sidecar: &Sidecar, user: &str) -> Client {
    let body = json!({"account": "demo", "name": "sdk", "user": user});
    Client::with(sidecar, &body)
}

fn list() -> Value {
    json!({"Platform": "maas"})
}

#[test]
fn a_key_has_the_role_that_its_user_has_now() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let id = user(&sidecar, "li", "owner");
    let client = client_of(&sidecar, &id);
    let key = client.create("by an owner");
    let edit = |body: Value| {
        let answer = sidecar.patch(&format!("/v1/users/{id}"), &body);
        assert_eq!(answer.status, 200, "{}", answer.text);
    };
    edit(json!({"role": "viewer"}));
    let of = json!({"ApiKeyId": key, "Platform": "maas"});
    for action in ["DescribeApiKey", "DeleteApiKey"] {
        assert_eq!(client.refused(action, &of), UNAUTHORIZED, "{action}");
    }
    client.succeed("DescribeApiKeyList", &list());
    edit(json!({"status": "disabled"}));
    assert_eq!(client.refused("DescribeModelList", &json!({})), UNKNOWN);
    edit(json!({"status": "enabled", "role": "owner"}));
    client.succeed(
        "DeleteApiKey",
        &json!({"Platform": "maas", "ApiKeyId": key}),
    );
}

#[test]
fn a_key_ends_with_its_user_and_when_the_user_is_reset() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    for (name, end) in [("reset", "reset"), ("deleted", "delete")] {
        let id = user(&sidecar, name, "owner");
        let client = client_of(&sidecar, &id);
        client.succeed("DescribeApiKeyList", &list());
        let path = format!("/v1/users/{id}");
        let answer = match end {
            "reset" => sidecar.post(&format!("{path}/reset"), &json!({})),
            _ => sidecar.delete(&path),
        };
        assert_eq!(answer.status, 200, "{}", answer.text);
        assert_eq!(
            client.refused("DescribeModelList", &json!({})),
            UNKNOWN,
            "{name}"
        );
    }
}

#[test]
fn a_key_that_is_disabled_or_deleted_signs_nothing() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let client = Client::new(&sidecar);
    let path = format!("/v1/access-keys/{}", client.secret_id);
    sidecar.patch(&path, &json!({"status": "disabled"}));
    assert_eq!(client.refused("DescribeApiKeyList", &list()), UNKNOWN);
    sidecar.patch(&path, &json!({"status": "enabled"}));
    client.succeed("DescribeModelList", &json!({}));
    sidecar.delete(&path);
    assert_eq!(
        client.refused("DescribeModelEndpointList", &json!({})),
        UNKNOWN
    );
}

#[test]
fn a_key_can_no_more_than_whoever_made_it() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let body = json!({"account": "demo", "name": "t", "capabilities": ["keys:read", "admin"]});
    let token = sidecar.post("/v1/tokens", &body).json()["token"].clone();
    let bearer = format!("Bearer {}", token.as_str().unwrap());
    let made = call(
        &format!("{}/v1/access-keys", sidecar.admin()),
        "POST",
        &[("authorization", &bearer)],
        Some(r#"{"name": "sdk"}"#),
    );
    assert_eq!(made.status, 201, "{}", made.text);
    assert_eq!(made.json()["capabilities"], json!(["keys:read", "admin"]));
    let client = Client::of(&sidecar, &made.json());
    client.succeed("DescribeApiKeyList", &list());
    let new = json!({"ApiKeyName": "n", "Platform": "maas", "BindType": "all"});
    assert_eq!(client.refused("CreateApiKey", &new), UNAUTHORIZED);
}

#[test]
fn a_person_makes_keys_of_their_own_and_none_for_another_account() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let owner = Person::of(&sidecar, Some("demo"), "owner", "owner");
    owner.verify();
    let made = owner
        .post("/v1/access-keys", &json!({"name": "mine"}))
        .json();
    assert!(made["user"].as_str().unwrap().starts_with("u-"), "{made}");
    Client::of(&sidecar, &made).create("mine");
    let body = json!({"account": "second", "name": "stranger", "role": "owner"});
    let stranger = sidecar.post("/v1/users", &body).json()["id"].clone();
    owner.verify();
    let theirs = owner.post(
        "/v1/access-keys",
        &json!({"name": "theirs", "user": stranger}),
    );
    assert_eq!(theirs.status, 404, "{}", theirs.text);
}

#[test]
fn another_account_has_none_of_the_keys() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let id = Client::new(&sidecar).create("mine");
    let stranger = Client::with(&sidecar, &json!({"account": "second", "name": "sdk"}));
    let of = json!({"ApiKeyId": id, "Platform": "maas"});
    let mut elsewhere = Client::new(&sidecar);
    elsewhere.region = "other".into();
    for client in [stranger, elsewhere] {
        for action in ["DescribeApiKey", "DeleteApiKey", "ModifyApiKeyInfo"] {
            let code = client.refused(action, &of);
            assert_eq!(code, "ResourceNotFound.ResourceNotFound", "{action}");
        }
        assert_eq!(
            client.succeed("DescribeApiKeyList", &list())["TotalCount"],
            0
        );
    }
}
