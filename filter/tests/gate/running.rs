//! Requests that run while their key loses its right: they end, at data and at the tick.

use filter::gate::Flow;
use filter::outcome::Outcome;

use crate::support::request::Cut;
use crate::support::{Call, Exchange, FakeSidecar, Rig, hash, list, record};
use keytable::{AddressList, Network, Record, Status};

fn limited(models: &[&str]) -> Record {
    Record {
        scope: list(models),
        ..record(2)
    }
}

/// Key 1 may call everything, key 2 a list.
fn rig() -> Rig {
    Rig::with(&[record(1), limited(&["good-1"])])
}

/// A request of a key for everything, passed on whole.
fn sent(rig: &Rig) -> Exchange {
    rig.post().bearer(1).send(&[b"{}"])
}

/// The same of a key for a list.
fn sent_by_list(rig: &Rig) -> Exchange {
    rig.post().bearer(2).send(&[br#"{"model":"good-1"}"#])
}

/// A request whose answer streams to the client.
fn streaming(rig: &Rig) -> Exchange {
    answered(sent(rig))
}

fn answered(mut exchange: Exchange) -> Exchange {
    assert_eq!(exchange.answer_head(), Flow::Continue);
    assert_eq!(exchange.answer_chunk(b"data: 1"), Flow::Continue);
    exchange
}

/// A change at the sidecar.
type Loss = Box<dyn Fn(&mut FakeSidecar)>;

/// Every way in which key 1 loses its right to what it calls.
fn losses() -> Vec<(&'static str, Loss)> {
    let put = |record: Record| move |sidecar: &mut FakeSidecar| sidecar.put(&record);
    let networks = vec![Network::parse("10.0.0.0/8").unwrap()];
    vec![
        (
            "disabled",
            Box::new(put(Record {
                status: Status::Disabled,
                ..record(1)
            })),
        ),
        ("deleted", Box::new(|sidecar| sidecar.remove(&hash(1)))),
        (
            "expired",
            Box::new(put(Record {
                expires_at_unix_ms: Some(1),
                ..record(1)
            })),
        ),
        (
            "address",
            Box::new(put(Record {
                addresses: AddressList::new(networks).unwrap(),
                ..record(1)
            })),
        ),
        (
            "scope",
            Box::new(put(Record {
                scope: list(&["good-1"]),
                ..record(1)
            })),
        ),
        (
            "history",
            Box::new(|sidecar| *sidecar = FakeSidecar::new(2)),
        ),
    ]
}

#[test]
fn an_answer_that_streams_is_cut_at_its_next_piece() {
    for (name, loss) in losses() {
        let mut rig = rig();
        let mut exchange = streaming(&rig);
        rig.change(loss);
        assert_eq!(exchange.answer_chunk(b"data: 2"), Flow::Hold, "{name}");
        assert_eq!(exchange.cut(), Some(Cut::Reset), "{name}");
        rig.tick(&[&exchange]);
        assert_eq!(exchange.cut(), Some(Cut::Reset), "{name}: once");
    }
}

#[test]
fn a_silent_answer_is_cut_at_the_tick() {
    for (name, loss) in losses() {
        let mut rig = rig();
        let exchange = streaming(&rig);
        rig.tick(&[&exchange]);
        assert_eq!(exchange.cut(), None, "{name}");
        rig.change(loss);
        rig.tick(&[&exchange]);
        assert_eq!(exchange.cut(), Some(Cut::Reset), "{name}");
    }
}

#[test]
fn a_request_that_waits_for_its_answer_is_told_why() {
    for (name, loss) in losses() {
        let mut rig = rig();
        let (mut thinking, silent) = (sent(&rig), sent(&rig));
        rig.change(loss);
        rig.tick(&[&silent]);
        assert_eq!(thinking.answer_head(), Flow::Hold, "{name}");
        for exchange in [thinking, silent] {
            let Some(Cut::Answered(status)) = exchange.cut() else {
                panic!("{name}: {:?}", exchange.cut());
            };
            assert!([401, 403].contains(&status), "{name}: {status}");
            let outcomes = exchange.host.outcomes.borrow();
            assert_eq!(*outcomes, [Outcome::Allowed], "{name}: it was passed on");
        }
    }
}

#[test]
fn an_upload_is_cut_at_its_next_piece_and_when_it_is_silent() {
    for (name, loss) in losses() {
        let mut rig = rig();
        let upload = |rig: &Rig| {
            let mut exchange = rig.post().bearer(1);
            assert_eq!(exchange.headers(false), Flow::Continue);
            assert_eq!(exchange.chunk(b"first", false), Flow::Continue);
            exchange
        };
        let (mut sending, silent) = (upload(&rig), upload(&rig));
        rig.change(loss);
        assert_eq!(sending.chunk(b"second", false), Flow::Hold, "{name}");
        assert_eq!(sending.upstream, b"first", "{name}");
        rig.tick(&[&silent]);
        for exchange in [sending, silent] {
            assert!(matches!(exchange.cut(), Some(Cut::Answered(_))), "{name}");
        }
    }
}

#[test]
fn an_upload_is_cut_before_its_first_piece_and_before_its_trailers() {
    for (name, loss) in losses() {
        let mut rig = rig();
        let started = |rig: &Rig| {
            let mut exchange = rig.post().bearer(1);
            assert_eq!(exchange.headers(false), Flow::Continue);
            exchange
        };
        let (mut sending, mut ending) = (started(&rig), started(&rig));
        rig.change(loss);
        assert_eq!(sending.chunk(b"first", true), Flow::Hold, "{name}");
        assert_eq!(ending.trailers(), Flow::Hold, "{name}");
        for exchange in [sending, ending] {
            assert_eq!(exchange.upstream, b"", "{name}");
            assert!(matches!(exchange.cut(), Some(Cut::Answered(_))), "{name}");
            let outcomes = exchange.host.outcomes.borrow();
            assert_eq!(*outcomes, [Outcome::Allowed], "{name}: counted once");
        }
    }
}

#[test]
fn a_body_that_is_still_read_is_cut_too() {
    let mut rig = rig();
    let upload = |rig: &Rig| {
        let mut exchange = rig.post().bearer(2);
        exchange.headers(false);
        assert_eq!(
            exchange.chunk(br#"{"model":"good-1","x":""#, false),
            Flow::Continue
        );
        exchange
    };
    let (mut sending, silent) = (upload(&rig), upload(&rig));
    rig.change(|sidecar| sidecar.remove(&hash(2)));
    assert_eq!(sending.chunk(b"more", false), Flow::Hold);
    rig.tick(&[&silent]);
    assert_eq!(sending.cut(), Some(Cut::Answered(401)));
    assert_eq!(silent.cut(), Some(Cut::Answered(401)));
}

#[test]
fn a_narrowed_list_ends_what_it_no_longer_covers() {
    let mut rig = rig();
    let streams = [answered(sent_by_list(&rig)), answered(sent_by_list(&rig))];
    rig.change(|sidecar| sidecar.put(&limited(&["good-*"])));
    rig.tick(&[&streams[0], &streams[1]]);
    assert!(
        streams.iter().all(|stream| stream.cut().is_none()),
        "still in scope"
    );
    rig.change(|sidecar| sidecar.put(&limited(&["other"])));
    rig.tick(&[&streams[0], &streams[1]]);
    assert!(
        streams
            .iter()
            .all(|stream| stream.cut() == Some(Cut::Reset))
    );
}

#[test]
fn other_changes_cut_nothing() {
    let mut rig = rig();
    let mut exchange = streaming(&rig);
    rig.change(|sidecar| sidecar.put(&record(3)));
    rig.change(|sidecar| sidecar.remove(&hash(2)));
    rig.change(|sidecar| {
        sidecar.put(&Record {
            expires_at_unix_ms: Some(u64::MAX),
            ..record(1)
        });
    });
    rig.tick(&[&exchange]);
    assert_eq!(exchange.answer_chunk(b"data: 2"), Flow::Continue);
    assert_eq!(exchange.cut(), None);
}

#[test]
fn a_key_that_expires_takes_its_requests_along_on_time() {
    let mut rig = rig();
    let now = rig.host.shared.unix_ms.get();
    rig.change(|sidecar| {
        sidecar.put(&Record {
            expires_at_unix_ms: Some(now + 1000),
            ..record(1)
        });
    });
    let (mut sending, silent) = (streaming(&rig), streaming(&rig));
    rig.host.advance_ms(999);
    rig.tick(&[&sending, &silent]);
    assert_eq!(sending.answer_chunk(b"data: 2"), Flow::Continue);
    rig.host.advance_ms(1);
    assert_eq!(sending.answer_chunk(b"data: 3"), Flow::Hold);
    rig.tick(&[&sending, &silent]);
    assert_eq!(
        (sending.cut(), silent.cut()),
        (Some(Cut::Reset), Some(Cut::Reset))
    );
}

#[test]
fn the_end_of_the_lease_ends_running_requests_too() {
    let rig = rig();
    let (streaming, waiting) = (streaming(&rig), sent(&rig));
    rig.host.advance_ms(60_000);
    rig.tick(&[&streaming, &waiting]);
    assert_eq!(streaming.cut(), Some(Cut::Reset));
    assert_eq!(waiting.cut(), Some(Cut::Answered(503)));
}

#[test]
fn what_is_over_is_not_looked_at() {
    let mut rig = rig();
    let kept = streaming(&rig);
    drop(streaming(&rig));
    let gone = streaming(&rig);
    rig.change(|sidecar| sidecar.remove(&hash(1)));
    // Envoy does not know the second one any more.
    rig.tick(&[&kept]);
    assert_eq!(kept.cut(), Some(Cut::Reset));
    assert_eq!(gone.cut(), None);
}

#[test]
fn a_refused_request_is_not_cut() {
    let mut rig = rig();
    let refused = rig.post().bearer(9).send(&[b"{}"]);
    rig.change(|sidecar| sidecar.remove(&hash(1)));
    rig.tick(&[&refused]);
    assert_eq!(refused.status(), 401);
    assert_eq!(refused.host.cuts.get(), (0, 0));
}

/// A body that flows and then falls silent: what it has named is judged again at the tick.
#[test]
fn a_silent_body_is_cut_when_what_it_has_named_is_out_of_scope() {
    let mut rig = rig();
    let mut exchange = rig.post().bearer(2);
    assert_eq!(exchange.headers(false), Flow::Hold);
    let begun = br#"{"model":"good-1","messages":["#;
    assert_eq!(exchange.chunk(begun, false), Flow::Continue);
    rig.change(|sidecar| sidecar.put(&limited(&["good-1", "other-1"])));
    rig.tick(&[&exchange]);
    assert_eq!(exchange.cut(), None, "wider");
    rig.change(|sidecar| sidecar.put(&limited(&["other-1"])));
    rig.tick(&[&exchange]);
    assert_eq!(exchange.cut(), Some(Cut::Answered(403)));
    exchange.end();
    assert_eq!(
        rig.outcomes(),
        [("good-1".to_owned(), keytable::UsageOutcome::Cut, 1)]
    );
}

/// The client goes away in the middle of a body that was let flow: the upstream has a part of it.
#[test]
fn a_request_that_its_client_aborts_is_counted_if_anything_was_passed_on() {
    let rig = rig();
    let mut held = rig.post().bearer(2);
    held.headers(false);
    held.chunk(br#"{"messages":["#, false);
    held.end();
    assert_eq!(rig.outcomes(), [], "nothing was passed on");
    let mut flowing = rig.post().bearer(2);
    flowing.headers(false);
    flowing.chunk(br#"{"model":"good-1","messages":["#, false);
    flowing.end();
    flowing.end();
    let wanted = [("good-1".to_owned(), keytable::UsageOutcome::Permitted, 1)];
    assert_eq!(rig.outcomes(), wanted);
    sent_by_list(&rig).end();
    assert_eq!(rig.outcomes(), wanted, "once");
}

/// The table loses the key's right and the client goes away before anybody has noticed.
#[test]
fn a_request_that_ends_after_its_key_has_lost_its_right_is_counted_as_cut() {
    let mut rig = rig();
    let mut flowing = rig.post().bearer(2);
    flowing.headers(false);
    flowing.chunk(br#"{"model":"good-1","messages":["#, false);
    rig.change(|sidecar| sidecar.remove(&hash(2)));
    flowing.end();
    let wanted = [("good-1".to_owned(), keytable::UsageOutcome::Cut, 1)];
    assert_eq!(rig.outcomes(), wanted);
}

#[test]
fn an_answer_without_a_body_reaches_who_waits_for_it() {
    let grpc = |rig: &Rig| {
        let call = rig
            .post()
            .call("POST /inference.GRPCInferenceService/ModelInfer");
        let mut exchange = call.with("content-type", "application/grpc").bearer(1);
        assert_eq!(exchange.headers(false), Flow::Continue);
        exchange
    };
    let head = |rig: &Rig| rig.post().call("HEAD /v1/files").bearer(1).send_bodyless();
    for (name, loss) in losses() {
        let mut rig = rig();
        let waiting = [head(&rig), grpc(&rig)];
        rig.change(loss);
        rig.tick(&[&waiting[0], &waiting[1]]);
        for exchange in waiting {
            assert!(matches!(exchange.cut(), Some(Cut::Answered(_))), "{name}");
        }
    }
}

#[test]
fn what_is_cut_is_told_in_its_own_words() {
    let anthropic = |rig: &Rig| {
        let call = rig.post().call("POST /v1/messages");
        call.header("anthropic-version", "2023-06-01").bearer(1)
    };
    let google = |rig: &Rig| {
        let call = rig
            .post()
            .call("POST /v1beta/models/good-1:generateContent");
        call.header("x-goog-api-key", crate::support::key(1))
    };
    let type_of = |exchange: &Exchange, place: &str| {
        let body = exchange.host.replies.borrow()[0].body.clone();
        let body: serde_json::Value = serde_json::from_slice(&body).unwrap();
        body.pointer(place).unwrap().as_str().unwrap().to_owned()
    };
    let mut rig = rig();
    let silent = [anthropic(&rig).send(&[b"{}"]), google(&rig).send(&[b"{}"])];
    let mut talking = [anthropic(&rig).send(&[b"{}"]), google(&rig).send(&[b"{}"])];
    rig.change(|sidecar| sidecar.remove(&hash(1)));
    rig.tick(&[&silent[0], &silent[1]]);
    for exchange in &mut talking {
        exchange.answer_head();
    }
    for [anthropic, google] in [silent, talking] {
        assert_eq!(anthropic.cut(), Some(Cut::Answered(401)));
        assert_eq!(type_of(&anthropic, "/error/type"), "authentication_error");
        assert_eq!(type_of(&google, "/error/status"), "UNAUTHENTICATED");
    }
}

#[test]
fn what_follows_on_a_cut_request_goes_nowhere() {
    let mut rig = rig();
    let mut upload = rig.post().bearer(1);
    upload.headers(false);
    upload.chunk(b"first", false);
    rig.change(|sidecar| sidecar.remove(&hash(1)));
    rig.tick(&[&upload]);
    assert_eq!(upload.chunk(b"second", false), Flow::Hold);
    assert_eq!(upload.upstream, b"first");
    rig.tick(&[&upload]);
    assert_eq!(upload.cut(), Some(Cut::Answered(401)), "once");
}

#[test]
fn a_request_that_can_be_neither_answered_nor_reset_gets_nothing_of_an_answer() {
    let mut rig = rig();
    let mut waiting = sent(&rig);
    rig.change(|sidecar| sidecar.remove(&hash(1)));
    waiting.host.fail(Call::Reply);
    rig.tick(&[&waiting]);
    waiting.host.heal();
    assert_eq!(waiting.answer_head(), Flow::Hold);
    assert_eq!(waiting.answer_chunk(b"data: 1"), Flow::Hold);
    assert_eq!(waiting.host.cuts.get(), (1, 1), "it is reset");
}

/// The same at the next piece of the body instead of the tick.
#[test]
fn a_body_that_is_cut_at_its_next_piece_or_answer_is_counted_as_cut() {
    for piece in [true, false] {
        let mut rig = rig();
        let mut exchange = rig.post().bearer(2);
        exchange.headers(false);
        exchange.chunk(br#"{"model":"good-1","messages":["#, false);
        rig.change(|sidecar| sidecar.put(&limited(&["other-1"])));
        match piece {
            true => exchange.chunk(b"1", false),
            false => exchange.answer_head(),
        };
        exchange.end();
        let wanted = [("good-1".to_owned(), keytable::UsageOutcome::Cut, 1)];
        assert_eq!(rig.outcomes(), wanted, "{piece}");
    }
}
