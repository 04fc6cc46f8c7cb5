//! The syntax that is read: JSON of RFC 8259 in plain UTF-8, one object, nested to 256, no more.

use filter::json::JsonError;

use super::cases::{MODEL, accepted, read_chunks, refused};
use JsonError::{Depth, Encoding, Syntax};

#[test]
fn nothing_follows_the_object_but_blanks() {
    let object = r#"{"model":"good-1"}"#;
    for tail in [
        r#"{"model":"bad-1"}"#,
        "\n{\"model\":\"bad-1\"}",
        "]",
        "}",
        "\0",
        ",",
        "x",
        "\u{feff}",
    ] {
        refused(format!("{object}{tail}"), &["good-1"], Syntax);
    }
    accepted(format!("{object}{}", " \r\n\t".repeat(100)), &["good-1"]);
}

#[test]
fn only_plain_utf8_is_read() {
    let object = r#"{"model":"good-1"}"#;
    refused([b"\xef\xbb\xbf", object.as_bytes()].concat(), &[], Encoding);
    let wide = |unit: fn(u16) -> [u8; 2]| object.encode_utf16().flat_map(unit).collect::<Vec<_>>();
    let (little, big) = (wide(u16::to_le_bytes), wide(u16::to_be_bytes));
    refused([b"\xff\xfe", little.as_slice()].concat(), &[], Encoding);
    refused([b"\xfe\xff", big.as_slice()].concat(), &[], Encoding);
    refused(&big, &[], Encoding);
    refused(&little, &[], Syntax);
    let wider: Vec<u8> = object
        .chars()
        .flat_map(|c| u32::from(c).to_be_bytes())
        .collect();
    refused(wider, &[], Encoding);
    refused(format!("\u{1e}{object}"), &[], Syntax);
    refused(format!(")]}}'\n{object}"), &[], Syntax);
}

#[test]
fn bytes_that_are_not_utf8_are_refused_in_any_string() {
    let bad: [&[u8]; 10] = [
        b"\xff",
        b"\xc0\xa7",
        b"\xe9",
        b"\x80",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\xe4\xb8",
        b"\xf0\x9f\x98",
        b"\xe2\x28\xa1",
        b"\xc3\xa9\xa9",
    ];
    for bytes in bad {
        refused([b"{\"model\":\"", bytes, b"\"}"].concat(), &[], Encoding);
        refused([b"{\"", bytes, b"\":1}"].concat(), &[], Encoding);
        let elsewhere = [b"{\"model\":\"g\",\"x\":[\"abcdefghij", bytes, b"\\n\"]}"].concat();
        refused(elsewhere, &["g"], Encoding);
    }
    refused(b"{\"model\":\"g\"\xff}", &["g"], Syntax);
}

#[test]
fn what_is_not_json_is_refused() {
    let bodies = [
        r#"{"model":"g","x":1/*,"model":"bad-1","y":2*/}"#,
        "{\"model\":\"g\",//\"model\":\"bad-1\"\n\"y\":2}",
        r#"{"model":"g",'model':'bad-1'}"#,
        r#"{"model":"g",model:"bad-1"}"#,
        r#"{"model":"g",}"#,
        r#"{"model":"g","x":[1,]}"#,
        r#"{"model":"g","x":[,1]}"#,
        r#"{"model":"g","x":NaN}"#,
        r#"{"model":"g","x":Infinity}"#,
        r#"{"model":"g","x":-Infinity}"#,
        r#"{"model":"g","x":0x1f}"#,
        r#"{"model":"g","x":'\x6d'}"#,
        r#"{"model":"g","x":"\x6d"}"#,
        r#"{"model":"g","x":"\u12g4"}"#,
        r#"{"model":"g","x":tru}"#,
        r#"{"model":"g","x":truex}"#,
        r#"{"model":"g","x":nul1}"#,
        r#"{"model":"g" "x":1}"#,
        r#"{"model":"g","x" 1}"#,
        r#"{"model":"g","x"::1}"#,
        r#"{"model":"g",,"x":1}"#,
        r#"{"model":"g","x":[1}"#,
        r#"{"model":"g","x":{]}"#,
        r#"{"model":"g"]"#,
        "{\"model\":\"g\",\u{b}\"x\":1}",
        "{\"model\":\"g\",\u{a0}\"x\":1}",
        "{\"model\":\"g\",\"x\":\"\n\"}",
        "{\"model\":\"g\",\"x\":\"\u{1f}\"}",
    ];
    for body in bodies {
        refused(body, &["g"], Syntax);
    }
    refused("{,\"model\":\"g\"}", &[], Syntax);
    refused("{{}}", &[], Syntax);
}

#[test]
fn numbers_are_those_of_the_standard() {
    let digits = "9".repeat(2000);
    let good = [
        "0",
        "-0",
        "10",
        "1.5",
        "-1.25e+10",
        "0e0",
        "1E-9",
        "1e4096",
        "0.0",
        &digits,
    ];
    for number in good {
        accepted(
            format!(r#"{{"x":{number},"y":[{number}],"model":"g"}}"#),
            &["g"],
        );
        accepted(format!("{{\"model\":\"g\",\"x\":{number}}}"), &["g"]);
        accepted(format!("{{\"model\":\"g\",\"x\":{number} \n}}"), &["g"]);
    }
    for number in [
        "01", "-", "+1", ".5", "1.", "1.e3", "1e", "1e+", "--1", "00", "-01", "1_0", "0b1",
    ] {
        refused(format!(r#"{{"model":"g","x":{number}}}"#), &["g"], Syntax);
        refused(format!(r#"{{"model":"g","x":[{number}]}}"#), &["g"], Syntax);
    }
}

#[test]
fn nesting_ends_at_256() {
    let nested = |depth: usize, open: &str, close: &str| {
        let (open, close) = (open.repeat(depth), close.repeat(depth));
        format!(r#"{{"x":{open}1{close},"model":"g"}}"#)
    };
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}"), (r#"[{"a":"#, "}]")] {
        let levels = if close.len() == 2 { 127 } else { 255 };
        let body = nested(levels, open, close);
        assert_eq!(
            read_chunks(MODEL, [body.as_bytes()]),
            (vec!["g".to_owned()], Ok(()))
        );
        let body = nested(levels + 1, open, close);
        assert_eq!(
            read_chunks(MODEL, [body.as_bytes()]).1,
            Err(Depth),
            "{open}"
        );
        assert_eq!(
            read_chunks(MODEL, body.as_bytes().chunks(1)).1,
            Err(Depth),
            "{open}"
        );
    }
    let endless = format!("{{\"x\":{}", "[".repeat(100_000));
    assert_eq!(read_chunks(MODEL, [endless.as_bytes()]).1, Err(Depth));
}

#[test]
fn containers_are_told_apart_at_every_depth() {
    for depth in [1, 62, 63, 64, 65, 127, 128, 255] {
        let open: String = (0..depth)
            .map(|i: usize| if i.is_multiple_of(2) { "[" } else { r#"{"a":"# })
            .collect();
        let closing = |i: usize| if i.is_multiple_of(2) { ']' } else { '}' };
        let close: String = (0..depth).rev().map(closing).collect();
        let good = format!(r#"{{"x":{open}1{close},"model":"g"}}"#);
        let (names, result) = read_chunks(MODEL, [good.as_bytes()]);
        assert_eq!((names.len(), result), (1, Ok(())), "{depth}");
        let wrong = if close.starts_with(']') { "}" } else { "]" };
        let bad = format!(r#"{{"x":{open}1{wrong}{},"model":"g"}}"#, &close[1..]);
        assert_eq!(
            read_chunks(MODEL, [bad.as_bytes()]).1,
            Err(Syntax),
            "{depth}"
        );
    }
}
