//! Official SDKs from PyPI, in a virtual environment under `target/`.
//!
//! Does not pin transitive dependencies. Invariant: an environment is used only when its
//! installation went to the end; where PyPI does not answer there is none, and that is said.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use envoy::provision::apt;

use crate::registry::{self, Registry};

/// The interpreter of an environment that has these packages, as `openai==3.54.0`.
pub fn with_packages(name: &str, packages: &[&str]) -> Option<PathBuf> {
    let home = registry::installed(&format!("python-{name}"), &packages.join(" "), |home| {
        if !registry::is_there(apt::ensure_python()) {
            return false;
        }
        succeed(Command::new("python3").args(["-m", "venv"]).arg(home));
        let output = run_whole(&mut pip_install(&interpreter_of(home), packages));
        Registry::Pypi.has_given("pip install", &output)
    });
    home.map(|home| interpreter_of(&home))
}

/// An installation of packages for an interpreter.
pub(crate) fn pip_install(python: &Path, packages: &[&str]) -> Command {
    let mut pip = Command::new(python);
    pip.args(["-m", "pip", "install", "--quiet"]);
    // Why it does not get through, it says at a second try only.
    pip.args(["--disable-pip-version-check", "--retries", "2"]);
    pip.args(packages);
    pip
}

fn interpreter_of(home: &Path) -> PathBuf {
    home.join("bin/python3")
}

/// Runs a script of `tests/sdk/` with arguments; gives what it printed. The script must succeed.
pub fn run(python: &Path, script: &str, args: &[&str]) -> String {
    let mut command = Command::new(python);
    command.env("PYTHONDONTWRITEBYTECODE", "1");
    command.arg(scripts().join(script)).args(args);
    let output = succeed(&mut command);
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Runs a module of an environment. It must succeed.
pub fn run_module(python: &Path, module: &str, args: &[&OsStr]) {
    succeed(Command::new(python).args(["-m", module]).args(args));
}

/// Where the scripts are.
pub fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("sdk")
}

fn succeed(command: &mut Command) -> Output {
    let output = run_whole(command);
    let stderr = String::from_utf8_lossy(&output.stderr);
    let stdout = String::from_utf8_lossy(&output.stdout);
    let program = command.get_program();
    assert!(
        output.status.success(),
        "{program:?} failed:\n{stdout}\n{stderr}"
    );
    output
}

fn run_whole(command: &mut Command) -> Output {
    command
        .output()
        .unwrap_or_else(|error| panic!("cannot run {:?}: {error}", command.get_program()))
}
