//! How a call can be refused, by status.
//!
//! Does not refuse anything. Invariant: every refusal is a problem (RFC 9457); a status that is not
//! named here is covered by `default`.

use schemars::SchemaGenerator;
use serde_json::{Map, Value, json};

use crate::api::operations::{Access, Operation};
use crate::http::problem::ProblemBody;

/// Status, the name of its response, and what it means.
const REFUSALS: [(&str, &str, &str); 12] = [
    ("400", "Malformed", "A parameter or the body cannot be read"),
    ("401", "Unauthorized", "The credential is missing or wrong"),
    (
        "403",
        "Forbidden",
        "The caller may not do this, or has to prove their identity first",
    ),
    (
        "404",
        "NotFound",
        "There is no such thing, or it is not the caller's",
    ),
    ("409", "Conflict", "What is there already does not allow it"),
    ("412", "Changed", "It was changed since the ETag was read"),
    ("413", "TooLarge", "The body is too long"),
    (
        "415",
        "UnsupportedMediaType",
        "The body is not sent as application/json",
    ),
    (
        "422",
        "Invalid",
        "Fields of the body cannot stay as they are",
    ),
    (
        "429",
        "TooManyAttempts",
        "Too many attempts: wait as Retry-After says",
    ),
    ("503", "Unavailable", "The database cannot be written"),
    ("default", "Refused", "Refused; nothing was changed"),
];

/// Every refusal, by name.
pub(super) fn all(generator: &mut SchemaGenerator) -> Value {
    let schema = generator.subschema_for::<ProblemBody<'_>>().to_value();
    let content = json!({"application/problem+json": {"schema": schema}});
    let named = REFUSALS.iter().map(|(_, name, about)| {
        let response = json!({"description": about, "content": content});
        ((*name).to_owned(), response)
    });
    Value::Object(named.collect())
}

/// Those of one call.
pub(super) fn of(operation: &Operation) -> Map<String, Value> {
    let met = REFUSALS
        .iter()
        .filter(|(status, ..)| can_meet(operation, status));
    let reference = |name| json!({"$ref": format!("#/components/responses/{name}")});
    met.map(|(status, name, _)| ((*status).to_owned(), reference(name)))
        .collect()
}

fn can_meet(operation: &Operation, status: &str) -> bool {
    let takes = |name: &str| operation.parameters.iter().any(|other| other.name == name);
    let changes = operation.method != "GET";
    let proves = matches!(operation.access, Access::Public | Access::Person);
    match status {
        "404" => operation.path.contains('{') || takes("account") || operation.body.is_some(),
        "409" | "503" => changes,
        "412" => takes("If-Match"),
        "413" | "415" | "422" => operation.body.is_some(),
        "429" => {
            changes
                && (proves
                    || ["/reveal", "/lookup"]
                        .iter()
                        .any(|end| operation.path.ends_with(end)))
        }
        _ => true,
    }
}
