//! `promtool`, from `PATH` or out of Debian's package, without installing it.
//!
//! It starts no Prometheus. Invariant: a check that Prometheus does not pass ends the test with what
//! promtool says.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use envoy::provision::apt;

use crate::registry;

/// A promtool that can be run.
#[derive(Debug)]
pub struct Promtool(PathBuf);

/// Finds promtool, or takes it out of Debian's `prometheus` package into `target/tools`; nothing, with a
/// word, where it cannot be had.
pub fn find() -> Option<Promtool> {
    let on_path = Command::new("promtool").arg("--version").output();
    if on_path.is_ok_and(|output| output.status.success()) {
        return Some(Promtool("promtool".into()));
    }
    let home = registry::installed("prometheus", "prometheus", fetch)?;
    Some(Promtool(home.join("usr/bin/promtool")))
}

/// apt checks the package's signature.
fn fetch(home: &Path) -> bool {
    let download = || {
        let mut download = Command::new("apt-get");
        download.args(["download", "--quiet", "prometheus"]);
        let status = download.current_dir(home).status();
        status.is_ok_and(|status| status.success())
    };
    if !download() {
        let is_fresh = apt::update(None);
        if !download() {
            assert!(!is_fresh, "install promtool (Debian: prometheus)");
            registry::skip("Debian's mirrors do not answer, and there is no promtool");
            return false;
        }
    }
    let package = fs::read_dir(home).unwrap().next().unwrap().unwrap().path();
    let mut extract = Command::new("dpkg-deb");
    let status = extract
        .arg("--extract")
        .args([package.as_path(), home])
        .status();
    assert!(
        status.is_ok_and(|status| status.success()),
        "{extract:?} failed"
    );
    true
}

impl Promtool {
    /// A check of a file that must succeed.
    pub fn succeed(&self, words: &[&str], file: &Path) {
        let output = Command::new(&self.0)
            .args(words)
            .arg(file)
            .output()
            .unwrap();
        let said =
            String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{words:?}: {said}");
    }

    /// A page of metrics that must be without fault.
    pub fn check_metrics(&self, page: &str) {
        let mut check = Command::new(&self.0);
        check.args(["check", "metrics"]).stdin(Stdio::piped());
        let mut child = check
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut input = child.stdin.take().unwrap();
        input.write_all(page.as_bytes()).unwrap();
        drop(input);
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
    }
}
