//! Clients that generators make of the OpenAPI document, for those who write none by hand: each makes,
//! lists, edits and deletes keys of a real sidecar.
//!
//! Skipped, and said, where the registry that has the generator cannot be reached.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use envoy::{Stack, StackOptions};
use serde_json::{Value, json};
use tests::node::Packages;
use tests::{Admin, node, python, raw};

const OF_PYTHON: [&str; 1] = ["openapi-python-client==0.29.1"];
const OF_TYPESCRIPT: [&str; 4] = [
    "openapi-typescript@7.13.0",
    "openapi-fetch@0.17.0",
    "typescript@5.9.3",
    "@types/node@22.20.7",
];

/// A sidecar, and the document that it serves.
struct Rig {
    stack: Stack,
    document: PathBuf,
}

impl Rig {
    fn start() -> Self {
        let mut stack = Stack::prepare(StackOptions::default()).unwrap();
        stack.start_sidecar().unwrap();
        let document = stack.run_dir().join("openapi.json");
        let text = raw::get_text(&format!("{}/openapi.json", stack.console_url()));
        fs::write(&document, text).unwrap();
        Self { stack, document }
    }

    fn who(&self) -> [String; 2] {
        [
            self.stack.console_url(),
            self.stack.operator_token().unwrap(),
        ]
    }

    /// What a client has printed is what was asked for, and nothing is left of it but one key.
    fn assert_done(&self, printed: &str, team: &str) {
        let wanted = json!({
            "all": {"models": "all", "services": "all"},
            "has_value": true,
            "listed": [true],
            "edited": "edited",
            "expires_at": null,
            "scope": {"models": ["glm-5.1"], "services": "all"},
            "labels": {"team": team},
            "refused": [422, "name"],
            "deleted": true,
        });
        let printed: Value = serde_json::from_str(printed).unwrap();
        assert_eq!(printed, wanted);
        let (_, list) = Admin::of(&self.stack).call("GET", "/v1/keys?account=demo", None);
        assert_eq!(list["total"], 1);
    }
}

#[test]
fn the_generated_python_client_makes_lists_edits_and_deletes_keys() {
    let Some(python) = python::with_packages("generators", &OF_PYTHON) else {
        return;
    };
    let rig = Rig::start();
    let made = rig.stack.run_dir().join("python");
    let tool = python.with_file_name("openapi-python-client");
    let mut generate = Command::new(tool);
    generate
        .args(["generate", "--fail-on-warning", "--meta", "none", "--path"])
        .arg(&rig.document)
        .arg("--output-path")
        .arg(made.join("latchkey_client"))
        // It formats what it makes with a tool of its own environment.
        .env("PATH", with_path(python.parent().unwrap()));
    fs::create_dir_all(&made).unwrap();
    succeed(&mut generate);
    let [url, token] = rig.who();
    let made = made.to_str().unwrap();
    let printed = python::run(&python, "generated.py", &[made, &url, &token]);
    rig.assert_done(&printed, "search");
}

#[test]
fn the_generated_typescript_types_make_list_edit_and_delete_keys() {
    let Some(packages) = Packages::install("generators", &OF_TYPESCRIPT) else {
        return;
    };
    let Some(node) = node::program() else { return };
    let rig = Rig::start();
    // Packages are looked for from where a file lies.
    let place = packages.path("generated");
    fs::create_dir_all(&place).unwrap();
    let script = python::scripts().join("generated.ts");
    fs::copy(script, place.join("generated.mts")).unwrap();
    let tool = |name: &str| packages.path(&format!("node_modules/{name}"));
    let mut generate = Command::new(&node);
    generate.arg(tool("openapi-typescript/bin/cli.js"));
    succeed(
        generate
            .arg(&rig.document)
            .arg("-o")
            .arg(place.join("api.ts")),
    );
    let mut compile = Command::new(&node);
    compile.arg(tool("typescript/bin/tsc")).current_dir(&place);
    let options = [
        "--strict",
        "--target",
        "es2022",
        "--module",
        "nodenext",
        "--skipLibCheck",
    ];
    succeed(compile.args(options).args(["generated.mts", "api.ts"]));
    let mut client = Command::new(&node);
    let printed = succeed(client.arg(place.join("generated.mjs")).args(rig.who()));
    rig.assert_done(&printed, "ads");
}

fn with_path(directory: &Path) -> String {
    format!("{}:{}", directory.display(), std::env::var("PATH").unwrap())
}

/// What a program prints that must succeed.
fn succeed(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}:\n{stdout}\n{stderr}");
    stdout
}
