//! Where a chooser may stand: at any depth, in objects and lists, below members that say nothing.
//!
//! Shared with the tests through Envoy. Does not know what is to be refused. Invariant: the same
//! draws give the same body.

use serde_json::Value;

/// Members that say nothing of what is below them.
const NEUTRAL: [&str; 8] = [
    "x",
    "options",
    "extra_body",
    "tools",
    "parameters",
    "config",
    "0",
    "plugins",
];
/// Ways to hold a name; `#` stands for it.
pub(crate) const TEXTS: [&str; 5] = ["#", "[#]", "[[#]]", r#"["good-1",#]"#, r#"[#,"good-1"]"#];
/// The same inside objects.
pub(crate) const OBJECTS: [&str; 4] = [
    r#"[{"model":#}]"#,
    r#"[{"x":1,"model":#}]"#,
    r#"["good-1",{"model":#}]"#,
    r#"{"model":#}"#,
];

/// A number below this one.
type Draw<'a> = &'a mut dyn FnMut(usize) -> usize;

/// A chooser with this value at this depth, as a member of the body.
pub(crate) fn placed(draw: Draw<'_>, name: &str, value: &str, depth: usize) -> String {
    let mut member = format!("{}:{value}", escaped(draw, name));
    for _ in 1..depth {
        let outer = quoted(NEUTRAL[draw(NEUTRAL.len())]);
        member = match draw(3) {
            0 => format!("{outer}:[{{{member}}}]"),
            1 => format!("{outer}:[[1,{{\"y\":null,{member}}}]]"),
            _ => format!("{outer}:{{{member}}}"),
        };
    }
    member
}

/// A name as JSON, sometimes with its first character escaped.
fn escaped(draw: Draw<'_>, name: &str) -> String {
    let first = name.chars().next().unwrap();
    match draw(5) == 0 && first.len_utf16() == 1 {
        true => format!(
            "\"\\u{:04x}{}\"",
            u32::from(first),
            &name[first.len_utf8()..]
        ),
        false => quoted(name),
    }
}

/// A text as JSON.
pub(crate) fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// An object, as text, with this text of members before its own.
pub(crate) fn with(object: &str, members: &str) -> String {
    match object {
        "{}" => format!("{{{members}}}"),
        _ if members.is_empty() => object.to_owned(),
        _ => format!("{{{members},{}", &object[1..]),
    }
}

/// A body without the members that hold one of these names.
pub(crate) fn without(value: &Value, names: &[String]) -> Value {
    let is_name = |value: &Value| {
        value
            .as_str()
            .is_some_and(|text| names.iter().any(|name| name == text))
    };
    match value {
        Value::Object(members) => members
            .iter()
            .filter(|(_, value)| !is_name(value))
            .map(|(name, value)| (name.clone(), without(value, names)))
            .collect(),
        Value::Array(items) => items.iter().map(|item| without(item, names)).collect(),
        other => other.clone(),
    }
}
