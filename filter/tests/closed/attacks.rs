//! Members that choose a model, everywhere but below what is opaque: out of scope none passes, in
//! scope all do.

use super::placing::{self, OBJECTS, TEXTS};
use super::words::{IN_ROOT, Kind, SPELLINGS};
use super::{Target, targets};
use crate::support::random::Random;

const DEPTH_MAX: usize = 6;

/// A chooser with this value at this depth, as a member of the body.
fn placed(random: &mut Random, name: &str, value: &str, depth: usize) -> String {
    placing::placed(&mut |end| random.below(end), name, value, depth)
}

/// Whether the rule reads its own name from this member of the body, so that it cannot stand twice.
fn is_own(target: &Target, depth: usize, name: &str) -> bool {
    let squashed = |name: &str| {
        name.to_lowercase()
            .replace(['-', '_', '.', ' ', '\u{200b}'], "")
    };
    let body = target.row.body.as_object().unwrap();
    let is_alike = || body.keys().any(|own| squashed(own) == squashed(name));
    depth == 1 && (!name.is_ascii() || is_alike())
}

#[test]
fn no_chooser_passes_out_of_scope() {
    let mut random = Random::new(15);
    let mut tried = 0;
    for target in targets() {
        let mut attack = |name: &str, value: &str, depth: usize| {
            let value = value.replace('#', "\"bad-1\"");
            let body = target.with(&placed(&mut random, name, &value, depth));
            let status = target.send(&body);
            assert!(
                [400, 403, 404].contains(&status),
                "{}: {status} {body}",
                target.row.rule
            );
            tried += 1;
        };
        for (name, depth) in everywhere() {
            for value in TEXTS.iter().chain(&OBJECTS) {
                attack(name, value, depth);
            }
        }
        for name in IN_ROOT {
            for value in TEXTS.iter().chain(&OBJECTS) {
                attack(name, value, 1);
            }
        }
    }
    println!("{tried} refused");
    assert!(tried >= 200_000, "{tried}");
}

fn everywhere() -> impl Iterator<Item = (&'static str, usize)> {
    let names = SPELLINGS.iter().flat_map(|(_, names)| names.iter());
    names.flat_map(|name| (1..=DEPTH_MAX).map(move |depth| (*name, depth)))
}

/// Whether a name is one word to every reader; one that could be several is as strict as all.
fn is_certain(name: &str) -> bool {
    let is_certain = |c: char| c.is_ascii() || "\u{200b}\u{212a}\u{17f}".contains(c);
    name.chars()
        .all(|c| is_certain(c) || ('\u{ff00}'..='\u{ffef}').contains(&c))
}

#[test]
fn every_chooser_passes_in_scope() {
    let mut random = Random::new(16);
    let mut tried = 0;
    for target in targets() {
        for (kind, names) in SPELLINGS {
            let values: &[&[&str]] = match kind {
                Kind::Name => &[&TEXTS, &OBJECTS, &["null", "1", "false"]],
                Kind::Chain => &[&TEXTS, &OBJECTS[..3], &["null", "1", "false"]],
                Kind::Weight => &[&TEXTS, &["null", "false"]],
                Kind::Ref => &[&["null", "false"]],
            };
            for name in names.iter().filter(|name| is_certain(name)) {
                for value in values.concat() {
                    let depth = 1 + random.below(DEPTH_MAX);
                    if is_own(&target, depth, name) {
                        continue;
                    }
                    let value = value.replace('#', "\"good-1\"");
                    let body = target.with(&placed(&mut random, name, &value, depth));
                    assert_eq!(target.send(&body), 200, "{} {body}", target.row.rule);
                    tried += 1;
                }
            }
        }
    }
    println!("{tried} served");
    assert!(tried >= 20_000, "{tried}");
}

#[test]
fn what_cannot_be_understood_is_refused() {
    for target in targets() {
        for (name, value) in [
            ("fallbacks", r#"{"good-1":["bad-1"]}"#),
            ("fallbacks", r#"[{"good-1":["good-1"]}]"#),
            ("fallbacks", r#"[{"*":["good-1"]}]"#),
            ("fallbacks", r#"[{"model":null}]"#),
            ("fallbacks", "[1]"),
            ("adapter", r#"{"x":1}"#),
            ("adapters", r#"[{"id":0}]"#),
            ("lora", r#"[{"id":0,"scale":0.5}]"#),
            ("lora", "0"),
            ("preset", "{}"),
            ("preset", "[]"),
            ("preset", "true"),
            ("prompt_id", "7"),
        ] {
            for depth in 1..=3 {
                let body = target.with(&placed(&mut Random::new(7), name, value, depth));
                let status = target.send(&body);
                assert!(
                    [400, 403].contains(&status),
                    "{}: {status} {body}",
                    target.row.rule
                );
            }
        }
    }
}

#[test]
fn a_second_spelling_beside_the_first_is_refused() {
    for target in targets() {
        for members in [
            r#""x":{"model":"good-1","Model":"good-1"}"#,
            r#""x":{"model_id":"good-1","modelId":"good-1"}"#,
            r#""x":[{"fallbacks":[],"fallbacks":["good-1"]}]"#,
            r#""x":{"y":[{"draft_model":"good-1","draft-model":"good-1"}]}"#,
        ] {
            assert_eq!(target.send(&target.with(members)), 400, "{members}");
        }
    }
}
