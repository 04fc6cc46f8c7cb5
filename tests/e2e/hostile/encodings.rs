//! Bodies that say they are something else, or are framed oddly.

use std::io::Write;
use std::net::TcpStream;

use tests::raw;

use super::{Attempt, CANARIES, Framing, Range, head};

const GOOD: &str = r#"{"model":"good-1"}"#;
const BAD: &str = r#"{"model":"bad-1"}"#;

/// Gzip of nothing; what is inside must not matter.
const GZIP: &[u8] = b"\x1f\x8b\x08\0\0\0\0\0\0\x03\x03\0\0\0\0\0\0\0\0\0";

#[test]
fn an_encoded_body_is_not_judged_and_not_let_through() {
    Range::in_both_settings(|range| {
        for coding in [
            "gzip",
            "GZIP",
            "x-gzip",
            " br ",
            "zstd",
            "deflate",
            "identity, gzip",
            "gzip, identity",
            "",
            "identity;q=1",
            "aes128gcm",
        ] {
            let attempt = Attempt::chat(&format!("E-02 {coding}"), GOOD);
            range.judge(&attempt.with("content-encoding", coding), &[415]);
        }
        let twice = Attempt::chat("E-02 twice", GOOD).with("content-encoding", "identity");
        range.judge(&twice.clone(), &[200]);
        range.judge(&twice.with("content-encoding", "gzip"), &[415]);
        range.judge(
            &Attempt::chat("E-01", GZIP).with("content-encoding", "gzip"),
            &[415],
        );
        range.judge(&Attempt::chat("E-03", GZIP), &[400]);
        let identity = Attempt::chat("E-03", GZIP).with("content-encoding", "identity");
        range.judge(&identity, &[400]);
    });
}

#[test]
fn a_type_that_the_endpoint_does_not_take_is_refused() {
    Range::in_both_settings(|range| {
        for content_type in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "application/octet-stream",
            "application/json, multipart/form-data; boundary=x",
            "application/json; boundary=x",
            "application/json; charset=utf-7",
            "application/json; charset=utf-16",
            "application/json; charset=shift_jis",
            "application/json; charset=UTF-8\"",
            "application/jsonx",
            "json",
            "*/*",
            "",
        ] {
            let attempt = Attempt::chat(&format!("E-06, E-07, E-08 {content_type}"), GOOD);
            range.judge(&attempt.of_type(content_type), &[415]);
        }
        for content_type in ["application/vnd.api+json", "APPLICATION/JSON;charset=UTF-8"] {
            range.judge(&Attempt::chat("E-06", GOOD).of_type(content_type), &[200]);
            range.judge(&Attempt::chat("E-06", BAD).of_type(content_type), &[403]);
        }
        let twice =
            Attempt::chat("E-07", GOOD).with("content-type", "multipart/form-data; boundary=x");
        range.judge(&twice, &[400, 415]);
        let mut none = Attempt::chat("E-06 none", GOOD);
        none.fields.clear();
        range.judge(&none, &[415]);
    });
}

#[test]
fn a_body_of_two_kinds_is_read_as_the_declared_one() {
    Range::in_both_settings(|range| {
        let part =
            "--x\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nbad-1\r\n--x--\r\n";
        let both = format!(
            "{{\"model\":\"good-1\",\"y\":\"{}\"}}",
            part.escape_default()
        );
        range.judge(&Attempt::chat("E-09 JSON", both), &[200, 400]);
        let form = Attempt::post(
            "E-09 form",
            "/v1/images/edits",
            part.replace("bad-1", "good-1"),
        );
        range.judge(&form.clone(), &[400]);
        range.judge(&form.of_type("multipart/form-data; boundary=x"), &[200]);
    });
}

#[test]
fn odd_framing_lets_nothing_more_through() {
    Range::in_both_settings(|range| {
        let bearer = [b"authorization: ".as_slice(), &range.bearer()].concat();
        let json = b"content-type: application/json".to_vec();
        let request = |lines: &[&str], body: &str| {
            let mut all = vec![bearer.clone(), json.clone()];
            all.extend(lines.iter().map(|line| line.as_bytes().to_vec()));
            let mut bytes = head("POST", "/v1/chat/completions", &all);
            bytes.extend(body.bytes());
            bytes
        };
        let chunked = "transfer-encoding: chunked";
        let refused: &[u16] = &[400, 413, 415, 417, 501];
        let cases: &[(&str, &[&str], &str, &[u16])] = &[
            (
                "E-05 TE gzip",
                &["transfer-encoding: gzip, chunked"],
                "0\r\n\r\n",
                refused,
            ),
            (
                "E-05 TE identity",
                &["transfer-encoding: identity"],
                GOOD,
                refused,
            ),
            (
                "E-05 both",
                &[chunked, "content-length: 3"],
                "0\r\n\r\n",
                refused,
            ),
            (
                "E-16 bogus",
                &["expect: bogus", "content-length: 18"],
                GOOD,
                &[200, 417],
            ),
            (
                "E-18 extension",
                &[chunked],
                "12;a=b\r\n{\"model\":\"good-1\"}\r\n0\r\n\r\n",
                &[200],
            ),
            (
                "E-18 extension",
                &[chunked],
                "11;a=b\r\n{\"model\":\"bad-1\"}\r\n0\r\n\r\n",
                &[403],
            ),
            (
                "E-18 line feed",
                &[chunked],
                "12\n{\"model\":\"good-1\"}\n0\n\n",
                refused,
            ),
            (
                "E-18 sign",
                &[chunked],
                "+12\r\n{\"model\":\"good-1\"}\r\n0\r\n\r\n",
                refused,
            ),
        ];
        for (id, lines, body, statuses) in cases {
            range.judge_raw(id, &request(lines, body), statuses);
        }
    });
}

#[test]
fn a_body_that_ends_early_never_arrives_whole() {
    Range::in_both_settings(|range| {
        let bearer = [b"authorization: ".as_slice(), &range.bearer()].concat();
        let lines = [
            bearer,
            b"content-type: application/json\r\ncontent-length: 100".to_vec(),
        ];
        for _ in 0..100 {
            let mut stream = TcpStream::connect(raw::address_of(&range.url())).unwrap();
            let mut bytes = head("POST", "/v1/chat/completions", &lines);
            bytes.extend(GOOD.bytes());
            stream.write_all(&bytes).unwrap();
        }
        range.canaries();
        let received = range.upstream().requests();
        let whole = received.iter().filter(|request| request.is_complete);
        assert_eq!(whole.count(), CANARIES, "E-11, E-15");
    });
}

#[test]
fn pipelined_requests_are_judged_one_by_one() {
    Range::in_both_settings(|range| {
        let bearer = String::from_utf8(range.bearer()).unwrap();
        let request = |body: &str| {
            format!(
                "POST /v1/chat/completions HTTP/1.1\r\nhost: gate\r\nauthorization: {bearer}\r\n\
                 content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            )
        };
        let both = format!("{}{}", request(GOOD), request(BAD));
        range.judge_raw("E-19", both.as_bytes(), &[200]);
    });
}

#[test]
fn empty_frames_cost_nothing_and_change_nothing() {
    Range::in_both_settings(|range| {
        let mut chunks: Vec<&[u8]> = vec![b""; 2_000];
        chunks.extend(BAD.as_bytes().chunks(1));
        let bearer = range.bearer();
        let fields: &[(&str, &[u8])] = &[
            ("content-type", b"application/json"),
            ("authorization", &bearer),
        ];
        let request = tests::http2::request("POST", "/v1/chat/completions", fields);
        let answer = tests::http2::send(&range.url(), request, &chunks, http::HeaderMap::new());
        assert_eq!(answer.status, 403, "E-17");
        assert_eq!(range.upstream().count(), 0);
        let good = Attempt::chat("E-17", GOOD).with("authorization", &bearer);
        range.judge_framed(&good, Framing::Http2, &[200]);
    });
}
