//! The syntax of forms that is read: boundaries, delimiters, line ends, heads of parts; no more.

use super::{end, file, headed, outcome, outcome_as, refused, request, rig, send};
use crate::support::form;
use crate::support::form::{BOUNDARY, content_type, part};

#[test]
fn encoded_parts_are_refused() {
    let rig = rig();
    for encoding in ["base64", "quoted-printable", "BASE64", "x", ""] {
        refused(
            &rig,
            &[headed(
                &format!("Content-Transfer-Encoding: {encoding}"),
                "good-1",
            )],
        );
    }
    for encoding in ["7bit", "8bit", "binary", "BINARY"] {
        let form = headed(&format!("content-transfer-encoding: {encoding}"), "good-1");
        assert_eq!(outcome(&rig, form), 200);
    }
}

#[test]
fn a_model_of_another_type_than_text_is_refused() {
    let rig = rig();
    for kind in [
        "application/json",
        "text/plain; charset=utf-16",
        "text/plain; charset=\"utf-16\"",
        "text/plain; charset=\"utf-8",
        "text/plain; charset=us-ascii; charset=utf-8",
        "text/html",
        "multipart/mixed; boundary=z",
        "application/octet-stream",
        "",
    ] {
        refused(
            &rig,
            &[headed(&format!("Content-Type: {kind}"), "\"good-1\"")],
        );
    }
    for kind in [
        "text/plain",
        "text/plain; charset=UTF-8",
        "TEXT/PLAIN;charset=utf-8",
        "text/plain; charset=ISO-8859-1",
        "text/plain; charset=US-ASCII",
        "text/plain; charset=\"utf-8\"",
    ] {
        let headed = |value: &str| headed(&format!("Content-Type: {kind}"), value);
        assert_eq!(outcome(&rig, headed("good-1")), 200, "{kind}");
        assert_eq!(outcome(&rig, headed("bad-1")), 403, "{kind}");
    }
    let latin = headed("Content-Type: text/plain; charset=ISO-8859-1", "caf\u{e9}");
    assert_eq!(outcome(&rig, latin), 400, "not the same to everybody");
}

#[test]
fn boundaries_of_rfc_2046_in_a_spelling_that_all_parsers_share() {
    let rig = rig();
    let body = |boundary: &str| {
        let honest = form(&[("model", "good-1"), ("x", "y")]);
        honest.replace(BOUNDARY, boundary)
    };
    let long = "b".repeat(70);
    for (parameter, boundary) in [
        ("boundary=x", "x"),
        ("BOUNDARY=x", "x"),
        ("boundary=\"x\"", "x"),
        (" boundary=\"x y\"", "x y"),
        ("boundary=\"=(?:x)/,'+_.-\"", "=(?:x)/,'+_.-"),
        ("boundary=--x--", "--x--"),
        (&format!("boundary={long}"), &long),
        ("boundary=7d3f1c; charset=UTF-8", "7d3f1c"),
        ("boundary=7d3f1c;charset=utf-8", "7d3f1c"),
        ("boundary=7d3f1c; charset=utf8", "7d3f1c"),
        ("charset=UTF-8; boundary=a", "a"),
        ("boundary=a;", "a"),
        ("boundary=\"a\"; charset=utf-8;", "a"),
    ] {
        let kind = format!("multipart/form-data;{parameter}");
        assert_eq!(outcome_as(&rig, &kind, body(boundary)), 200, "{parameter}");
    }
    let longer = "b".repeat(71);
    for (parameter, boundary) in [
        ("boundary=", ""),
        ("boundary=\"\"", ""),
        (&format!("boundary={longer}"), &longer),
        ("boundary=\"x \"", "x "),
        ("boundary=x y", "x y"),
        ("boundary=a=b", "a=b"),
        ("boundary=\"x", "\"x"),
        ("boundary=x\"", "x\""),
        ("boundary=a; boundary=b", "b"),
        ("boundary=a; boundary=b", "a"),
        ("boundary=a ;charset=utf-8", "a"),
        ("boundary=a;charset=utf-16", "a"),
        ("boundary=a;charset=utf-8;charset=utf-16", "a"),
        ("boundary=a;charset", "a"),
        ("charset=utf-8", "a"),
        (";", "a"),
        ("boundary*=utf-8''a", "a"),
        ("boundary*0=a", "a"),
        ("boundary =a", "a"),
        ("boundary= a", "a"),
        ("boundary=[a]", "[a]"),
        ("boundary=a\\b", "a\\b"),
        ("boundary=é", "é"),
        ("x=a", "a"),
        ("", "a"),
    ] {
        let kind = format!("multipart/form-data;{parameter}");
        let status = send(&rig, &kind, &[body(boundary).as_bytes()]);
        assert_eq!(status, 415, "{parameter}");
    }
}

#[test]
fn other_types_are_no_forms() {
    let rig = rig();
    for kind in [
        "multipart/form-data",
        "multipart/mixed; boundary=7d3f1c",
        "multipart/form-data, multipart/form-data; boundary=7d3f1c",
        "application/json",
        "application/x-www-form-urlencoded",
        "",
    ] {
        let body = form(&[("model", "good-1")]);
        assert_eq!(send(&rig, kind, &[body.as_bytes()]), 415, "{kind}");
    }
    let twice = request(&rig.holding, &content_type()).header("content-type", content_type());
    assert_eq!(
        twice
            .send(&[form(&[("model", "good-1")]).as_bytes()])
            .answered(),
        415
    );
    let encoded = request(&rig.holding, &content_type()).header("content-encoding", "gzip");
    assert_eq!(
        encoded
            .send(&[form(&[("model", "good-1")]).as_bytes()])
            .answered(),
        415
    );
}

#[test]
fn delimiters_are_exact() {
    let rig = rig();
    let good = form(&[("model", "good-1")]);
    let nested =
        headed("X: y", "good-1").replace("X: y", "Content-Type: multipart/mixed; boundary=z");
    let content = |text: &str| [part("name=\"model\"", "good-1"), file(text), end()].concat();
    assert_eq!(
        outcome(&rig, content("\r\n--7d3f1\r\n--\r\n\r\r\n--7d3f1 c")),
        200
    );
    for almost in ["--7d3f1", "-", "\n--7d3f1", "\n\n-", "\r--7d3f1", "\r\r-"] {
        assert_eq!(outcome(&rig, content(almost)), 200, "{almost:?}");
        let [good, bad] = ["good-1", "bad-1"].map(|name| format!("{almost}{name}"));
        refused(
            &rig,
            &[part("name=\"model\"", &good), part("name=\"model\"", &bad)],
        );
    }
    refused(
        &rig,
        &[
            nested,
            content(&format!("\r\n--{BOUNDARY}y\r\n")),
            content(&format!("\r\n--{BOUNDARY}-\r\n")),
            // Go takes one behind the head, PHP one behind a line feed, werkzeug one behind either.
            content(&format!("--{BOUNDARY}\r\n")),
            content(&format!("x\n--{BOUNDARY}\r\n")),
            content(&format!("x\r--{BOUNDARY}\r\n")),
            content(&format!("\n\r\r--{BOUNDARY}")),
            good.replace(&format!("--{BOUNDARY}\r\n"), &format!("--{BOUNDARY} \r\n")),
            good.replace(&format!("--{BOUNDARY}\r\n"), &format!("--{BOUNDARY}\t\r\n")),
            good.replace(&format!("--{BOUNDARY}--"), &format!("--{BOUNDARY} --")),
        ],
    );
}

#[test]
fn lines_end_with_carriage_return_and_line_feed() {
    let rig = rig();
    let good = form(&[("x", "y"), ("model", "good-1")]);
    refused(
        &rig,
        &[good.replace("\r\n", "\n"), good.replace("\r\n", "\r")],
    );
    for (at, _) in good.match_indices("\r\n") {
        let only = |byte: &str| [&good[..at], byte, &good[at + 2..]].concat();
        for body in [only("\n"), only("\r"), only("")] {
            let status = outcome(&rig, &body);
            let whole = at + 2 == good.len() && body.ends_with("--");
            assert_eq!(
                status,
                if whole { 200 } else { 400 },
                "{}",
                body.escape_debug()
            );
        }
    }
}

#[test]
fn nothing_stands_before_or_behind() {
    let rig = rig();
    let (good, bad) = (form(&[("model", "good-1")]), form(&[("model", "bad-1")]));
    refused(
        &rig,
        &[
            format!("preamble\r\n{good}"),
            format!("\r\n{good}"),
            format!(" {good}"),
            format!("{bad}{good}").replacen("bad-1", "good-1", 1),
            format!("{good}{bad}"),
            format!("{good}epilogue"),
            format!("{good}\n"),
            format!("{good}\r"),
            format!("{good}\r\n "),
            format!("{good}\r\n{bad}"),
            format!("{good} "),
            format!("{good}\0"),
        ],
    );
}

#[test]
fn lines_that_are_empty_may_follow() {
    let rig = rig();
    for model in ["good-1", "bad-1"] {
        let status = if model == "good-1" { 200 } else { 403 };
        let form = form(&[("model", model)]);
        for lines in ["\r\n", "\r\n\r\n\r\n"] {
            assert_eq!(outcome(&rig, format!("{form}{lines}")), status, "{lines:?}");
        }
    }
}

#[test]
fn a_form_that_is_cut_short_is_refused() {
    let rig = rig();
    let good = form(&[("model", "good-1"), ("x", "y")]);
    let whole = good.len() - 2;
    for end in 0..=good.len() {
        let status = send(&rig, &content_type(), &[&good.as_bytes()[..end]]);
        let complete = end == whole || end == good.len();
        assert_eq!(status, if complete { 200 } else { 400 }, "{end}");
    }
}

#[test]
fn heads_of_parts_are_plain_and_bounded() {
    let rig = rig();
    let lines = |count: usize| vec!["X-Y: z"; count].join("\r\n");
    assert_eq!(outcome(&rig, headed(&lines(15), "good-1")), 200);
    refused(
        &rig,
        &[
            headed("X-Y", "good-1"),
            headed(" folded", "good-1"),
            headed("\tname=\"x\"", "good-1"),
            headed(": x", "good-1"),
            headed("X Y: z", "good-1"),
            headed("X-Y : z", "good-1"),
            headed("X-Y: \0", "good-1"),
            headed("X-Y: \u{7f}", "good-1"),
            headed("Content-Disposition: form-data; name=\"x\"", "good-1"),
            headed("content-disposition: form-data; name=\"model\"", "good-1"),
            headed(
                "Content-Type: text/plain\r\nContent-Type: text/plain",
                "good-1",
            ),
            headed("X: y", "good-1").replace("form-data;", "attachment;"),
            headed("X: y", "good-1").replace("form-data;", "form-data"),
            headed("X: y", "good-1").replace("Content-Disposition", "X-Disposition"),
            format!("--{BOUNDARY}\r\n\r\ngood-1\r\n{}", end()),
        ],
    );
    for count in [16, 1000] {
        assert_eq!(
            send(
                &rig,
                &content_type(),
                &[headed(&lines(count), "good-1").as_bytes()]
            ),
            400
        );
    }
    let long = headed(&format!("X: {}", "y".repeat(64 * 1024)), "good-1");
    assert_eq!(send(&rig, &content_type(), &[long.as_bytes()]), 400);
    let latin = [
        b"--7d3f1c\r\nContent-Disposition: form-data; name=\"mod\xe9l\"\r\n\r\nx\r\n".as_slice(),
        end().as_bytes(),
    ]
    .concat();
    assert_eq!(outcome(&rig, latin), 400);
}

#[test]
fn a_hundred_thousand_parts_are_read() {
    let rig = rig();
    let parts = part("name=\"x\"", "").repeat(100_000);
    for (model, status) in [("good-1", 200), ("bad-1", 403)] {
        let model = part("name=\"model\"", model);
        let body = [model.as_str(), parts.as_str(), &end()].concat();
        let chunks: Vec<&[u8]> = body.as_bytes().chunks(65_536).collect();
        assert_eq!(send(&rig, &content_type(), &chunks), status);
    }
}

#[test]
fn a_part_inside_a_file_is_a_part() {
    let rig = rig();
    let smuggled = format!(
        "sound\r\n--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nbad-1"
    );
    let model = part("name=\"model\"", "good-1");
    refused(&rig, &[[model.clone(), file(&smuggled), end()].concat()]);
    let first = [file(&smuggled), model, end()].concat();
    assert_eq!(outcome(&rig, first), 403, "its model is read");
}
