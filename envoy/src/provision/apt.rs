//! The distribution's packages, where we may install them.
//!
//! It chooses no packages. Invariant: nothing is installed unless something is missing, and only
//! root on a system with apt-get gets it installed; everybody else is told what to install.

use std::process::Command;
use std::time::Duration;

use crate::command::{on_path, output_of, run_bounded, say};

/// How long each step of the package manager may take.
const LIMIT: Duration = Duration::from_secs(600);
/// Python's installer and its virtual environments, which Debian packs apart from Python.
const PYTHON_PACKAGES: [&str; 2] = ["python3-pip", "python3-venv"];

/// A browser and what drives it.
const BROWSER_PACKAGES: [&str; 2] = ["chromium", "chromium-driver"];

/// Installs packages; `missing` says why. The error says why that is not possible.
pub fn install(packages: &[&str], missing: &str) -> Result<(), String> {
    let advice = packages.join(" ");
    let apt = on_path("apt-get").ok_or_else(|| format!("there is no apt-get: install {advice}"))?;
    if !rustix::process::geteuid().is_root() {
        return Err(format!("only root can install packages: install {advice}"));
    }
    say(&format!("{missing}: installing {advice}"));
    let mut update = Command::new(&apt);
    update.args(["update", "--quiet"]);
    let mut install = Command::new(&apt);
    install
        .args(["install", "--yes", "--quiet", "--no-install-recommends"])
        .args(packages);
    for step in [&mut update, &mut install] {
        match run_bounded(step.env("DEBIAN_FRONTEND", "noninteractive"), LIMIT) {
            Ok(Some(status)) if status.success() => {}
            _ => return Err(format!("apt-get failed: install {advice}")),
        }
    }
    Ok(())
}

/// Sees to it that there is a browser that programs can drive.
pub fn ensure_browser() -> Result<(), String> {
    match on_path("chromium").and_then(|_| on_path("chromedriver")) {
        Some(_) => Ok(()),
        None => install(
            &BROWSER_PACKAGES,
            "there is no chromium with its chromedriver",
        ),
    }
}

/// Sees to it that `python3` has pip and venv.
pub fn ensure_python() -> Result<(), String> {
    let modules = "import ensurepip, pip, venv";
    match output_of(Command::new("python3").args(["-c", modules])) {
        Some(_) => Ok(()),
        None => install(&PYTHON_PACKAGES, "python3 has no pip or no venv"),
    }
}
