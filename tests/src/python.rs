//! Official SDKs from PyPI, in a virtual environment under `target/`.
//!
//! Does not pin transitive dependencies. Invariant: an environment is used only when its
//! installation went to the end.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Mutex;

static INSTALLING: Mutex<()> = Mutex::new(());

/// What pip says when it does not get through.
const UNREACHABLE: [&str; 3] = [
    "NewConnectionError",
    "ConnectTimeoutError",
    "Connection to ",
];

/// The interpreter of an environment that has these packages, as `openai==3.54.0`.
pub fn with_packages(name: &str, packages: &[&str]) -> PathBuf {
    try_packages(name, packages).unwrap_or_else(|why| panic!("{why}"))
}

/// The same; the error says why PyPI cannot be reached, and nothing else is an excuse.
pub fn try_packages(name: &str, packages: &[&str]) -> Result<PathBuf, String> {
    let _one_at_a_time = INSTALLING
        .lock()
        .unwrap_or_else(|poison| poison.into_inner());
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools");
    let home = tools.join(format!("python-{name}"));
    let done = home.join("installed");
    let python = home.join("bin/python3");
    if fs::read_to_string(&done).is_ok_and(|text| text == packages.join(" ")) {
        return Ok(python);
    }
    envoy::provision::apt::ensure_python().unwrap_or_else(|why| panic!("{why}"));
    fs::create_dir_all(&tools).unwrap();
    let _ = fs::remove_dir_all(&home);
    succeed(Command::new("python3").args(["-m", "venv"]).arg(&home));
    let install = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ];
    let output = run_whole(Command::new(&python).args(install).args(packages));
    let stderr = String::from_utf8_lossy(&output.stderr);
    match UNREACHABLE.iter().find(|text| stderr.contains(**text)) {
        Some(text) if !output.status.success() => {
            return Err(format!("PyPI cannot be reached ({text})"));
        }
        _ => succeeded("pip install", &output),
    }
    fs::write(done, packages.join(" ")).unwrap();
    Ok(python)
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
    succeeded(&format!("{:?}", command.get_program()), &output);
    output
}

fn run_whole(command: &mut Command) -> Output {
    command
        .output()
        .unwrap_or_else(|error| panic!("cannot run {:?}: {error}", command.get_program()))
}

fn succeeded(what: &str, output: &Output) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{what} failed:\n{stdout}\n{stderr}"
    );
}
