//! What requests used is read from their answers in passing, and counted once.

use keytable::{Record, TokenCounts, Tokens};

use crate::support::{Exchange, Rig, list, record};

const JSON: &[(&str, &str)] = &[(":status", "200"), ("content-type", "application/json")];
const SSE: &[(&str, &str)] = &[(":status", "200"), ("content-type", "text/event-stream")];
const BODY: &[u8] = br#"{"model":"glm-5.1","messages":[{"role":"user","content":"hello"}]}"#;
const ANSWER: &[u8] = br#"{"usage":{"prompt_tokens":12,"completion_tokens":5,"total_tokens":17,
    "prompt_tokens_details":{"cached_tokens":4}}}"#;
const REPORTED: TokenCounts = TokenCounts {
    input: 12,
    cached: 4,
    output: 5,
    reasoning: 0,
};

fn sent(rig: &Rig) -> Exchange {
    rig.post().bearer(1).send(&[BODY])
}

fn reported(counts: TokenCounts) -> Tokens {
    Tokens {
        reported: counts,
        estimated: TokenCounts::default(),
    }
}

fn estimated(input: u64, output: u64) -> Tokens {
    Tokens {
        reported: TokenCounts::default(),
        estimated: TokenCounts {
            input,
            output,
            ..TokenCounts::default()
        },
    }
}

fn scoped() -> Record {
    Record {
        scope: list(&["glm-5.1"]),
        ..record(1)
    }
}

/// A key for everything, and one for a list.
fn keys() -> [Record; 2] {
    [record(1), scoped()]
}

#[test]
fn a_report_is_counted_beside_its_request_and_the_answer_passes_as_it_is() {
    for key in keys() {
        let rig = Rig::with(&[key]);
        let mut exchange = sent(&rig);
        assert_eq!(exchange.answer(JSON, &[ANSWER]), ANSWER);
        exchange.end();
        let used = ("glm-5.1".to_owned(), 1, reported(REPORTED));
        assert_eq!(rig.used(), [used]);
    }
}

#[test]
fn a_report_that_ends_after_its_request_was_handed_over_is_a_row_of_its_own() {
    let rig = Rig::with(&[record(1)]);
    let mut exchange = sent(&rig);
    assert_eq!(rig.counted(), [("glm-5.1".to_owned(), 1)]);
    exchange.answer(JSON, &[ANSWER]);
    exchange.end();
    assert_eq!(rig.used(), [("glm-5.1".to_owned(), 0, reported(REPORTED))]);
    assert_eq!(rig.used(), []);
}

#[test]
fn a_stream_cut_anywhere_says_the_same() {
    let stream = b"data: {\"choices\":[{\"delta\":{\"content\":\"hi\"}}]}\n\n\
        data: {\"choices\":[],\"usage\":{\"prompt_tokens\":12,\"completion_tokens\":5,\
        \"prompt_tokens_details\":{\"cached_tokens\":4}}}\n\ndata: [DONE]\n\n";
    let rig = Rig::with(&[record(1)]);
    for at in 1..stream.len() {
        let (front, back) = stream.split_at(at);
        let mut exchange = sent(&rig);
        assert_eq!(exchange.answer(SSE, &[front, back]), stream);
        exchange.end();
        let used = rig.used();
        assert_eq!(used[0].2, reported(REPORTED), "cut at {at}");
    }
}

#[test]
fn trailers_end_an_answer_too() {
    let rig = Rig::with(&[record(1)]);
    let mut exchange = sent(&rig);
    exchange.answer_trailed(JSON, &[ANSWER], &[("x-checksum", "1")]);
    exchange.end();
    assert_eq!(rig.used()[0].2, reported(REPORTED));
}

#[test]
fn what_a_client_that_leaves_has_used_is_estimated() {
    let rig = Rig::with(&[record(1)]);
    let input = u64::try_from(BODY.len() / 4).unwrap();
    // Before the answer.
    sent(&rig).end();
    assert_eq!(rig.used()[0].2, estimated(input, 0));
    // In the middle of it.
    let mut exchange = sent(&rig);
    exchange.answer_head_of(SSE);
    exchange.answer_chunk(b"data: {\"choices\":[{\"delta\":{\"content\":\"twelve bytes\"}}]}\n\n");
    exchange.end();
    assert_eq!(rig.used()[0].2, estimated(input, 3));
}

#[test]
fn errors_and_answers_that_are_compressed_are_told_as_what_they_are() {
    let rig = Rig::with(&[record(1)]);
    let error = &[(":status", "429"), ("content-type", "application/json")];
    let mut exchange = sent(&rig);
    exchange.answer(error, &[b"{}"]);
    exchange.end();
    assert_eq!(rig.used()[0].2, Tokens::default());
    let packed = &[
        (":status", "200"),
        ("content-type", "application/json"),
        ("content-encoding", "gzip"),
    ];
    let rig = Rig::with(&[record(1)]);
    let mut exchange = sent(&rig);
    let (front, back) = ANSWER.split_at(ANSWER.len() / 2);
    exchange.answer(packed, &[front, back]);
    exchange.end();
    let [input, output] = [BODY, ANSWER].map(|bytes| u64::try_from(bytes.len() / 4).unwrap());
    assert!(output > 0);
    assert_eq!(rig.used()[0].2, estimated(input, output));
    // Of what is no text the bytes say nothing.
    let sound = &[
        (":status", "200"),
        ("content-type", "audio/mpeg"),
        ("content-encoding", "gzip"),
    ];
    let rig = Rig::with(&[record(1)]);
    let mut exchange = sent(&rig);
    exchange.answer(sound, &[ANSWER]);
    exchange.end();
    assert_eq!(rig.used()[0].2, estimated(input, 0));
}

#[test]
fn what_runs_nothing_and_what_is_refused_uses_nothing() {
    let rig = Rig::with(&[scoped()]);
    let body = br#"{"model":"other"}"#;
    let mut exchange = rig.post().bearer(1).send(&[body]);
    exchange.end();
    assert!(rig.used().iter().all(|(_, _, tokens)| tokens.is_zero()));
    let rig = Rig::with(&[record(1)]);
    let count = rig.post().call("POST /v1beta/models/glm-5.1:countTokens");
    let mut exchange = count.bearer(1).send(&[b"{}"]);
    exchange.answer(JSON, &[br#"{"totalTokens": 31}"#]);
    exchange.end();
    let mut exchange = rig
        .post()
        .call("GET /v1/responses/resp_1")
        .bearer(1)
        .send_bodyless();
    exchange.answer(JSON, &[ANSWER]);
    exchange.end();
    assert!(rig.used().iter().all(|(_, _, tokens)| tokens.is_zero()));
}

#[test]
fn a_gate_that_does_not_meter_counts_requests_alone() {
    let rig = Rig::configured(&[record(1)], r#""meter":"off""#);
    let mut exchange = sent(&rig);
    exchange.answer(JSON, &[ANSWER]);
    exchange.end();
    assert_eq!(rig.used(), [("glm-5.1".to_owned(), 1, Tokens::default())]);
}

/// The upstream has the body by its length and streams its answer; the client never ends its request.
#[test]
fn a_request_that_was_answered_before_its_end_is_settled() {
    let rig = Rig::with(&[scoped()]);
    let length = BODY.len().to_string();
    let mut exchange = rig.post().with("content-length", &length).bearer(1);
    exchange.headers(false);
    exchange.chunk(BODY, false);
    exchange.answer_head_of(SSE);
    exchange.answer_chunk(b"data: {\"choices\":[{\"delta\":{\"content\":\"twelve bytes\"}}]}\n\n");
    exchange.end();
    let input = u64::try_from(BODY.len() / 4).unwrap();
    let used = rig.used();
    let of_model = used.iter().find(|(resource, ..)| resource == "glm-5.1");
    assert_eq!(of_model.unwrap().2, estimated(input, 3));
}
