//! An example of each body: what the page fills in, and what tools that try the document send first.
//!
//! Does not check anything. Invariant: the names are those of a demo, so that an example works there
//! as it stands, unless it needs a secret or another thing's id.

use serde_json::{Value, json};

/// The example of a body of this schema.
pub(super) fn of(schema: &str) -> Option<Value> {
    of_keys(schema).or_else(|| of_identity(schema))
}

fn of_keys(schema: &str) -> Option<Value> {
    let scope = json!({"models": ["glm-5.1", "deepseek-*"], "services": []});
    let example = match schema {
        "NewKey" => json!({
            "account": "demo", "region": "local", "name": "Production text",
            "description": "chat backend", "scope": scope,
            "ip_allowlist": ["10.0.0.0/8", "2001:db8::7"], "expires_at": "2099-01-01T00:00:00Z",
        }),
        "ImportedKey" => json!({
            "account": "demo", "region": "local", "name": "Taken over", "scope": scope,
            "key": "sk-2bvc0Fv5x1y5Zo2rW8uYk3mB7nQ4tHjLd9GsEaPi000000",
        }),
        "KeyLookup" => json!({"key": "sk-2bvc0Fv5x1y5Zo2rW8uYk3mB7nQ4tHjLd9GsEaPi000000"}),
        "KeyEdit" => json!({"description": "chat backend, second team", "scope": scope}),
        "Rotation" => json!({"grace_s": 86_400}),
        "Check" => json!({
            "ip": "10.1.2.3", "method": "POST", "path": "/v1/chat/completions",
            "body": {"model": "glm-5.1", "messages": []},
        }),
        "ModelList" => json!({"data": [{"id": "glm-5.1"}]}),
        "NewCatalogEntry" => json!({"display_name": "GLM 5.1", "aliases": ["glm-latest"]}),
        _ => return None,
    };
    Some(example)
}

fn of_identity(schema: &str) -> Option<Value> {
    let password = "correct horse battery";
    let example = match schema {
        "NewAccount" => json!({"id": "acme", "name": "Acme"}),
        "AccountEdit" => json!({"key_limit": 100}),
        "NewRegion" => json!({"id": "eu-west"}),
        "RegionEdit" => json!({"status": "disabled"}),
        "NewLimitRequest" => {
            json!({"account": "demo", "key_limit": 80, "reason": "one for each team"})
        }
        "LimitDecision" => json!({"status": "granted", "key_limit": 60, "note": "60 for now"}),
        "NewUser" => json!({"account": "demo", "name": "alice", "role": "owner"}),
        "UserEdit" => json!({"role": "viewer"}),
        "NewToken" => json!({
            "account": "demo", "name": "deployment", "capabilities": ["keys:read", "keys:write"],
            "expires_at": "2099-01-01T00:00:00Z",
        }),
        "NewAccessKey" => json!({"account": "demo", "name": "SDK"}),
        "StatusEdit" => json!({"status": "disabled"}),
        "Credentials" => json!({"user": "operator", "password": password}),
        "Setup" => json!({"setup_secret": "lku-...", "password": password}),
        "Verification" => json!({"password": password}),
        "NewPassword" => json!({"current": password, "password": "incorrect horse battery"}),
        "TotpCode" => json!({"totp": "123456"}),
        _ => return None,
    };
    Some(example)
}
