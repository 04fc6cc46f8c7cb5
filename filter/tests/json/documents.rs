//! Random documents: the reader agrees with serde_json on whatever it accepts, and refuses no
//! honest body.
//!
//! The oracle reads the document as a stream and keeps every value of `model` at the top level,
//! so that what parsers resolve by first or last is seen whole.

use std::fmt;

use filter::json::JsonError;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::cases::{MODEL, Outcome, read_chunks};

/// All values of the top-level member `model`.
#[derive(Debug)]
struct Models(Vec<Value>);

impl<'de> Deserialize<'de> for Models {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TopLevel;
        impl<'de> Visitor<'de> for TopLevel {
            type Value = Models;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Models, A::Error> {
                let mut models = Vec::new();
                while let Some(name) = map.next_key::<String>()? {
                    if name == "model" {
                        models.push(map.next_value()?);
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                Ok(Models(models))
            }
        }
        deserializer.deserialize_map(TopLevel)
    }
}

fn oracle(body: &[u8]) -> Option<Vec<Value>> {
    let text = std::str::from_utf8(body).ok()?;
    let Models(models) = serde_json::from_str(text).ok()?;
    Some(models)
}

/// Whether the reader and the oracle can both be right.
fn agrees((names, result): &Outcome, models: Option<&[Value]>) -> bool {
    let read_alike = models.is_none_or(|models| {
        let of_models = models.iter().map(Value::as_str).take(names.len());
        of_models.eq(names.iter().map(|name| Some(name.as_str())))
    });
    read_alike
        && match result {
            Ok(()) => models.is_some_and(|models| models.len() == names.len() && names.len() <= 1),
            Err(JsonError::Duplicate) => models.is_none_or(|models| models.len() > 1),
            Err(JsonError::NotAString) => models.is_none_or(|m| m.iter().any(|v| !v.is_string())),
            Err(JsonError::OddName) => models.is_none_or(|models| !models.is_empty()),
            Err(JsonError::CaseVariant | JsonError::OddMember) => true,
            Err(JsonError::Depth | JsonError::OddContainer | JsonError::TooManyNames) => false,
            Err(_) => models.is_none(),
        }
}

/// Reads a body cut at these places; the result must not depend on them.
fn read_cut(body: &[u8], cuts: &[Index]) -> Outcome {
    let whole = read_chunks(MODEL, [body]);
    let mut places: Vec<usize> = cuts.iter().map(|cut| cut.index(body.len() + 1)).collect();
    places.extend([0, body.len()]);
    places.sort_unstable();
    let chunks = places.windows(2).map(|pair| &body[pair[0]..pair[1]]);
    assert_eq!(read_chunks(MODEL, chunks), whole, "{}", body.escape_ascii());
    whole
}

fn blanks() -> impl Strategy<Value = String> {
    "[ \t\r\n]{0,2}"
}

/// A string as JSON text, each character raw or escaped.
fn string() -> impl Strategy<Value = String> {
    let plain = "[a-zA-Z0-9 é中😀\u{7f}\u{2028}]{0,12}";
    let escape = r#"\\["\\/bfnrt]|\\u[0-9a-fA-F]{4}"#;
    vec(prop_oneof![3 => plain, 1 => escape], 0..6)
        .prop_map(|parts| format!("\"{}\"", parts.concat()))
}

fn scalar() -> impl Strategy<Value = String> {
    let number = "-?(0|[1-9][0-9]{0,20})(\\.[0-9]{1,9})?([eE][+-]?[0-9]{1,4})?";
    prop_oneof![
        number,
        Just("true".into()),
        Just("false".into()),
        Just("null".into()),
        string()
    ]
}

fn object_of(members: Vec<(String, String)>, blank: &str) -> String {
    let members = members
        .iter()
        .map(|(name, value)| format!("{blank}{name}{blank}:{blank}{value}{blank}"));
    format!("{{{}}}", members.collect::<Vec<_>>().join(","))
}

/// Any value, as JSON text, up to some depth.
fn value() -> impl Strategy<Value = String> {
    scalar().prop_recursive(6, 48, 6, |inner| {
        let list = (vec(inner.clone(), 0..5), blanks()).prop_map(|(items, blank)| {
            format!(
                "[{blank}{}{blank}]",
                items.join(&format!("{blank},{blank}"))
            )
        });
        let member = (prop_oneof![string(), Just("\"model\"".into())], inner);
        let object = (vec(member, 0..5), blanks()).prop_map(|(m, blank)| object_of(m, &blank));
        prop_oneof![list, object]
    })
}

/// A name that reads the same to everybody, and JSON text for it.
fn sound_name() -> impl Strategy<Value = (String, String)> {
    let name = "[a-zA-Z0-9@:/._é中😀-]([a-zA-Z0-9@:/._ é中😀\"\\\\-]{0,60}[a-zA-Z0-9é中😀])?";
    (name, any::<u64>()).prop_map(|(name, mask): (String, u64)| {
        let text = name
            .chars()
            .enumerate()
            .fold(String::new(), |text, (at, c)| {
                let is_escaped = mask >> (at % 64) & 1 == 1 || c == '"' || c == '\\';
                text + &if is_escaped {
                    escaped(c)
                } else {
                    c.to_string()
                }
            });
        (name, format!("\"{text}\""))
    })
}

fn escaped(c: char) -> String {
    let mut units = [0; 2];
    let units = c.encode_utf16(&mut units).iter();
    units.map(|unit| format!("\\u{unit:04x}")).collect()
}

/// A whole document with exactly one good model, and its name.
fn honest() -> impl Strategy<Value = (String, String)> {
    let model = prop_oneof!["model", r"mod\\u0065l", r"\\u006dodel"];
    let others = vec((r#"[a-ln-z_é]{1,9}"#, value()), 0..6);
    (others, any::<Index>(), model, sound_name(), blanks()).prop_map(
        |(others, place, model, (name, text), blank)| {
            let mut members: Vec<_> = others
                .into_iter()
                .map(|(name, value)| (format!("\"{name}\""), value))
                .collect();
            let at = place.index(members.len() + 1);
            members.insert(at, (format!("\"{model}\""), text));
            (
                format!("{blank}{}{blank}", object_of(members, &blank)),
                name,
            )
        },
    )
}

/// A document whose top-level members come from few names, so that they collide.
fn colliding() -> impl Strategy<Value = String> {
    let name = prop_oneof![
        3 => Just("\"model\"".to_owned()),
        2 => r#""[xy]""#,
        1 => r#""(mod\\u0065l|Model|model\\u0000|model\\ud800)""#,
        1 => string(),
    ];
    let value = prop_oneof![2 => sound_name().prop_map(|(_, text)| text), 1 => value()];
    (vec((name, value), 0..4), blanks()).prop_map(|(members, blank)| object_of(members, &blank))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1500))]

    #[test]
    fn honest_documents_are_accepted(
        (body, name) in honest(),
        cuts in vec(any::<Index>(), 0..6),
    ) {
        prop_assert_eq!(read_cut(body.as_bytes(), &cuts), (vec![name], Ok(())), "{}", body);
    }

    #[test]
    fn the_reader_agrees_with_serde_on_colliding_members(
        body in colliding(),
        cuts in vec(any::<Index>(), 0..6),
    ) {
        let outcome = read_cut(body.as_bytes(), &cuts);
        let models = oracle(body.as_bytes());
        prop_assert!(agrees(&outcome, models.as_deref()), "{}: {:?} {:?}", body, outcome, models);
    }

    #[test]
    fn the_reader_agrees_with_serde_on_damaged_documents(
        (body, _) in honest(),
        damage in vec((any::<Index>(), 0u8..3, any::<u8>(), any::<Index>()), 1..4),
        cuts in vec(any::<Index>(), 0..6),
    ) {
        let mut bytes = body.into_bytes();
        for (place, kind, any_byte, pick) in damage {
            let structural = b"{}[]\",:\\ \n0-.eE+tfnumodlM\x00\x1f\xff\xc3\xe4";
            let byte = if any_byte < 64 { any_byte } else { *pick.get(structural) };
            let at = place.index(bytes.len() + 1);
            match kind {
                0 => bytes.insert(at, byte),
                1 if at < bytes.len() => bytes[at] = byte,
                _ if at < bytes.len() => { bytes.remove(at); }
                _ => {}
            }
        }
        let outcome = read_cut(&bytes, &cuts);
        let models = oracle(&bytes);
        let agree = agrees(&outcome, models.as_deref());
        prop_assert!(agree, "{}: {:?} {:?}", bytes.escape_ascii(), outcome, models);
    }

    #[test]
    fn any_bytes_are_read_without_harm(bytes in vec(any::<u8>(), 0..200), cut in any::<Index>()) {
        let outcome = read_cut(&bytes, &[cut]);
        prop_assert!(agrees(&outcome, oracle(&bytes).as_deref()));
    }
}

#[test]
fn many_members_and_long_strings_are_read_to_the_end() {
    let members: String = (0..200_000).map(|n| format!("\"k{n:x}\":{n},")).collect();
    let body = format!("{{{members}\"model\":\"g\"}}");
    assert_eq!(read_chunks(MODEL, body.as_bytes().chunks(65_536)).0, ["g"]);
    let escapes = r"\u00e9\n".repeat(500_000);
    let body = format!(r#"{{"x":"{escapes}","model":"g"}}"#);
    assert_eq!(
        read_chunks(MODEL, body.as_bytes().chunks(65_537)),
        (vec!["g".into()], Ok(()))
    );
}
