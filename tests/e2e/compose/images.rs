//! What the images of the compose demo are built from, looked at without building them.
//!
//! Invariant: every file that is copied is made by an earlier step, and every step that builds
//! something names packages and programs of this workspace.

use std::fs;
use std::path::Path;
use std::process::Command;

use envoy::files::RunDir;
use serde_json::Value;

use super::root;

fn dockerfile() -> String {
    let text = fs::read_to_string(root().join("envoy/Dockerfile")).unwrap();
    text.replace("\\\n", " ")
}

/// Its stages, the first line of each without `FROM`.
fn stages() -> Vec<String> {
    let text = dockerfile();
    text.split("\nFROM ").skip(1).map(str::to_owned).collect()
}

/// The commands of the build stage, as the shell divides them.
fn commands() -> Vec<String> {
    let stages = stages();
    let run = stages[0].split("\nRUN ").skip(1);
    let commands = run.flat_map(|run| run.lines().next().unwrap().split("&&"));
    let plain = commands.map(|command| {
        let words = command.split_whitespace();
        let words = words.filter(|word| !word.starts_with("--mount="));
        words.collect::<Vec<_>>().join(" ")
    });
    plain.collect()
}

fn metadata(directory: &Path) -> Value {
    let mut cargo = Command::new("cargo");
    cargo.args([
        "metadata",
        "--no-deps",
        "--offline",
        "--format-version",
        "1",
    ]);
    let output = cargo.current_dir(directory).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn bases_are_pinned_and_nothing_runs_as_root() {
    let text = dockerfile();
    for base in [
        "rust:1.95-bookworm",
        "debian:bookworm-slim",
        "envoyproxy/envoy:v1.40.0",
    ] {
        assert!(text.contains(&format!("_IMAGE={base}\n")), "{base}");
    }
    let directories = "--owner=10001 --group=10001 --mode=0700 /data /run/latchkey\n";
    assert!(text.contains(directories), "volumes are as these are");
    let stages = stages();
    assert_eq!(stages.len(), 4);
    for stage in &stages[1..] {
        assert!(stage.contains("\nUSER 10001:10001\n"), "{stage}");
    }
}

#[test]
fn the_release_of_rust_and_of_envoy_are_those_of_the_workspace() {
    let text = dockerfile();
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    assert!(manifest.contains("rust-version = \"1.95\"") && text.contains("=rust:1.95-"));
    let pinned = fs::read_to_string(root().join("envoy/src/provision/envoy.rs")).unwrap();
    let version = pinned.split("version: \"").nth(1).unwrap();
    let version = version.split('"').next().unwrap();
    assert!(text.contains(&format!("=envoyproxy/envoy:v{version}\n")));
}

#[test]
fn every_build_step_names_packages_and_programs_that_exist() {
    let metadata = metadata(&root());
    let packages = metadata["packages"].as_array().unwrap();
    let builds: Vec<String> = commands()
        .into_iter()
        .filter(|command| command.starts_with("cargo "))
        .collect();
    assert_eq!(builds.len(), 2);
    for build in &builds {
        assert!(build.starts_with("cargo build --locked "), "{build}");
        let words: Vec<&str> = build.split(' ').collect();
        let values = |flag: &str| -> Vec<&str> {
            let pairs = words.windows(2).filter(|pair| pair[0] == flag);
            pairs.map(|pair| pair[1]).collect()
        };
        let targets_of = |package: &&str| {
            let known = packages.iter().find(|known| known["name"] == *package);
            known.expect(package)["targets"].as_array().unwrap()
        };
        let named = values("--package");
        let targets: Vec<&Value> = named.iter().flat_map(targets_of).collect();
        for bin in values("--bin") {
            let is_bin = |target: &&Value| target["name"] == bin && target["kind"][0] == "bin";
            assert!(targets.iter().any(is_bin), "no program {bin}");
        }
    }
    let strips = "strip --strip-debug /out/sidecar /out/upstream";
    assert!(commands().iter().any(|command| command == strips));
    // The filter as the runner builds it, into the same place below the target directory.
    let filter = "--profile wasm --target wasm32-unknown-unknown --package filter";
    assert!(builds[0].ends_with(filter), "{}", builds[0]);
    let runner = fs::read_to_string(root().join("envoy/src/build.rs")).unwrap();
    assert!(runner.contains("[\"--profile\", \"wasm\"]"));
}

#[test]
fn every_file_that_is_copied_was_made_before() {
    let commands = commands();
    let made: Vec<&str> = commands
        .iter()
        .filter_map(|command| {
            let is_copy = command.starts_with("cp ") && command.ends_with(" /out/");
            (is_copy || command.contains(" > /out/")).then_some(command.as_str())
        })
        .collect();
    let is_made = |file: &str| {
        let copied = |command: &&str| {
            let words = command.split(' ');
            words
                .clone()
                .any(|word| word.ends_with(&format!("/{file}")))
                || command.ends_with(&format!("> /out/{file}"))
        };
        made.iter().any(copied)
    };
    let mut copied = 0;
    for stage in &stages()[1..] {
        let lines = stage.lines();
        for line in lines.filter_map(|line| line.strip_prefix("COPY --from=build ")) {
            let files = line
                .split(' ')
                .filter_map(|word| word.strip_prefix("/out/"));
            for file in files {
                assert!(is_made(file), "{file} is not made: {made:?}");
                copied += 1;
            }
        }
    }
    assert_eq!(copied, 4, "filter, bootstrap, sidecar, upstream");
}

#[test]
fn the_context_is_a_whole_workspace_and_no_more() {
    let ignore = fs::read_to_string(root().join("envoy/Dockerfile.dockerignore")).unwrap();
    let mut lines = ignore.lines();
    assert_eq!(lines.next(), Some("**"), "nothing that is not named");
    let context = RunDir::temporary().unwrap();
    for name in lines.map(|line| line.strip_prefix('!').unwrap()) {
        let copied = Command::new("cp")
            .args(["--recursive", "--"])
            .arg(root().join(name))
            .arg(context.path())
            .status();
        assert!(copied.unwrap().success(), "{name}");
    }
    let copy = metadata(context.path());
    let ours = metadata(&root());
    let count = |metadata: &Value| metadata["packages"].as_array().unwrap().len();
    assert_eq!(count(&copy), count(&ours));
    assert!(!context.file("target").exists() && !context.file(".git").exists());
    // Without it the filter would be built without SIMD.
    let settings = fs::read_to_string(context.file(".cargo/config.toml")).unwrap();
    assert!(settings.contains("+simd128"));
}
