//! What stands around a gate, each recipe of docs/recipes.md as it is written there: CORS before
//! it, load balancers in front, TLS on the listener, a provider with a key of its own behind it.
//!
//! Limits, logs and routes are `recipes`. Invariant: what a recipe lets in front of the gate lets
//! nothing round it.

use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use envoy::bootstrap::{Addition, Place, Tls};
use envoy::{Stack, StackOptions, ports};
use serde_json::{Value, json};
use tests::browser::{Browser, Look};
use tests::certificate::certificate_for;
use tests::raw::{self, Answer, post_chat, post_chat_with};
use tests::recipes::recipe;
use tests::{Admin, chat, start_with, wait_for};

const CORS: &str = "Browsers: CORS";
const ORIGIN: &str = "https://app.example.com";

fn start(additions: Vec<Addition>) -> (Stack, Admin) {
    start_with(StackOptions {
        additions,
        ..StackOptions::default()
    })
}

/// A header of an answer; the name in lower case.
fn header<'a>(answer: &'a Answer, name: &str) -> Option<&'a str> {
    let mut lines = answer.head.lines().filter_map(|line| line.split_once(": "));
    lines.find_map(|(known, value)| (known == name).then_some(value))
}

/// The question that Chromium asks before the official OpenAI SDK calls from a page.
fn preflight(gate: &str, origin: &str) -> Answer {
    let origin = format!("origin: {origin}");
    let asked = b"access-control-request-headers: authorization,content-type,x-stainless-arch,\
                  x-stainless-lang,x-stainless-os,x-stainless-package-version,\
                  x-stainless-retry-count,x-stainless-runtime,x-stainless-runtime-version";
    let lines: [&[u8]; 5] = [
        b"accept: */*",
        b"access-control-request-method: POST",
        asked,
        origin.as_bytes(),
        b"sec-fetch-mode: cors",
    ];
    raw::send(gate, &raw::head("OPTIONS", "/v1/chat/completions", &lines))
}

#[test]
fn a_preflight_is_answered_without_a_key_and_nothing_else_is() {
    let (stack, admin) = start(recipe(CORS, &[]));
    let gate = stack.envoy_url();
    let key = admin.create("page", json!({}));
    let answer = preflight(&gate, ORIGIN);
    assert_eq!(answer.status, 200, "{}", answer.head);
    let allowed = |name| header(&answer, name).unwrap_or_default();
    assert_eq!(allowed("access-control-allow-origin"), ORIGIN);
    assert_eq!(allowed("access-control-allow-headers"), "Authorization, *");
    assert!(allowed("access-control-allow-methods").contains("POST"));
    assert_eq!(preflight(&gate, "https://evil.example").status, 401);

    let origin = format!("origin: {ORIGIN}");
    let bearer = format!("authorization: Bearer {}", key.value);
    let ask = |lines: &[&[u8]]| post_chat(&gate, lines, chat("glm-5.1").as_bytes());
    let (refused, served) = (
        ask(&[origin.as_bytes()]),
        ask(&[origin.as_bytes(), bearer.as_bytes()]),
    );
    assert_eq!((refused.status, served.status), (401, 200));
    for answer in [&refused, &served] {
        let readable = header(answer, "access-control-allow-origin");
        assert_eq!(readable, Some(ORIGIN), "a page can read {}", answer.status);
    }
    let plain = raw::head("OPTIONS", "/v1/models", &[origin.as_bytes()]);
    assert_eq!(
        raw::send(&gate, &plain).status,
        401,
        "no preflight, no answer"
    );
    assert_eq!(stack.upstream().unwrap().count(), 1);
}

#[test]
fn a_page_in_chromium_calls_the_gate_and_reads_refusals() {
    let mut stack = Stack::prepare(StackOptions::default()).unwrap();
    // Any page of another origin will do: this one is the demo upstream's.
    let page = format!("http://{}", stack.upstream().unwrap().address());
    stack.envoy_settings().bootstrap.additions = recipe(CORS, &[(ORIGIN, &page)]);
    stack.start_sidecar().unwrap();
    stack.start_envoy().unwrap();
    stack.wait_for_table().unwrap();
    let key = Admin::of(&stack).create("page", json!({}));
    let Some(browser) = Browser::start(Look::default()) else {
        return;
    };
    let code = "const [url, key, body] = arguments;\
                const headers = {'authorization': `Bearer ${key}`, 'content-type': 'application/json',\
                                 'x-stainless-lang': 'js'};\
                return fetch(url, {method: 'POST', headers, body})\
                  .then(async (answer) => [answer.status, await answer.text()], String)";
    let url = json!(format!("{}/v1/chat/completions", stack.envoy_url()));
    let call = |key: &str| browser.script(code, &[url.clone(), json!(key), json!(chat("glm-5.1"))]);

    browser.open(&format!("{page}/v1/models"));
    let served = call(&key.value);
    assert_eq!(served[0], json!(200), "{served}");
    assert!(served[1].as_str().unwrap().contains("Hello from glm-5.1"));
    let refused = call("sk-nobody");
    assert_eq!(refused[0], json!(401), "{refused}");
    assert!(refused[1].as_str().unwrap().contains("invalid_api_key"));

    browser.open(&format!("{}/healthz", stack.console_url()));
    let elsewhere = call(&key.value);
    assert!(
        elsewhere.is_string(),
        "another origin reads nothing: {elsewhere}"
    );
}

/// A key for the addresses that documentation may use, and what the gate says to it.
struct Listed {
    stack: Stack,
    key: String,
}

impl Listed {
    /// `before`: what a connection has to begin with.
    fn start(heading: &str, before: &[u8]) -> Self {
        let mut stack = Stack::prepare(StackOptions::default()).unwrap();
        stack.envoy_settings().bootstrap.additions = recipe(heading, &[]);
        stack.start_sidecar().unwrap();
        stack.start_envoy().unwrap();
        let list = json!({"ip_allowlist": ["203.0.113.7", "2001:db8::7"]});
        let key = Admin::of(&stack).create("listed", list).value;
        let world = Self { stack, key };
        let decides = || [200, 403].contains(&world.ask(before, "x-plain: nothing").0);
        wait_for("the gate has a table with the key", decides);
        world
    }

    /// With these bytes in front of the request and this header line in it.
    fn ask(&self, before: &[u8], line: &str) -> (u16, String) {
        let bearer = format!("authorization: Bearer {}", self.key);
        let lines = [bearer.as_bytes(), line.as_bytes()];
        let request = raw::head("GET", "/v1/models", &lines);
        let url = self.stack.envoy_url();
        raw::send(&url, &[before, &request].concat()).refusal()
    }
}

fn ip_not_allowed() -> (u16, String) {
    (403, "ip_not_allowed".to_owned())
}

#[test]
fn the_address_is_the_one_that_the_load_balancer_wrote_if_envoy_can_read_it() {
    let world = Listed::start("Behind a load balancer: X-Forwarded-For", b"");
    let ask = |written: &str| world.ask(b"", &format!("x-forwarded-for: {written}"));
    for listed in ["203.0.113.7", "2001:db8::7", "192.0.2.1, 203.0.113.7"] {
        assert_eq!(ask(listed).0, 200, "{listed}");
    }
    let others = [
        "192.0.2.1",
        "203.0.113.7, 192.0.2.1",
        // Not read: the address is the load balancer's.
        "203.0.113.7:51234",
        "[2001:db8::7]:443",
        "192.0.2.1, 203.0.113.7:51234",
        "unknown",
    ];
    for other in others {
        assert_eq!(ask(other), ip_not_allowed(), "{other}");
    }
}

#[test]
fn an_address_with_a_port_counts_as_the_load_balancers_own() {
    let heading = "Behind a load balancer: X-Forwarded-For";
    let (stack, admin) = start(recipe(heading, &[]));
    let key = admin.create("balancer", json!({"ip_allowlist": ["127.0.0.1"]}));
    let world = Listed {
        stack,
        key: key.value,
    };
    assert_eq!(world.ask(b"", "x-forwarded-for: 192.0.2.1:51234").0, 200);
    let plain = world.ask(b"", "x-forwarded-for: 192.0.2.1");
    assert_eq!(plain, ip_not_allowed());
}

#[test]
fn the_address_is_the_one_of_the_proxy_protocol() {
    let v1 = |address: &str| format!("PROXY TCP4 {address} 127.0.0.1 51234 443\r\n");
    let heading = "Behind a load balancer: PROXY protocol";
    let world = Listed::start(heading, v1("192.0.2.1").as_bytes());
    let mut v2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c".to_vec();
    v2.extend([203, 0, 113, 7, 127, 0, 0, 1, 0xc8, 0x22, 0x01, 0xbb]);
    let ask = |before: &[u8]| world.ask(before, "x-plain: nothing");
    assert_eq!(ask(v1("203.0.113.7").as_bytes()).0, 200);
    assert_eq!(ask(&v2).0, 200);
    assert_eq!(ask(v1("192.0.2.1").as_bytes()), ip_not_allowed());
    let spoofed = world.ask(v1("192.0.2.1").as_bytes(), "x-forwarded-for: 203.0.113.7");
    assert_eq!(spoofed, ip_not_allowed());
    assert_eq!(ask(b"").0, 0, "no such line, no answer");
}

/// The status that curl gets, trusting one certificate only.
fn status_by_curl(url: &str, certificate: &Path, key: &str) -> String {
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--output", "/dev/null", "--write-out"]);
    curl.args(["%{http_version} %{http_code}", "--cacert"]);
    curl.arg(certificate)
        .args(["--header", &format!("Authorization: Bearer {key}")]);
    String::from_utf8(curl.arg(url).output().unwrap().stdout).unwrap()
}

#[test]
fn a_listener_with_a_certificate_serves_https_and_nothing_in_the_clear() {
    let mut stack = Stack::prepare(StackOptions::default()).unwrap();
    let (certificate, private_key) = certificate_for("localhost", stack.run_dir());
    stack.envoy_settings().bootstrap.tls = Some(Tls {
        certificate: certificate.clone(),
        private_key,
    });
    stack.start_sidecar().unwrap();
    stack.start_envoy().unwrap();
    let key = Admin::of(&stack).create("https", json!({}));
    let port = stack.envoy_settings().bootstrap.listen_port;
    let url = format!("https://localhost:{port}/v1/models");
    let ask = |key: &str| status_by_curl(&url, &certificate, key);
    wait_for("the gate has a table", || ask("sk-nobody") == "2 401");
    assert_eq!(ask(&key.value), "2 200");
    let mut plain = TcpStream::connect(("127.0.0.1", port)).unwrap();
    plain
        .write_all(&raw::head("GET", "/v1/models", &[]))
        .unwrap();
    assert_eq!(raw::read_answer(&mut plain).status, 0);
}

/// TLS with a certificate in front of the demo upstream, as an addition to the same Envoy.
fn provider(port: u16, (certificate, private_key): &(PathBuf, PathBuf)) -> Addition {
    let yaml = format!(
        r#"- name: provider
  address: {{ socket_address: {{ address: 127.0.0.1, port_value: {port} }} }}
  filter_chains:
  - transport_socket:
      name: envoy.transport_sockets.tls
      typed_config:
        "@type": type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext
        common_tls_context:
          tls_certificates:
          - {{ certificate_chain: {{ filename: "{}" }}, private_key: {{ filename: "{}" }} }}
    filters:
    - name: envoy.filters.network.tcp_proxy
      typed_config:
        "@type": type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy
        stat_prefix: provider
        cluster: upstream
"#,
        certificate.display(),
        private_key.display()
    );
    Addition {
        place: Place::Listeners,
        yaml,
    }
}

#[test]
fn a_provider_gets_its_own_key_over_tls_and_never_the_clients() {
    let mut stack = Stack::prepare(StackOptions::default()).unwrap();
    let port = ports::free().unwrap();
    let files = certificate_for("api.example.com", stack.run_dir());
    let key_file = stack.run_dir().join("provider-key");
    fs::write(&key_file, "Bearer sk-of-the-provider").unwrap();
    let address = format!("address: 127.0.0.1, port_value: {port}");
    let values = [
        (
            "address: api.example.com, port_value: 443",
            address.as_str(),
        ),
        (
            "/etc/ssl/certs/ca-certificates.crt",
            files.0.to_str().unwrap(),
        ),
        ("/etc/latchkey/provider-key", key_file.to_str().unwrap()),
    ];
    let heading = "A provider over TLS, with a key of its own";
    let mut additions = recipe(heading, &values);
    additions.push(provider(port, &files));
    stack.envoy_settings().bootstrap.additions = additions;
    stack.start_sidecar().unwrap();
    stack.start_envoy().unwrap();
    stack.wait_for_table().unwrap();
    let key = Admin::of(&stack).create("mine", json!({}));

    let gate = stack.envoy_url();
    let bearer = format!("authorization: Bearer {}", key.value);
    let get = |path: &str| raw::send(&gate, &raw::head("GET", path, &[bearer.as_bytes()]));
    get("/v1/responses/resp_1");
    assert_eq!(
        post_chat_with(&gate, &key.value, &chat("glm-5.1")).status,
        200
    );
    let requests = stack.upstream().unwrap().requests();
    let seen = |name: &str| -> Vec<Option<&str>> {
        requests
            .iter()
            .map(|request| request.header(name))
            .collect()
    };
    assert_eq!(
        seen("authorization"),
        [Some("Bearer sk-of-the-provider"), None]
    );
    assert_eq!(seen("host")[0], Some("api.example.com"));
    let dump = raw::get_text(&format!("{}/config_dump", stack.envoy_admin_url()));
    let log = fs::read_to_string(stack.access_log()).unwrap();
    assert!(!dump.contains("sk-of-the-provider") && !log.contains("sk-of-the-provider"));
    assert!(serde_json::from_str::<Value>(&dump).is_ok());
}
