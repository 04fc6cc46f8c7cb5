//! The files of envoy/istio and of envoy/gateway, judged by the schemas of Istio and of the Gateway
//! API as packages on npm have them.
//!
//! Envoy Gateway's own kinds are in no package. Invariant: the one excuse not to judge is a
//! registry that does not answer.

use serde_json::{Value, json};
use tests::node::Packages;
use tests::yaml;

use super::read;

const PACKAGES: [&str; 2] = [
    "@kubernetes-models/istio@3.0.1",
    "@kubernetes-models/gateway-api@2.0.0",
];
const FILES: [&str; 3] = [
    "envoy/istio/gateway.yaml",
    "envoy/istio/envoyfilter.yaml",
    "envoy/gateway/latchkey.yaml",
];
fn documents() -> Vec<Value> {
    FILES
        .iter()
        .flat_map(|file| yaml::documents(&read(file)))
        .collect()
}

#[test]
fn they_are_what_istio_and_the_gateway_api_take() {
    let Some(packages) = Packages::install("kubernetes-models", &PACKAGES) else {
        return;
    };
    let judge = |documents: &[Value]| -> Value {
        let documents = Value::from(documents.to_vec()).to_string();
        serde_json::from_str(&packages.run("manifests.mjs", &[&documents])).unwrap()
    };
    let mut documents = documents();
    assert_eq!(judge(&documents), json!({"judged": 6, "faults": []}));
    let filter = documents
        .iter_mut()
        .find(|document| document["kind"] == "EnvoyFilter");
    filter.unwrap()["spec"]["configPatches"][0]["applyTo"] = json!("BOOTSTRAPS");
    let faults = &judge(&documents)["faults"];
    assert!(
        faults.to_string().contains("EnvoyFilter"),
        "a mistake is found: {faults}"
    );
}
