//! `GET /v1/keys/{id}`

use crate::support::{Scratch, Sidecar};

#[test]
fn a_key_is_found_by_its_id_and_only_in_its_account() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let key = sidecar.make("one", "local");
    let path = format!("/v1/keys/{}", key["id"].as_str().unwrap());
    let found = sidecar.get(&path);
    assert_eq!((found.status, found.header("etag")), (200, "\"1\""));
    let found = found.json();
    assert!(found.get("key").is_none() && found.get("propagation").is_none());
    assert_eq!(found["name"], "one");
    assert_eq!(sidecar.get(&format!("{path}?account=demo")).status, 200);
    assert_eq!(sidecar.get(&format!("{path}?account=second")).status, 404);
}

#[test]
fn whatever_is_no_key_is_404() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    for id in [
        "ak-20260101-0123456789abcdef",
        "x",
        "%27%20OR%201=1",
        "..%2fenvoys",
        "%00",
    ] {
        assert_eq!(sidecar.get(&format!("/v1/keys/{id}")).status, 404, "{id}");
    }
}
