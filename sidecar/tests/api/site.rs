//! Names, origins and pages: what another site's page can make a browser do here, which is nothing.

use std::io::{Read, Write};
use std::net::TcpStream;

use serde_json::json;

use crate::support::person::Person;
use crate::support::{Scratch, Sidecar, call};

/// The first line that answers a request given as it goes over the wire.
fn raw(sidecar: &Sidecar, request: &str) -> String {
    let address = sidecar.admin().strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let text = String::from_utf8_lossy(&answer);
    text.lines().next().unwrap_or_default().to_owned()
}

#[test]
fn a_request_for_another_name_is_refused() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start_with(&scratch, &["--admin-host", "sidecar"]);
    let bearer = format!("Authorization: Bearer {}", sidecar.token());
    let address = sidecar.admin().strip_prefix("http://").unwrap().to_owned();
    let ask = |host: &str| {
        let request =
            format!("GET /v1/session HTTP/1.1\r\n{host}\r\n{bearer}\r\nConnection: close\r\n\r\n");
        raw(&sidecar, &request)
    };
    for good in [
        address.as_str(),
        "localhost:80",
        "[::1]:9301",
        "sidecar:9301",
        "SIDECAR",
    ] {
        assert!(ask(&format!("Host: {good}")).contains(" 200 "), "{good}");
    }
    for bad in [
        "Host: evil.example",
        "Host: 127.0.0.1.evil.example",
        "Host: localhost.evil.example",
        "Host: 127.0.0.1:8080/#@evil",
        "Host: user@127.0.0.1",
        "Host: ",
        "X-Host: none",
        "Host: 127.0.0.1\r\nHost: evil.example",
    ] {
        let line = ask(bad);
        assert!(
            line.contains(" 421 ") || line.contains(" 400 "),
            "{bad}: {line}"
        );
    }
}

#[test]
fn another_sites_page_changes_nothing() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let person = Person::operator(&sidecar);
    let own = sidecar.admin().to_owned();
    let body = json!({"id": "acme", "name": "Acme"});
    let json_type = ("content-type", "application/json");
    let port = own.rsplit(':').next().unwrap();
    let localhost = format!("http://localhost:{port}");
    let suffixed = format!("{own}.evil.example");
    let tls = own.replace("http:", "https:");
    for origin in [
        "https://evil.example",
        "null",
        "",
        &suffixed,
        &localhost,
        &tls,
    ] {
        let headers = [("origin", origin), json_type];
        let answer = person.call_with("POST", "/v1/accounts", &headers, Some(&body));
        assert_eq!(answer.status, 403, "{origin}");
        assert_eq!(answer.header("access-control-allow-origin"), "");
    }
    let missing = person.call_with("POST", "/v1/accounts", &[json_type], Some(&body));
    assert_eq!(missing.status, 403, "no origin");
    for site in ["cross-site", "same-site"] {
        let headers = [
            ("origin", own.as_str()),
            ("sec-fetch-site", site),
            json_type,
        ];
        let answer = person.call_with("POST", "/v1/accounts", &headers, Some(&body));
        assert_eq!(answer.status, 403, "{site}");
        let read = person.call_with("GET", "/v1/accounts", &[("sec-fetch-site", site)], None);
        assert_eq!(read.status, 403, "{site}");
    }
    for media_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
    ] {
        let headers = [("origin", own.as_str()), ("content-type", media_type)];
        let answer = person.call_with("POST", "/v1/accounts", &headers, Some(&body));
        assert_eq!(answer.status, 415, "{media_type}");
    }
    assert_eq!(sidecar.get("/v1/accounts/acme").status, 404);
    assert_eq!(person.post("/v1/accounts", &body).status, 201);
}

#[test]
fn another_sites_page_cannot_log_somebody_in() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let _operator = Person::operator(&sidecar);
    let body = json!({"user": "operator", "password": crate::support::person::PASSWORD});
    let url = format!("{}/v1/session", sidecar.admin());
    for headers in [
        [("origin", "https://evil.example")],
        [("sec-fetch-site", "cross-site")],
    ] {
        let answer = call(&url, "POST", &headers, Some(&body.to_string()));
        assert_eq!(answer.status, 403);
        assert_eq!(answer.header("set-cookie"), "");
    }
}

#[test]
fn behind_a_proxy_the_cookie_is_secure_and_the_origin_is_the_public_one() {
    let scratch = Scratch::new();
    let flags = [
        "--behind-tls-proxy",
        "--public-url",
        "https://keys.example.com",
        "--trusted-proxy",
        "127.0.0.1",
    ];
    let sidecar = Sidecar::start_with(&scratch, &flags);
    let url = |path: &str| format!("{}{path}", sidecar.admin());
    let secret =
        json!({"setup_secret": sidecar.setup_secret(), "password": "correct horse battery"});
    let origin = ("origin", "https://keys.example.com");
    let forwarded = ("x-forwarded-for", "198.51.100.9, 203.0.113.7");
    let answer = call(
        &url("/v1/setup"),
        "POST",
        &[origin],
        Some(&secret.to_string()),
    );
    assert_eq!(answer.status, 200, "{}", answer.text);
    let body = json!({"user": "operator", "password": "correct horse battery"});
    let answer = call(
        &url("/v1/session"),
        "POST",
        &[origin, forwarded],
        Some(&body.to_string()),
    );
    let cookie = answer.header("set-cookie");
    assert!(
        cookie.starts_with("__Host-latchkey_session=lks-"),
        "{cookie}"
    );
    assert!(cookie.ends_with("; Secure"), "{cookie}");
    let rows = sidecar.get("/v1/audit?action=session.logged_in").json();
    assert_eq!(
        rows["entries"][0]["address"], "203.0.113.7",
        "what the proxy itself has seen"
    );
}

#[test]
fn on_the_loopback_a_browser_logs_in_over_plain_http_and_from_nowhere_else() {
    let scratch = Scratch::new();
    let told = ["--public-url", "http://127.0.0.1:9301"];
    let flags = [&["--behind-tls-proxy"], told.as_slice()].concat();
    let sidecar = Sidecar::start_with(&scratch, &flags);
    let secret =
        json!({"setup_secret": sidecar.setup_secret(), "password": "correct horse battery"});
    let body = json!({"user": "operator", "password": "correct horse battery"});
    let post = |path: &str, host: &str, origin: &str, body: &serde_json::Value| {
        let headers = [("host", host), ("origin", origin)];
        let url = format!("{}{path}", sidecar.admin());
        call(&url, "POST", &headers, Some(&body.to_string()))
    };
    let host = "127.0.0.1:9301";
    let set = post("/v1/setup", host, &format!("http://{host}"), &secret);
    assert_eq!(set.status, 200, "{}", set.text);
    // However the loopback is called, and whichever port it was published on.
    for host in ["127.0.0.1:9301", "localhost:9301", "[::1]:8080"] {
        let answer = post("/v1/session", host, &format!("http://{host}"), &body);
        assert_eq!(answer.status, 200, "{host}: {}", answer.text);
        let cookie = answer.header("set-cookie");
        assert!(cookie.starts_with("latchkey_session=lks-"), "{cookie}");
        assert!(cookie.contains("HttpOnly; SameSite=Strict") && !cookie.contains("Secure"));
    }
    for (host, origin) in [
        ("10.0.0.7:9301", "http://10.0.0.7:9301"),
        ("127.0.0.1:9301", "http://localhost:9301"),
        ("127.0.0.1:9301", "https://127.0.0.1:9301"),
        ("127.0.0.1:9301", "http://127.0.0.1:8080"),
        ("127.0.0.1:9301", "null"),
    ] {
        let answer = post("/v1/session", host, origin, &body);
        assert_eq!(answer.status, 403, "{host} {origin}: {}", answer.text);
    }
}

#[test]
fn odd_paths_get_past_nothing() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    for path in [
        "//v1/keys",
        "/v1//keys",
        "/v1/keys/",
        "/V1/keys",
        "/v1/keys/..;/keys",
        "/healthz/../v1/keys",
        "/v1/%6beys",
        "/v1/session/../keys",
        "/v1/setup/",
        "/v1%2fkeys",
    ] {
        let line = raw(
            &sidecar,
            &format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"),
        );
        assert!(
            line.contains(" 401 ") || line.contains(" 404 "),
            "{path}: {line}"
        );
    }
    let overridden = [
        ("x-http-method-override", "DELETE"),
        ("x-method-override", "DELETE"),
    ];
    let key = sidecar.make("one", "local");
    let path = format!("/v1/keys/{}?confirm=one", key["id"].as_str().unwrap());
    sidecar.call("POST", &path, &overridden, None);
    assert_eq!(sidecar.total(), 1);
}

#[test]
fn pages_and_answers_carry_what_a_browser_needs_to_be_told() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    for path in [
        "/docs",
        "/docs/docs.js",
        "/docs/docs.css",
        "/openapi.json",
        "/v1/session",
    ] {
        let answer = sidecar.get(path);
        assert_eq!(answer.status, 200, "{path}");
        let policy = answer.header("content-security-policy");
        assert!(policy.contains("default-src 'none'"), "{path}");
        assert!(policy.contains("frame-ancestors 'none'"), "{path}");
        assert!(!policy.contains("unsafe"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
    }
}

/// Whoever ends TLS in front passes on what the client called us: any name, unless we know ours.
#[test]
fn behind_a_proxy_a_name_that_was_not_given_is_refused() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start_with(&scratch, &["--behind-tls-proxy"]);
    let url = format!("{}/v1/session", sidecar.admin());
    let bearer = format!("Bearer {}", sidecar.token());
    let status = |host: &str| {
        let headers = [("host", host), ("authorization", bearer.as_str())];
        call(&url, "GET", &headers, None).status
    };
    for host in ["evil.example", "keys.example.com", "sidecar:9301"] {
        assert_eq!(status(host), 421, "{host}");
    }
    for host in ["localhost", "10.0.0.7:9301", "[2001:db8::7]"] {
        assert_eq!(status(host), 200, "{host}");
    }
}
