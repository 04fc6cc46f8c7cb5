//! Commands of other tools (pip, cargo, rustup) that run to their end.
//!
//! Servers are not its business (`process` runs those). Invariant: no command of a bounded run
//! outlives its bound.

use std::env;
use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use crate::wait;

/// When this process said something for the first time.
static BEGIN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Tells the user on stderr what is being done, and how long after the first of these lines.
pub(crate) fn say(what: &str) {
    let elapsed_s = BEGIN.elapsed().as_secs_f64();
    eprintln!("latchkey {elapsed_s:6.1} s  {what}");
}

/// What a command prints, without the line end; `None` if it cannot run or fails.
pub(crate) fn output_of(command: &mut Command) -> Option<String> {
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| text.trim().to_owned())
}

/// Runs a command for at most `limit`; `None` if it had to be ended.
pub(crate) fn run_bounded(
    command: &mut Command,
    limit: Duration,
) -> io::Result<Option<ExitStatus>> {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn()?;
    let ended = wait::until(limit, || child.try_wait().transpose());
    if ended.is_none() {
        child.kill()?;
        child.wait()?;
    }
    ended.transpose()
}

/// The program of this name on `PATH`.
pub(crate) fn on_path(name: impl AsRef<OsStr>) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let programs = env::split_paths(&path).map(|dir| dir.join(Path::new(name.as_ref())));
    programs.into_iter().find(|program| is_executable(program))
}

/// Whether a file exists that somebody may execute.
pub(crate) fn is_executable(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    path.metadata()
        .is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_that_takes_too_long_is_ended() {
        let mut sleeper = Command::new("sleep");
        sleeper.arg("600");
        let ended = run_bounded(&mut sleeper, Duration::from_millis(50)).unwrap();
        assert_eq!(ended, None);
    }

    #[test]
    fn programs_are_found_on_the_path() {
        assert!(on_path("sh").is_some());
        assert_eq!(on_path("no-such-program-anywhere"), None);
    }
}
