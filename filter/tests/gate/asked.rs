//! Streams of keys with a limit of tokens are asked to state what they use, and the client sees what it would
//! have seen without us; every other request and answer stays as it is.
//!
//! The upstream's part is played by hand. Invariant: bodies and answers are cut at every byte.

use keytable::{Record, TokenCounts, Tokens};

use super::limits::{keeping, limited, requests, tokens};
use crate::support::request::Cut;
use crate::support::{Call, Exchange, Rig, key, list, record};

const SSE: &[(&str, &str)] = &[(":status", "200"), ("content-type", "text/event-stream")];
const BODY: &str =
    r#"{"model":"glm-5.1","messages":[{"role":"user","content":"a } b"}],"stream":true}"#;
const ASKED: &str = concat!(
    r#"{"model":"glm-5.1","messages":[{"role":"user","content":"a } b"}],"stream":true"#,
    r#","stream_options":{"include_usage":true}}"#
);
const STATED: &str =
    r#"{"id":"1","choices":[],"usage":{"prompt_tokens":12,"completion_tokens":5}}"#;

/// A key for everything, and one for a list, both with a limit of tokens.
fn keys() -> [Record; 2] {
    let scoped = Record {
        scope: list(&["glm-5.1"]),
        ..limited(1, &[tokens(10_000_000)])
    };
    [limited(1, &[tokens(10_000_000)]), scoped]
}

fn with_length(rig: &Rig, n: usize, body: &str) -> Exchange {
    let exchange = rig.post().bearer(n);
    exchange.header("content-length", body.len().to_string())
}

fn sent(rig: &Rig, n: usize, body: &str) -> Exchange {
    with_length(rig, n, body).send(&[body.as_bytes()])
}

fn reached(exchange: &Exchange) -> &str {
    std::str::from_utf8(&exchange.upstream).unwrap()
}

/// A stream of these events, with and without the one that states usage; `end` ends a line.
fn streams(end: &str) -> [String; 2] {
    let before = r#"{"choices":[{"delta":{"content":"hi"}}],"usage":null}"#;
    let filtered = r#"{"choices":[],"prompt_filter_results":[]}"#;
    let event = |data: &str| format!("data: {data}{end}{end}");
    let front = [
        event(filtered),
        format!(": a comment{end}{end}"),
        event(before),
    ]
    .concat();
    let done = event("[DONE]");
    [
        [front.as_str(), &event(STATED), &done].concat(),
        [front.as_str(), &done].concat(),
    ]
}

fn reported() -> Tokens {
    Tokens {
        reported: TokenCounts {
            input: 12,
            output: 5,
            ..TokenCounts::default()
        },
        estimated: TokenCounts::default(),
    }
}

#[test]
fn a_body_cut_anywhere_gains_the_word_and_loses_its_length() {
    for key in keys() {
        let rig = keeping(&[key]);
        for at in 0..=BODY.len() {
            let (front, back) = BODY.as_bytes().split_at(at);
            let exchange = with_length(&rig, 1, BODY).send(&[front, back]);
            assert_eq!(reached(&exchange), ASKED, "cut at {at}");
            assert!(exchange.seen("content-length").is_empty());
        }
    }
}

#[test]
fn a_stream_cut_anywhere_is_the_one_that_would_have_come() {
    for key in keys() {
        let rig = keeping(&[key]);
        for end in ["\n", "\r\n", "\r"] {
            let [stream, wanted] = streams(end);
            for at in 1..stream.len() {
                let (front, back) = stream.as_bytes().split_at(at);
                let mut exchange = sent(&rig, 1, BODY);
                let client = exchange.answer(SSE, &[front, back]);
                exchange.end();
                assert_eq!(String::from_utf8(client).unwrap(), wanted, "cut at {at}");
                assert_eq!(rig.used()[0].2, reported(), "cut at {at}");
            }
            let mut exchange = sent(&rig, 1, BODY);
            let single: Vec<&[u8]> = stream.as_bytes().chunks(1).collect();
            let client = exchange.answer(SSE, &single);
            assert_eq!(String::from_utf8(client).unwrap(), wanted, "byte by byte");
            exchange.end();
            rig.used();
        }
    }
}

#[test]
fn an_answer_that_ends_with_trailers_or_in_an_event_is_whole() {
    let rig = keeping(&keys()[..1]);
    let [stream, wanted] = streams("\n");
    let mut exchange = sent(&rig, 1, BODY);
    let client = exchange.answer_trailed(SSE, &[stream.as_bytes()], &[("x-checksum", "1")]);
    assert_eq!(String::from_utf8(client).unwrap(), wanted);
    for left in ["data: {\"choices\":[{}]}", "data: {\"choices\":[{}]}\n"] {
        let mut exchange = sent(&rig, 1, BODY);
        let client = exchange.answer(SSE, &[left.as_bytes()]);
        assert_eq!(String::from_utf8(client).unwrap(), left);
    }
    let mut exchange = sent(&rig, 1, BODY);
    let stated = format!("data: {STATED}\n");
    assert!(exchange.answer(SSE, &[stated.as_bytes()]).is_empty());
}

#[test]
fn an_event_that_is_long_passes_and_so_does_the_next() {
    let rig = keeping(&keys()[..1]);
    let content = "x".repeat(70_000);
    let long = format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{content}\"}}}}]}}\n\n");
    let long_usage = format!("data: {{\"choices\":[],\"usage\":{{}},\"x\":\"{content}\"}}\n\n");
    let [stream, wanted] = streams("\n");
    let stream = [long.as_str(), &long_usage, &stream].concat();
    let wanted = [long.as_str(), &long_usage, &wanted].concat();
    for size in [1_000, 65_536, 200_000] {
        let mut exchange = sent(&rig, 1, BODY);
        let pieces: Vec<&[u8]> = stream.as_bytes().chunks(size).collect();
        let client = exchange.answer(SSE, &pieces);
        assert!(client == wanted.as_bytes(), "in pieces of {size}");
    }
}

#[test]
fn a_client_that_asked_itself_gets_what_it_asked_for() {
    let rig = keeping(&keys()[..1]);
    let [stream, _] = streams("\n");
    let asked = sent(&rig, 1, ASKED);
    assert_eq!(reached(&asked), ASKED);
    let mut asked = asked;
    let client = asked.answer(SSE, &[stream.as_bytes()]);
    assert_eq!(String::from_utf8(client).unwrap(), stream);
    let refused = ASKED.replace("true}}", "false}}");
    assert_eq!(reached(&sent(&rig, 1, &refused)), refused);
}

#[test]
fn a_key_without_a_limit_of_tokens_has_nothing_changed() {
    let rig = keeping(&[record(1), limited(2, &[requests(1_000)])]);
    let [stream, _] = streams("\n");
    for n in [1, 2] {
        let mut exchange = sent(&rig, n, BODY);
        assert_eq!(reached(&exchange), BODY);
        assert_eq!(exchange.seen("content-length"), [BODY.len().to_string()]);
        let client = exchange.answer(SSE, &[stream.as_bytes()]);
        assert_eq!(String::from_utf8(client).unwrap(), stream);
    }
}

#[test]
fn what_is_signed_or_cannot_be_read_stays_as_it_is() {
    let rig = keeping(&keys()[..1]);
    for (name, value) in [
        ("x-amz-content-sha256", "0"),
        ("content-md5", "0"),
        ("content-digest", "sha-256=:0:"),
        ("digest", "0"),
        ("signature", "a=:0:"),
        ("signature-input", "a"),
        ("content-encoding", "gzip"),
    ] {
        let exchange = with_length(&rig, 1, BODY).header(name, value);
        let exchange = exchange.send(&[BODY.as_bytes()]);
        assert_eq!(reached(&exchange), BODY, "{name}");
        assert_eq!(exchange.seen("content-length").len(), 1, "{name}");
    }
    for other in [
        "/v1/chat/completions?X-Amz-Signature=0",
        "/v1/responses",
        "/v1/messages",
    ] {
        let exchange = with_length(&rig, 1, BODY).with(":path", other);
        assert_eq!(reached(&exchange.send(&[BODY.as_bytes()])), BODY, "{other}");
    }
    // Where the key travels elsewhere, the provider's own signature passes.
    let elsewhere = r#""limits":"keep","key_places":["header:x-latchkey-key"]"#;
    let rig = Rig::configured(&keys()[..1], elsewhere);
    let signed = |authorization: &str| {
        let exchange = rig.post().header("x-latchkey-key", key(1));
        let exchange = exchange.header("authorization", authorization);
        exchange.send(&[BODY.as_bytes()])
    };
    for scheme in [
        "AWS4-HMAC-SHA256 Credential=a",
        "tc3-hmac-sha256 Credential=a",
    ] {
        assert_eq!(reached(&signed(scheme)), BODY, "{scheme}");
    }
    assert_eq!(reached(&signed("Bearer provider")), ASKED);
}

#[test]
fn the_setting_says_how_a_stream_is_asked() {
    let configured = |setting: &str| {
        let settings = format!(r#""limits":"keep","stream_usage":"{setting}""#);
        Rig::configured(&keys()[..1], &settings)
    };
    let exchange = sent(&configured("estimate"), 1, BODY);
    assert_eq!(reached(&exchange), BODY);
    assert_eq!(exchange.seen("content-length").len(), 1);
    let rig = configured("continuous");
    let wanted = r#""stream_options":{"include_usage":true,"continuous_usage_stats":true}}"#;
    assert!(reached(&sent(&rig, 1, BODY)).ends_with(wanted));
    let options = r#"{"stream":true,"stream_options":{}}"#;
    let wanted =
        r#"{"stream":true,"stream_options":{"include_usage":true,"continuous_usage_stats":true}}"#;
    assert_eq!(reached(&sent(&rig, 1, options)), wanted);
}

#[test]
fn an_upstream_that_refuses_the_word_is_counted_and_its_answer_passes() {
    let rig = keeping(&keys()[..1]);
    for (body, status, counted) in [
        (BODY, "422", 1),
        (BODY, "400", 1),
        (BODY, "500", 0),
        (ASKED, "422", 0),
    ] {
        let head = [(":status", status), ("content-type", "application/json")];
        let mut exchange = sent(&rig, 1, body);
        assert_eq!(
            exchange.answer(&head, &[b"{\"error\":{}}"]),
            b"{\"error\":{}}"
        );
        assert_eq!(
            exchange.host.refused_questions.get(),
            counted,
            "{body} {status}"
        );
    }
}

#[test]
fn a_stream_that_was_said_to_have_a_length_has_none() {
    let rig = keeping(&keys()[..1]);
    let [stream, wanted] = streams("\n");
    let length = stream.len().to_string();
    let head = [SSE, &[("content-length", length.as_str())]].concat();
    let mut exchange = sent(&rig, 1, BODY);
    let client = exchange.answer(&head, &[stream.as_bytes()]);
    assert_eq!(String::from_utf8(client).unwrap(), wanted);
    let headers = exchange.host.response_headers.borrow();
    assert!(headers.iter().all(|(name, _)| name != b"content-length"));
}

#[test]
fn a_body_that_cannot_be_read_or_replaced_goes_on_as_it_is() {
    for call in [Call::Body, Call::SetBody] {
        let rig = keeping(&keys()[..1]);
        let mut exchange = with_length(&rig, 1, BODY);
        exchange.headers(false);
        exchange.host.fail(call);
        exchange.chunk(BODY.as_bytes(), true);
        exchange.host.heal();
        assert_eq!(reached(&exchange), BODY, "{call:?}");
        let [stream, _] = streams("\n");
        let client = exchange.answer(SSE, &[stream.as_bytes()]);
        assert_eq!(String::from_utf8(client).unwrap(), stream, "{call:?}");
    }
}

#[test]
fn a_stream_of_which_a_piece_is_lost_is_cut() {
    let rig = keeping(&keys()[..1]);
    let mut exchange = sent(&rig, 1, BODY);
    exchange.answer_head();
    exchange.host.fail(Call::ResponseBody);
    exchange.answer_chunk(b"data: {\"choices\":[{}]}\n\n");
    exchange.host.heal();
    assert_eq!(exchange.cut(), Some(Cut::Reset));
}

#[test]
fn a_body_that_is_too_large_to_be_replaced_goes_on_as_it_is() {
    let rig = Rig::configured(&keys()[1..], r#""limits":"keep","hold_bytes_max":20000000"#);
    let prompt = "x".repeat(9 << 20);
    for (body, is_asked) in [
        (
            format!(r#"{{"stream":true,"prompt":"{prompt}","model":"glm-5.1"}}"#),
            false,
        ),
        (
            format!(r#"{{"model":"glm-5.1","prompt":"{prompt}","stream":true}}"#),
            true,
        ),
    ] {
        let pieces: Vec<&[u8]> = body.as_bytes().chunks(1 << 20).collect();
        let exchange = rig.post().bearer(1).send(&pieces);
        let is_longer = exchange.upstream.len() > body.len();
        assert_eq!(is_longer, is_asked);
    }
}
