//! Where keys travel: the setting, what is cleaned, and what belongs to the upstream.

use filter::config::Config;

use crate::support::{Exchange, Rig, key, list, record};
use keytable::Record;

/// The settings say nothing of places.
const DEFAULT: &str = r#""observe_resources":true"#;
const OWN: &str = r#""key_places":["header:x-latchkey-key"]"#;

/// Keys 1 (for everything), 2 (for everything) and 3 (with a list).
fn rig(settings: &str) -> Rig {
    let limited = Record {
        scope: list(&["good-1"]),
        ..record(3)
    };
    Rig::configured(&[record(1), record(2), limited], settings)
}

fn served(request: Exchange) -> Exchange {
    let exchange = request.send(&[br#"{"model":"good-1"}"#]);
    assert_eq!(exchange.status(), 200);
    exchange
}

#[test]
fn a_key_in_a_header_of_its_own_leaves_the_others_to_the_upstream() {
    let rig = rig(OWN);
    for n in [1, 3] {
        let request = rig.post().header("x-latchkey-key", key(n));
        let request = request
            .header("authorization", "Bearer of-the-upstream")
            .header("x-api-key", "of-the-upstream")
            .with(":path", "/v1/chat/completions?key=of-the-upstream");
        let exchange = served(request);
        assert!(exchange.seen("x-latchkey-key").is_empty(), "{n}");
        assert_eq!(exchange.seen("authorization"), ["Bearer of-the-upstream"]);
        assert_eq!(exchange.seen("x-api-key"), ["of-the-upstream"]);
        let path = "/v1/chat/completions?key=of-the-upstream";
        assert_eq!(exchange.seen(":path"), [path]);
    }
    let elsewhere = rig.post().bearer(1).send(&[b"{}"]);
    assert_eq!(elsewhere.outcome(), (401, "invalid_api_key".to_owned()));
    let told = elsewhere.message();
    assert!(told.contains("'x-latchkey-key: <key>'"), "{told}");
}

#[test]
fn every_place_that_could_hold_a_key_of_this_table_is_cleaned() {
    let rig = rig(OWN);
    let basic = |text: String| format!("Basic {}", base64(&text, STANDARD));
    let of_url = |text: String| base64(&text, OF_URLS);
    for n in [1, 3] {
        for of_table in [key(n), key(2)] {
            for (name, value) in [
                ("authorization", format!("Bearer {of_table}")),
                ("authorization", of_table.clone()),
                ("x-api-key", of_table.clone()),
                ("x-goog-api-key", format!(" {of_table},x")),
                ("apikey", of_table.clone()),
                (
                    "sec-websocket-protocol",
                    format!("a, openai-insecure-api-key.{of_table}"),
                ),
                ("authorization", basic(format!("user:{of_table}"))),
                ("authorization", basic(format!("{of_table}:"))),
                (
                    "authorization",
                    basic(format!("us\u{ff}er\u{fe}\u{fb}:{of_table}")),
                ),
                (
                    "authorization",
                    format!("Basic {}", of_url(format!("\u{ff}\u{fe}:{of_table}"))),
                ),
                (
                    "authorization",
                    format!("Digest username=\"{of_table}\", uri=\"/\""),
                ),
                ("authorization", format!("Bearer%20{of_table}")),
                ("api-key", of_url(of_table.clone())),
                (
                    "x-api-key",
                    format!("a.{}.b", of_url(format!("{{\"key\":\"{of_table}\"}}"))),
                ),
                (
                    "sec-websocket-protocol",
                    format!(
                        "base64url.bearer.authorization.{}",
                        of_url(of_table.clone())
                    ),
                ),
                // Nor where nobody reads for a key.
                ("proxy-authorization", basic(format!("user:{of_table}"))),
                ("user-agent", of_table.clone()),
            ] {
                let request = rig.post().header("x-latchkey-key", key(n));
                let exchange = served(request.header(name, value));
                assert!(exchange.seen(name).is_empty(), "{n} {name}");
            }
        }
    }
    // A key of another installation is the upstream's.
    for foreign in [
        format!("Bearer {}", key(77)),
        basic(format!("user:{}", key(77))),
    ] {
        let request = rig.post().header("x-latchkey-key", key(1));
        let exchange = served(request.header("authorization", &foreign));
        assert_eq!(exchange.seen("authorization"), [foreign]);
    }
}

#[test]
fn where_keys_are_read_as_usual_one_of_ours_in_another_header_does_not_go_on_either() {
    let rig = rig(DEFAULT);
    for n in [1, 3] {
        for (name, value) in [
            (
                "proxy-authorization",
                format!("Basic {}", base64(&format!("a:{}", key(2)), STANDARD)),
            ),
            ("x-request-id", key(n)),
            ("user-agent", format!("tool/1 {}", key(n))),
        ] {
            let exchange = served(rig.post().bearer(n).header(name, value));
            assert!(exchange.seen(name).is_empty(), "{n} {name}");
        }
        let exchange = served(rig.post().bearer(n).header("user-agent", key(77)));
        assert_eq!(exchange.seen("user-agent"), [key(77)]);
    }
}

/// Digits of base64: the standard ones end in `+/`.
const STANDARD: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
/// Those of URLs, in which there is no padding either.
const OF_URLS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn base64(text: &str, digits: &[u8]) -> String {
    let mut written = String::new();
    for three in text.as_bytes().chunks(3) {
        let bits = three
            .iter()
            .fold(0, |bits, byte| (bits << 8) | usize::from(*byte));
        let bits = bits << (8 * (3 - three.len()));
        let four = [18, 12, 6, 0].map(|shift| char::from(digits[(bits >> shift) & 63]));
        written.extend(four.iter().take(three.len() + 1));
        if digits == STANDARD {
            written.extend(std::iter::repeat_n('=', 3 - three.len()));
        }
    }
    written
}

#[test]
fn blank_places_are_cleaned_too() {
    let rig = rig(DEFAULT);
    let blank = |name: &str, value: &str| rig.post().bearer(1).header(name, value);
    for (name, value) in [
        ("x-api-key", ""),
        ("api-key", " "),
        ("x-goog-api-key", ""),
        ("apikey", ""),
        ("sec-websocket-protocol", "openai-insecure-api-key."),
    ] {
        let exchange = served(blank(name, value));
        assert!(exchange.seen(name).is_empty(), "{name}");
    }
    let exchange = served(
        rig.post()
            .header("authorization", "Bearer")
            .header("x-api-key", key(1)),
    );
    assert!(exchange.seen("authorization").is_empty());
    let exchange = served(rig.post().bearer(1).with(":path", "/v1/x?key=&a=1"));
    assert_eq!(exchange.seen(":path"), ["/v1/x?a=1"]);
}

#[test]
fn each_form_is_read_and_cleaned() {
    let places = r#""key_places":["bearer:x-auth","header:authorization","query:api_token",
        "query:k","subprotocol:key.","subprotocol:token."]"#;
    let rig = rig(places);
    for (name, value) in [
        ("x-auth", format!("Bearer {}", key(1))),
        ("authorization", key(1)),
        (":path", format!("/v1/x?api_token={}", key(1))),
        (":path", format!("/v1/x?k={}", key(1))),
        ("sec-websocket-protocol", format!("key.{}", key(1))),
        ("sec-websocket-protocol", format!("token.{}", key(1))),
    ] {
        let exchange = served(rig.post().with(name, &value));
        let left = exchange.seen(name);
        assert!(left.is_empty() || left == ["/v1/x"], "{name} {left:?}");
    }
    let exchange = rig
        .post()
        .header("authorization", format!("Bearer {}", key(1)));
    assert_eq!(
        exchange.send(&[b"{}"]).status(),
        401,
        "the whole of it is read"
    );
}

#[test]
fn places_that_cannot_be_are_refused_with_what_is_wrong() {
    for (places, why) in [
        (r#"[]"#, "no request could carry a key"),
        (r#"["x-api-key"]"#, "is no place"),
        (r#"["cookie:a"]"#, "is no place"),
        (r#"["header:X-Key"]"#, "lower case"),
        (r#"["header:x_key"]"#, "lower case"),
        (r#"["header::path"]"#, "lower case"),
        (r#"["header:"]"#, "lower case"),
        (r#"["header:host"]"#, "says what the request is"),
        (r#"["bearer:content-type"]"#, "says what the request is"),
        (
            r#"["header:x-latchkey-account"]"#,
            "says what the request is",
        ),
        (
            r#"["header:sec-websocket-protocol"]"#,
            "says what the request is",
        ),
        (r#"["query:model"]"#, "no name"),
        (r#"["query:"]"#, "no name"),
        (r#"["header:a","bearer:a"]"#, "stands there already"),
        (r#"["query:a","query:a"]"#, "stands there already"),
        (
            r#"["subprotocol:a.","subprotocol:a.b."]"#,
            "stands there already",
        ),
        (r#"7"#, "sequence"),
    ] {
        let text = format!(r#"{{"role":"gate","key_places":{places}}}"#);
        let error = Config::parse(text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(why), "{places}: {error}");
    }
}

#[test]
fn a_place_cannot_be_let_pass_and_trailers_are_no_way_round() {
    let text =
        r#"{"role":"gate","key_places":["header:x-team-key"],"pass_headers":["x-team-key"]}"#;
    let Ok(Config::Gate(config)) = Config::parse(text.as_bytes()) else {
        panic!("not a gate");
    };
    let error = filter::gate::GateShared::new(config, [0; 16]).unwrap_err();
    assert!(error.contains("read as a credential"), "{error}");
    let rig = rig(OWN);
    let mut exchange = rig.post().header("x-latchkey-key", key(1));
    exchange.headers(false);
    for name in ["x-latchkey-key", "authorization", "x-api-key", "x-kept"] {
        let pair = (name.as_bytes().to_vec(), key(1).into_bytes());
        exchange.host.trailers.borrow_mut().push(pair);
    }
    exchange.trailers();
    let left = exchange.host.trailers.borrow().clone();
    assert_eq!(left.len(), 1, "{left:?}");
}

#[test]
fn whoever_looks_for_an_authorization_server_is_told_that_there_is_none() {
    let documents = [
        "/.well-known/oauth-authorization-server",
        "/.well-known/oauth-protected-resource/mcp",
        "/.well-known/openid-configuration?x=1",
        "/mcp/.well-known/openid-configuration",
    ];
    let others = ["/.well-known/agent.json", "/.well-known/", "/v1/oauth-x"];
    let cold = Rig::cold(crate::support::FakeSidecar::with(&[]));
    for rig in [rig(DEFAULT), cold] {
        for path in documents {
            for method in ["GET", "HEAD"] {
                let request = rig.post().call(&format!("{method} {path}")).send_bodyless();
                let replies = request.host.replies.borrow();
                assert_eq!((replies.len(), replies[0].status), (1, 404), "{path}");
                assert_eq!(replies[0].details, "latchkey_no_oauth");
                assert!(!request.is_forwarded);
                assert!(request.host.outcomes.borrow().is_empty(), "not counted");
            }
        }
    }
    let rig = rig(DEFAULT);
    for path in others {
        let request = rig.post().call(&format!("GET {path}")).send_bodyless();
        assert_eq!(request.answered(), 401, "{path}");
    }
    let request = rig.post().call("POST /.well-known/oauth-x").send(&[b"{}"]);
    assert_eq!(request.answered(), 401);
    let request = rig.post().call("POST /register").send(&[]);
    assert_eq!(
        request.host.replies.borrow()[0].details,
        "latchkey_no_oauth"
    );
    let request = rig.post().call("POST /register").bearer(1).send(&[b"{}"]);
    assert_eq!(request.answered(), 200, "an endpoint like any other");
    let own = Rig::configured(&[record(1)], r#""oauth_discovery":"judge""#);
    for path in documents {
        let call = format!("GET {path}");
        assert_eq!(own.post().call(&call).send_bodyless().answered(), 401);
        let with_key = own.post().call(&call).bearer(1).send_bodyless();
        assert_eq!(with_key.answered(), 200, "{path}");
    }
}
