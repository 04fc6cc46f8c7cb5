//! The distribution's packages, where we may install them.
//!
//! It chooses no packages. Invariant: nothing is installed unless something is missing, and only
//! root on a system with apt-get gets it installed; everybody else is told what to install.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::command::{on_path, output_of, run_bounded, say};

/// How long each step of the package manager may take.
const LIMIT: Duration = Duration::from_secs(600);
/// Python's installer and its virtual environments, which Debian packs apart from Python.
const PYTHON_PACKAGES: [&str; 2] = ["python3-pip", "python3-venv"];

/// A browser and what drives it.
const BROWSER_PACKAGES: [&str; 2] = ["chromium", "chromium-driver"];

/// Why packages were not installed, and which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AptError {
    /// There is no apt-get.
    Missing { packages: String },
    /// We are not root.
    NotRoot { packages: String },
    /// The mirrors do not answer.
    Away { packages: String },
    /// They do, and apt-get fails all the same.
    Failed { packages: String },
}

/// Installs packages; `missing` says why.
pub fn install(packages: &[&str], missing: &str) -> Result<(), AptError> {
    let list = packages.join(" ");
    let Some(apt) = on_path("apt-get") else {
        return Err(AptError::Missing { packages: list });
    };
    if !rustix::process::geteuid().is_root() {
        return Err(AptError::NotRoot { packages: list });
    }
    say(&format!("{missing}: installing {list}"));
    let is_fresh = update(None);
    let mut install = Command::new(apt);
    install
        .args(["install", "--yes", "--quiet", "--no-install-recommends"])
        .args(packages);
    // Lists of an earlier day may be good enough.
    match (succeeds(&mut install), is_fresh) {
        (true, _) => Ok(()),
        (false, true) => Err(AptError::Failed { packages: list }),
        (false, false) => Err(AptError::Away { packages: list }),
    }
}

/// Fetches the lists of packages anew, with further settings; false unless every mirror has answered.
pub fn update(settings: Option<&Path>) -> bool {
    let apt = on_path("apt-get").unwrap_or_else(|| PathBuf::from("apt-get"));
    let mut update = Command::new(apt);
    update.args(["update", "--quiet", "--error-on=any"]);
    if let Some(settings) = settings {
        update.env("APT_CONFIG", settings);
    }
    succeeds(&mut update)
}

fn succeeds(step: &mut Command) -> bool {
    let ended = run_bounded(step.env("DEBIAN_FRONTEND", "noninteractive"), LIMIT);
    matches!(ended, Ok(Some(status)) if status.success())
}

/// Sees to it that there is a browser that programs can drive.
pub fn ensure_browser() -> Result<(), AptError> {
    match on_path("chromium").and_then(|_| on_path("chromedriver")) {
        Some(_) => Ok(()),
        None => install(
            &BROWSER_PACKAGES,
            "there is no chromium with its chromedriver",
        ),
    }
}

/// Sees to it that `python3` has pip and venv.
pub fn ensure_python() -> Result<(), AptError> {
    let modules = "import ensurepip, pip, venv";
    match output_of(Command::new("python3").args(["-c", modules])) {
        Some(_) => Ok(()),
        None => install(&PYTHON_PACKAGES, "python3 has no pip or no venv"),
    }
}

// === impl AptError ===

impl fmt::Display for AptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing { packages } => write!(f, "there is no apt-get: install {packages}"),
            Self::NotRoot { packages } => {
                write!(f, "only root can install packages: install {packages}")
            }
            Self::Away { packages } => {
                write!(f, "Debian's mirrors do not answer: install {packages}")
            }
            Self::Failed { packages } => write!(f, "apt-get failed: install {packages}"),
        }
    }
}

impl std::error::Error for AptError {}
