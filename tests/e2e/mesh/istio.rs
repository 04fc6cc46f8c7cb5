//! The EnvoyFilter of envoy/istio in an ingress gateway of Istio.
//!
//! Istio's own extensions are not in this Envoy (tests/shapes/README.md). Invariant: patches are
//! applied in the order of the file, as Istio does.

use serde_json::{Value, json};
use tests::patch::merge;

use super::proxy::{Shape, World};
use super::{assert_same, manifest, root, shape, template};

const FILE: &str = "envoy/istio/envoyfilter.yaml";
const MANAGER: &str = "envoy.filters.network.http_connection_manager";

fn patches() -> Vec<Value> {
    let filter = manifest(FILE, "EnvoyFilter");
    let patches = filter["spec"]["configPatches"].as_array().unwrap().clone();
    assert!(patches.len() > 4, "{patches:?}");
    patches
}

/// What Istio does with each patch.
fn patched() -> Shape {
    let mut shape = shape("istio");
    for patch in patches() {
        let value = &patch["patch"]["value"];
        let kind = patch["applyTo"].as_str().unwrap();
        assert_eq!(patch["match"]["context"], "GATEWAY", "{kind}");
        let operation = (kind, patch["patch"]["operation"].as_str().unwrap());
        match operation {
            ("BOOTSTRAP", "MERGE") => merge(&mut shape.bootstrap, value),
            ("LISTENER", "MERGE") => merge(&mut shape.listener, value),
            ("NETWORK_FILTER", "MERGE") => {
                assert_eq!(value["name"], MANAGER);
                merge(shape.manager(), &value["typed_config"]);
            }
            ("HTTP_FILTER", "INSERT_FIRST") => {
                let filters = shape.manager()["http_filters"].as_array_mut().unwrap();
                filters.insert(0, value.clone());
            }
            ("VIRTUAL_HOST", "MERGE") => {
                for host in shape.routes["virtual_hosts"].as_array_mut().unwrap() {
                    merge(host, value);
                }
            }
            other => panic!("{other:?} is not understood here"),
        }
    }
    shape
}

#[test]
fn a_gateway_of_istio_with_our_filter_is_a_gate_and_lint_has_nothing_to_say() {
    let mut world = World::start();
    let mut proxy = world.run("istio", &patched());
    let node = "istio";
    proxy.assert_is_a_gate(node);
    proxy.assert_clean();
}

#[test]
fn a_gateway_of_istio_with_a_part_of_our_filter_is_found_by_lint() {
    let mut world = World::start();
    let mut shape = patched();
    shape.manager()["use_remote_address"] = json!(false);
    shape.manager()["http_filters"]
        .as_array_mut()
        .unwrap()
        .swap(0, 2);
    let output = world.run("istio", &shape).lint();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        said.contains("remote-address: ") && said.contains("filter-before-gate: "),
        "{said}"
    );
}

#[test]
fn without_our_figures_nobody_is_served_and_lint_says_why() {
    let mut world = World::start();
    let mut shape = patched();
    let matcher = "/stats_config/stats_matcher/inclusion_list/patterns";
    let patterns = shape.bootstrap.pointer_mut(matcher).unwrap();
    let patterns = patterns.as_array_mut().unwrap();
    patterns.retain(|pattern| pattern["prefix"] != "wasm");
    let mut proxy = world.start_with("istio", &shape);
    assert_eq!(proxy.status_under_a_table(), 503);
    let said = String::from_utf8_lossy(&proxy.lint().stdout).into_owned();
    assert!(said.starts_with("figures-excluded: "), "{said}");
}

#[test]
fn agent_gate_log_and_tags_are_those_of_the_template() {
    let ours = template();
    let of = |kind: &str| -> Value {
        let patches = patches();
        let patch = patches.iter().find(|patch| patch["applyTo"] == kind);
        patch.unwrap()["patch"]["value"].clone()
    };
    assert_same(
        &of("BOOTSTRAP")["bootstrap_extensions"][0],
        &ours.agent,
        FILE,
    );
    let tags = &of("BOOTSTRAP")["stats_config"]["stats_tags"];
    assert_same(tags, &ours.stats_tags, FILE);
    let log = &of("NETWORK_FILTER")["typed_config"]["access_log"][0];
    assert_same(log, &ours.access_log, FILE);
    assert_same(&of("HTTP_FILTER"), &ours.gate, FILE);
}

#[test]
fn the_gateway_gets_what_the_patches_name() {
    let deployment = manifest("envoy/istio/gateway.yaml", "Deployment");
    let pod = &deployment["spec"]["template"];
    let metadata = pod["metadata"]["annotations"]["proxy.istio.io/config"].as_str();
    assert!(metadata.unwrap().contains("BOOTSTRAP_XDS_AGENT: \"true\""));
    let selector = &manifest(FILE, "EnvoyFilter")["spec"]["workloadSelector"]["labels"];
    for (label, value) in selector.as_object().unwrap() {
        assert_eq!(&pod["metadata"]["labels"][label], value);
    }
    let mounts = pod["spec"]["containers"][0]["volumeMounts"]
        .as_array()
        .unwrap();
    let text = std::fs::read_to_string(root().join(FILE)).unwrap();
    for mount in mounts {
        let path = mount["mountPath"].as_str().unwrap();
        assert!(text.contains(&format!("{path}/")), "{path}");
    }
}
