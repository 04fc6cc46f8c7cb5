//! Query parameters that name a model are judged on every endpoint, in every spelling.

use crate::support::{Rig, names, record};
use keytable::Record;

fn outcome(path: &str) -> u16 {
    let rig = Rig::with(&[Record {
        scope: names(&["good-1", "@realtime"]),
        ..record(1)
    }]);
    let request = rig.post().with(":path", path).bearer(1);
    request.send(&[br#"{"model":"good-1"}"#]).answered()
}

fn chat(query: &str) -> u16 {
    outcome(&format!("/v1/chat/completions?{query}"))
}

#[test]
fn a_parameter_in_scope_passes() {
    for query in [
        "model=good-1",
        "deployment=good-1&model=good-1",
        "model=go%6Fd-1",
        "a=1&mod%65l=good-1",
        "a=1;model=good-1",
        "api-version=2024-10-21",
        "models=good-1",
        "metadata[model]=bad-1",
        "x=model",
        "",
        "&&",
    ] {
        assert_eq!(chat(query), 200, "{query}");
    }
}

#[test]
fn a_parameter_out_of_scope_is_refused_wherever_it_stands() {
    for query in [
        "model=bad-1",
        "deployment=bad-1",
        "a=1&model=bad-1",
        "mod%65l=bad-1",
        "model=b%61d-1",
        "a=1;model=bad-1",
        "a=1?model=bad-1",
        "?model=bad-1",
        "model=good-1&deployment=bad-1",
        "model=good-1,bad-1",
        "models=bad-1",
        "mymodel=bad-1",
        "model_version=2",
        "fallbacks[]=bad-1",
        "Draft-Model=bad-1",
        "engine=bad-1",
    ] {
        assert_eq!(chat(query), 403, "{query}");
    }
}

#[test]
fn what_can_be_read_in_two_ways_is_refused() {
    for query in [
        "model=good-1&model=bad-1",
        "model=good-1&model=good-1",
        "model=good-1;model=good-1",
        "model=good-1&mod%65l=bad-1",
        "MODEL=good-1",
        "Model=bad-1",
        "model[]=good-1",
        "model%5B0%5D=good-1",
        "model%20=good-1",
        "+model=good-1&%20model=bad-1",
        "model=",
        "model",
        "model=good-1+",
        "model=good-1%20",
        "model=good-1%00",
        "model%00=bad-1",
        "model=%67%6f%6f%64-1%",
        "model=%2567ood-1",
        "model=%ff",
        "%256dodel=bad-1",
        "mod%2565l=good-1",
        "preset=p",
        "%zz=1",
    ] {
        assert_eq!(chat(query), 400, "{query}");
    }
}

#[test]
fn lists_open_endpoints_and_objects_judge_what_they_are_given() {
    let rig = Rig::with(&[Record {
        scope: names(&["good-1", "@files"]),
        ..record(1)
    }]);
    let get = |path: &str| {
        let request = rig.post().call(&format!("GET {path}")).bearer(1);
        request.send_bodyless().answered()
    };
    for path in ["/v1/models", "/v1/files", "/api/version"] {
        assert_eq!(get(path), 200);
        assert_eq!(get(&format!("{path}?model=good-1")), 200);
        assert_eq!(get(&format!("{path}?model=bad-1")), 403);
        assert_eq!(get(&format!("{path}?Model=bad-1")), 400);
    }
}
