//! Bodies that are no JSON object with one meaning.

use crate::support::{Scratch, Sidecar};

#[test]
fn a_body_that_cannot_be_read_is_400_and_nothing_is_stored() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let bodies = [
        "",
        "{",
        "{\"account\": \"demo\"} x",
        "{'account': 'demo'}",
        "{\"account\": \"demo\", \"region\": \"local\", \"name\": \"a\", \"name\": \"b\"}",
        "{\"account\": \"demo\", \"region\": \"local\", \"name\": \"a\", \"n\\u0061me\": \"b\"}",
        "{\"scope\": {\"models\": [\"a\"], \"models\": \"all\"}}",
        &deep,
    ];
    for body in bodies {
        let answer = sidecar.call("POST", "/v1/keys", &[], Some(body));
        assert_eq!(answer.status, 400, "{body:.80}: {}", answer.text);
        assert!(answer.fields().is_empty());
    }
    assert_eq!(sidecar.total(), 0);
}

#[test]
fn a_body_that_is_no_object_is_422() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    for body in ["[]", "null", "\"text\"", "1"] {
        assert_eq!(
            sidecar.call("POST", "/v1/keys", &[], Some(body)).status,
            422,
            "{body}"
        );
    }
}

#[test]
fn a_body_that_is_too_large_is_413() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let body = format!("{{\"name\": \"{}\"}}", "n".repeat(256 * 1024));
    let answer = sidecar.call("POST", "/v1/keys", &[], Some(&body));
    assert_eq!(answer.status, 413, "{}", answer.text);
    assert!(
        answer.text.contains("at most 262144 bytes"),
        "{}",
        answer.text
    );
}
