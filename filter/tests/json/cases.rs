//! Hostile bodies whose one resource is the top-level member `model`: each with its one outcome,
//! whatever the pieces it arrives in.
//!
//! Does not judge scopes. Invariant: `read` gives the same names and the same error for the body
//! as a whole, byte by byte, and split at every offset.

use filter::json::{JsonError, JsonReader, Pattern};

use JsonError::{CaseVariant, Cut, Duplicate, NotAString, NotAnObject, OddMember, OddName, Syntax};

/// Places, each by its members.
pub(crate) type Places = &'static [&'static [&'static str]];

pub(crate) const MODEL: Places = &[&["model"]];

/// The names that were read before the end or the fault, and which of the two it was.
pub(crate) type Outcome = (Vec<String>, Result<(), JsonError>);

/// Reads a body that arrives in these pieces.
pub(crate) fn read_chunks<'a>(
    places: Places,
    chunks: impl IntoIterator<Item = &'a [u8]>,
) -> Outcome {
    let mut reader = JsonReader::new(places.iter().map(|place| Pattern::new(place)).collect());
    let mut names = Vec::new();
    for chunk in chunks {
        let fed = reader.feed(chunk);
        names.extend(reader.take_names().into_iter().map(|name| name.name));
        if fed.is_err() {
            return (names, fed);
        }
    }
    let finished = reader.finish();
    (names, finished)
}

/// Reads a body in every way in which it can be cut in two, and byte by byte.
pub(crate) fn read(places: Places, body: &[u8]) -> Outcome {
    let whole = read_chunks(places, [body]);
    for at in 0..=body.len() {
        let (front, back) = body.split_at(at);
        let outcome = read_chunks(places, [front, back]);
        assert_eq!(outcome, whole, "cut at {at}: {}", show(body));
    }
    let outcome = read_chunks(places, body.chunks(1));
    assert_eq!(outcome, whole, "byte by byte: {}", show(body));
    whole
}

fn show(body: &[u8]) -> String {
    body.escape_ascii().to_string()
}

pub(crate) fn accepted(body: impl AsRef<[u8]>, names: &[&str]) {
    let (read_names, result) = read(MODEL, body.as_ref());
    assert_eq!(result, Ok(()), "{}", show(body.as_ref()));
    assert_eq!(read_names, names, "{}", show(body.as_ref()));
}

pub(crate) fn refused(body: impl AsRef<[u8]>, names: &[&str], error: JsonError) {
    let outcome = read(MODEL, body.as_ref());
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(outcome, (names, Err(error)), "{}", show(body.as_ref()));
}

#[test]
fn one_model_is_read() {
    accepted(r#"{"model":"good-1"}"#, &["good-1"]);
    accepted(
        " \t\r\n{ \"model\" :\n\"good-1\" , \"x\" : 1 } \r\n\t ",
        &["good-1"],
    );
    accepted(
        r#"{"x":1,"model":"org/good-1:nitro@2024"}"#,
        &["org/good-1:nitro@2024"],
    );
    accepted(r#"{"model":"ft:good-1:org::id"}"#, &["ft:good-1:org::id"]);
}

#[test]
fn a_second_model_is_refused_also_the_same_and_also_escaped() {
    refused(
        r#"{"model":"good-1","model":"bad-1"}"#,
        &["good-1"],
        Duplicate,
    );
    refused(
        r#"{"model":"bad-1","model":"good-1"}"#,
        &["bad-1"],
        Duplicate,
    );
    refused(
        r#"{"model":"good-1","model":"good-1"}"#,
        &["good-1"],
        Duplicate,
    );
    refused(
        r#"{"mod\u0065l":"bad-1","model":"good-1"}"#,
        &["bad-1"],
        Duplicate,
    );
    refused(
        r#"{"model":"good-1","\u006dodel":"bad-1"}"#,
        &["good-1"],
        Duplicate,
    );
    refused(
        r#"{"model":"good-1","x":[{}],"model":null}"#,
        &["good-1"],
        Duplicate,
    );
}

#[test]
fn escapes_are_decoded_in_names_and_values() {
    accepted(r#"{"mod\u0065l":"bad-1"}"#, &["bad-1"]);
    accepted(r#"{"\u006D\u006f\u0064\u0065\u006C":"bad-1"}"#, &["bad-1"]);
    accepted(r#"{"model":"\u0062ad-1"}"#, &["bad-1"]);
    accepted(r#"{"model":"a\/b\\c\"d"}"#, &["a/b\\c\"d"]);
    accepted(r#"{"model":"\ud83d\ude00-\u00e9\u4e2d"}"#, &["😀-é中"]);
    accepted("{\"model\":\"😀-é中\"}", &["😀-é中"]);
}

#[test]
fn a_case_variant_of_model_is_refused() {
    for name in ["Model", "MODEL", "mOdel", "mode\u{4c}", r"\u004dodel"] {
        let after = format!(r#"{{"model":"good-1","{name}":"bad-1"}}"#);
        refused(after, &["good-1"], CaseVariant);
        refused(
            format!(r#"{{"{name}":"bad-1","model":"good-1"}}"#),
            &[],
            CaseVariant,
        );
        refused(format!(r#"{{"{name}":"bad-1"}}"#), &[], CaseVariant);
    }
}

#[test]
fn letters_that_fold_to_ascii_are_case_variants() {
    const FOLDED: Places = &[&["fallbacks"]];
    for name in [
        "fallbac\u{212a}s",
        "fallback\u{17f}",
        "FALLBAC\u{212a}\u{17f}",
        r"fallbac\u212as",
    ] {
        let body = format!(r#"{{"{name}":"bad-1"}}"#);
        assert_eq!(
            read(FOLDED, body.as_bytes()),
            (vec![], Err(CaseVariant)),
            "{name}"
        );
    }
}

#[test]
fn other_members_are_no_models() {
    for name in [
        "model ",
        "\u{feff}model",
        "model\u{200b}",
        "m\u{f8}del",
        "modelx",
        "mode",
        "",
    ] {
        let body = format!(r#"{{"{name}":"bad-1","model":"good-1"}}"#);
        accepted(body, &["good-1"]);
    }
    accepted(
        r#"{"model":"good-1","x":"model","y":["model","bad-1"]}"#,
        &["good-1"],
    );
}

#[test]
fn member_names_that_parsers_cut_or_replace_are_refused() {
    refused(
        r#"{"model":"good-1","model\u0000":"bad-1"}"#,
        &["good-1"],
        OddMember,
    );
    refused(
        r#"{"model":"good-1","model\ud800":"bad-1"}"#,
        &["good-1"],
        OddMember,
    );
    refused(
        r#"{"\udc00model":"bad-1","model":"good-1"}"#,
        &[],
        OddMember,
    );
    refused(r#"{"\ud800\ud800":1,"model":"good-1"}"#, &[], OddMember);
    refused(r#"{"\ud800x":1,"model":"good-1"}"#, &[], OddMember);
    refused(r#"{"\ud800\n":1,"model":"good-1"}"#, &[], OddMember);
    refused(
        "{\"model\":\"good-1\",\"mo\rdel\":\"bad-1\"}",
        &["good-1"],
        Syntax,
    );
    refused(
        "{\"model\":\"good-1\",\"mo\0del\":\"bad-1\"}",
        &["good-1"],
        Syntax,
    );
    refused(
        r#"{"model":"good-1","mo\del":"bad-1"}"#,
        &["good-1"],
        Syntax,
    );
}

#[test]
fn nested_models_do_not_count() {
    accepted(r#"{"x":{"model":"bad-1"},"model":"good-1"}"#, &["good-1"]);
    accepted(
        r#"{"metadata":{"a":[{"model":"bad-1"}]},"model":"good-1"}"#,
        &["good-1"],
    );
    accepted(
        r#"{"session":{"model":"bad-1","model":"x","MODEL":1}}"#,
        &[],
    );
    accepted(
        r#"{"model":"good-1","x":{"model\u0000":1,"\ud800":"\udc00"}}"#,
        &["good-1"],
    );
}

#[test]
fn a_model_that_is_no_string_is_refused() {
    let values = [
        "null",
        "1",
        "-0.5e3",
        "true",
        "false",
        "[]",
        r#"["good-1"]"#,
        "{}",
    ];
    for value in values {
        refused(format!(r#"{{"model":{value}}}"#), &[], NotAString);
    }
    refused(r#"{"model":{"name":"good-1"}}"#, &[], NotAString);
}

#[test]
fn a_name_that_does_not_read_the_same_to_everybody_is_refused() {
    let odd = [
        "",
        " ",
        " good-1",
        "good-1 ",
        "\u{a0}good-1",
        "good\u{200b}-1",
        "\u{202e}1-doog",
    ];
    for name in odd {
        refused(format!(r#"{{"model":"{name}"}}"#), &[], OddName);
    }
    for escaped in [
        r"good-1\n",
        r"good\u0000-1",
        r"\u007f",
        r"good\ud800",
        r"\udc00\ud800",
    ] {
        refused(format!(r#"{{"model":"{escaped}"}}"#), &[], OddName);
    }
    accepted("{\"model\":\"gооd-1\"}", &["gооd-1"]);
}

#[test]
fn the_longest_name_is_256_bytes() {
    let fits = "n".repeat(256);
    accepted(format!(r#"{{"model":"{fits}"}}"#), &[&fits]);
    let escaped = r"\u006e".repeat(256);
    accepted(format!(r#"{{"model":"{escaped}"}}"#), &[&fits]);
    refused(format!(r#"{{"model":"{fits}n"}}"#), &[], OddName);
    refused(
        format!(r#"{{"model":"{}"}}"#, "n".repeat(600)),
        &[],
        OddName,
    );
    refused(
        format!(r#"{{"model":"{}good-1"}}"#, r"\u00e9".repeat(300)),
        &[],
        OddName,
    );
}

#[test]
fn a_body_without_a_model_names_none() {
    accepted("{}", &[]);
    accepted(r#"{"messages":[]}"#, &[]);
    refused("", &[], Cut);
    refused(" \r\n\t", &[], Cut);
    refused(r#"{"model":"good-1""#, &["good-1"], Cut);
    refused(r#"{"model":"good-1","x":"unfinished"#, &["good-1"], Cut);
    refused(r#"{"model":"good-1","x":12"#, &["good-1"], Cut);
}

#[test]
fn only_an_object_is_read() {
    for body in ["[]", r#""good-1""#, "null", "true", "false", "1", "-1"] {
        refused(body, &[], NotAnObject);
    }
    refused(
        r#"[{"model":"good-1"},{"model":"bad-1"}]"#,
        &[],
        NotAnObject,
    );
}
