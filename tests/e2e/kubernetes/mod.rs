//! The manifests of envoy/kubernetes: what schemas, kustomize and the restricted profile say of them
//! ([`manifests`]), and their commands run as processes, without a cluster around them ([`walk`]).
//!
//! No kubelet runs. Invariant: a container, a probe or a hook that is added is judged and run, or
//! the test fails.

mod manifests;
mod walk;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tests::yaml;

/// The files that kustomize puts together.
const FILES: [&str; 4] = [
    "namespace.yaml",
    "sidecar.yaml",
    "envoy.yaml",
    "network.yaml",
];
/// What bootstrap.yaml is printed with; docs/kubernetes.md has the same.
const RENDER: &str = "--sidecar latchkey-sidecar.latchkey.svc:9302 --upstream models.models.svc:8000 \
    --sidecar-ca /run/latchkey/ca/ca.crt --feed-token-file /run/latchkey/feed/feed-token \
    --filter /etc/latchkey/filter/filter.wasm --heap-bytes-max 805306368 \
    --add listeners=envoy/kubernetes/metrics/listeners.yaml \
    --add listeners=envoy/kubernetes/goodbye.yaml \
    --add clusters=envoy/kubernetes/metrics/clusters.yaml";

fn home() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../envoy/kubernetes")
}

fn read(file: &str) -> String {
    fs::read_to_string(home().join(file)).unwrap_or_else(|why| panic!("{file}: {why}"))
}

fn documents() -> Vec<Value> {
    FILES
        .iter()
        .flat_map(|file| yaml::documents(&read(file)))
        .collect()
}

fn manifest(kind: &str, name: &str) -> Value {
    let found = documents()
        .into_iter()
        .find(|document| document["kind"] == kind && document["metadata"]["name"] == name);
    found.unwrap_or_else(|| panic!("there is no {kind} {name}"))
}

/// The pods' specifications, by the names of what makes them.
fn pods() -> Vec<(String, Value)> {
    let documents = documents();
    let made = documents
        .iter()
        .filter(|document| document["spec"]["template"].is_object());
    made.map(|document| {
        let name = document["metadata"]["name"].as_str().unwrap().to_owned();
        (name, document["spec"]["template"].clone())
    })
    .collect()
}

/// All containers of a pod, the initial ones first.
fn containers(pod: &Value) -> Vec<&Value> {
    let lists = ["initContainers", "containers"].map(|list| pod["spec"][list].as_array());
    lists.into_iter().flatten().flatten().collect()
}
