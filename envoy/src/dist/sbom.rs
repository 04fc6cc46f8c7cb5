//! What a part is made of: its packages and who needs which, as CycloneDX 1.5 says it.
//!
//! What only builds or tests a part is no part of it, but a library that generates code is listed: it
//! is linked by what it has written. Invariant: the same lock file gives the same text.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::{DistError, VERSION, at};
use crate::files;

/// A part that is deployed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part {
    pub(super) package: &'static str,
    kind: &'static str,
    platform: &'static str,
}

/// The filter.
pub(super) const FILTER: Part = Part {
    package: "filter",
    kind: "library",
    platform: "wasm32-unknown-unknown",
};
/// The sidecar.
pub(super) const SIDECAR: Part = Part {
    package: "sidecar",
    kind: "application",
    platform: "x86_64-unknown-linux-gnu",
};

/// The command line.
pub(super) const COMMAND_LINE: Part = Part {
    package: "latchkey",
    kind: "application",
    platform: "x86_64-unknown-linux-gnu",
};

/// Package ids, and which each needs.
type Needs<'a> = BTreeMap<&'a str, Vec<&'a str>>;

/// The document.
pub(super) fn of(part: Part) -> Result<String, DistError> {
    let metadata = metadata(part)?;
    let lock = files::workspace().join("Cargo.lock");
    let lock = fs::read_to_string(&lock).map_err(at(&lock))?;
    let document = document(part, &metadata, &checksums(&lock)).ok_or(DistError::Metadata)?;
    Ok(format!("{document:#}\n"))
}

fn metadata(part: Part) -> Result<Value, DistError> {
    let mut cargo = Command::new("cargo");
    cargo.args(["metadata", "--locked", "--format-version", "1"]);
    cargo.args(["--filter-platform", part.platform]);
    cargo.current_dir(files::workspace()).stderr(Stdio::null());
    let output = cargo.output().map_err(|_| DistError::Tool("cargo"))?;
    serde_json::from_slice(&output.stdout).map_err(|_| DistError::Metadata)
}

fn document(part: Part, metadata: &Value, checksums: &BTreeMap<String, String>) -> Option<Value> {
    let packages: BTreeMap<&str, &Value> = metadata
        .get("packages")?
        .as_array()?
        .iter()
        .filter_map(|package| Some((package.get("id")?.as_str()?, package)))
        .collect();
    let is_root = |package: &&Value| package.get("name").is_some_and(|name| name == part.package);
    let root = packages.values().copied().find(is_root)?;
    let root_id = root.get("id")?.as_str()?;
    let needs = needs(metadata)?;
    let inside = reachable(root_id, &needs);
    let component = |id: &&str| component(packages.get(id)?, checksums);
    let others = inside.iter().filter(|id| **id != root_id);
    let dependency = |id: &&str| {
        let needed = needs
            .get(id)?
            .iter()
            .filter_map(|id| purl(packages.get(id)?));
        let needed: BTreeSet<String> = needed.collect();
        Some(json!({"ref": purl(packages.get(id)?)?, "dependsOn": needed}))
    };
    Some(json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {"component": {
            "type": part.kind, "name": part.package, "version": VERSION, "bom-ref": purl(root)?,
        }},
        "components": others.filter_map(component).collect::<Vec<_>>(),
        "dependencies": inside.iter().filter_map(dependency).collect::<Vec<_>>(),
    }))
}

/// What each package needs to run.
fn needs(metadata: &Value) -> Option<Needs<'_>> {
    let nodes = metadata.pointer("/resolve/nodes")?.as_array()?;
    Some(nodes.iter().filter_map(node_needs).collect())
}

fn node_needs(node: &Value) -> Option<(&str, Vec<&str>)> {
    let is_normal = |dependency: &&Value| {
        let kinds = dependency.get("dep_kinds").and_then(Value::as_array);
        let mut kinds = kinds.into_iter().flatten();
        kinds.any(|kind| kind.get("kind").is_some_and(Value::is_null))
    };
    let dependencies = node.get("deps")?.as_array()?.iter().filter(is_normal);
    let ids = dependencies.filter_map(|dependency| dependency.get("pkg")?.as_str());
    Some((node.get("id")?.as_str()?, ids.collect()))
}

fn reachable<'a>(root: &'a str, needs: &Needs<'a>) -> BTreeSet<&'a str> {
    let (mut found, mut next) = (BTreeSet::new(), vec![root]);
    while let Some(id) = next.pop() {
        if found.insert(id) {
            next.extend(needs.get(id).into_iter().flatten());
        }
    }
    found
}

fn component(package: &Value, checksums: &BTreeMap<String, String>) -> Option<Value> {
    let text = |name: &str| package.get(name).and_then(Value::as_str);
    let purl = purl(package)?;
    let mut component = json!({
        "type": "library", "name": text("name")?, "version": text("version")?, "purl": purl,
        "bom-ref": purl,
    });
    let members = component.as_object_mut()?;
    if let Some(license) = text("license") {
        // The old way to write a choice is none that the standard knows.
        let expression = license.replace('/', " OR ");
        members.insert("licenses".to_owned(), json!([{"expression": expression}]));
    }
    if let Some(sha256) = checksums.get(&purl) {
        members.insert(
            "hashes".to_owned(),
            json!([{"alg": "SHA-256", "content": sha256}]),
        );
    }
    Some(component)
}

fn purl(package: &Value) -> Option<String> {
    let text = |name: &str| package.get(name).and_then(Value::as_str);
    Some(format!("pkg:cargo/{}@{}", text("name")?, text("version")?))
}

/// The checksums of a lock file, by package.
fn checksums(lock: &str) -> BTreeMap<String, String> {
    let of_package = |text: &str| {
        let value = |name: &str| {
            let start = format!("{name} = \"");
            let mut lines = text.lines();
            lines.find_map(|line| line.strip_prefix(&start)?.strip_suffix('"'))
        };
        let purl = format!("pkg:cargo/{}@{}", value("name")?, value("version")?);
        Some((purl, value("checksum")?.to_owned()))
    };
    lock.split("[[package]]").filter_map(of_package).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_linked_is_listed_with_its_checksum_and_what_tests_is_not() {
        let bom: Value = serde_json::from_str(&of(SIDECAR).unwrap()).unwrap();
        assert_eq!(bom["metadata"]["component"]["version"], VERSION);
        let components = bom["components"].as_array().unwrap();
        let named = |name: &str| {
            components
                .iter()
                .find(|component| component["name"] == name)
        };
        let subtle = named("subtle").unwrap();
        assert_eq!(subtle["hashes"][0]["content"].as_str().unwrap().len(), 64);
        assert_eq!(subtle["licenses"][0]["expression"], "BSD-3-Clause");
        assert!(named("keytable").is_some(), "our own is part of it");
        assert!(named("rcgen").is_none(), "it makes certificates for tests");
        let dependencies = bom["dependencies"].as_array().unwrap();
        assert_eq!(dependencies.len(), components.len() + 1);
        assert_eq!(of(SIDECAR).unwrap(), of(SIDECAR).unwrap());
    }

    #[test]
    fn the_filter_is_made_of_what_runs_in_wasm() {
        let bom = of(FILTER).unwrap();
        assert!(bom.contains("pkg:cargo/proxy-wasm@") && !bom.contains("pkg:cargo/actix-web@"));
    }
}
