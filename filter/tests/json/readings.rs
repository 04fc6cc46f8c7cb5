//! Whatever one of several reference readers would read as a resource out of scope is refused:
//! last value wins, first value wins, names without regard to case, in many generated bodies.
//!
//! `FILTER_SEED` repeats a run, `FILTER_BODIES` says how many. Does not ask the reader to accept
//! anything but what no reference reads differently: that is what `documents` is for.

use std::env;
use std::fmt;

use filter::json::{JsonReader, Meaning, Pattern};
use serde::de::{DeserializeSeed, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::support::Random;

/// Where the readers below look for names.
const PLACES: [&str; 5] = [
    "/model",
    "/models/*",
    "/fallbacks/*",
    "/fallbacks/*/model",
    "/session/model",
];

/// A document with every member that stands in it, also those that stand twice.
enum Node {
    Text(String),
    List(Vec<Node>),
    Object(Vec<(String, Node)>),
    Other,
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

struct Reader;

impl<'de> DeserializeSeed<'de> for Reader {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reader {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_str<E>(self, text: &str) -> Result<Node, E> {
        Ok(Node::Text(text.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Other)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Node, E> {
        Ok(Node::Other)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Node, E> {
        Ok(Node::Other)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Node, E> {
        Ok(Node::Other)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Node, E> {
        Ok(Node::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Node, A::Error> {
        let mut nodes = Vec::new();
        while let Some(node) = list.next_element()? {
            nodes.push(node);
        }
        Ok(Node::List(nodes))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let mut members = Vec::new();
        while let Some(member) = map.next_entry()? {
            members.push(member);
        }
        Ok(Node::Object(members))
    }
}

/// A way of finding a member among those of an object.
type Pick = fn(&[(String, Node)], &str) -> Option<usize>;

fn first(members: &[(String, Node)], name: &str) -> Option<usize> {
    members.iter().position(|(other, _)| other == name)
}

fn last(members: &[(String, Node)], name: &str) -> Option<usize> {
    members.iter().rposition(|(other, _)| other == name)
}

/// As Go's decoder: each member that matches without regard to case overwrites the one before.
fn caseless(members: &[(String, Node)], name: &str) -> Option<usize> {
    let fold = |c: char| match c {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        c => c.to_ascii_lowercase(),
    };
    let alike = |other: &str| other.chars().map(fold).eq(name.chars().map(fold));
    members.iter().rposition(|(other, _)| alike(other))
}

/// As parsers that end a name at a zero byte or drop what they cannot decode.
fn truncating(members: &[(String, Node)], name: &str) -> Option<usize> {
    let cut = |other: &str| other.split(['\0', '\u{fffd}']).next() == Some(name);
    members.iter().rposition(|(other, _)| cut(other))
}

/// The names at a place, in the eyes of a reader that picks members so.
fn names_at<'a>(node: &'a Node, place: &[&str], pick: Pick, names: &mut Vec<&'a str>) {
    match (node, place) {
        (Node::Text(text), []) => names.push(text),
        (Node::List(list), ["*", rest @ ..]) => {
            list.iter()
                .for_each(|node| names_at(node, rest, pick, names));
        }
        // Some take a lone text for a list of one.
        (Node::Text(text), ["*"]) => names.push(text),
        (Node::Object(members), [name, rest @ ..]) => {
            if let Some((_, node)) = pick(members, name).and_then(|at| members.get(at)) {
                names_at(node, rest, pick, names);
            }
        }
        _ => {}
    }
}

/// Whether some reference reads a name other than `good`.
fn reads_bad(body: &[u8]) -> bool {
    let lossy = String::from_utf8_lossy(body);
    let text = lossy.trim_start_matches('\u{feff}');
    // The first document, whatever follows it, as stream decoders do.
    let Some(Ok(node)) = serde_json::Deserializer::from_str(text)
        .into_iter::<Node>()
        .next()
    else {
        return false;
    };
    let picks: [Pick; 4] = [first, last, caseless, truncating];
    picks.iter().any(|pick| {
        let mut names = Vec::new();
        for place in PLACES {
            let place: Vec<&str> = place[1..].split('/').collect();
            names_at(&node, &place, *pick, &mut names);
        }
        names.iter().any(|name| *name != "good")
    })
}

/// Whether our reader lets the body pass for a key that may call `good` alone.
fn passes(body: &[u8], random: &mut Random) -> bool {
    let patterns = PLACES.map(|place| Pattern::parse(place, Meaning::Take).unwrap());
    let mut reader = JsonReader::new(patterns.into());
    let cut = random.below(body.len() + 1);
    let (front, back) = body.split_at(cut);
    let read = reader.feed(front).and_then(|()| reader.feed(back));
    let names = reader.take_names();
    read.and_then(|()| reader.finish()).is_ok()
        && !names.is_empty()
        && names.iter().all(|name| name.name == "good")
}

fn pick<'a>(random: &mut Random, texts: &[&'a str]) -> &'a str {
    texts[random.below(texts.len())]
}

fn member(random: &mut Random) -> String {
    let name = pick(
        random,
        &[
            "model",
            "model",
            "model",
            "models",
            "fallbacks",
            "session",
            "x",
        ],
    );
    match random.below(12) {
        0 => name.to_uppercase(),
        1 => name.replacen('m', "M", 1),
        2 => name.replacen('o', r"\u006f", 1),
        3 => name.replacen('s', "\u{17f}", 1),
        4 => name.replacen('k', "\u{212a}", 1),
        5 => name.to_owned() + pick(random, &[r"\u0000", r"\ud800", " ", r"\t", "\u{200b}"]),
        _ => name.to_owned(),
    }
}

fn text(random: &mut Random) -> &'static str {
    pick(
        random,
        &[
            r#""good""#,
            r#""good""#,
            r#""good""#,
            r#""bad""#,
            r#""g\u006fod""#,
            r#""\u0062ad""#,
            r#""good ""#,
            r#""""#,
            r#""good\u0000""#,
        ],
    )
}

fn value(random: &mut Random, depth: usize) -> String {
    match random.below(if depth == 0 { 8 } else { 12 }) {
        0..=5 => text(random).to_owned(),
        6 => pick(random, &["null", "1", "-0.5e3", "true", "false"]).to_owned(),
        7 => "[]".to_owned(),
        8 | 9 => {
            let values: Vec<String> = (0..random.below(3))
                .map(|_| value(random, depth - 1))
                .collect();
            format!("[{}]", values.join(","))
        }
        _ => object(random, depth - 1),
    }
}

fn object(random: &mut Random, depth: usize) -> String {
    let members: Vec<String> = (0..random.below(4))
        .map(|_| format!("\"{}\":{}", member(random), value(random, depth)))
        .collect();
    format!(
        "{{{}}}",
        members.join(pick(random, &[",", ", ", ",\n", ","]))
    )
}

/// An object of few members, now and then damaged as attackers do.
fn body(random: &mut Random) -> Vec<u8> {
    let mut text = object(random, 3);
    match random.below(20) {
        0 => text.push_str(&object(random, 1)),
        1 => text.insert(0, '\u{feff}'),
        2 => text = text.replacen(',', "/**/,", 1),
        3 => text = text.replace('"', "'"),
        4 => text.push('\0'),
        5 => text = format!("[{text}]"),
        _ => {}
    }
    let mut bytes = match random.below(40) {
        0 => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        1 => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        _ => text.into_bytes(),
    };
    if random.chance(5) {
        let at = random.below(bytes.len());
        bytes[at] = *b"\0\xff\xc3\",{}[]:\\ 1".get(random.below(13)).unwrap();
    }
    bytes
}

fn number(variable: &str, default: u64) -> u64 {
    env::var(variable).map_or(default, |text| text.parse().unwrap())
}

#[test]
fn what_any_reader_would_read_out_of_scope_is_refused() {
    let (seed, bodies) = (number("FILTER_SEED", 1), number("FILTER_BODIES", 120_000));
    println!("FILTER_SEED={seed} FILTER_BODIES={bodies}");
    let mut random = Random::new(seed);
    let (mut passed, mut bad) = (0, 0);
    for _ in 0..bodies {
        let body = body(&mut random);
        let (pass, is_bad) = (passes(&body, &mut random), reads_bad(&body));
        let shown = body.escape_ascii();
        assert!(!(pass && is_bad), "FILTER_SEED={seed}: {shown}");
        passed += u64::from(pass);
        bad += u64::from(is_bad);
    }
    assert!(passed > bodies / 50, "only {passed} of {bodies} pass");
    assert!(
        bad > bodies / 10,
        "only {bad} of {bodies} are read out of scope"
    );
}

#[test]
fn the_references_read_as_the_real_parsers_do() {
    let doubled = br#"{"model":"bad","model":"good"}"#;
    let value: Value = serde_json::from_slice(doubled).unwrap();
    assert_eq!(value["model"], "good", "serde_json keeps the last");
    for body in [
        doubled.as_slice(),
        br#"{"model":"good","Model":"bad"}"#,
        br#"{"model":"good","model\u0000":"bad"}"#,
        br#"{"model":"good","models":"bad"}"#,
        br#"{"model":"good","fallbacks":[{"model":"bad"}]}"#,
        br#"{"model":"bad"}{"model":"good"}"#,
    ] {
        assert!(reads_bad(body), "{}", body.escape_ascii());
    }
    assert!(!reads_bad(br#"{"model":"good","x":{"model":"bad"}}"#));
}
