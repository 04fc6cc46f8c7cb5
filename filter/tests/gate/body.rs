//! A list-scoped body as it streams: what is held, what is passed on, and when it is cut.

use filter::gate::Flow;

use crate::support::{Exchange, Rig, list, record};
use keytable::Record;

fn rig() -> Rig {
    Rig::with(&[Record {
        scope: list(&["good-1"]),
        ..record(1)
    }])
}

fn start(rig: &Rig) -> Exchange {
    let mut exchange = rig.post().bearer(1);
    assert_eq!(exchange.headers(false), Flow::Hold);
    exchange
}

#[test]
fn the_request_is_held_until_its_model_is_known() {
    let rig = rig();
    let mut exchange = start(&rig);
    for piece in [
        r#"{"messages":["#,
        r#""long","text"],"#,
        r#""model""#,
        r#":"good-"#,
    ] {
        assert_eq!(
            exchange.chunk(piece.as_bytes(), false),
            Flow::Hold,
            "{piece}"
        );
        assert!(!exchange.is_forwarded);
    }
    assert_eq!(exchange.chunk(br#"1","#, false), Flow::Continue);
    assert_eq!(
        exchange.upstream,
        br#"{"messages":["long","text"],"model":"good-1","#
    );
    assert_eq!(exchange.seen("x-latchkey-model"), ["good-1"]);
    assert_eq!(exchange.chunk(br#""x":1"#, false), Flow::Continue);
    assert_eq!(exchange.chunk(b"}", false), Flow::Continue);
    assert_eq!(exchange.chunk(b"", true), Flow::Continue);
    assert_eq!(exchange.status(), 200);
    assert_eq!(
        exchange.upstream,
        br#"{"messages":["long","text"],"model":"good-1","x":1}"#
    );
}

#[test]
fn each_byte_is_read_once() {
    let rig = rig();
    let mut exchange = start(&rig);
    let body = br#"{"x":[1,2,3],"model":"good-1","y":{"z":null}}"#;
    for byte in body {
        exchange.chunk(&[*byte], false);
    }
    exchange.chunk(b"", true);
    assert_eq!(exchange.status(), 200);
    assert_eq!(exchange.upstream, body);
    assert_eq!(exchange.host.body_reads.get(), body.len());
}

#[test]
fn the_last_piece_may_come_with_the_end() {
    let rig = rig();
    let mut exchange = start(&rig);
    assert_eq!(
        exchange.chunk(br#"{"model":"good-1"}"#, true),
        Flow::Continue
    );
    assert_eq!(exchange.status(), 200);
    let mut exchange = start(&rig);
    exchange.chunk(br#"{"model":"good-1""#, true);
    assert_eq!(exchange.status(), 400);
    assert!(exchange.upstream.is_empty());
}

#[test]
fn a_late_second_model_is_cut_before_it_is_passed_on() {
    let rig = rig();
    for late in [
        r#""model":"bad-1"}"#,
        r#""m\u006fdel":"good-1"}"#,
        r#""Model":"bad-1"}"#,
    ] {
        let mut exchange = start(&rig);
        assert_eq!(
            exchange.chunk(br#"{"model":"good-1","#, false),
            Flow::Continue
        );
        assert_eq!(exchange.chunk(br#""x":"y","#, false), Flow::Continue);
        assert_eq!(exchange.chunk(late.as_bytes(), false), Flow::Hold);
        assert_eq!(exchange.outcome(), (400, "invalid_request_body".to_owned()));
        assert_eq!(exchange.upstream, br#"{"model":"good-1","x":"y","#);
        assert!(!exchange.is_complete);
    }
}

#[test]
fn a_second_document_is_cut_before_it_is_passed_on() {
    let rig = rig();
    let mut exchange = start(&rig);
    assert_eq!(
        exchange.chunk(br#"{"model":"good-1"}"#, false),
        Flow::Continue
    );
    assert_eq!(exchange.chunk(b" \n", false), Flow::Continue);
    assert_eq!(exchange.chunk(br#"{"model":"bad-1"}"#, false), Flow::Hold);
    assert_eq!(exchange.status(), 400);
    assert!(!exchange.is_complete);
}

#[test]
fn an_unfinished_document_is_cut_at_its_end() {
    let rig = rig();
    let mut exchange = start(&rig);
    assert_eq!(
        exchange.chunk(br#"{"model":"good-1","x":"#, false),
        Flow::Continue
    );
    assert_eq!(exchange.chunk(b"", true), Flow::Hold);
    assert_eq!(exchange.status(), 400);
    assert!(!exchange.is_complete);
}

#[test]
fn an_unfinished_document_of_known_length_is_cut_before_its_last_byte() {
    let rig = rig();
    let body = br#"{"model":"good-1","x":[1,2"#;
    let mut exchange = rig
        .post()
        .bearer(1)
        .header("content-length", body.len().to_string());
    exchange.headers(false);
    let (front, back) = body.split_at(body.len() - 1);
    assert_eq!(exchange.chunk(front, false), Flow::Continue);
    assert_eq!(exchange.chunk(back, false), Flow::Hold);
    assert_eq!(exchange.status(), 400);
    assert_eq!(exchange.upstream, front);
}

#[test]
fn a_whole_document_of_known_length_passes() {
    let rig = rig();
    let body = br#"{"x":1,"model":"good-1"}"#;
    for at in 0..body.len() {
        let (front, back) = body.split_at(at);
        let request = rig
            .post()
            .bearer(1)
            .header("content-length", body.len().to_string());
        assert_eq!(request.send(&[front, back]).status(), 200, "{at}");
    }
    let request = rig
        .post()
        .bearer(1)
        .header("content-length", body.len().to_string());
    let exchange = request.send(&[body, br#"{"model":"bad-1"}"#]);
    assert_eq!(exchange.status(), 400, "more than was announced");
}

#[test]
fn trailers_end_a_body_that_is_held() {
    let rig = rig();
    let mut exchange = start(&rig);
    exchange.chunk(br#"{"x":1,"#, false);
    exchange.trailers();
    assert_eq!(exchange.status(), 400);
    assert!(!exchange.is_forwarded);
    let mut exchange = start(&rig);
    assert_eq!(exchange.trailers(), Flow::Hold);
    assert_eq!(exchange.status(), 400);
}

#[test]
fn trailers_end_a_body_that_flows() {
    let rig = rig();
    let mut exchange = start(&rig);
    exchange.chunk(br#"{"model":"good-1","x":"#, false);
    assert_eq!(exchange.trailers(), Flow::Hold);
    assert_eq!(exchange.status(), 400);
    let mut exchange = start(&rig);
    exchange.chunk(br#"{"model":"good-1""#, false);
    exchange.chunk(b"}", false);
    assert_eq!(exchange.trailers(), Flow::Continue);
    assert_eq!(exchange.status(), 200);
    assert_eq!(exchange.upstream, br#"{"model":"good-1"}"#);
}

#[test]
fn what_is_held_is_bounded() {
    let rig = rig();
    let hold = |held: usize| {
        let mut exchange = start(&rig);
        let filler = format!("{{\"x\":\"{}", "x".repeat(held - 6));
        exchange.chunk(filler.as_bytes(), false);
        exchange
    };
    let mut fits = hold(4096);
    assert!(!fits.is_refused() && !fits.is_forwarded);
    assert_eq!(fits.chunk(b"y", false), Flow::Hold);
    assert_eq!(fits.outcome(), (413, "request_too_large".to_owned()));
    assert_eq!(hold(4097).status(), 413);
}

#[test]
fn a_model_that_comes_with_the_last_piece_that_is_held_is_read() {
    let rig = rig();
    let body = format!(r#"{{"x":"{}","model":"good-1"}}"#, "x".repeat(9000));
    let exchange = rig.post().bearer(1).send(&[body.as_bytes()]);
    assert_eq!(
        exchange.status(),
        200,
        "known before the limit is looked at"
    );
}

#[test]
fn a_body_that_flows_has_no_limit() {
    let rig = rig();
    let filler = "y".repeat(100_000);
    let chunks = [r#"{"model":"good-1","x":""#, &filler, &filler, r#""}"#];
    let exchange = rig.post().bearer(1).send(&chunks.map(str::as_bytes));
    assert_eq!(exchange.status(), 200);
    assert_eq!(exchange.upstream, chunks.concat().as_bytes());
}

#[test]
fn the_answer_does_not_depend_on_the_pieces() {
    let rig = rig();
    let bodies: [&[u8]; 12] = [
        br#"{"x":1,"model":"good-1","y":2}"#,
        br#"{"model":"bad-1"}"#,
        br#"{"model":"bad-1","model":"good-1"}"#,
        br#"{"model":"good-1","model":"bad-1"}"#,
        br#"{"model":"bad-1",nonsense"#,
        br#"{"model":"good-1",nonsense"#,
        br#"{"model":"bad-1""#,
        br#"{"model":null}"#,
        br#"{"x":"y"}"#,
        br#"{"model":"good-1"}{"model":"bad-1"}"#,
        b"{\"model\":\"good-1\",\"x\":\"\xc3\xa9\xff\"}",
        b"",
    ];
    for body in bodies {
        let send = |chunks: &[&[u8]]| {
            let exchange = rig.post().bearer(1).send(chunks);
            assert!(exchange.status() == 200 || !exchange.is_complete);
            exchange.outcome()
        };
        let whole = send(&[body]);
        for at in 0..=body.len() {
            let (front, back) = body.split_at(at);
            assert_eq!(send(&[front, back]), whole, "{at}: {}", body.escape_ascii());
        }
        let bytes: Vec<&[u8]> = body.chunks(1).collect();
        assert_eq!(send(&bytes), whole, "{}", body.escape_ascii());
    }
}

#[test]
fn empty_pieces_change_nothing() {
    let rig = rig();
    let mut exchange = start(&rig);
    assert_eq!(exchange.chunk(b"", false), Flow::Hold);
    exchange.chunk(br#"{"mod"#, false);
    assert_eq!(exchange.chunk(b"", false), Flow::Hold);
    assert_eq!(exchange.chunk(br#"el":"good-1"}"#, false), Flow::Continue);
    assert_eq!(exchange.chunk(b"", false), Flow::Continue);
    assert_eq!(exchange.chunk(b"", true), Flow::Continue);
    assert_eq!(exchange.upstream, br#"{"model":"good-1"}"#);
}
