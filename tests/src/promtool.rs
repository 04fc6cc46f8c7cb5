//! `promtool`, from `PATH` or out of Debian's package, without installing it.
//!
//! It starts no Prometheus. Invariant: a check that Prometheus does not pass ends the test with what
//! promtool says.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

static FETCHING: Mutex<()> = Mutex::new(());

/// A promtool that can be run.
#[derive(Debug)]
pub struct Promtool(PathBuf);

/// Finds promtool, or takes it out of Debian's `prometheus` package into `target/tools`.
pub fn find() -> Promtool {
    let _one_at_a_time = FETCHING.lock().unwrap_or_else(|poison| poison.into_inner());
    let on_path = Command::new("promtool").arg("--version").output();
    if on_path.is_ok_and(|output| output.status.success()) {
        return Promtool("promtool".into());
    }
    let tools = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools");
    let binary = tools.join("prometheus/usr/bin/promtool");
    if !binary.exists() {
        fetch(&tools);
    }
    Promtool(binary)
}

/// apt checks the package's signature.
fn fetch(tools: &Path) {
    let dir = tools.join("prometheus.new");
    let _ = fs::remove_dir_all(&dir);
    fs::create_dir_all(&dir).unwrap();
    let mut download = Command::new("apt-get");
    download
        .args(["download", "--quiet", "prometheus"])
        .current_dir(&dir);
    if !download.status().unwrap().success() {
        run(Command::new("apt-get").args(["update", "--quiet"]));
        run(&mut download);
    }
    let mut entries = fs::read_dir(&dir).unwrap();
    let package = entries.next().unwrap().unwrap().path();
    run(Command::new("dpkg-deb")
        .arg("--extract")
        .args([&package, &dir]));
    let _ = fs::remove_dir_all(tools.join("prometheus"));
    fs::rename(dir, tools.join("prometheus")).unwrap();
}

fn run(command: &mut Command) {
    let status = command.status();
    let ok = status.is_ok_and(|status| status.success());
    assert!(
        ok,
        "{command:?} failed: install promtool (Debian: prometheus)"
    );
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
