//! Documents of the kinds that the public collections of parser tests hold, each put into, before
//! and after honest members: what a reader takes for a model out of scope was refused.
//!
//! J-35, M-22. Does not say which documents are right.

use serde_json::json;
use tests::{Key, flowing, start_another, start_passing};

use super::corpus::{self, Sample};
use super::{Count, IN_SCOPE, judge};

/// Values, half values and no values, as in JSONTestSuite (`y_`, `n_` and `i_`).
const VALUES: &[&[u8]] = &[
    // Arrays.
    b"[]",
    b"[[]   ]",
    b"[\"\"]",
    b"[1\n]",
    b" [1]",
    b"[1,null,null,null,2]",
    b"[2] ",
    b"[1 true]",
    b"[a\xe5]",
    b"[\"\": 1]",
    b"[\"\"],",
    b"[,1]",
    b"[1,,2]",
    b"[\"x\",,]",
    b"[\"x\"]]",
    b"[\"\",]",
    b"[\"x\"",
    b"[x",
    b"[3[4]]",
    b"[\xff]",
    b"[,]",
    b"[-]",
    b"[   , \"\"]",
    b"[\"a\",\n4\n,1,",
    b"[1,]",
    b"[\"\x0ba\"\\f]",
    b"[*]",
    b"[1,\n1\n,1",
    b"[{}",
    b"[fals]",
    b"[nul]",
    b"[tru]",
    // Numbers.
    b"123e65",
    b"0e+1",
    b"0e1",
    b" 4",
    b"-0.000000000000000000000000000001",
    b"20e1",
    b"-0",
    b"-123",
    b"1E22",
    b"1E-2",
    b"1E+2",
    b"123.456e78",
    b"++1234",
    b"+1",
    b"+Inf",
    b"-01",
    b"-1.0.",
    b"-2.",
    b"-NaN",
    b".-1",
    b".2e-3",
    b"0.1.2",
    b"0.3e+",
    b"0.e1",
    b"0E",
    b"1.0e+",
    b"1 000.0",
    b"1eE2",
    b"2.e3",
    b"9.e+",
    b"Inf",
    b"NaN",
    b"\xef\xbc\x91",
    b"1+2",
    b"0x1",
    b"0x42",
    b"Infinity",
    b"0e+-1",
    b"-Infinity",
    b"-foo",
    b"- 1",
    b"-012",
    b"-.123",
    b"-1x",
    b"1ea",
    b"1e\xe5",
    b"1.",
    b".123",
    b"1.2a-3",
    b"1.8011670033376514H-308",
    b"012",
    b"-1e9999",
    b"1.5e+9999",
    b"123123123123123123123123123123",
    // Literals.
    b"true",
    b"false",
    b"null",
    b"TRUE",
    b"nan",
    b"True",
    b"None",
    b"undefined",
    b"nulll",
    b"tru",
    // Strings.
    b"\"\\u0060\\u012a\\u12AB\"",
    b"\"\\uD801\\udc37\"",
    b"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
    b"\"\\\\u0000\"",
    b"\"\\\"\"",
    b"\"a/*b*/c/*d//e\"",
    b"\"\\\\a\"",
    b"\"\\u0012\"",
    b"\"\\uFFFF\"",
    b"\"asd \"",
    b"\"\\uDBFF\\uDFFF\"",
    b"\"new\\u00A0line\"",
    b"\"\xf4\x8f\xbf\xbf\"",
    b"\"\xef\xbf\xbf\"",
    b"\"\\u0000\"",
    b"\"\x2c\"",
    b"\"\xcf\x80\"",
    b"\"\xf0\x9b\xbf\xbf\"",
    b"\" \"",
    b"\"\\uD834\\uDd1e\"",
    b"\"\\u0821\"",
    b"\"\xe2\x80\xa8\"",
    b"\"\xe2\x80\xa9\"",
    b"\"\\u0061\\u30af\\u30EA\\u30b9\"",
    b"\"\\uA66D\"",
    b"\"\x7f\"",
    b"\"\\uD800\\\"",
    b"\"\\uD800\\u\"",
    b"\"\\uD800\\u1\"",
    b"\"\\uD800\\u1x\"",
    b"\xc3\xa9",
    b"\"\\x00\"",
    b"\"\\\\\\\"",
    b"\"\\\x09\"",
    b"\"\\\xf0\x9f\x8c\x80\"",
    b"\"\\\"",
    b"\"\\u00A\"",
    b"\"\\uD834\\uDd\"",
    b"\"\\uD800\\uD800\\x\"",
    b"\"\\u\xe5\"",
    b"\"\\a\"",
    b"\"\\uqqqq\"",
    b"\"\\\xe5\"",
    b"\\u0020\"asd\"",
    b"\\n",
    b"\"",
    b"'single'",
    b"abc",
    b"\"a\x00a\"",
    b"\"new\nline\"",
    b"\"\x09\"",
    b"\"\\UA66D\"",
    b"\"\\uD888\\u1234\"",
    b"\"\\uDADA\"",
    b"\"\\uDd1e\\uD834\"",
    b"\"\xe6\x97\xa5\xd1\x88\xfa\"",
    b"\"\xed\xa0\x80\"",
    b"\"\xff\"",
    b"\"\xf4\xbf\xbf\xbf\"",
    b"\"\xc0\xaf\"",
    b"\"\xfc\x83\xbf\xbf\xbf\xbf\"",
    b"\"\xe0\xff\"",
    b"\"\x81\"",
    b"\"\xf8\x88\x80\x80\x80\"",
    // Objects, and what is beside them.
    b"{}",
    b"{\"a\":\"b\",\"a\":\"c\"}",
    b"{\"\":0}",
    b"{\"foo\\u0000bar\": 42}",
    b"{\"a\":[]}",
    b"[\"x\", truth]",
    b"{[: \"x\"}\n",
    b"{\"x\", null}",
    b"{\"x\"::\"b\"}",
    b"{\xf0\x9f\x87\xa8\xf0\x9f\x87\xad}",
    b"{\"a\":\"a\" 123}",
    b"{key: 'value'}",
    b"{\"\xb9\":\"0\",}",
    b"{\"a\" b}",
    b"{:\"b\"}",
    b"{\"a\" \"b\"}",
    b"{\"a\":",
    b"{\"a\"",
    b"{1:1}",
    b"{9999E9999:1}",
    b"{null:null,null:null}",
    b"{\"id\":0,,,,,}",
    b"{'a':0}",
    b"{\"id\":0,}",
    b"{\"a\":\"b\"}/**/",
    b"{\"a\":\"b\"}/**//",
    b"{\"a\":\"b\"}//",
    b"{\"a\":\"b\"}/",
    b"{\"a\":\"b\",,\"c\":\"d\"}",
    b"{a: \"b\"}",
    b"{\"a\":\"a",
    b"{ \"foo\" : \"bar\", \"a\" }",
    b"{\"a\":\"b\"}#",
    b" ",
    b"<null>",
    b"[\xe2\x81\xa0]",
    b"\xef\xbb\xbf",
    b"[1]x",
    b"[][]",
    b"]",
    b"}",
    b"\xe5",
    b"[",
    b"{",
    b"[\"a",
    b"{,",
    b"{[",
    b"{\"a",
    b"{'a'",
    b"*",
    b"{\"a\":\"b\"}#{}",
    b"[\\u000A\"\"]",
    b"[1",
    b"[ false, nul",
    b"[ true, fals",
    b"{\"asd\":\"asd\"",
    b"\xc2\x85",
    b"\xe2\x81\xa0",
    b"\x0c",
    b"\t",
    b"//x\n",
    b"/**/",
    b"#\n",
    b",",
    b":",
    b"\"\":",
    b"\x00",
    b"\x1e",
];

/// How a value meets a model: `@` is the value.
const PLACES: &[&str] = &[
    r#"@"#,
    r#"{"model":@}"#,
    r#"{"model":"good-1","x":@}"#,
    r#"{"x":@,"model":"good-1"}"#,
    r#"{"x":@,"model":"bad-1"}"#,
    r#"{"model":"good-1","x":@,"model":"bad-1"}"#,
    r#"{"model":"good-1",@:1}"#,
    r#"{"model":"good-1",@,"model":"bad-1"}"#,
    r#"{"model":"good-1"@,"model":"bad-1"}"#,
    r#"{"model":"good-1","models":@}"#,
    r#"{"model":"good-1","models":["good-1",@,"bad-1"]}"#,
    r#"{"model":"good-1"}@"#,
    r#"{"model":"good-1"}@{"model":"bad-1"}"#,
    r#"@{"model":"good-1"}"#,
    r#"@{"model":"bad-1"}"#,
    r#"[@,{"model":"bad-1"}]"#,
];

/// Parts as in the tests of Go, busboy, formidable, python-multipart and werkzeug: `--b` is the
/// delimiter.
const PARTS: &[&[u8]] = &[
    b"--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nbad-1\r\n",
    b"--b\r\nContent-Disposition: form-data; name=model\r\n\r\nbad-1\r\n",
    b"--b\r\ncontent-disposition:form-data;name=\"model\"\r\n\r\nbad-1\r\n",
    b"--b\r\nContent-Disposition : form-data; name=\"model\"\r\n\r\nbad-1\r\n",
    b"--b\r\n Content-Disposition: form-data; name=\"model\"\r\n\r\nbad-1\r\n",
    b"--b\r\nContent-Disposition: form-data;\r\n\tname=\"model\"\r\n\r\nbad-1\r\n",
    b"--b\r\nContent-Disposition: form-data; foo=\"; name=x; \"; name=\"model\"\r\n\r\nbad-1\r\n",
    b"--b\r\nContent-Disposition: form-data; name=\"x\"; filename=\"a\\\"; name=\\\"model\"\r\n\r\nbad-1\r\n",
    b"--b\r\nContent-Disposition: form-data; name=\"model\\\\\"\r\n\r\nbad-1\r\n",
    b"--b\r\nContent-Disposition: form-data; name=\"mod%65l\"\r\n\r\nbad-1\r\n",
    b"--b\r\nContent-Disposition: form-data; name=\"=?utf-8?q?model?=\"\r\n\r\nbad-1\r\n",
    b"--b\r\nContent-Disposition: form-data; name*=iso-8859-1'en'model\r\n\r\nbad-1\r\n",
    b"--b\r\nContent-Disposition: form-data; name=\"x\"\r\nContent-Disposition: form-data; \
      name=\"model\"\r\n\r\nbad-1\r\n",
    b"--b\r\nContent-Disposition: form-data; name=\"model\"\r\nContent-Length: 3\r\n\r\nbad-1\r\n",
    b"--b\r\nContent-Disposition: form-data; name=\"model\"\r\nContent-Type: multipart/mixed; boundary=c\r\n\r\n\
      --c\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nbad-1\r\n--c--\r\n",
    b"--b\r\nContent-Type: text/plain\r\n\r\nbad-1\r\n",
    b"--b\r\n\r\nbad-1\r\n",
    b"--b\r\nContent-Disposition: form-data; name=\"model\"\n\nbad-1\r\n",
    b"--b\nContent-Disposition: form-data; name=\"model\"\n\nbad-1\n",
    b"--b\rContent-Disposition: form-data; name=\"model\"\r\rbad-1\r",
    b"--b \t\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nbad-1\r\n",
    b"--b-\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nbad-1\r\n",
    b"--b--\r\n--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nbad-1\r\n",
    b"\r\n--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nbad-1\r\n",
    b"preamble\r\n--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nbad-1\r\n",
    b"--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\nx\n--b\nContent-Disposition: form-data; \
      name=\"model\"\r\n\r\nbad-1\r\n",
    b"--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\n--b\r\nContent-Disposition: form-data; \
      name=\"model\"\r\n\r\nbad-1\r\n",
    b"--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\nx\r--b\rContent-Disposition: form-data; \
      name=\"model\"\r\rbad-1\r\n",
    b"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\nContent-Type: x/y\r\n\r\n\xff\x00\r\n",
    b"--b\r\nContent-Disposition: form-data; name=\"\"\r\n\r\nbad-1\r\n",
    b"--b\r\nContent-Disposition: form-data; name=\"model\"\r\nX: \x00\r\n\r\nbad-1\r\n",
    b"--b\r\nContent-Disposition: file; name=\"model\"; filename=\"a\"\r\n\r\nbad-1\r\n",
];

/// Where such a part stands: `@` is the part.
const ORDERS: &[&str] = &[
    "@--b--\r\n",
    "G@--b--\r\n",
    "@G--b--\r\n",
    "G--b--\r\n@--b--\r\n",
    "@",
    "G@",
];
const GOOD: &str = "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\ngood-1\r\n";

/// The text with the bytes at `@`.
fn put(place: &str, value: &[u8]) -> Vec<u8> {
    place
        .as_bytes()
        .split(|byte| *byte == b'@')
        .collect::<Vec<_>>()
        .join(value)
}

fn judge_all(name: &str, samples: impl Iterator<Item = Sample>) -> Option<Count> {
    let (stack, admin) = start_passing(&["x-sample"]);
    let key: Key = admin.create("limited", json!({"scope": {"models": IN_SCOPE}}));
    let samples: Vec<Sample> = samples.collect();
    let flowing = start_another(&stack, "flowing", flowing());
    let flowed = judge(&stack, &[flowing.settings().url()], &key, &samples, 0)?;
    let count = judge(&stack, &[stack.envoy_url()], &key, &samples, 0)?;
    println!("{name}: {} documents, {count:?}", samples.len());
    assert_eq!(
        flowed.passed, count.passed,
        "held or flowing, the same pass"
    );
    Some(count)
}

#[test]
fn documents_of_the_collections_of_json() {
    let samples = PLACES.iter().flat_map(|place| {
        VALUES
            .iter()
            .map(move |value| Sample::json(put(place, value)))
    });
    let Some(count) = judge_all("J-35", samples) else {
        return;
    };
    assert!(count.out_of_scope > 200 && count.passed > 100, "{count:?}");
}

#[test]
fn parts_of_the_collections_of_forms() {
    let samples = ORDERS.iter().flat_map(|order| {
        let order = order.replace('G', GOOD);
        PARTS.iter().map(move |part| {
            let body = put(&order, part);
            Sample::form(corpus::with_boundary_bytes(&body))
        })
    });
    let Some(count) = judge_all("M-22", samples) else {
        return;
    };
    assert!(count.out_of_scope > 50 && count.passed > 0, "{count:?}");
}
