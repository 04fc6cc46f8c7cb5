//! Forms whose `model` field is doubled, disguised, or hidden from one reader.

use super::{Attempt, Range};

const PATH: &str = "/v1/audio/transcriptions";
const TYPE: &str = "multipart/form-data; boundary=b";
const FILE_BYTES: usize = 1024 * 1024;

/// A part with this head (without its last line end) and content.
fn part(head: &str, content: &str) -> String {
    format!("--b\r\n{head}\r\n\r\n{content}\r\n")
}

fn model(name: &str) -> String {
    part("Content-Disposition: form-data; name=\"model\"", name)
}

fn file(content: &str) -> String {
    let head = "Content-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\
                Content-Type: audio/wav";
    part(head, content)
}

fn form(parts: &[String]) -> String {
    format!("{}--b--\r\n", parts.concat())
}

fn judge(range: &Range, id: &str, body: &str, statuses: &[u16]) {
    range.judge(&Attempt::post(id, PATH, body).of_type(TYPE), statuses);
}

#[test]
fn the_model_counts_before_and_after_the_file() {
    Range::in_both_settings(|range| {
        let sound = "RIFF\r\n-- b\r\n".repeat(FILE_BYTES / 12);
        for (name, status) in [("good-1", 200), ("bad-1", 403)] {
            judge(
                range,
                "M-01",
                &form(&[model(name), file(&sound)]),
                &[status],
            );
            judge(
                range,
                "M-02",
                &form(&[file(&sound), model(name)]),
                &[status],
            );
        }
        judge(
            range,
            "M-03",
            &form(&[model("good-1"), model("bad-1")]),
            &[400, 403],
        );
        judge(
            range,
            "M-03",
            &form(&[model("bad-1"), model("good-1")]),
            &[400, 403],
        );
        judge(range, "M-04", &form(&[file("RIFF")]), &[400]);
        let inside = "RIFF\r\n--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nbad-1";
        judge(
            range,
            "M-19",
            &form(&[model("good-1"), file(inside)]),
            &[400, 403],
        );
        let longer = "RIFF\r\n--by\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nbad-1";
        judge(
            range,
            "M-13",
            &form(&[model("good-1"), file(longer)]),
            &[200, 400],
        );
        let query = Attempt::post(
            "M-21",
            &format!("{PATH}?model=bad-1"),
            form(&[model("good-1")]),
        );
        range.judge(&query.of_type(TYPE), &[403]);
    });
}

#[test]
fn a_field_that_some_server_takes_for_the_model_is_refused() {
    Range::in_both_settings(|range| {
        let good = model("good-1");
        let named =
            |disposition: &str| part(&format!("Content-Disposition: {disposition}"), "bad-1");
        for disposition in [
            "form-data; name=\"model[]\"",
            "form-data; name=\"model[0]\"",
            "form-data; name=\"model.x\"",
            "form-data; name=\"Model\"",
            "form-data; name=\"model \"",
            "form-data; name=\"mod\\el\"",
            "form-data; name=model",
            "form-data; NAME=\"model\"",
            "form-data; name = \"model\"",
            "form-data; name=\"model\"; name=\"x\"",
            "form-data; name=\"x\"; name=\"model\"",
            "form-data; name*=utf-8''model",
            "form-data; name=\"x\"; name*=utf-8''model",
            "form-data; name*0=\"mo\"; name*1=\"del\"",
            "form-data; name=\"=?utf-8?q?model?=\"",
            "form-data; name=\"model\"; filename=\"a.txt\"",
            "form-data; name=\"model\"; filename*=utf-8''a.txt",
            "form-data",
            "attachment; name=\"model\"",
            "form-data; name=\"x\"\r\nContent-Disposition: form-data; name=\"model\"",
            "form-data;\r\n name=\"model\"",
        ] {
            let id = format!("M-05, M-06, M-07, M-08 {disposition}");
            judge(
                range,
                &id,
                &form(&[good.clone(), named(disposition)]),
                &[400, 403],
            );
        }
        for disposition in ["form-data; name=model", "form-data; NAME=\"model\""] {
            judge(
                range,
                disposition,
                &form(&[named(disposition)]),
                &[400, 403],
            );
        }
    });
}

#[test]
fn an_encoded_or_nested_value_is_refused() {
    Range::in_both_settings(|range| {
        let head = "Content-Disposition: form-data; name=\"model\"\r\n";
        for (line, value) in [
            ("Content-Transfer-Encoding: base64", "YmFkLTE="),
            ("Content-Transfer-Encoding: base64", "good-1"),
            ("Content-Transfer-Encoding: quoted-printable", "=62ad-1"),
            ("Content-Type: application/json", "\"bad-1\""),
            ("Content-Type: text/plain; charset=utf-16", "good-1"),
            ("Content-Type: multipart/mixed; boundary=c", "good-1"),
        ] {
            let body = form(&[part(&format!("{head}{line}"), value)]);
            judge(
                range,
                &format!("M-09, M-10, M-13 {line}"),
                &body,
                &[400, 403],
            );
        }
        for value in [
            "good-1\r\n",
            " good-1",
            "",
            "good-1\0",
            "good-1,bad-1",
            &"a".repeat(FILE_BYTES),
        ] {
            judge(range, "M-20", &form(&[model(value)]), &[400, 403]);
        }
    });
}

#[test]
fn a_form_out_of_shape_is_refused() {
    Range::in_both_settings(|range| {
        let good = form(&[model("good-1")]);
        let fake = model("bad-1");
        let unended = good.trim_end_matches("--b--\r\n");
        let many_heads = format!(
            "{}Content-Disposition: form-data; name=\"x\"",
            "X-A: b\r\n".repeat(1000)
        );
        let long_head = format!(
            "X-A: {}\r\nContent-Disposition: form-data",
            "a".repeat(65_536)
        );
        let cases: Vec<(&str, String)> = vec![
            ("M-14 line feeds", good.replace("\r\n", "\n")),
            ("M-14 carriage returns", good.replace("\r\n", "\r")),
            ("M-14 blanks", good.replace("--b\r\n", "--b \t\r\n")),
            (
                "M-15 preamble",
                format!("{fake}{}", good.replace("--b", "--c")),
            ),
            ("M-15 preamble", format!("x\r\n{good}")),
            ("M-15 epilogue", format!("{good}{fake}--b--\r\n")),
            ("M-16 no end", unended.to_owned()),
            ("M-16 cut head", format!("{unended}--b\r\nContent-Dispo")),
            ("M-16 half an end", format!("{unended}--b-")),
            (
                "M-17 many lines",
                form(&[model("good-1"), part(&many_heads, "x")]),
            ),
            (
                "M-17 long line",
                form(&[model("good-1"), part(&long_head, "x")]),
            ),
            ("M-13 empty", String::new()),
        ];
        for (id, body) in &cases {
            judge(range, id, body, &[400, 403]);
        }
    });
}

#[test]
fn a_boundary_that_can_be_read_in_two_ways_is_refused() {
    Range::in_both_settings(|range| {
        let good = form(&[model("good-1")]);
        for content_type in [
            "multipart/form-data",
            "multipart/form-data; boundary=",
            "multipart/form-data; boundary=\"\"",
            "multipart/form-data; boundary=b; boundary=a",
            "multipart/form-data; boundary=a; boundary=b",
            "multipart/form-data; boundary*=utf-8''b",
            "multipart/form-data; charset=utf-16; boundary=b",
            "multipart/mixed; boundary=b",
            "multipart/form-data; boundary=\"b",
        ] {
            let id = format!("M-12 {content_type}");
            range.judge(
                &Attempt::post(&id, PATH, &good).of_type(content_type),
                &[415],
            );
        }
        for (boundary, status) in [
            ("\"b\"".to_owned(), 200),
            ("c--d".to_owned(), 200),
            ("\"'()+_,-./:=?\"".to_owned(), 200),
            ("x".repeat(70), 200),
            ("x".repeat(71), 415),
            ("a[b]".to_owned(), 415),
        ] {
            let body = good.replace("--b", &format!("--{}", boundary.trim_matches('"')));
            let content_type = format!("multipart/form-data; boundary={boundary}");
            let attempt = Attempt::post(&format!("M-11 {boundary}"), PATH, body);
            range.judge(&attempt.of_type(content_type), &[status]);
        }
    });
}

#[test]
fn many_empty_parts_cost_no_more_than_their_length() {
    Range::in_both_settings(|range| {
        let empty = part("Content-Disposition: form-data; name=\"x\"", "");
        let body = form(&[empty.repeat(50_000), model("bad-1")]);
        judge(range, "M-18", &body, &[400, 403, 413]);
    });
}
