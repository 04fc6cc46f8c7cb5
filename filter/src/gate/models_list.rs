//! The answer of a list endpoint, cut down to what a key may use.
//!
//! Knows the shapes of OpenAI, Anthropic, Gemini, Cohere and Ollama by their members. Does not
//! decide what is in scope.
//!
//! Invariant: an answer that is none of these shapes is not passed on, an element without a name is left
//! out, and what an element says of other models is in scope, too.

use serde_json::{Map, Value};

/// Longest list that is read, in bytes.
pub const LIST_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Members that hold the elements.
const LISTS: [&str; 2] = ["data", "models"];
/// Members by which an element speaks of other models; so does each whose name ends with `model`.
const OF_OTHERS: [&str; 3] = ["root", "parent", "aliases"];
/// Members that name an element without an `id`.
const OTHER_NAMES: [&str; 2] = ["name", "model"];

/// The list with only the elements all of whose names are covered; `None` if it is no list.
pub fn filtered(body: &[u8], covers: impl Fn(&str) -> bool) -> Option<Vec<u8>> {
    let Value::Object(mut answer) = serde_json::from_slice(body).ok()? else {
        return None;
    };
    let mut lists = 0;
    for member in LISTS {
        if let Some(list) = answer.get_mut(member) {
            let list = list.as_array_mut()?;
            list.retain(|element| is_covered(element, &covers));
            for element in list.iter_mut().filter_map(Value::as_object_mut) {
                hide_others(element, &covers);
            }
            lists += 1;
        }
    }
    if lists == 0 {
        return None;
    }
    mend_cursors(&mut answer);
    serde_json::to_vec(&Value::Object(answer)).ok()
}

/// An `id` is the name; without one, `name` and `model` must both be covered.
fn is_covered(element: &Value, covers: &impl Fn(&str) -> bool) -> bool {
    let covered = |name: &Value| name.as_str().is_some_and(covers);
    if let Some(id) = element.get("id") {
        return covered(id);
    }
    let mut names = OTHER_NAMES
        .iter()
        .filter_map(|member| element.get(member))
        .peekable();
    names.peek().is_some() && names.all(covered)
}

/// Takes out what an element says of models that are not covered.
fn hide_others(element: &mut Map<String, Value>, covers: &impl Fn(&str) -> bool) {
    element.retain(|member, value| {
        let member = member.to_ascii_lowercase();
        let speaks = OF_OTHERS.contains(&member.as_str()) || member.ends_with("model");
        match value {
            _ if !speaks => true,
            Value::String(name) => name.is_empty() || covers(name),
            Value::Array(names) => {
                names.retain(|name| name.as_str().is_some_and(covers));
                true
            }
            Value::Object(_) => false,
            Value::Null | Value::Bool(_) | Value::Number(_) => true,
        }
    });
    for inner in element.values_mut().filter_map(Value::as_object_mut) {
        hide_others(inner, covers);
    }
}

/// Anthropic's lists name their first and last element. A page of which nothing is left keeps the
/// upstream's if there are more: without them nobody finds the next page.
fn mend_cursors(answer: &mut Map<String, Value>) {
    let is_empty = answer
        .get("data")
        .and_then(Value::as_array)
        .is_some_and(Vec::is_empty);
    if is_empty && answer.get("has_more") == Some(&Value::Bool(true)) {
        return;
    }
    let id = |element: Option<&Value>| element.and_then(|e| e.get("id")).cloned();
    let list = answer.get("data").and_then(Value::as_array);
    let ends = list.map(|list| (id(list.first()), id(list.last())));
    let (first, last) = ends.unwrap_or_default();
    for (member, value) in [("first_id", first), ("last_id", last)] {
        if answer.contains_key(member) {
            answer.insert(member.to_owned(), value.unwrap_or(Value::Null));
        }
    }
}
