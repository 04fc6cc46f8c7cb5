//! Each planted mistake is found, and none in our own template.

use serde_json::{Value, json};

use super::*;

const TEMPLATE: &str = include_str!("../../../envoy/bootstrap.yaml");

/// The template with the values of a machine where everything is on loopback.
fn template() -> String {
    let agent = r#"{"role":"agent","region":"local","cluster":"sidecar"}"#;
    let values = [
        ("agent_configuration", agent),
        ("gate_configuration", r#"{"role":"gate"}"#),
        ("sidecar_address", "127.0.0.1"),
        ("sidecar_discovery", "STATIC"),
        ("upstream_discovery", "STATIC"),
        ("node_id", "envoy"),
        ("admin_port", "9901"),
        ("listen_port", "10000"),
        ("sidecar_port", "9302"),
        ("upstream_port", "8000"),
        ("upstream_address", "127.0.0.1"),
        ("sidecar_transport_socket", "null"),
        ("transport_socket", "null"),
    ];
    let filled = values
        .iter()
        .fold(TEMPLATE.to_owned(), |text, (name, value)| {
            text.replace(&format!("{{{{{name}}}}}"), value)
        });
    filled.replace("{{", "/").replace("}}", "")
}

fn names(text: &str) -> Vec<&'static str> {
    let findings = lint(text).unwrap();
    findings.iter().map(|finding| finding.rule.name).collect()
}

/// A piece of the template, what is planted in its place, and the rule that finds it.
type Mistake = (&'static str, &'static str, &'static str);

/// What the template logs of a request.
const LOGGED: &str = "%FILTER_STATE(wasm.latchkey_request:PLAIN)%";
const GATE: &str = "          - name: latchkey\n";
/// The transport socket of the cluster `sidecar`.
const FEED_SOCKET: &str = "\n    transport_socket: null\n";
const ROUTE: &str = "route: { cluster: upstream, timeout: 0s }";
const OFF: &str = "typed_per_filter_config: { latchkey: { \"@type\": \
                   type.googleapis.com/envoy.config.route.v3.FilterConfig, disabled: true } }";

const PROXY_PROTOCOL_OPTIONAL: &str = "    listener_filters:
    - name: envoy.filters.listener.proxy_protocol
      typed_config:
        \"@type\": type.googleapis.com/envoy.extensions.filters.listener.proxy_protocol.v3.ProxyProtocol
        allow_requests_without_proxy_protocol: true
";

/// A call that the gate needs, as the template writes it.
const CALL: &str = "                    proxy_get_metric: {}\n";
/// The same with the right that the gate of earlier templates had.
const ONE_MORE: &str =
    "                    proxy_get_metric: {}\n                    proxy_increment_metric: {}\n";
/// What tells the gate's VM from the agent's.
const GATES_VM: &str = "                  configuration:
                    \"@type\": type.googleapis.com/google.protobuf.StringValue
                    value: gate
";

const MISTAKES: [Mistake; 40] = [
    (CALL, ONE_MORE, "gate-rights"),
    (CALL, "", "gate-lacks"),
    (
        "capability_restriction_config:",
        "ignored:",
        "gate-unrestricted",
    ),
    ("allowed_capabilities:", "ignored:", "gate-unrestricted"),
    (GATES_VM, "", "gate-vm"),
    ("use_remote_address: true", "", "remote-address"),
    (
        "use_remote_address: true",
        "use_remote_address: false",
        "remote-address",
    ),
    ("normalize_path: true", "", "normalize-path"),
    ("merge_slashes: true", "", "merge-slashes"),
    (
        ": KEEP_UNCHANGED",
        ": UNESCAPE_AND_FORWARD",
        "escaped-slashes",
    ),
    (
        "headers_with_underscores_action: DROP_HEADER",
        "",
        "underscores",
    ),
    (
        "headers_with_underscores_action: DROP_HEADER",
        "headers_with_underscores_action: ALLOW",
        "underscores",
    ),
    (
        "    listener_filters:\n",
        PROXY_PROTOCOL_OPTIONAL,
        "proxy-protocol-optional",
    ),
    (
        "failure_policy: FAIL_RELOAD",
        "failure_policy: FAIL_OPEN",
        "fail-open",
    ),
    (
        "failure_policy: FAIL_RELOAD",
        "fail_open: true",
        "fail-open",
    ),
    ("failure_policy: FAIL_RELOAD", "", "fail-final"),
    (
        "allow_on_headers_stop_iteration: true",
        "",
        "stop-iteration",
    ),
    ("request_body_buffer_limit: 73400320", "", "buffer-limit"),
    (
        "request_body_buffer_limit: 73400320",
        "request_body_buffer_limit: 72000000",
        "buffer-limit",
    ),
    (
        r#"{"role":"gate"}"#,
        r#"{"role":"gate","hold_bytes_max":99999999}"#,
        "buffer-limit",
    ),
    (
        r#"{"role":"gate"}"#,
        r#"{"role":"gate","locators":{"rules":{"tei":[{"id":"x","on":"POST /x","hold_bytes_max":99999999}]}}}"#,
        "buffer-limit",
    ),
    (ROUTE, "route: { cluster: upstream }", "route-timeout"),
    (LOGGED, "%REQ(:PATH)%", "log-secret"),
    (LOGGED, "%PATH%", "log-secret"),
    (LOGGED, "%PATH(NQ)%", "log-secret"),
    (LOGGED, "%PATH(NQ:PATH)%", "log-secret"),
    (LOGGED, "%REQ(X-NONE?:PATH)%", "log-secret"),
    (LOGGED, "%REQ_WITHOUT_QUERY(:path):80%", "log-secret"),
    (LOGGED, "%CEL(request.url_path)%", "log-secret"),
    ("%PROTOCOL%", "%REQ(Authorization)%", "log-secret"),
    ("log_format:", "ignored:", "log-default"),
    (
        GATE,
        "          - name: latchkey\n            disabled: true\n",
        "gate-off",
    ),
    (r#"{"role":"gate"}"#, r#"{"role":"other"}"#, "gate-missing"),
    ("singleton: true", "", "agent-singleton"),
    (
        r#""cluster":"sidecar""#,
        r#""cluster":"elsewhere""#,
        "cluster-missing",
    ),
    (
        r#"{"role":"agent","#,
        r#"{"role":"agent","token":"x","#,
        "token-in-plugin",
    ),
    ("id: envoy,", "", "node-id"),
    (
        "{ filename: /feed_token_file }",
        "{ inline_string: Bearer abc }",
        "token-inline",
    ),
    (
        "credential_injector.v3.CredentialInjector",
        "buffer.v3.Buffer",
        "feed-credential",
    ),
    (
        "address: 127.0.0.1, port_value: 9901",
        "address: 0.0.0.0, port_value: 9901",
        "admin-open",
    ),
];

#[test]
fn our_own_template_is_clean() {
    assert_eq!(lint(&template()).unwrap(), []);
}

#[test]
fn calls_that_the_gate_may_not_make_are_named() {
    let findings = lint(&template().replacen(CALL, ONE_MORE, 1)).unwrap();
    let said = findings[0].to_string();
    let place = "gate-rights: listener gate, filter latchkey: proxy_increment_metric: ";
    assert!(said.starts_with(place), "{said}");
}

#[test]
fn a_gate_that_keeps_limits_needs_the_right_to_write_its_cells_and_no_other_has_it() {
    let keeping = template().replacen(
        r#"{"role":"gate"}"#,
        r#"{"role":"gate","limits":"keep"}"#,
        1,
    );
    assert_eq!(names(&keeping), ["gate-lacks"]);
    let right = format!("{CALL}                    proxy_set_shared_data: {{}}\n");
    assert_eq!(names(&keeping.replacen(CALL, &right, 1)), [""; 0]);
    assert_eq!(
        names(&template().replacen(CALL, &right, 1)),
        ["gate-rights"]
    );
}

#[test]
fn headers_with_underscores_may_also_be_refused() {
    let refused = template().replace(": DROP_HEADER", ": REJECT_REQUEST");
    assert_eq!(names(&refused), [""; 0]);
}

#[test]
fn a_header_that_a_gate_reads_keys_from_does_not_belong_into_a_log() {
    let logged = template().replacen("%PROTOCOL%", "%REQ(X-Team-Key)%", 1);
    assert_eq!(names(&logged), [""; 0]);
    let settings = r#"{"role":"gate","key_places":["header:x-team-key"]}"#;
    let read = logged.replacen(r#"{"role":"gate"}"#, settings, 1);
    assert_eq!(names(&read), ["log-secret"]);
    let others = read.replacen("X-Team-Key", "Authorization", 1);
    assert_eq!(names(&others), ["log-secret"], "it is the upstream's");
}

#[test]
fn every_planted_mistake_is_found_alone() {
    for (right, wrong, name) in MISTAKES {
        let text = template();
        assert!(text.contains(right), "{right}");
        assert_eq!(names(&text.replacen(right, wrong, 1)), [name], "{wrong}");
    }
}

#[test]
fn the_gate_switched_off_for_a_route_is_found_wherever_that_is_written() {
    let of_route = format!("{ROUTE}\n                {OFF}");
    let text = template().replacen(ROUTE, &of_route, 1);
    assert_eq!(names(&text), ["route-without-gate"]);
    let of_host = format!("{OFF}\n              domains:");
    let text = template().replacen("domains:", &of_host, 1);
    assert_eq!(names(&text), ["route-without-gate"]);
}

/// What may stand before the gate.
const HARMLESS: [&str; 4] = [
    "cors.v3.Cors",
    "csrf.v3.CsrfPolicy",
    "health_check.v3.HealthCheck",
    "rbac.v3.RBAC",
];

#[test]
fn the_order_of_filters_is_judged() {
    let lua = "          - name: lua\n            typed_config: { \"@type\": \
               type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua }\n";
    let before = template().replacen(GATE, &format!("{lua}{GATE}"), 1);
    assert_eq!(names(&before), ["filter-before-gate"]);
    for harmless in HARMLESS {
        let other = lua.replace("lua.v3.Lua", harmless);
        let before = template().replacen(GATE, &format!("{other}{GATE}"), 1);
        assert_eq!(names(&before), [""; 0], "{harmless}");
    }
    let router = "          - name: first\n            typed_config: { \"@type\": \
                  type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }\n";
    let behind = template().replacen(GATE, &format!("{router}{GATE}"), 1);
    assert_eq!(names(&behind), ["gate-after-router"]);
}

#[test]
fn agent_and_gate_must_share_their_data() {
    let text = template();
    let (agent, gate) = text.split_once("http_filters:").unwrap();
    let other = gate.replacen("vm_id: latchkey", "vm_id: other", 1);
    assert_eq!(names(&format!("{agent}http_filters:{other}")), ["vm-id"]);
    let none = text.replacen(r#""role":"agent""#, r#""role":"x""#, 1);
    assert_eq!(names(&none), ["agent-missing"]);
}

#[test]
fn a_feed_on_another_machine_needs_tls() {
    let away = template().replacen(
        "address: 127.0.0.1, port_value: 9302",
        "address: sidecar, port_value: 9302",
        1,
    );
    assert_eq!(names(&away), ["feed-in-clear"]);
    let tls = FEED_SOCKET.replace("null", "{ name: tls }");
    assert_eq!(names(&away.replacen(FEED_SOCKET, &tls, 1)), [""; 0]);
}

#[test]
fn a_plain_or_absent_transport_socket_is_no_tls() {
    let away = template().replacen(
        "address: 127.0.0.1, port_value: 9302",
        "address: sidecar, port_value: 9302",
        1,
    );
    for socket in ["null", "{ name: envoy.transport_sockets.raw_buffer }"] {
        let plain = FEED_SOCKET.replace("null", socket);
        let plain = away.replacen(FEED_SOCKET, &plain, 1);
        assert_eq!(names(&plain), ["feed-in-clear"], "{socket}");
    }
    assert_eq!(
        names(&away.replacen(FEED_SOCKET, "\n", 1)),
        ["feed-in-clear"]
    );
}

/// A listener that leads to a port of this machine, or (`address`) to another.
fn figures(matched: &str, action: &str, address: &str) -> String {
    let listener = format!(
        "  - name: figures
    filter_chains:
    - filters:
      - typed_config:
          \"@type\": type.googleapis.com/x.HttpConnectionManager
          use_remote_address: true
          normalize_path: true
          merge_slashes: true
          common_http_protocol_options: {{ headers_with_underscores_action: DROP_HEADER }}
          http_filters:
          - typed_config: {{ \"@type\": type.googleapis.com/envoy.extensions.filters.http.router.v3.Router }}
          route_config:
            virtual_hosts:
            - routes: [{{ match: {{ {matched} }}, route: {{ cluster: figures{action} }} }}]
  # place: listeners
"
    );
    let cluster = format!(
        "  - name: figures
    load_assignment:
      endpoints: [{{ lb_endpoints: [{{ endpoint: {{ address: {{ socket_address: {{ address: {address} }} }} }} }}] }}]
  # place: clusters
"
    );
    let text = template().replacen("  # place: listeners\n", &listener, 1);
    text.replacen("  # place: clusters\n", &cluster, 1)
}

#[test]
fn envoys_own_figures_need_no_gate_and_what_only_looks_like_them_does() {
    for own in [
        "path: /stats/prometheus",
        "prefix: /stats/prometheus",
        "prefix: /healthz/ready",
    ] {
        assert_eq!(names(&figures(own, "", "127.0.0.1")), [""; 0], "{own}");
    }
    let missing = ["gate-missing"];
    let own = "path: /stats/prometheus";
    assert_eq!(names(&figures("prefix: /", "", "127.0.0.1")), missing);
    assert_eq!(names(&figures(own, "", "10.0.0.1")), missing);
    assert_eq!(
        names(&figures(
            own,
            ", prefix_rewrite: /quitquitquit",
            "127.0.0.1"
        )),
        missing
    );
}

#[test]
fn figures_that_envoy_does_not_keep_are_missed() {
    let matcher = |matcher: &str| {
        let config = format!("stats_config:\n  stats_matcher: {{ {matcher} }}\n");
        names(&template().replacen("stats_config:\n", &config, 1))
    };
    let kept = [
        "inclusion_list: { patterns: [{ prefix: server }, { prefix: wasm }] }",
        "inclusion_list: { patterns: [{ safe_regex: { regex: '.*latchkey.*' } }] }",
        "exclusion_list: { patterns: [{ prefix: cluster }] }",
        "reject_all: false",
    ];
    for kept in kept {
        assert_eq!(matcher(kept), [""; 0], "{kept}");
    }
    let left_out = [
        "inclusion_list: { patterns: [{ prefix: server }, { suffix: rq }] }",
        "inclusion_list: { patterns: [] }",
        "exclusion_list: { patterns: [{ contains: custom }] }",
        "reject_all: true",
    ];
    for left_out in left_out {
        assert_eq!(matcher(left_out), ["figures-excluded"], "{left_out}");
    }
}

/// Every Wasm filter as a control plane sends it that does not know its type.
fn as_typed_struct(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(as_typed_struct).collect(),
        Value::Object(mut members) => match members.get("@type").and_then(Value::as_str) {
            Some(kind) if kind.ends_with("wasm.v3.Wasm") => {
                let kind = members.remove("@type");
                json!({"@type": "type.googleapis.com/udpa.type.v1.TypedStruct",
                       "type_url": kind, "value": members})
            }
            _ => {
                let wrapped = members
                    .into_iter()
                    .map(|(name, value)| (name, as_typed_struct(value)));
                Value::Object(wrapped.collect())
            }
        },
        plain => plain,
    }
}

#[test]
fn what_travels_as_a_typed_struct_is_seen() {
    let tree = document::Document::read(&template()).unwrap().bootstrap;
    let wrapped = as_typed_struct(tree).to_string();
    assert!(wrapped.contains("TypedStruct"));
    assert_eq!(names(&wrapped), [""; 0]);
    let open = wrapped.replacen("FAIL_RELOAD", "FAIL_OPEN", 1);
    assert_eq!(names(&open), ["fail-open"]);
}

#[test]
fn json_and_camel_case_are_the_same_to_envoy() {
    let tree = document::Document::read(&template()).unwrap().bootstrap;
    let json = tree.to_string();
    assert_eq!(names(&json), [""; 0]);
    let camel = json.replacen("use_remote_address", "useRemoteAddress", 1);
    assert_eq!(names(&camel), [""; 0]);
    let absent = json.replacen("use_remote_address", "another", 1);
    assert_eq!(names(&absent), ["remote-address"]);
}

#[test]
fn what_xds_brought_is_read_from_the_dump() {
    let tree = document::Document::read(&template()).unwrap().bootstrap;
    let listener = tree.pointer("/static_resources/listeners/0").unwrap();
    let open = listener.to_string().replace("use_remote_address", "x");
    let dump = |more: &str| format!(r#"{{"configs":[{{"bootstrap":{tree}}}{more}]}}"#);
    assert_eq!(names(&dump("")), [""; 0]);
    let nameless = dump("").replacen(r#""id":"envoy""#, r#""id":"""#, 1);
    assert_ne!(nameless, dump(""));
    assert_eq!(
        names(&nameless),
        [""; 0],
        "its name was on its command line"
    );
    let dynamic = format!(r#",{{"dynamic_listeners":[{{"active_state":{{"listener":{open}}}}}]}}"#);
    assert_eq!(names(&dump(&dynamic)), ["remote-address"]);
}

#[test]
fn what_is_no_configuration_is_not_called_clean() {
    let unreadable = |text: &str| lint(text).unwrap_err();
    assert!(matches!(unreadable("a: [1"), Unreadable::Syntax(_)));
    assert!(matches!(unreadable("{\"a\": "), Unreadable::Syntax(_)));
    assert_eq!(unreadable(""), Unreadable::Foreign);
    assert_eq!(unreadable("hello: world"), Unreadable::Foreign);
    assert_eq!(unreadable(r#"{"configs": []}"#), Unreadable::Part);
}

#[test]
fn a_finding_says_what_breaks_and_what_to_write() {
    let text = template().replacen("merge_slashes: true", "", 1);
    let mut said = Vec::new();
    report(&lint(&text).unwrap(), &mut said).unwrap();
    let said = String::from_utf8(said).unwrap();
    assert!(said.starts_with("merge-slashes: listener gate: "), "{said}");
    assert!(said.contains("\n  write:  merge_slashes: true\n"), "{said}");
    assert!(said.ends_with("\n1 finding\n"), "{said}");
}
