//! Bodies of which more would have to be held than may be: refused, or flowing without their end. What each
//! rule holds is checked here, too.

use filter::gate::Flow;
use filter::locator::{HOLD_BYTES_MAX, HoldBounds, LocatorConfig, Locators};
use keytable::Record;

use crate::support::{Exchange, Rig, list, names, record};

const FLOW: &str = r#""hold_bytes_max":100,"beyond_hold":"flow""#;
const MIB: usize = 1024 * 1024;

fn rig(settings: &str) -> Rig {
    let limited = Record {
        scope: list(&["good-1"]),
        ..record(1)
    };
    Rig::configured(&[limited], settings)
}

/// A request that has named nothing in more than may be held.
fn flowing(rig: &Rig) -> Exchange {
    let mut exchange = rig.post().bearer(1);
    exchange.headers(false);
    exchange.chunk(b"{\"x\":\"", false);
    assert!(!exchange.is_forwarded);
    assert_eq!(exchange.chunk(&[b'a'; 200], false), Flow::Continue);
    assert!(exchange.is_forwarded && !exchange.is_complete);
    exchange
}

#[test]
fn what_is_too_large_is_refused_and_told_the_settings() {
    let mut exchange = rig(r#""hold_bytes_max":100"#).post().bearer(1);
    exchange.headers(false);
    exchange.chunk(&[b"{\"x\":\"".as_slice(), &[b'a'; 200]].concat(), false);
    assert_eq!(exchange.outcome(), (413, "request_too_large".to_owned()));
    for setting in ["hold_bytes_max", "beyond_hold"] {
        assert!(
            exchange.message().contains(setting),
            "{}",
            exchange.message()
        );
    }
    assert!(exchange.upstream.is_empty());
}

#[test]
fn what_flows_and_names_a_model_in_scope_arrives_whole() {
    let rig = rig(FLOW);
    let mut exchange = flowing(&rig);
    assert_eq!(
        exchange.chunk(b"\",\"model\":\"good-1\"", false),
        Flow::Continue
    );
    assert_eq!(exchange.chunk(b"}", false), Flow::Continue);
    exchange.chunk(b"", true);
    assert_eq!(exchange.status(), 200);
    let body = format!("{{\"x\":\"{}\",\"model\":\"good-1\"}}", "a".repeat(200));
    assert_eq!(exchange.upstream, body.as_bytes());
    assert!(
        exchange.seen("x-latchkey-model").is_empty(),
        "its head had gone"
    );
    let state = exchange.host.filter_state.borrow();
    let logged = state.get("latchkey_model").map(Vec::as_slice);
    assert_eq!(logged, Some(b"good-1".as_slice()));
}

#[test]
fn what_flows_and_names_another_model_is_cut_before_the_name_is_whole() {
    let rig = rig(FLOW);
    for late in ["\",\"model\":\"bad-1\"}", "\",\"fallbacks\":[\"bad-1\"],"] {
        for pieces in [vec![late], late.split_inclusive('-').collect()] {
            let mut exchange = flowing(&rig);
            for piece in &pieces {
                exchange.chunk(piece.as_bytes(), false);
            }
            assert_eq!(exchange.status(), 403, "{late}");
            let sent = String::from_utf8_lossy(&exchange.upstream).into_owned();
            assert!(!sent.contains("bad-1") && !exchange.is_complete, "{sent}");
        }
    }
}

#[test]
fn the_end_is_withheld_until_it_is_judged_however_the_body_is_framed() {
    let rig = rig(FLOW);
    // By what it says: no framing has ended it yet.
    let mut exchange = flowing(&rig);
    exchange.chunk(b"\"", false);
    assert_eq!(exchange.chunk(b"}", false), Flow::Hold);
    assert_eq!(exchange.status(), 400);
    assert!(exchange.upstream.ends_with(b"\""));
    // By its length, with another byte missing to the reader.
    let body = format!("{{\"x\":\"{}\"", "a".repeat(200));
    let mut exchange = rig
        .post()
        .bearer(1)
        .header("content-length", body.len().to_string());
    exchange.headers(false);
    let (front, last) = body.as_bytes().split_at(body.len() - 1);
    assert_eq!(exchange.chunk(front, false), Flow::Continue);
    assert_eq!(exchange.chunk(last, false), Flow::Hold);
    assert_eq!(exchange.status(), 400);
    assert_eq!(exchange.upstream, front);
    // By the end of the stream, and by trailers.
    let mut exchange = flowing(&rig);
    assert_eq!(exchange.chunk(b"", true), Flow::Hold);
    assert_eq!(exchange.status(), 400);
    let mut exchange = flowing(&rig);
    assert_eq!(exchange.trailers(), Flow::Hold);
    assert_eq!(exchange.status(), 400);
    // In one piece that is too large and whole.
    let whole = body + "}";
    let mut exchange = rig.post().bearer(1);
    exchange.headers(false);
    assert_eq!(exchange.chunk(whole.as_bytes(), false), Flow::Hold);
    assert_eq!(exchange.status(), 400);
    assert!(exchange.upstream.is_empty());
}

#[test]
fn a_form_that_flows_has_no_closing_delimiter_before_it_is_judged() {
    let rig = rig(FLOW);
    let begun = || {
        let mut exchange = rig
            .post()
            .with(":path", "/v1/audio/transcriptions")
            .with("content-type", "multipart/form-data; boundary=b")
            .bearer(1);
        exchange.headers(false);
        let head = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n";
        exchange.chunk(head.as_bytes(), false);
        assert_eq!(exchange.chunk(&[0; 200], false), Flow::Continue);
        exchange
    };
    let model = "\r\n--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n";
    let mut exchange = begun();
    exchange.chunk(format!("{model}good-1\r\n--b--\r\n").as_bytes(), false);
    exchange.chunk(b"", true);
    assert_eq!(exchange.status(), 200);
    let mut exchange = begun();
    exchange.chunk(format!("{model}bad-1\r\n--b--\r\n").as_bytes(), false);
    assert_eq!(exchange.status(), 403);
    let mut exchange = begun();
    exchange.chunk(b"\r\n--b-", false);
    assert_eq!(exchange.chunk(b"-", false), Flow::Hold);
    assert_eq!(exchange.status(), 400);
    assert!(exchange.upstream.ends_with(b"\r\n--b-"));
    // Half a line's end behind the delimiter hides nothing.
    let mut exchange = begun();
    assert_eq!(exchange.chunk(b"\r\n--b--\r", false), Flow::Hold);
    assert_eq!(exchange.status(), 400);
}

#[test]
fn a_server_of_one_model_is_judged_before_the_end() {
    let settings = format!(r#"{FLOW},"locators":{{"service":"own"}}"#);
    for (service, status) in [("own", 200), ("other", 403)] {
        let limited = Record {
            scope: list(&[service]),
            ..record(1)
        };
        let rig = Rig::configured(&[limited], &settings);
        let request = rig.post().with(":path", "/embed").bearer(1);
        let body = format!("{{\"inputs\":\"{}\"}}", "a".repeat(200));
        let (front, last) = body.split_at(body.len() - 1);
        let exchange = request.send(&[front.as_bytes(), last.as_bytes(), b" "]);
        assert_eq!(exchange.answered(), status, "{service}");
        match status {
            200 => assert_eq!(exchange.upstream, format!("{body} ").as_bytes()),
            _ => assert_eq!(exchange.upstream, front.as_bytes()),
        }
    }
}

#[test]
fn an_answer_to_what_has_named_nothing_does_not_pass_unless_it_says_no() {
    let rig = rig(FLOW);
    for (status, passes) in [("200", false), ("304", false), ("400", true), ("503", true)] {
        let mut exchange = flowing(&rig);
        let client = exchange.answer(&[(":status", status)], &[b"early"]);
        assert_eq!(client == b"early", passes, "{status}");
        assert_eq!(exchange.is_refused(), !passes, "{status}");
        assert!(!exchange.is_complete);
    }
    let mut exchange = flowing(&rig);
    exchange.chunk(b"\",\"model\":\"good-1\"", false);
    assert_eq!(exchange.answer(&[(":status", "200")], &[b"x"]), b"x");
}

#[test]
fn an_early_answer_passes_where_a_request_may_name_nothing() {
    for (granted, passes) in [("@conversations", true), ("@files", false)] {
        let limited = Record {
            scope: names(&["good-1", granted]),
            ..record(1)
        };
        let rig = Rig::configured(&[limited], FLOW);
        let begun = || {
            let request = rig.post().with(":path", "/v1/conversations").bearer(1);
            let mut exchange = request;
            exchange.headers(false);
            let body = format!("{{\"items\":[],\"metadata\":{{\"x\":\"{}", "a".repeat(200));
            exchange.chunk(body.as_bytes(), false);
            assert!(exchange.is_forwarded, "{granted}");
            exchange
        };
        let mut exchange = begun();
        let client = exchange.answer(&[(":status", "200")], &[b"early"]);
        assert_eq!(client == b"early", passes, "{granted}");
        // What it names after all is judged all the same.
        let mut exchange = begun();
        if passes {
            exchange.answer_head_of(&[(":status", "200")]);
        }
        exchange.chunk(b"\"},\"model\":\"bad-1\"}", true);
        assert!(exchange.is_refused() && !exchange.is_complete, "{granted}");
    }
}

#[test]
fn what_flows_is_not_held_and_others_have_the_room() {
    let rig =
        rig(r#""hold_bytes_max":1048576,"held_bytes_total_max":4194304,"beyond_hold":"flow""#);
    let piece = vec![b'a'; MIB / 2];
    let flowing: Vec<Exchange> = (0..20)
        .map(|_| {
            let mut exchange = rig.post().bearer(1);
            exchange.headers(false);
            exchange.chunk(b"{\"x\":\"", false);
            for _ in 0..4 {
                exchange.chunk(&piece, false);
            }
            assert!(!exchange.is_refused() && exchange.is_forwarded);
            exchange
        })
        .collect();
    assert_eq!(flowing.len(), 20);
}

#[test]
fn each_rule_holds_what_its_api_documents_unless_it_is_told_otherwise() {
    let compiled = |config: &str| {
        let config: LocatorConfig = serde_json::from_str(config).unwrap();
        Locators::compile(&config).unwrap()
    };
    let bounds = |bytes_max, total_bytes_max| HoldBounds {
        bytes_max,
        total_bytes_max,
    };
    let headers = |call: &str| {
        let (method, path) = call.split_once(' ').unwrap();
        let pairs: [(&[u8], &[u8]); 2] =
            [(b":method", method.as_bytes()), (b":path", path.as_bytes())];
        filter::headers::HeaderMap::from_pairs(&pairs)
    };
    let held = |locators: &Locators, bounds: HoldBounds, call: &str| {
        bounds.of_rule(locators.locate(&headers(call)).unwrap().rule)
    };
    let built_in = compiled("{}");
    // 50 MB of files in base64 (OpenAI, Mistral's OCR), images of 50 MB and a mask, recordings of 25 MB,
    // Anthropic's 32 MB, Cohere's 20 MB of images in base64.
    for (call, mib) in [
        ("POST /v1/chat/completions", 68),
        ("POST /v1/responses", 68),
        ("POST /openai/responses", 68),
        ("POST /v1/ocr", 68),
        ("POST /v1/images/edits", 56),
        ("POST /v1/audio/transcriptions", 26),
        ("POST /v1/messages", 32),
        ("POST /anthropic/v1/messages", 32),
        ("POST /v1/messages/count_tokens", 32),
        ("POST /v1/messages/batches", 32),
        ("POST /v2/chat", 28),
        ("POST /v1/embeddings", HOLD_BYTES_MAX / MIB),
    ] {
        let default = bounds(None, 256 * MIB);
        assert_eq!(held(&built_in, default, call), mib * MIB, "{call}");
        assert_eq!(
            held(&built_in, bounds(Some(7), 256 * MIB), call),
            7,
            "{call}"
        );
        let small = held(&built_in, bounds(None, 32 * MIB), call);
        assert_eq!(small, (mib * MIB).min(16 * MIB), "{call}: half of all");
    }
    assert_eq!(bounds(None, 256 * MIB).largest(&built_in), 68 * MIB);
    let own = compiled(
        r#"{"rules":{"openai":[{"id":"dub","on":"POST {m}/audio/dub","take":["form:model"],
            "hold_bytes_max":9}]}}"#,
    );
    for of_gate in [None, Some(7)] {
        let held = held(&own, bounds(of_gate, 256 * MIB), "POST /v1/audio/dub");
        assert_eq!(held, 9, "a rule of the configuration says the last word");
    }
    let error = bounds(None, 17).check(&own).unwrap_err();
    assert!(
        error.contains("openai.dub") && error.contains("half"),
        "{error}"
    );
}
