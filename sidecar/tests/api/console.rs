//! The console as it is served: its types, its policy, what a browser may keep.

use serde_json::Value;
use sidecar::console::FILES;

use crate::support::{Answer, Scratch, Sidecar, call};

fn page(sidecar: &Sidecar, path: &str, headers: &[(&str, &str)]) -> Answer {
    call(&format!("{}{path}", sidecar.admin()), "GET", headers, None)
}

#[test]
fn every_file_is_served_with_the_policy_and_taken_anew_when_it_has_changed() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let paths = FILES.iter().map(|file| format!("/console/{}", file.path));
    for path in paths.chain(["/".to_owned()]) {
        let answer = page(&sidecar, &path, &[]);
        assert_eq!(answer.status, 200, "{path}");
        assert!(!answer.text.is_empty(), "{path}");
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
fn what_the_page_asks_the_api_is_kept_nowhere() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let answer = sidecar.get("/v1/session");
    assert_eq!(answer.header("cache-control"), "no-store");
    assert_eq!(answer.json()["totp"], Value::Bool(false));
    assert_eq!(page(&sidecar, "/console/no-such.js", &[]).status, 404);
}
