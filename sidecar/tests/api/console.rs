//! The console as it is served: its types, its policy, what a browser may keep.

use serde_json::Value;
use sidecar::console::FILES;
use ureq::http::response::Parts;

use crate::support::{Answer, Scratch, Sidecar, call, call_bytes};

fn page(sidecar: &Sidecar, path: &str, headers: &[(&str, &str)]) -> Answer {
    call(&format!("{}{path}", sidecar.admin()), "GET", headers, None)
}

#[test]
fn every_file_is_served_with_the_policy_and_taken_anew_when_it_has_changed() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    for file in FILES {
        let path = match file.path {
            "index.html" => "/".to_owned(),
            path => format!("/console/{path}"),
        };
        let answer = page(&sidecar, &path, &[]);
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.text, file.text, "{path}");
        let policy = answer.header("content-security-policy");
        for part in [
            "default-src 'self'",
            "frame-ancestors 'none'",
            "trusted-types 'none'",
        ] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(answer.header("cache-control"), "no-cache", "{path}");
        let tag = answer.header("etag").to_owned();
        let again = page(&sidecar, &path, &[("if-none-match", &tag)]);
        assert_eq!((again.status, again.text.as_str()), (304, ""), "{path}");
    }
}

#[test]
fn a_file_goes_compressed_to_whoever_takes_that_under_a_tag_of_its_own() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let url = format!("{}/console/app.js", sidecar.admin());
    let ask = |headers: &[(&str, &str)]| call_bytes(&url, "GET", headers, None);
    let header = |parts: &Parts, name: &str| parts.headers[name].to_str().unwrap().to_owned();
    let file = FILES.iter().find(|file| file.path == "app.js").unwrap();

    let (plain, _) = ask(&[("accept-encoding", "identity")]);
    let (packed, bytes) = ask(&[("accept-encoding", "gzip, deflate, br;q=0.7")]);
    assert_eq!(packed.status, 200);
    assert_eq!(header(&packed, "content-encoding"), "br");
    assert_eq!(bytes, file.packed);
    assert_eq!(header(&plain, "vary"), "accept-encoding");
    assert_eq!(header(&packed, "vary"), "accept-encoding");
    let tag = header(&packed, "etag");
    assert_ne!(tag, header(&plain, "etag"), "other bytes, another tag");
    let known = ("if-none-match", tag.as_str());
    assert_eq!(ask(&[("accept-encoding", "br"), known]).0.status, 304);
    assert_eq!(ask(&[known]).0.status, 200, "the tag of other bytes");
}

#[test]
fn what_the_page_asks_the_api_is_kept_nowhere() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let answer = sidecar.get("/v1/session");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.json()["totp"], Value::Bool(false));
    assert_eq!(page(&sidecar, "/console/no-such.js", &[]).status, 404);
}
