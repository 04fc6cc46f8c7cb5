//! Gates in the gateways of Istio and Envoy Gateway: the shipped files, put into configuration in the
//! shape in which these projects hand it to Envoy (`tests/shapes`), and a real Envoy started with
//! the result.
//!
//! No control plane runs: what it would do with the files is done by [`tests::patch`]. Invariant:
//! every word that is merged or patched in comes from a shipped file, but for addresses, ports and
//! paths.

mod gateway;
mod istio;
mod proxy;
mod schemas;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tests::yaml;

use proxy::Shape;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(file: &str) -> String {
    fs::read_to_string(root().join(file)).unwrap_or_else(|why| panic!("{file}: {why}"))
}

/// The first document of this kind in a file.
fn manifest(file: &str, kind: &str) -> Value {
    let documents = yaml::documents(&read(file));
    let found = documents
        .into_iter()
        .find(|document| document["kind"] == kind);
    found.unwrap_or_else(|| panic!("{file} has no {kind}"))
}

/// What a control plane would hand to Envoy before anything of ours.
fn shape(name: &str) -> Shape {
    Shape::of(&yaml::document(&read(&format!("tests/shapes/{name}.yaml"))))
}

/// What the template has of ours, whatever is around it.
struct Ours {
    agent: Value,
    gate: Value,
    stats_tags: Value,
    access_log: Value,
}

/// The pieces of the template.
fn template() -> Ours {
    let mut text = read("envoy/bootstrap.yaml");
    let configurations = [
        (
            "agent_configuration",
            r#"{"role":"agent","region":"local","cluster":"sidecar","wait_s":25,"max_staleness_s":3600}"#,
        ),
        ("gate_configuration", r#"{"role":"gate"}"#),
        ("filter_wasm", "/etc/latchkey/filter/filter.wasm"),
        ("access_log", "/dev/stdout"),
    ];
    for (name, value) in configurations {
        text = text.replace(&format!("{{{{{name}}}}}"), value);
    }
    let bootstrap = yaml::document(&text.replace("{{", "x").replace("}}", "x"));
    let manager = "/static_resources/listeners/0/filter_chains/0/filters/0/typed_config";
    let manager = bootstrap.pointer(manager).unwrap();
    let filters = manager["http_filters"].clone();
    let filters = filters.as_array().unwrap();
    let gate = filters.iter().find(|filter| filter["name"] == "latchkey");
    Ours {
        gate: gate.unwrap().clone(),
        access_log: manager["access_log"][0].clone(),
        stats_tags: bootstrap["stats_config"]["stats_tags"].clone(),
        agent: bootstrap["bootstrap_extensions"][0].clone(),
    }
}

fn assert_same(ours: &Value, of_template: &Value, file: &str) {
    assert_eq!(
        ours, of_template,
        "{file}: copy the piece from envoy/bootstrap.yaml"
    );
}
