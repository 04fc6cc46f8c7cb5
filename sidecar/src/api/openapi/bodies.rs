//! What the bodies of calls may have.
//!
//! Does not read any: the handlers do, member by member, to tell all errors at once. Invariant: a body
//! has here the members that its handler takes, which `sidecar/tests/api/bodies.rs` asks the handlers.

use keytable::limits::LIMITS_MAX;
use keytable::{AccountId, Amount, ExpectedTokens, Status, Unit, Unmetered, WhenApart, WindowKind};
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::domain::catalog::{KINDS, ResourceName};
use crate::domain::identity::role::{Capability, Role};
use crate::domain::identity::user::UserName;
use crate::domain::name::{Description, KeyName};
use crate::domain::origin::Origin;
use crate::domain::region::RegionId;
use crate::http::shape::{Shape, Shown, ShownAxis, ShownLabels};

const KEY_LIMIT: &str = "How many standard keys the account may have";

/// One body: an object of these members and no other.
struct Body {
    about: &'static str,
    members: Map<String, Value>,
    required: Vec<&'static str>,
}

/// Every body, by the name that the table of operations has for it.
pub(super) fn all(generator: &mut SchemaGenerator) -> Map<String, Value> {
    let of_accounts = accounts(generator).into_iter();
    let bodies = of_accounts
        .chain(regions(generator))
        .chain(users(generator))
        .chain(credentials(generator))
        .chain(sessions())
        .chain(keys(generator))
        .chain(values())
        .chain(catalog(generator));
    bodies
        .map(|(name, schema)| (name.to_owned(), schema))
        .collect()
}

type Named = (&'static str, Value);

fn accounts(generator: &mut SchemaGenerator) -> [Named; 4] {
    let limit = json!({"type": "integer", "minimum": 0, "maximum": 1_000_000});
    let maybe_limit = json!({"type": ["integer", "null"], "minimum": 0, "maximum": 1_000_000});
    let account = Body::new("An account to make")
        .required(
            "id",
            "Its handle, which never changes",
            of::<AccountId>(generator),
        )
        .required("name", "What people call it", of::<KeyName>(generator));
    let edit = Body::new("What to change of an account; what is left out stays")
        .optional("name", "What people call it", of::<KeyName>(generator))
        .optional(
            "status",
            "Whether its keys are served",
            of::<Status>(generator),
        )
        .optional(
            "key_limit",
            "The same; null: what the installation says",
            maybe_limit,
        )
        .optional(
            "limits",
            "How much all its keys together may use; written whole",
            limits(),
        );
    let request = Body::new("A request for more keys")
        .account(generator)
        .required("key_limit", KEY_LIMIT, limit.clone())
        .required("reason", "What the keys are for", text());
    let decision = Body::new("An operator's word on a request for more keys")
        .required(
            "status",
            "Whether they are granted",
            one_of(&["granted", "denied"]),
        )
        .optional(
            "key_limit",
            "How many are granted, if not as many as were asked for",
            limit,
        )
        .optional("note", "What to say about it", of::<Description>(generator));
    [
        ("NewAccount", account.schema()),
        ("AccountEdit", edit.schema()),
        ("NewLimitRequest", request.schema()),
        ("LimitDecision", decision.schema()),
    ]
}

fn regions(generator: &mut SchemaGenerator) -> [Named; 2] {
    let region = Body::new("A region to make").required(
        "id",
        "Its handle, which never changes",
        of::<RegionId>(generator),
    );
    let edit = Body::new("What to change of a region; what is left out stays").optional(
        "status",
        "Whether its keys are served",
        of::<Status>(generator),
    );
    [
        ("NewRegion", region.schema()),
        ("RegionEdit", edit.schema()),
    ]
}

fn users(generator: &mut SchemaGenerator) -> [Named; 2] {
    let user = Body::new("A user to make; an operator is in no account, all others are in one")
        .account(generator)
        .required("name", "What to log in with", of::<UserName>(generator))
        .required("role", "What the user may do", of::<Role>(generator));
    let edit = Body::new("What to change of a user; what is left out stays")
        .optional("role", "What the user may do", of::<Role>(generator))
        .optional(
            "status",
            "Whether the user may log in",
            of::<Status>(generator),
        );
    [("NewUser", user.schema()), ("UserEdit", edit.schema())]
}

fn credentials(generator: &mut SchemaGenerator) -> [Named; 3] {
    let capabilities = json!({
        "type": "array", "minItems": 1, "items": of::<Capability>(generator),
    });
    let token = Body::new("An API token to make")
        .account(generator)
        .required("name", "What people call it", of::<KeyName>(generator))
        .required("capabilities", "What it may do", capabilities)
        .optional(
            "expires_at",
            "From when on it is refused; null: never",
            maybe_time(),
        );
    let access_key = Body::new("An access key to make")
        .account(generator)
        .required("name", "What people call it", of::<KeyName>(generator))
        .optional(
            "user",
            "The id of the user whose it is, if not the caller's",
            text(),
        );
    let status = Body::new("Whether something may be used").required(
        "status",
        "The new status",
        of::<Status>(generator),
    );
    [
        ("NewToken", token.schema()),
        ("NewAccessKey", access_key.schema()),
        ("StatusEdit", status.schema()),
    ]
}

fn sessions() -> [Named; 5] {
    let new = json!({"type": "string", "minLength": 12, "maxLength": 256});
    let log_in = Body::new("What somebody logs in with")
        .required("user", "The name", text())
        .required("password", "The password", text())
        .optional(
            "totp",
            "The code of the second factor, where there is one",
            text(),
        );
    let set_up = Body::new("What sets a password for the first time")
        .required("setup_secret", "The one-time secret", text())
        .required("password", "The new password", new.clone());
    let proof = Body::new("One proof of who somebody is: a password or a code")
        .optional("password", "The password", text())
        .optional("totp", "The code of the second factor", text());
    let password = Body::new("What changes a password")
        .required("current", "The password so far", text())
        .required("password", "The new password", new);
    let code = Body::new("What confirms a second factor").required(
        "totp",
        "The code that the device shows",
        text(),
    );
    [
        ("Credentials", log_in.schema()),
        ("Setup", set_up.schema()),
        (
            "Verification",
            with(
                proof.schema(),
                json!({"minProperties": 1, "maxProperties": 1}),
            ),
        ),
        ("NewPassword", password.schema()),
        ("TotpCode", code.schema()),
    ]
}

fn keys(generator: &mut SchemaGenerator) -> [Named; 6] {
    let axis = ref_to::<ShownAxis>(generator);
    let scope = Body::new("What a key may call; an axis that is left out has nothing")
        .optional("models", "The models", axis.clone())
        .optional("services", "The services", axis);
    let new = |about, generator: &mut SchemaGenerator| {
        Body::new(about)
            .account(generator)
            .required(
                "region",
                "Which Envoys shall know it",
                of::<RegionId>(generator),
            )
            .required("name", "What people call it", of::<KeyName>(generator))
            .optional("origin", "Where it comes from", of::<Origin>(generator))
            .policy(generator)
    };
    let imported = new(
        "A key to take over, with the value that it has elsewhere",
        generator,
    )
    .required("key", "The value", text());
    let edit = Body::new("What to change of a key; what is left out stays")
        .policy(generator)
        .unchanged(generator);
    let lookup = Body::new("A value whose key is looked for")
        .account(generator)
        .required("key", "The value: in no URL, and not kept", text());
    [
        ("KeyLookup", lookup.schema()),
        ("NewScope", scope.schema()),
        ("NewLimit", new_limit(generator)),
        ("NewKey", new("A key to make", generator).schema()),
        ("ImportedKey", imported.schema()),
        ("KeyEdit", edit.schema()),
    ]
}

/// A limit as it is written; which members mean something depends on unit and window.
fn new_limit(generator: &mut SchemaGenerator) -> Value {
    let day = json!({"type": "integer", "minimum": 1, "maximum": 31});
    let amount = json!({"type": "integer", "minimum": 1, "maximum": Amount::MAX});
    let expected = json!({"type": "integer", "minimum": 0, "maximum": ExpectedTokens::MAX});
    Body::new("How much of a unit may be used in a window")
        .required("unit", "What is counted", of::<Unit>(generator))
        .required("window", "In which time", of::<WindowKind>(generator))
        .required("amount", "How much of it", amount)
        .optional(
            "start_day",
            "On which day a month begins, the first if it is left out; in a shorter month on its last day",
            day,
        )
        .optional(
            "utc_offset",
            "Where the midnight of a day or month is; +00:00 if it is left out",
            pattern("^[+-][0-9]{2}:[0-9]{2}$"),
        )
        .optional(
            "expected",
            "How many tokens a request is expected to use besides those of its body; 1000 if it is left out",
            expected,
        )
        .optional(
            "unmetered",
            "What becomes of tokens that are used outside of an answer; refuse if it is left out",
            of::<Unmetered>(generator),
        )
        .optional(
            "when_apart",
            "What an Envoy does that has not heard the sidecar for 10 s; serve if it is left out",
            of::<WhenApart>(generator),
        )
        .schema()
}

fn limits() -> Value {
    json!({
        "type": "array",
        "maxItems": LIMITS_MAX,
        "items": {"$ref": "#/components/schemas/NewLimit"},
    })
}

fn values() -> [Named; 2] {
    let grace = json!({"type": "integer", "minimum": 0, "maximum": 2_592_000});
    let names = json!({"anyOf": [
        {"type": "string"},
        {"type": "array", "maxItems": 100, "items": {"type": "string"}},
    ]});
    let rotation = Body::new("How to rotate a key").optional(
        "grace_s",
        "How long both keys work, in seconds",
        grace,
    );
    let check = Body::new("A request that nobody makes")
        .optional("ip", "From which address it comes", text())
        .optional(
            "method",
            "Its method; POST if it is left out",
            pattern("^[A-Z]+$"),
        )
        .optional("path", "Its path and query", pattern("^/"))
        .optional(
            "headers",
            "Its headers, by name",
            json!({"type": "object", "additionalProperties": {"type": "string"}}),
        )
        .optional(
            "body",
            "A text is the body byte by byte, anything else its JSON",
            json!({}),
        )
        .optional(
            "locators",
            "The gate's own rules, as in its configuration",
            json!({"type": "object"}),
        )
        .optional(
            "key_places",
            "Where the gate reads keys, as in its configuration",
            json!({"type": "array", "items": {"type": "string"}}),
        )
        .optional(
            "model",
            "What it names, instead of a body: a name, or a list of all",
            names,
        )
        .optional("at", "When it comes; now if it is left out", time());
    [("Rotation", rotation.schema()), ("Check", check.schema())]
}

fn catalog(generator: &mut SchemaGenerator) -> [Named; 2] {
    let name = of::<ResourceName>(generator);
    let entry = Body::new("What to say of a model or service")
        .optional("kind", "What it is, as its name says", one_of(&KINDS))
        .optional(
            "display_name",
            "What people call it",
            of::<KeyName>(generator),
        )
        .optional(
            "aliases",
            "Other names of it, for people to find it",
            json!({"type": "array", "maxItems": 20, "items": name}),
        );
    let model = json!({
        "type": "object",
        "description": "A model; what else the upstream says of it is let be",
        "required": ["id"],
        "properties": {"id": described(name, "Its name")},
        "additionalProperties": true,
    });
    let data = described(json!({"type": "array", "items": model}), "The models");
    let list = json!({
        "type": "object",
        "description": "An upstream's answer to GET /v1/models",
        "required": ["data"],
        "properties": {"data": data},
        "additionalProperties": true,
    });
    [("NewCatalogEntry", entry.schema()), ("ModelList", list)]
}

impl Body {
    fn new(about: &'static str) -> Self {
        Self {
            about,
            members: Map::new(),
            required: Vec::new(),
        }
    }

    fn optional(mut self, name: &'static str, about: &str, schema: Value) -> Self {
        self.members.insert(name.into(), described(schema, about));
        self
    }

    fn required(mut self, name: &'static str, about: &str, schema: Value) -> Self {
        self.required.push(name);
        self.optional(name, about, schema)
    }

    /// Where the call acts.
    fn account(self, generator: &mut SchemaGenerator) -> Self {
        let about = "The account; an operator names it, others act in their own";
        self.optional("account", about, of::<AccountId>(generator))
    }

    /// What an admin may write of a key at any time.
    fn policy(self, generator: &mut SchemaGenerator) -> Self {
        let addresses = json!({"type": "array", "maxItems": 50, "items": text()});
        let scope = json!({"$ref": "#/components/schemas/NewScope"});
        self.optional(
            "description",
            "What it is for",
            of::<Description>(generator),
        )
        .optional("status", "Whether it may be used", of::<Status>(generator))
        .optional("scope", "What it may call", scope)
        .optional(
            "ip_allowlist",
            "From which addresses and networks it may be used",
            addresses,
        )
        .optional(
            "expires_at",
            "From when on it is refused; null: never",
            maybe_time(),
        )
        .optional(
            "labels",
            "Words of your own to find and sum keys by; written whole",
            ref_to::<ShownLabels>(generator),
        )
        .optional(
            "limits",
            "How much it may use, together with the keys that it replaced or that replace it; written whole",
            limits(),
        )
    }

    /// What never changes: whoever sends a key back as a whole may leave it in.
    fn unchanged(self, generator: &mut SchemaGenerator) -> Self {
        self.account(generator)
            .optional("name", "As it is", of::<KeyName>(generator))
            .optional("region", "As it is", of::<RegionId>(generator))
            .optional("origin", "As it is", of::<Origin>(generator))
    }

    fn schema(self) -> Value {
        json!({
            "type": "object",
            "description": self.about,
            "properties": self.members,
            "required": self.required,
            "additionalProperties": false,
        })
    }
}

/// A value as answers show it.
fn of<T: Shape>(generator: &mut SchemaGenerator) -> Value {
    ref_to::<Shown<T>>(generator)
}

fn ref_to<T: JsonSchema>(generator: &mut SchemaGenerator) -> Value {
    generator.subschema_for::<T>().to_value()
}

fn described(schema: Value, about: &str) -> Value {
    with(schema, json!({"description": about}))
}

fn with(mut schema: Value, more: Value) -> Value {
    if let (Value::Object(members), Value::Object(more)) = (&mut schema, more) {
        members.extend(more);
    }
    schema
}

fn text() -> Value {
    json!({"type": "string"})
}

fn pattern(pattern: &str) -> Value {
    json!({"type": "string", "pattern": pattern})
}

fn one_of(words: &[&str]) -> Value {
    json!({"type": "string", "enum": words})
}

fn time() -> Value {
    json!({"type": "string", "format": "date-time"})
}

fn maybe_time() -> Value {
    json!({"type": ["string", "null"], "format": "date-time"})
}
