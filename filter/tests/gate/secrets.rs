//! A key where it does not belong: nothing that the gate writes, leaves or answers has it.
//!
//! Does not test which texts are credentials (`keytable/tests/redact.rs`).

use keytable::{REDACTED, Record};

use crate::support::{Exchange, Rig, key, list, record};

/// Everything that the gate has written about a request: for logs, for the client, for the upstream
/// under names of its own.
fn written(exchange: &Exchange) -> String {
    let mut all: Vec<Vec<u8>> = exchange
        .host
        .filter_state
        .borrow()
        .values()
        .cloned()
        .collect();
    all.extend(
        exchange
            .host
            .replies
            .borrow()
            .iter()
            .map(|reply| reply.body.clone()),
    );
    let headers = exchange.host.headers.borrow();
    let ours = headers
        .iter()
        .filter(|(name, _)| name.starts_with(b"x-latchkey-"));
    all.extend(ours.map(|(_, value)| value.clone()));
    all.extend(
        exchange
            .host
            .shared
            .log
            .borrow()
            .iter()
            .map(|line| line.clone().into_bytes()),
    );
    let all: Vec<_> = all
        .iter()
        .map(|bytes| String::from_utf8_lossy(bytes))
        .collect();
    all.join("\n")
}

fn assert_clean(exchange: &Exchange) {
    let all = written(exchange);
    for n in 0..4 {
        assert!(!all.contains(&key(n)[5..20]), "{all}");
    }
}

fn state(exchange: &Exchange, name: &str) -> String {
    let state = exchange.host.filter_state.borrow();
    String::from_utf8(state.get(name).cloned().unwrap_or_default()).unwrap()
}

#[test]
fn a_key_in_the_place_of_the_model_is_counted_without_it() {
    let restricted = Record {
        scope: list(&["good-1"]),
        ..record(1)
    };
    let open_prefix = Record {
        scope: list(&["sk-*"]),
        ..record(1)
    };
    for record in [record(1), restricted, open_prefix] {
        let rig = Rig::with(&[record]);
        for name in [
            key(2),
            format!("x {} y", key(2)),
            format!("sk-ant-api03-{}", key(2)),
        ] {
            let mut exchange = rig.post().bearer(1);
            exchange.headers(false);
            exchange.chunk(format!(r#"{{"model":"{name}"}}"#).as_bytes(), true);
            assert_clean(&exchange);
        }
        let counted = rig.counted();
        assert!(counted.iter().all(|(resource, _)| resource == REDACTED));
        assert_eq!(counted.iter().map(|(_, count)| count).sum::<u64>(), 3);
    }
}

#[test]
fn the_upstream_is_told_no_key_as_its_model() {
    let rig = Rig::with(&[Record {
        scope: list(&["sk-*"]),
        ..record(1)
    }]);
    let mut exchange = rig.post().bearer(1);
    exchange.headers(false);
    exchange.chunk(format!(r#"{{"model":"{}"}}"#, key(2)).as_bytes(), true);
    assert_eq!(exchange.status(), 200);
    let headers = exchange.host.headers.borrow();
    let model = headers.iter().find(|(name, _)| name == b"x-latchkey-model");
    assert_eq!(
        model.map(|(_, value)| value.as_slice()),
        Some(REDACTED.as_bytes())
    );
    assert_eq!(state(&exchange, "latchkey_model"), REDACTED);
}

#[test]
fn a_path_with_a_key_goes_nowhere_and_is_logged_without_it() {
    let escaped = key(1).replace('-', "%2D");
    // Its encoded beginning and the rest read as drawn letters, too.
    let drawn = "sk%2DQjw1fl1bA83qkxNpSdi0m0GGbAHuPJS3pbtPlvqb3ptlkr".to_owned();
    for secret in [
        key(1),
        key(2),
        escaped,
        drawn,
        format!("sk-ant-{}", "a1".repeat(20)),
    ] {
        let path = format!("/v1/chat/completions/{secret}");
        let rig = Rig::with(&[record(1)]);
        let exchange = rig.post().bearer(1).with(":path", &path).send_bodyless();
        assert_eq!(exchange.outcome().0, 400);
        assert!(!exchange.is_forwarded);
        assert_eq!(
            state(&exchange, "latchkey_request"),
            "POST /v1/chat/completions/(redacted)"
        );
        assert_clean(&exchange);
        let nobody = rig.post().with(":path", &path).send_bodyless();
        assert_eq!(nobody.outcome().0, 401);
        assert_clean(&nobody);
    }
}

#[test]
fn a_query_with_a_key_under_another_name_goes_nowhere() {
    let rig = Rig::with(&[record(1)]);
    for query in [format!("api_key={}", key(1)), format!("a=b&{}", key(2))] {
        let path = format!("/v1/models?{query}");
        let exchange = rig.post().bearer(1).with(":path", path).send_bodyless();
        assert_eq!(exchange.outcome().0, 400, "{query}");
        assert_clean(&exchange);
    }
    // The place that is read and removed, and an id that an upload got from its server.
    let drawn = "ABPtcPoX7kQ2mZ9vL4nR8sT1wY6uJ3hG5fD0cB7aE2iO9pK4";
    for query in [
        format!("key={}", key(1)),
        format!("upload_id={drawn}&key={}", key(1)),
    ] {
        let path = format!("/v1/models?{query}");
        let exchange = rig.post().with(":path", path).send_bodyless();
        assert_eq!(exchange.status(), 200, "{query}");
        assert_eq!(state(&exchange, "latchkey_request"), "POST /v1/models");
    }
}

#[test]
fn method_and_request_id_are_logged_unless_they_hold_a_key() {
    let rig = Rig::with(&[record(1)]);
    let id = "6b0c3f2e-9d0a-4c55-9a7f-2f6c1f0b7d11";
    let plain = rig
        .post()
        .bearer(1)
        .header("x-request-id", id)
        .send_bodyless();
    assert_eq!(
        state(&plain, "latchkey_request"),
        "POST /v1/chat/completions"
    );
    assert_eq!(state(&plain, "latchkey_request_id"), id);
    let odd = rig
        .post()
        .with(":method", key(2))
        .header("x-request-id", key(2))
        .send_bodyless();
    assert_eq!(
        state(&odd, "latchkey_request"),
        "(redacted) /v1/chat/completions"
    );
    assert_clean(&odd);
}

/// Also while there is no table, somebody has to see what was asked for.
#[test]
fn a_request_that_cannot_be_judged_is_logged_too() {
    let rig = Rig::cold(crate::support::FakeSidecar::with(&[]));
    let exchange = rig.post().bearer(1).send_bodyless();
    assert_eq!(exchange.outcome().0, 503);
    assert_eq!(
        state(&exchange, "latchkey_request"),
        "POST /v1/chat/completions"
    );
}
