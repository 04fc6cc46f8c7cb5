//! `cargo dist`: what people deploy, in one folder: filter, sidecar and command line, each with what it
//! is made of, the unit for systemd, and the checksums of all.
//!
//! It publishes nothing and signs nothing. Invariant: the version is the workspace's, and every file
//! but the list of checksums is in that list.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::build::{self, BuildError, Profile};
use crate::command::say;
use crate::files;

mod glibc;
mod sbom;

/// The release that is made; that of every package of the workspace.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
/// Whose lines `sha256sum --check` reads.
const CHECKSUMS: &str = "SHA256SUMS";
/// Files of the workspace that go along.
const ALONG: [&str; 3] = ["LICENSE", "CHANGELOG.md", "envoy/latchkey-sidecar.service"];

/// Why there is no release.
#[derive(Debug)]
pub enum DistError {
    /// A part cannot be built.
    Build(BuildError),
    /// A file cannot be read or written.
    Io(PathBuf, io::Error),
    /// A tool failed.
    Tool(&'static str),
    /// cargo describes the workspace in another way than was expected.
    Metadata,
}

/// Builds everything and puts it into a new folder; the folder.
pub fn make() -> Result<PathBuf, DistError> {
    let filter = build::filter_wasm().map_err(DistError::Build)?;
    let sidecar = build::sidecar(Profile::Release).map_err(DistError::Build)?;
    let command_line = build::command_line(Profile::Release).map_err(DistError::Build)?;
    let folder = files::target()
        .join("dist")
        .join(format!("latchkey-{VERSION}"));
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(at(&folder))?;
    }
    fs::create_dir_all(&folder).map_err(at(&folder))?;
    copy(&filter, &folder.join("filter.wasm"))?;
    let programs = [("sidecar", sidecar), ("latchkey", command_line)];
    for (name, built) in &programs {
        copy(built, &folder.join(name))?;
        strip(&folder.join(name))?;
    }
    for name in ALONG {
        let from = files::workspace().join(name);
        let to = folder.join(from.file_name().unwrap_or_default());
        copy(&from, &to)?;
    }
    for part in [sbom::FILTER, sbom::SIDECAR, sbom::COMMAND_LINE] {
        let file = folder.join(format!("{}.cdx.json", part.package));
        write(&file, &sbom::of(part)?)?;
    }
    let glibc = programs.map(|(name, _)| glibc_of(&folder.join(name)));
    write(&folder.join("README"), &read_me(glibc)?)?;
    write(&folder.join(CHECKSUMS), &checksums(&folder)?)?;
    Ok(folder)
}

/// What is in the folder, and what it runs on.
fn read_me([sidecar, command_line]: [Result<String, DistError>; 2]) -> Result<String, DistError> {
    let (sidecar, command_line) = (sidecar?, command_line?);
    Ok(format!(
        "Latchkey {VERSION}\n\n\
         sidecar                    for x86-64 Linux with glibc {sidecar} or newer; SQLite is inside\n\
         latchkey                   the command line, with glibc {command_line} or newer\n\
         filter.wasm                for Envoy 1.36 or newer with V8\n\
         latchkey-sidecar.service   a unit for systemd\n\
         *.cdx.json                 what each is made of (CycloneDX 1.5)\n\
         {CHECKSUMS}                 sha256sum --check {CHECKSUMS}\n"
    ))
}

/// The oldest glibc that a program runs with.
fn glibc_of(program: &Path) -> Result<String, DistError> {
    let needed = glibc::needed(&fs::read(program).map_err(at(program))?);
    Ok(needed.map_or("none".to_owned(), |(major, minor)| {
        format!("{major}.{minor}")
    }))
}

/// Takes out what only a debugger reads; names of functions stay for back traces.
fn strip(program: &Path) -> Result<(), DistError> {
    say(&format!("stripping {}", program.display()));
    let mut strip = std::process::Command::new("strip");
    match strip.arg("--strip-debug").arg(program).status() {
        Ok(status) if status.success() => Ok(()),
        _ => Err(DistError::Tool("strip: install binutils")),
    }
}

/// A line for each file of a folder, in the order of their names.
fn checksums(folder: &Path) -> Result<String, DistError> {
    let entries = fs::read_dir(folder).map_err(at(folder))?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    let line = |path: &PathBuf| {
        let bytes = fs::read(path).map_err(at(path))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        Ok(format!("{}  {name}\n", files::hex(&Sha256::digest(bytes))))
    };
    paths.iter().map(line).collect()
}

fn copy(from: &Path, to: &Path) -> Result<(), DistError> {
    fs::copy(from, to).map(drop).map_err(at(from))
}

fn write(file: &Path, text: &str) -> Result<(), DistError> {
    fs::write(file, text).map_err(at(file))
}

/// For `map_err`: names the file.
fn at(path: &Path) -> impl FnOnce(io::Error) -> DistError {
    move |error| DistError::Io(path.to_owned(), error)
}

// === impl DistError ===

impl fmt::Display for DistError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Build(error) => error.fmt(f),
            Self::Io(path, error) => write!(f, "{}: {error}", path.display()),
            Self::Tool(advice) => write!(f, "could not run {advice}"),
            Self::Metadata => f.write_str("could not understand `cargo metadata`"),
        }
    }
}

impl std::error::Error for DistError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Build(error) => Some(error),
            Self::Io(_, error) => Some(error),
            Self::Tool(_) | Self::Metadata => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::RunDir;

    #[test]
    fn checksums_are_what_sha256sum_prints() {
        let folder = RunDir::temporary().unwrap();
        fs::remove_file(folder.file("lock")).unwrap();
        fs::write(folder.file("b"), "").unwrap();
        fs::write(folder.file("a"), "abc").unwrap();
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  a\n\
                        e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855  b\n";
        assert_eq!(checksums(folder.path()).unwrap(), expected);
    }

    #[test]
    fn the_changelog_tells_of_this_version_first() {
        let text = fs::read_to_string(files::workspace().join("CHANGELOG.md")).unwrap();
        let first = text.lines().find_map(|line| line.strip_prefix("## "));
        assert_eq!(first, Some(VERSION));
    }
}
