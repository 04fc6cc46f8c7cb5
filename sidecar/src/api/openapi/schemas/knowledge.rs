//! The shapes of values, checks, catalog, usage and advice.

use serde_json::{Value, json};

use super::{closed, count, handle, list, maybe, object, one_of, open, reference, text, time};

pub(super) fn schemas() -> Value {
    json!({
        "RevealedKey": closed(&[("id", text()), ("key", text()), ("key_version", count())]),
        "Rotation": open(&[(
            "grace_s",
            json!({"type": "integer", "minimum": 0, "maximum": 2_592_000}),
        )]),
        "Check": check(),
        "Verdict": object(
            &[
                ("decision", one_of(&["permit", "deny"])),
                ("status", count()),
                ("code", text()),
                ("reason", text()),
                ("resource", text()),
                ("rule", text()),
                ("places", list(closed(&[
                    ("place", text()),
                    ("name", text()),
                    ("is_read", json!({"type": "boolean"})),
                ]))),
                ("decided_by", text()),
                ("at", time()),
            ],
            &["decision", "status", "reason", "at"],
        ),
        "RegionList": closed(&[("regions", list(closed(&[
            ("id", handle()),
            ("gateway", maybe("string")),
        ])))]),
        "CatalogEntry": closed(&[
            ("name", resource()),
            ("kind", kind()),
            ("region", handle()),
            ("display_name", text()),
            ("aliases", list(resource())),
            ("created_at", time()),
            ("updated_at", time()),
        ]),
        "NewCatalogEntry": open(&[
            ("kind", kind()),
            ("display_name", json!({"type": "string", "minLength": 1, "maxLength": 128})),
            ("aliases", json!({"type": "array", "maxItems": 20, "items": resource()})),
        ]),
        "CatalogList": closed(&[
            ("entries", list(reference("CatalogEntry"))),
            ("next_cursor", maybe("string")),
        ]),
        "CatalogImport": closed(&[("added", count()), ("known_before", count())]),
        "ModelList": model_list(),
        "AccountUsage": closed(&usage(&[("keys", list(share(&[
            ("id", text()),
            ("name", maybe("string")),
        ])))])),
        "KeyUsage": closed(&usage(&[])),
        "Counts": share(&[]),
        "Recommendation": recommendation(),
        "RecommendationList": closed(&[
            ("recommendations", list(reference("Recommendation"))),
            ("next_cursor", maybe("string")),
        ]),
    })
}

fn resource() -> Value {
    json!({"type": "string", "minLength": 1, "maxLength": 256})
}

fn kind() -> Value {
    one_of(&["model", "service"])
}

fn check() -> Value {
    let names = json!({"oneOf": [
        {"type": "string"},
        {"type": "array", "maxItems": 100, "items": {"type": "string"}},
    ]});
    open(&[
        ("ip", text()),
        ("method", json!({"type": "string", "pattern": "^[A-Z]+$"})),
        ("path", json!({"type": "string", "pattern": "^/"})),
        (
            "headers",
            json!({"type": "object", "additionalProperties": {"type": "string"}}),
        ),
        (
            "body",
            json!({"description": "A text is the body byte by byte, anything else its JSON"}),
        ),
        (
            "locators",
            json!({
                "description": "The gate's own rules, as in its configuration",
                "type": "object",
            }),
        ),
        ("model", names),
        ("at", time()),
    ])
}

fn model_list() -> Value {
    let model = json!({
        "type": "object", "required": ["id"], "properties": {"id": resource()},
    });
    json!({"type": "object", "required": ["data"], "properties": {"data": list(model)}})
}

fn share(more: &[(&'static str, Value)]) -> Value {
    let counts = [("permitted", count()), ("refused", count())];
    let members: Vec<_> = more.iter().cloned().chain(counts).collect();
    closed(&members)
}

fn usage(more: &[(&'static str, Value)]) -> Vec<(&'static str, Value)> {
    let members = [
        ("period", one_of(&["minute", "hour", "day"])),
        ("from", time()),
        ("until", time()),
        ("total", reference("Counts")),
        (
            "outcomes",
            json!({"type": "object", "additionalProperties": count()}),
        ),
        ("resources", list(share(&[("resource", text())]))),
        ("series", list(share(&[("at", time())]))),
    ];
    members.into_iter().chain(more.iter().cloned()).collect()
}

fn recommendation() -> Value {
    let fix = object(
        &[
            ("method", one_of(&["PATCH", "POST", "DELETE"])),
            ("path", text()),
            ("body", json!({"type": "object"})),
        ],
        &["method", "path"],
    );
    let kinds = [
        "idle",
        "never_used",
        "never_rotated",
        "wide_scope",
        "no_ip_allowlist",
        "disabled_for_long",
        "expired_for_long",
    ];
    closed(&[
        ("kind", one_of(&kinds)),
        ("key_id", text()),
        ("key_name", text()),
        ("masked", text()),
        ("reason", text()),
        (
            "numbers",
            json!({"type": "object", "additionalProperties": count()}),
        ),
        ("fix", fix),
    ])
}
