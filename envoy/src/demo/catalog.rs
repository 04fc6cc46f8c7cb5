//! The catalog, filled from what the model server lists.
//!
//! It names no model itself. Invariant: a model server that lists nothing that can be read is said
//! aloud, and is no reason not to start.

use serde_json::Value;

use super::api::{Api, agent, failed};
use crate::command::say;
use crate::error::StackError;
use crate::stack::Stack;

/// Imports what the model server lists; the models, in its order.
pub(super) fn import(stack: &Stack, api: &Api) -> Vec<String> {
    let url = format!("{}/v1/models", stack.upstream_url());
    let path = format!("/v1/catalog/{}/import", stack.region());
    let imported = listed(&url).and_then(|list| api.post(&path, &list).map(|_| ids(&list)));
    imported.unwrap_or_else(|error| {
        say(&format!("the catalog is left as it is: {error}"));
        Vec::new()
    })
}

fn listed(url: &str) -> Result<Value, StackError> {
    let answer = agent().get(url).call();
    answer
        .and_then(|mut answer| answer.body_mut().read_json())
        .map_err(failed("read the models of", url))
}

fn ids(list: &Value) -> Vec<String> {
    let items = list.get("data").and_then(Value::as_array);
    let id = |item: &Value| item.get("id").and_then(Value::as_str).map(str::to_owned);
    items.into_iter().flatten().filter_map(id).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn models_are_the_ids_of_the_list() {
        let list = json!({"object": "list", "data": [{"id": "glm-5.1"}, {"id": "kimi-k2.6"}, {}]});
        assert_eq!(ids(&list), ["glm-5.1", "kimi-k2.6"]);
        assert!(ids(&json!({"error": "no"})).is_empty());
    }
}
