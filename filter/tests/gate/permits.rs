//! Good requests go on: whole, untouched, with the identity of their key.

use filter::gate::Flow;

use crate::support::{Call, Exchange, Rig, list, record};
use keytable::{AddressList, Network, Record};

#[test]
fn an_unrestricted_key_passes_and_its_body_is_not_looked_at() {
    let rig = Rig::configured(&[record(1)], r#""observe_resources":false"#);
    let body = [b"no json \xff".repeat(1000), b"\0".to_vec()].concat();
    let chunks: Vec<&[u8]> = body.chunks(777).collect();
    let exchange = rig.post().bearer(1).send(&chunks);
    assert_eq!(exchange.status(), 200);
    assert_eq!(exchange.host.body_reads.get(), 0);
    assert_eq!(exchange.upstream, body);
}

#[test]
fn an_unrestricted_key_passes_with_any_method_type_and_encoding() {
    let rig = Rig::with(&[record(1)]);
    for method in ["GET", "DELETE", "PATCH", "OPTIONS", "FOO"] {
        let exchange = rig.post().with(":method", method).bearer(1).send_bodyless();
        assert_eq!(exchange.status(), 200, "{method}");
    }
    let exchange = rig
        .post()
        .with("content-type", "text/plain")
        .header("content-encoding", "gzip")
        .bearer(1)
        .send(&[b"\x1f\x8b"]);
    assert_eq!(exchange.status(), 200);
    let upgrade = rig
        .post()
        .with(":method", "GET")
        .header("upgrade", "websocket")
        .bearer(1);
    assert_eq!(upgrade.send_bodyless().status(), 200);
}

#[test]
fn trailers_of_a_permitted_request_pass() {
    let rig = Rig::with(&[record(1)]);
    let mut exchange = rig.post().bearer(1);
    assert_eq!(exchange.headers(false), Flow::Continue);
    assert_eq!(exchange.chunk(b"any", false), Flow::Continue);
    assert_eq!(exchange.trailers(), Flow::Continue);
    assert_eq!(exchange.status(), 200);
}

#[test]
fn trailers_carry_neither_identity_nor_credential() {
    let rig = Rig::with(&[record(1)]);
    for name in [
        "x-latchkey-key-id",
        "x_latchkey_account",
        "X-Latchkey-Model",
        "x-ai-eg-model",
        "authorization",
        "x-api-key",
        "x_goog_api_key",
        "x_forwarded_for",
    ] {
        let mut exchange = rig.post().bearer(1);
        let pairs = [name, "x-checksum"].map(|name| (name.into(), b"1".to_vec()));
        exchange.host.trailers.borrow_mut().extend(pairs);
        exchange.headers(false);
        assert_eq!(exchange.trailers(), Flow::Continue);
        let left = exchange.host.trailers.borrow();
        let names: Vec<&[u8]> = left.iter().map(|(name, _)| name.as_slice()).collect();
        assert_eq!(names, [b"x-checksum"], "K-20 {name}");
    }
}

#[test]
fn trailers_that_cannot_be_cleaned_are_not_passed_on() {
    let rig = Rig::with(&[record(1)]);
    let mut exchange = rig.post().bearer(1);
    exchange.headers(false);
    exchange.host.fail(Call::Trailers);
    assert_eq!(exchange.trailers(), Flow::Hold);
    assert_eq!(exchange.status(), 503);
}

#[test]
fn the_key_id_is_left_for_access_logs_and_upstream() {
    let rig = Rig::with(&[record(1)]);
    let exchange = rig.post().bearer(1).send(&[b"{}"]);
    assert_eq!(
        exchange.host.filter_state.borrow()["latchkey_key_id"],
        b"ak-20260101-1"
    );
    assert_eq!(exchange.seen("x-latchkey-key-id"), ["ak-20260101-1"]);
    assert_eq!(exchange.seen("x-latchkey-account"), ["demo"]);
    assert!(exchange.seen("authorization").is_empty());
}

#[test]
fn a_denied_request_leaves_its_key_id_for_access_logs_too() {
    let rig = Rig::with(&[Record {
        status: keytable::Status::Disabled,
        ..record(1)
    }]);
    let exchange = rig.post().bearer(1).send_bodyless();
    assert_eq!(exchange.status(), 401);
    assert_eq!(
        exchange.host.filter_state.borrow()["latchkey_key_id"],
        b"ak-20260101-1"
    );
}

#[test]
fn each_key_gets_its_own_identity() {
    let records: Vec<Record> = (0..50).map(record).collect();
    let rig = Rig::with(&records);
    for n in 0..50 {
        let exchange = rig.post().bearer(n).send_bodyless();
        assert_eq!(
            exchange.seen("x-latchkey-key-id"),
            [format!("ak-20260101-{n}")]
        );
    }
}

#[test]
fn a_key_is_held_to_its_addresses() {
    let networks = ["10.0.0.0/8", "2001:db8::/32"].map(|text| Network::parse(text).unwrap());
    let addresses = AddressList::new(networks.to_vec()).unwrap();
    let rig = Rig::with(&[Record {
        addresses,
        ..record(1)
    }]);
    let status_from = |address: &str| rig.post().from(address).bearer(1).send_bodyless().status();
    for good in [
        "10.0.0.5:1",
        "10.255.255.255:65535",
        "[2001:db8::1]:1",
        "[::ffff:10.0.0.5]:1",
    ] {
        assert_eq!(status_from(good), 200, "{good}");
    }
    for bad in [
        "9.255.255.255:1",
        "11.0.0.0:1",
        "[2001:db9::]:1",
        "",
        "/run/envoy.sock",
        "10.0.0.5:1, 10.0.0.5:1",
    ] {
        assert_eq!(status_from(bad), 403, "{bad}");
    }
    let spoofed = rig
        .post()
        .header("x-forwarded-for", "10.0.0.5")
        .header("x-real-ip", "10.0.0.5");
    assert_eq!(spoofed.bearer(1).send_bodyless().status(), 403);
}

#[test]
fn a_key_works_until_the_millisecond_it_expires() {
    let rig = Rig::with(&[record(1)]);
    let expires_at_unix_ms = Some(rig.host.shared.unix_ms.get() + 1000);
    let mut rig = rig;
    rig.change(|sidecar| {
        sidecar.put(&Record {
            expires_at_unix_ms,
            ..record(1)
        })
    });
    let send = |rig: &Rig| rig.post().bearer(1).send_bodyless().outcome();
    rig.host.advance_ms(999);
    assert_eq!(send(&rig).0, 200);
    rig.host.advance_ms(1);
    assert_eq!(send(&rig), (401, "api_key_expired".to_owned()));
    rig.host.advance_ms(1);
    assert_eq!(send(&rig).0, 401);
}

#[test]
fn a_model_in_scope_passes_wherever_it_stands() {
    let rig = Rig::with(&[Record {
        scope: list(&["good-1", "family-*"]),
        ..record(1)
    }]);
    let send = |body: &str| -> Exchange { rig.post().bearer(1).send(&[body.as_bytes()]) };
    for body in [
        r#"{"model":"good-1","messages":[{"role":"user","content":"model"}]}"#,
        r#"{"messages":[],"model":"good-1","stream":true}"#,
        r#"{"messages":[{"model":"bad-1"}],"mod\u0065l":"go\u006fd-1"}"#,
        r#" {"model" : "family-7b"} "#,
    ] {
        let exchange = send(body);
        assert_eq!(exchange.status(), 200, "{body}");
        assert_eq!(exchange.upstream, body.as_bytes());
    }
    assert_eq!(
        send(r#"{"model":"family-7b"}"#).seen("x-latchkey-model"),
        ["family-7b"]
    );
}

#[test]
fn the_model_header_can_hold_any_name() {
    let names = [
        ("a%b", "a%25b"),
        ("modèle 中", "mod%C3%A8le%20%E4%B8%AD"),
        ("a/b:c@d", "a/b:c@d"),
    ];
    let rig = Rig::with(&[Record {
        scope: list(&names.map(|(name, _)| name)),
        ..record(1)
    }]);
    for (name, header) in names {
        let body = format!(r#"{{"model":"{name}"}}"#);
        let exchange = rig.post().bearer(1).send(&[body.as_bytes()]);
        assert_eq!(exchange.seen("x-latchkey-model"), [header]);
    }
}

#[test]
fn services_are_judged_on_their_own_axis() {
    let scope = keytable::Scope {
        services: keytable::Axis::All,
        ..list(&["good-1"])
    };
    let rig = Rig::with(&[Record { scope, ..record(1) }]);
    for (model, status) in [
        ("good-1", 200),
        ("ep-1", 200),
        ("@x/y", 200),
        ("bad-1", 403),
    ] {
        let body = format!(r#"{{"model":"{model}"}}"#);
        assert_eq!(
            rig.post().bearer(1).send(&[body.as_bytes()]).status(),
            status,
            "{model}"
        );
    }
}

#[test]
fn json_media_types_and_no_others_are_read() {
    let rig = Rig::with(&[Record {
        scope: list(&["good-1"]),
        ..record(1)
    }]);
    let status = |content_type: &str| {
        let request = rig.post().with("content-type", content_type).bearer(1);
        request.send(&[br#"{"model":"good-1"}"#]).status()
    };
    for good in [
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        "application/json;charset=UTF-8",
        "application/json ; charset=\"utf-8\"",
        "application/vnd.api+json",
        "application/json-patch+json",
        "application/json; charset=utf8",
        "application/json; charset=\"UTF8\"",
        "application/json;",
        "application/json; charset=utf-8;",
        "text/json",
        "Text/JSON; charset=utf-8",
    ] {
        assert_eq!(status(good), 200, "{good}");
    }
    for bad in [
        "",
        "text/plain",
        "text/json; charset=iso-8859-1",
        "text/x-json",
        "text/jsonl",
        "json",
        "application/jsonl",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/octet-stream",
        "application/json; charset=utf-7",
        "application/json; charset=utf-16",
        "application/json; charset=shift_jis",
        "application/json; charset=utf-8\"",
        "application/json; charset=utf-8; charset=utf-16",
        "application/json; boundary=x",
        "application/json, multipart/form-data; boundary=x",
        "application/json\u{e9}",
    ] {
        assert_eq!(status(bad), 415, "{bad}");
    }
    let twice = rig
        .post()
        .header("content-type", "application/json")
        .bearer(1);
    assert_eq!(twice.send(&[b"{}"]).status(), 415);
    assert_eq!(
        rig.post()
            .without("content-type")
            .bearer(1)
            .send(&[b"{}"])
            .status(),
        415
    );
}

#[test]
fn bodies_that_are_encoded_are_not_read() {
    let rig = Rig::with(&[Record {
        scope: list(&["good-1"]),
        ..record(1)
    }]);
    let outcome = |encodings: &[&str]| {
        let post = rig.post().bearer(1);
        let request = encodings
            .iter()
            .fold(post, |r, e| r.header("content-encoding", e));
        request.send(&[br#"{"model":"good-1"}"#]).outcome()
    };
    for good in [
        &[][..],
        &["identity"],
        &["Identity"],
        &[" identity "],
        &["identity", "identity"],
    ] {
        assert_eq!(outcome(good).0, 200, "{good:?}");
    }
    for bad in [
        &["gzip"][..],
        &["identity, gzip"],
        &["identity", "gzip"],
        &["x-gzip"],
        &["GZIP"],
        &[" br "],
        &["zstd"],
        &[""],
        &["identity, identity"],
        &["\u{e9}"],
    ] {
        let refused = (415, "unsupported_content_encoding".to_owned());
        assert_eq!(outcome(bad), refused, "{bad:?}");
    }
}

/// Members that name nothing beside a model in scope.
#[test]
fn what_says_nothing_beside_a_model_passes() {
    let rig = Rig::with(&[Record {
        scope: list(&["good-1"]),
        ..record(1)
    }]);
    for member in [
        r#""engine":null"#,
        r#""engine":"""#,
        r#""deployment_id":null"#,
        r#""fallback_model":"""#,
        r#""models":[]"#,
        r#""fallbacks":null"#,
        r#""prompt_id":null"#,
        r#""adapter":null"#,
    ] {
        let body = format!(r#"{{"model":"good-1",{member}}}"#);
        let sent = rig.post().bearer(1).send(&[body.as_bytes()]);
        assert_eq!(sent.answered(), 200, "{body}");
    }
    for body in [
        r#"{"model":""}"#,
        r#"{"model":null,"engine":"good-1"}"#,
        r#"{"engine":"","messages":[]}"#,
    ] {
        let sent = rig.post().bearer(1).send(&[body.as_bytes()]);
        assert_eq!(sent.answered(), 400, "{body}");
    }
}
