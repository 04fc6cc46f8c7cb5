//! `/v1/keys` and `/v1/keys/{id}`

mod check;
mod create;
mod delete;
mod edit;
mod get;
mod import;
mod labels;
mod limit;
mod list;
mod lookup;
mod malformed;
mod reset;
mod reveal;
mod rotate;
mod secrets;
mod usage;

use serde_json::{Value, json};

/// A body that is right, with one member set to something else.
fn body_with(name: &str, value: Value) -> Value {
    let mut body = json!({"account": "demo", "region": "local", "name": "a key"});
    body[name] = value;
    body
}
