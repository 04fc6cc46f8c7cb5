//! The shapes of who may act.

use serde_json::{Map, Value, json};

use super::{
    closed, count, handle, list, maybe, maybe_time, name, object, one_of, reference, status, text,
    time,
};

const CAPABILITIES: [&str; 5] = [
    "keys:read",
    "keys:write",
    "keys:reveal",
    "keys:delete",
    "admin",
];
const ROLES: [&str; 3] = ["operator", "owner", "viewer"];

pub(super) fn schemas() -> Value {
    let mut all = Map::new();
    for part in [accounts(), users(), credentials(), sessions(), audit()] {
        if let Value::Object(schemas) = part {
            all.extend(schemas);
        }
    }
    Value::Object(all)
}

fn accounts() -> Value {
    let limit = json!({"type": "integer", "minimum": 0, "maximum": 1_000_000});
    let maybe_limit = json!({"type": ["integer", "null"], "minimum": 0, "maximum": 1_000_000});
    json!({
        "Account": closed(&[
            ("id", handle()),
            ("name", name()),
            ("key_limit", count()),
            ("standard_keys", count()),
            ("created_at", time()),
            ("updated_at", time()),
        ]),
        "AccountList": closed(&[
            ("accounts", list(reference("Account"))),
            ("next_cursor", maybe("string")),
        ]),
        "NewAccount": closed(&[("id", handle()), ("name", name())]),
        "AccountEdit": object(&[("name", name()), ("key_limit", maybe_limit)], &[]),
        "LimitRequest": closed(&[
            ("id", text()),
            ("account", handle()),
            ("key_limit", count()),
            ("reason", text()),
            ("status", one_of(&["open", "granted", "denied"])),
            ("note", text()),
            ("requested_by", text()),
            ("decided_by", maybe("string")),
            ("created_at", time()),
            ("decided_at", maybe_time()),
        ]),
        "LimitRequestList": closed(&[
            ("limit_requests", list(reference("LimitRequest"))),
            ("next_cursor", maybe("string")),
        ]),
        "NewLimitRequest": object(
            &[("account", handle()), ("key_limit", limit.clone()), ("reason", text())],
            &["key_limit", "reason"],
        ),
        "LimitDecision": object(
            &[
                ("status", one_of(&["granted", "denied"])),
                ("key_limit", limit),
                ("note", json!({"type": "string", "maxLength": 1024})),
            ],
            &["status"],
        ),
    })
}

fn users() -> Value {
    let user = [
        ("id", text()),
        ("name", text()),
        ("account", maybe("string")),
        ("role", one_of(&ROLES)),
        ("status", status()),
        ("password_set", json!({"type": "boolean"})),
        ("totp", json!({"type": "boolean"})),
        ("created_at", time()),
        ("updated_at", time()),
        ("last_login_at", maybe_time()),
    ];
    let invited: Vec<_> = [("setup_secret", text())]
        .into_iter()
        .chain(user.clone())
        .collect();
    json!({
        "User": closed(&user),
        "InvitedUser": closed(&invited),
        "UserList": closed(&[
            ("users", list(reference("User"))),
            ("next_cursor", maybe("string")),
        ]),
        "NewUser": object(
            &[
                ("account", handle()),
                ("name", json!({"type": "string", "pattern": "^[a-z0-9][a-z0-9._@-]{0,63}$"})),
                ("role", one_of(&ROLES)),
            ],
            &["name", "role"],
        ),
        "UserEdit": object(&[("role", one_of(&ROLES)), ("status", status())], &[]),
    })
}

fn credentials() -> Value {
    let token = [
        ("id", text()),
        ("account", maybe("string")),
        ("name", name()),
        ("capabilities", list(one_of(&CAPABILITIES))),
        ("creator", text()),
        ("created_at", time()),
        ("expires_at", maybe_time()),
    ];
    let minted: Vec<_> = [("token", text())]
        .into_iter()
        .chain(token.clone())
        .collect();
    let access_key = [
        ("secret_id", text()),
        ("account", handle()),
        ("name", name()),
        ("status", status()),
        ("user", maybe("string")),
        ("capabilities", list(one_of(&CAPABILITIES))),
        ("creator", text()),
        ("created_at", time()),
        ("updated_at", time()),
    ];
    let minted_key: Vec<_> = [("secret_key", text())]
        .into_iter()
        .chain(access_key.clone())
        .collect();
    json!({
        "Token": closed(&token),
        "MintedToken": closed(&minted),
        "TokenList": closed(&[
            ("tokens", list(reference("Token"))),
            ("next_cursor", maybe("string")),
        ]),
        "NewToken": object(
            &[
                ("account", handle()),
                ("name", name()),
                ("capabilities", json!({
                    "type": "array", "minItems": 1, "items": one_of(&CAPABILITIES),
                })),
                ("expires_at", maybe_time()),
            ],
            &["name", "capabilities"],
        ),
        "AccessKey": closed(&access_key),
        "MintedAccessKey": closed(&minted_key),
        "AccessKeyList": closed(&[
            ("access_keys", list(reference("AccessKey"))),
            ("next_cursor", maybe("string")),
        ]),
        "NewAccessKey": object(
            &[("account", handle()), ("name", name()), ("user", text())],
            &["name"],
        ),
        "DeletedAccessKey": closed(&[("secret_id", text()), ("deleted_at", time())]),
    })
}

fn sessions() -> Value {
    let password = json!({"type": "string", "minLength": 12, "maxLength": 256});
    json!({
        "Credentials": object(
            &[("user", text()), ("password", text()), ("totp", text())],
            &["user", "password"],
        ),
        "Session": object(
            &[
                ("actor", text()),
                ("role", one_of(&ROLES)),
                ("account", maybe("string")),
                ("capabilities", list(one_of(&CAPABILITIES))),
                ("person", json!({"type": "boolean"})),
                ("totp", json!({"type": "boolean"})),
                ("expires_at", time()),
            ],
            &["actor", "role", "account", "capabilities", "person", "totp"],
        ),
        "Setup": closed(&[("setup_secret", text()), ("password", password.clone())]),
        "SetUp": closed(&[("user", text()), ("role", one_of(&ROLES))]),
        "Verification": json!({
            "oneOf": [closed(&[("password", text())]), closed(&[("totp", text())])],
        }),
        "Verified": closed(&[("expires_at", time())]),
        "NewPassword": closed(&[("current", text()), ("password", password)]),
        "TotpSeed": closed(&[("seed", text()), ("uri", text()), ("qr", list(text()))]),
        "TotpCode": closed(&[("totp", text())]),
        "Totp": closed(&[("totp", json!({"type": "boolean"}))]),
    })
}

fn audit() -> Value {
    json!({
        "AuditEntry": closed(&[
            ("seq", count()),
            ("at", time()),
            ("actor", text()),
            ("address", maybe("string")),
            ("account", maybe("string")),
            ("action", text()),
            ("target", text()),
            ("detail", json!({"type": ["object", "null"]})),
        ]),
        "AuditList": closed(&[
            ("entries", list(reference("AuditEntry"))),
            ("next_cursor", maybe("string")),
        ]),
    })
}
