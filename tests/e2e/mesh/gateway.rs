//! The files of envoy/gateway in a Gateway of Envoy Gateway.
//!
//! What Envoy Gateway makes of its own kinds (ClientTrafficPolicy, HTTPRoute, the access log of
//! EnvoyProxy) is written down here, member by member. Invariant: a member that is not known here
//! ends the test.

use serde_json::{Value, json};
use tests::patch::{apply, merge};
use tests::yaml;

use super::proxy::{Shape, World};
use super::{assert_same, manifest, shape, template};

const FILE: &str = "envoy/gateway/latchkey.yaml";
const NAME: &str = "latchkey-gateway/models/http";

/// What Envoy Gateway does with all of it.
fn patched() -> Shape {
    let mut shape = shape("gateway");
    merge(&mut shape.bootstrap, &our_bootstrap());
    let policy = manifest(FILE, "ClientTrafficPolicy")["spec"].clone();
    translate(&mut shape, policy);
    let log = manifest(FILE, "EnvoyProxy")["spec"]["telemetry"]["accessLog"].clone();
    shape.manager()["access_log"] = json!([access_log(&log["settings"][0])]);
    let timeouts = &manifest(FILE, "HTTPRoute")["spec"]["rules"][0]["timeouts"];
    assert_eq!(timeouts, &json!({"request": "0s"}));
    shape.routes["virtual_hosts"][0]["routes"][0]["route"]["timeout"] = timeouts["request"].clone();
    for patch in patches() {
        assert_eq!(patch["name"], NAME);
        let kind = patch["type"].as_str().unwrap();
        match kind.rsplit('.').next() {
            Some("Listener") => apply(&mut shape.listener, &patch["operation"]),
            Some("RouteConfiguration") => apply(&mut shape.routes, &patch["operation"]),
            _ => panic!("{kind} is not understood here"),
        }
    }
    shape
}

fn our_bootstrap() -> Value {
    let bootstrap = manifest(FILE, "EnvoyProxy")["spec"]["bootstrap"].clone();
    assert_eq!(bootstrap["type"], "Merge");
    yaml::document(bootstrap["value"].as_str().unwrap())
}

fn patches() -> Vec<Value> {
    let policy = manifest(FILE, "EnvoyPatchPolicy");
    policy["spec"]["jsonPatches"].as_array().unwrap().clone()
}

/// A ClientTrafficPolicy, as Envoy Gateway translates it.
fn translate(shape: &mut Shape, mut policy: Value) {
    let mut take = |pointer: &str| -> Value {
        let member = policy.pointer_mut(pointer);
        member.unwrap_or_else(|| panic!("{pointer}")).take()
    };
    assert_eq!(take("/path/escapedSlashesAction"), "KeepUnchanged");
    assert_eq!(take("/headers/withUnderscoresAction"), "DropHeader");
    assert_eq!(take("/http1/http10"), json!({}));
    assert_eq!(take("/connection/bufferLimit"), "1Mi");
    let http = json!({
        "path_with_escaped_slashes_action": "KEEP_UNCHANGED",
        "http_protocol_options": {"accept_http_10": true},
        "request_timeout": take("/timeout/http/requestReceivedTimeout"),
        "stream_idle_timeout": take("/timeout/http/streamIdleTimeout"),
        "common_http_protocol_options": {
            "headers_with_underscores_action": "DROP_HEADER",
            "idle_timeout": take("/timeout/http/idleTimeout"),
        },
    });
    take("/targetRefs");
    assert!(is_taken(&policy), "not understood here: {policy}");
    merge(shape.manager(), &http);
    shape.listener["per_connection_buffer_limit_bytes"] = json!(1_048_576);
}

/// Whether nothing is left of it.
fn is_taken(value: &Value) -> bool {
    match value {
        Value::Object(members) => members.values().all(is_taken),
        other => other.is_null(),
    }
}

fn access_log(setting: &Value) -> Value {
    assert_eq!(setting["format"]["type"], "JSON");
    assert_eq!(setting["sinks"][0]["type"], "File");
    json!({"name": "envoy.access_loggers.file", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog",
        "path": setting["sinks"][0]["file"]["path"],
        "log_format": {"json_format": setting["format"]["json"]},
    }})
}

#[test]
fn a_gateway_of_envoy_gateway_with_our_files_is_a_gate_and_lint_has_nothing_to_say() {
    let mut world = World::start();
    let mut proxy = world.run("gateway", &patched());
    proxy.assert_is_a_gate("gateway");
    proxy.assert_clean();
}

#[test]
fn a_gateway_with_its_own_settings_is_found_by_lint() {
    let mut world = World::start();
    let mut shape = patched();
    let own = super::shape("gateway");
    shape.routes = own.routes;
    let slashes = "UNESCAPE_AND_REDIRECT";
    shape.manager()["path_with_escaped_slashes_action"] = json!(slashes);
    let output = world.run("gateway", &shape).lint();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    for rule in ["buffer-limit: ", "route-timeout: ", "escaped-slashes: "] {
        assert!(said.contains(rule), "{said}");
    }
}

#[test]
fn agent_gate_log_and_tags_are_those_of_the_template() {
    let ours = template();
    assert_same(
        &our_bootstrap()["bootstrap_extensions"][0],
        &ours.agent,
        FILE,
    );
    let tags = &our_bootstrap()["stats_config"]["stats_tags"];
    assert_same(tags, &ours.stats_tags, FILE);
    let setting = manifest(FILE, "EnvoyProxy");
    let setting = &setting["spec"]["telemetry"]["accessLog"]["settings"][0];
    let log = &ours.access_log["typed_config"]["log_format"]["json_format"];
    assert_same(&setting["format"]["json"], log, FILE);
    let path = "/default_filter_chain/filters/0/typed_config/http_filters/0";
    let patches = patches();
    let patch = patches
        .iter()
        .find(|patch| patch["operation"]["path"] == path);
    assert_same(&patch.unwrap()["operation"]["value"], &ours.gate, FILE);
}
