//! A compiler for wasm32-unknown-unknown: rustup's, else the distribution's with its own source of
//! std.
//!
//! It compiles nothing. Invariant: a compiler that is returned has, or can build, the target's std.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::{ProvisionError, apt};
use crate::command::{is_executable, on_path, output_of, run_bounded, say};
use crate::files;

/// The target triple of the filter.
const TARGET: &str = "wasm32-unknown-unknown";
/// How long rustup may try to fetch the target.
const RUSTUP_LIMIT: Duration = Duration::from_secs(120);
/// Debian's packages of a recent Rust, its lints, its source, and a linker for wasm.
const PACKAGES: [&str; 5] = [
    "rustc-web",
    "cargo-web",
    "rust-web-clippy",
    "rust-web-src",
    "lld-19",
];

/// Where the compiler comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WasmCompiler {
    /// The `cargo` on `PATH`, which has the target.
    Installed,
    /// The distribution's, which builds std from source.
    Distribution(Distribution),
}

/// The distribution's compiler.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distribution {
    /// cargo.
    pub cargo: PathBuf,
    /// rustc.
    pub rustc: PathBuf,
    /// A linker for wasm.
    pub linker: PathBuf,
}

/// Finds a compiler, or lets rustup or the package manager install one.
pub fn find_wasm_compiler() -> Result<WasmCompiler, ProvisionError> {
    files::locked("wasm-target", || {
        if has_target() || rustup_adds_target() {
            return Ok(WasmCompiler::Installed);
        }
        let found = distribution().or_else(|missing| {
            install_packages(&missing)?;
            distribution().map_err(|missing| ProvisionError::NoWasmCompiler { missing })
        })?;
        say(&format!(
            "no {TARGET} from rustup: {} builds std from source",
            found.rustc.display()
        ));
        Ok(WasmCompiler::Distribution(found))
    })
    .map_err(ProvisionError::io("lock target/tools"))?
}

/// Whether the `rustc` on `PATH` has the target's std.
fn has_target() -> bool {
    output_of(Command::new("rustc").args(["--print", "target-libdir", "--target", TARGET]))
        .is_some_and(|dir| Path::new(&dir).is_dir())
}

fn rustup_adds_target() -> bool {
    let Some(rustup) = on_path("rustup") else {
        return false;
    };
    say(&format!("asking rustup for {TARGET}"));
    let added = run_bounded(
        Command::new(rustup).args(["target", "add", TARGET]),
        RUSTUP_LIMIT,
    );
    matches!(added, Ok(Some(status)) if status.success()) && has_target()
}

/// The distribution's compiler; what it lacks otherwise.
fn distribution() -> Result<Distribution, String> {
    let [cargo, rustc] = ["cargo", "rustc"].map(|name| Path::new("/usr/bin").join(name));
    if !is_executable(&cargo) || !is_executable(&rustc) {
        return Err("/usr/bin/cargo and /usr/bin/rustc are not there".to_owned());
    }
    let wanted = env!("CARGO_PKG_RUST_VERSION");
    let said = output_of(Command::new(&rustc).arg("--version")).unwrap_or_default();
    if !is_recent(&said, wanted) {
        return Err(format!(
            "/usr/bin/rustc is `{said}`, {wanted} or newer is needed"
        ));
    }
    let library = sysroot_of(&rustc).join("lib/rustlib/src/rust/library/std/Cargo.toml");
    if !library.is_file() {
        return Err(format!(
            "the source of std, {}, is not there",
            library.display()
        ));
    }
    let linker = linker(&rustc).ok_or("there is neither rust-lld nor wasm-ld")?;
    Ok(Distribution {
        cargo,
        rustc,
        linker,
    })
}

/// Whether `rustc 1.96.0 (...)` is the wanted `1.95` or newer.
fn is_recent(said: &str, wanted: &str) -> bool {
    let release = |text: &str| -> Option<(u32, u32)> {
        let mut numbers = text.split('.').map(|number| number.parse().ok());
        Some((numbers.next()??, numbers.next()??))
    };
    let found = said.split_whitespace().nth(1).and_then(release);
    matches!((found, release(wanted)), (Some(found), Some(wanted)) if found >= wanted)
}

fn sysroot_of(rustc: &Path) -> PathBuf {
    output_of(Command::new(rustc).args(["--print", "sysroot"]))
        .map(PathBuf::from)
        .unwrap_or_default()
}

/// rust-lld of the compiler on `PATH` or of the distribution's, else LLVM's own.
fn linker(rustc: &Path) -> Option<PathBuf> {
    let machine = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let rust_lld = [Path::new("rustc"), rustc].map(|compiler| {
        sysroot_of(compiler)
            .join("lib/rustlib")
            .join(&machine)
            .join("bin/rust-lld")
    });
    let found = rust_lld.into_iter().find(|path| is_executable(path));
    found.or_else(|| ["wasm-ld", "wasm-ld-19"].into_iter().find_map(on_path))
}

fn install_packages(missing: &str) -> Result<(), ProvisionError> {
    apt::install(&PACKAGES, missing).map_err(|why| ProvisionError::NoWasmCompiler {
        missing: format!("{missing}; {why}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compiler_is_recent_from_the_wanted_release_on() {
        for (said, is_enough) in [
            ("rustc 1.95.0 (59807616e 2026-04-14)", true),
            ("rustc 1.100.1", true),
            ("rustc 2.0.0", true),
            ("rustc 1.63.0 (built from a source tarball)", false),
            ("", false),
            ("rustc", false),
        ] {
            assert_eq!(is_recent(said, "1.95"), is_enough, "{said}");
        }
    }

    #[test]
    fn who_lacks_a_compiler_is_told_what_to_install() {
        let error = ProvisionError::NoWasmCompiler {
            missing: "nothing there".to_owned(),
        };
        assert!(error.to_string().contains("rustup target add"), "{error}");
        assert!(
            error.to_string().contains("apt-get install rustc-web"),
            "{error}"
        );
    }
}
