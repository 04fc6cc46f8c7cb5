//! Building our own parts: the filter as wasm, the sidecar and the command line as native programs.
//!
//! cargo decides what is fresh. Invariant: settings of the cargo run that we may be part of do not
//! reach the builds, and only one build of a kind runs at a time.

use std::env;
use std::fmt;
use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::command::say;
use crate::files;
use crate::provision::{self, Distribution, ProvisionError, WasmCompiler};

const WASM_TARGET: &str = "wasm32-unknown-unknown";

/// Prefixes of settings that say where packages come from; these do reach the builds.
const KEPT: [&str; 6] = [
    "CARGO_HOME",
    "CARGO_HTTP_",
    "CARGO_NET_",
    "CARGO_REGISTRIES_",
    "CARGO_REGISTRY_",
    "CARGO_SOURCE_",
];

/// How a native program is compiled: a profile of the workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// For what people deploy, and for measuring.
    Release,
    /// For what runs from a checkout.
    Local,
    /// For what tests judge: with checks of overflow, as the tests themselves are compiled.
    Dev,
}

/// The test of a package for which its programs are built. It is built with the features that the whole
/// workspace asks for, as by whoever tests that: then nothing is compiled twice.
const TESTS_OF_PROGRAMS: [(&str, &str); 3] = [
    ("envoy", "--test=programs"),
    ("latchkey", "--test=flows"),
    ("sidecar", "--test=crash"),
];

/// What a build shows on a terminal while it runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    /// cargo's bar.
    Bar,
    /// Nothing: another build has its bar there.
    Silent,
}

/// A build that failed.
#[derive(Debug)]
pub enum BuildError {
    /// A tool is missing.
    Provision(ProvisionError),
    /// cargo could not be run or no lock be had.
    Io(io::Error),
    /// cargo failed; it has said why on stderr.
    Cargo {
        /// The package.
        package: String,
    },
    /// cargo succeeded, but the file is not where it should be.
    Missing {
        /// The file.
        file: PathBuf,
    },
}

/// Builds the filter; the wasm file.
pub fn filter_wasm() -> Result<PathBuf, BuildError> {
    wasm_of("filter")
}

/// Filter and sidecar of the next release, as far as format versions go: for tests of an upgrade.
/// The sidecar shares its dependencies with the other one; the filter does not, since a wasm file
/// has the same name whatever it was built with.
pub fn rehearsal() -> Result<(PathBuf, PathBuf), BuildError> {
    const NEXT: [&str; 2] = ["--features", "keytable/rehearsal"];
    let target = files::target().join("rehearsal");
    let mut filter = wasm_cargo("build", "filter")?;
    filter.args(NEXT).env("CARGO_TARGET_DIR", &target);
    let wasm = target.join(WASM_TARGET).join("wasm/filter.wasm");
    let wasm = run(filter, "filter", wasm, Progress::Bar)?;
    let mut sidecar = Profile::Dev.cargo("sidecar", "sidecar");
    sidecar.args(NEXT);
    sidecar.env("CARGO_TARGET_DIR", &target);
    sidecar.env("CARGO_BUILD_BUILD_DIR", files::target());
    let program = target.join(Profile::Dev.folder()).join("sidecar");
    let sidecar = run(sidecar, "sidecar", program, Progress::Bar)?;
    Ok((wasm, sidecar))
}

/// Builds a package that is a cdylib; the wasm file.
pub fn wasm_of(package: &str) -> Result<PathBuf, BuildError> {
    let cargo = wasm_cargo("build", package)?;
    let file = format!("{WASM_TARGET}/wasm/{}.wasm", package.replace('-', "_"));
    let file = files::target().join("wasm").join(file);
    run(cargo, package, file, Progress::Silent)
}

/// Lints the filter as it is compiled for wasm; a warning is a failure.
pub fn lint_filter() -> Result<(), BuildError> {
    let mut cargo = wasm_cargo("clippy", "filter")?;
    cargo.args(["--", "--deny", "warnings"]);
    say("linting filter for wasm");
    match cargo.status().map_err(BuildError::Io)?.success() {
        true => Ok(()),
        false => Err(BuildError::Cargo {
            package: "filter".to_owned(),
        }),
    }
}

/// cargo with whichever compiler has the wasm target.
fn wasm_cargo(verb: &str, package: &str) -> Result<Command, BuildError> {
    let compiler = provision::find_wasm_compiler().map_err(BuildError::Provision)?;
    let mut cargo = match &compiler {
        WasmCompiler::Installed => cargo(verb),
        WasmCompiler::Distribution(distribution) => distribution_cargo(verb, distribution),
    };
    cargo.args(["--package", package, "--target", WASM_TARGET]);
    cargo.args(["--profile", "wasm"]);
    cargo.env("CARGO_TARGET_DIR", files::target().join("wasm"));
    Ok(cargo)
}

/// Builds the sidecar; the program.
pub fn sidecar(profile: Profile) -> Result<PathBuf, BuildError> {
    program_of("sidecar", "sidecar", profile)
}

/// Builds the command line; the program.
pub fn command_line(profile: Profile) -> Result<PathBuf, BuildError> {
    program_of("latchkey", "latchkey", profile)
}

/// Builds a program of this package, as `render`; the program.
pub fn own_program(name: &str, profile: Profile) -> Result<PathBuf, BuildError> {
    program_of("envoy", name, profile)
}

/// Builds a program of a package.
fn program_of(package: &str, name: &str, profile: Profile) -> Result<PathBuf, BuildError> {
    let mut cargo = profile.cargo(package, name);
    cargo.env("CARGO_TARGET_DIR", files::target());
    let program = files::target().join(profile.folder()).join(name);
    run(cargo, name, program, Progress::Bar)
}

/// The cargo that runs this, or the one on `PATH`.
fn cargo(verb: &str) -> Command {
    clean("cargo".into(), verb)
}

/// The distribution's cargo: it takes std's source from the distribution, which calls that
/// unstable.
fn distribution_cargo(verb: &str, distribution: &Distribution) -> Command {
    let mut cargo = clean(distribution.cargo.clone(), verb);
    cargo.arg("-Zbuild-std=std,panic_abort");
    cargo.env_remove("RUSTUP_TOOLCHAIN");
    // cargo finds its sub-commands on PATH: they must be of the same release.
    let path = env::var("PATH").unwrap_or_default();
    cargo.env("PATH", format!("/usr/bin:{path}"));
    cargo
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTC", &distribution.rustc);
    cargo.env(
        "CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER",
        &distribution.linker,
    );
    cargo
}

/// `cargo VERB` in the workspace, without what an outer cargo has set.
fn clean(program: PathBuf, verb: &str) -> Command {
    let mut cargo = Command::new(program);
    cargo.arg(verb).current_dir(files::workspace());
    cargo.stdin(Stdio::null()).stdout(Stdio::null());
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(is_of_outer_cargo) {
            cargo.env_remove(name);
        }
    }
    cargo
}

fn is_of_outer_cargo(name: &str) -> bool {
    let of_cargo = [
        "CARGO",
        "__CARGO",
        "RUSTC",
        "RUSTDOC",
        "RUSTFLAGS",
        "LD_LIBRARY_PATH",
    ];
    let starts = |prefixes: &[&str]| prefixes.iter().any(|prefix| name.starts_with(prefix));
    starts(&of_cargo) && !starts(&KEPT)
}

/// Runs cargo to its end; the file that it has made. It shows its own progress if it has the
/// terminal to itself, and without one says nothing but why it fails.
fn run(
    mut cargo: Command,
    package: &str,
    file: PathBuf,
    shows: Progress,
) -> Result<PathBuf, BuildError> {
    if shows == Progress::Silent || !io::stderr().is_terminal() {
        cargo.arg("--quiet");
    }
    say(&format!("building {package}"));
    let status = files::locked(&format!("build-{package}"), || cargo.status())
        .flatten()
        .map_err(BuildError::Io)?;
    match (status.success(), file.is_file()) {
        (true, true) => {
            say(&format!("{package} is built"));
            Ok(file)
        }
        (true, false) => Err(BuildError::Missing { file }),
        (false, _) => Err(BuildError::Cargo {
            package: package.to_owned(),
        }),
    }
}

// === impl Profile ===

impl Profile {
    /// The one for what this program starts: that which it was compiled in itself, or nearly.
    pub const fn own() -> Self {
        match cfg!(debug_assertions) {
            true => Self::Dev,
            false => Self::Local,
        }
    }

    /// Where programs of it are.
    const fn folder(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Local => "local",
            Self::Dev => "debug",
        }
    }

    /// The cargo run that builds the program of a package.
    fn cargo(self, package: &str, program: &str) -> Command {
        match self {
            Self::Release | Self::Local => {
                let mut cargo = cargo("build");
                cargo.args(["--package", package, "--bin", program]);
                cargo.args(["--profile", self.folder()]);
                cargo
            }
            Self::Dev => {
                let mut cargo = cargo("test");
                cargo.args(["--workspace", "--no-run"]);
                let tests = TESTS_OF_PROGRAMS.iter();
                let tests = tests.filter(|(of, _)| *of == package);
                cargo.args(tests.map(|(_, test)| test));
                cargo
            }
        }
    }
}

// === impl BuildError ===

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Provision(error) => error.fmt(f),
            Self::Io(error) => write!(f, "could not run cargo: {error}"),
            Self::Cargo { package } => {
                write!(
                    f,
                    "cargo could not build {package}: correct what it says above"
                )
            }
            Self::Missing { file } => {
                write!(
                    f,
                    "cargo did not make {}: check the package's name and kind",
                    file.display()
                )
            }
        }
    }
}

impl std::error::Error for BuildError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Provision(error) => Some(error),
            Self::Io(error) => Some(error),
            Self::Cargo { .. } | Self::Missing { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_an_outer_cargo_are_told_from_those_of_the_user() {
        for name in [
            "CARGO",
            "CARGO_PKG_NAME",
            "CARGO_TARGET_DIR",
            "RUSTFLAGS",
            "RUSTC_WRAPPER",
        ] {
            assert!(is_of_outer_cargo(name), "{name}");
        }
        for name in [
            "CARGO_HOME",
            "CARGO_NET_OFFLINE",
            "PATH",
            "HOME",
            "RUSTUP_HOME",
        ] {
            assert!(!is_of_outer_cargo(name), "{name}");
        }
    }
}
