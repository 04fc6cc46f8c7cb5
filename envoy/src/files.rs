//! Files that the runner makes: the run directory, locks, secrets, and where the workspace is.
//!
//! It does not know what the files are for. Invariant: a secret is readable by its owner only from
//! the first byte on; evidence of a failed run is never removed.

use std::fs::{self, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process;
use std::thread;

use crate::command::say;

/// Bytes of randomness in a token.
const TOKEN_BYTES: usize = 32;

/// The root of the workspace.
pub fn workspace() -> PathBuf {
    let room = Path::new(env!("CARGO_MANIFEST_DIR"));
    room.parent().unwrap_or(room).to_owned()
}

/// Where everything that is made goes.
pub fn target() -> PathBuf {
    workspace().join("target")
}

/// So many random bytes of the operating system, in hexadecimal.
pub fn random_hex(bytes: usize) -> io::Result<String> {
    let mut random = vec![0_u8; bytes];
    File::open("/dev/urandom")?.read_exact(&mut random)?;
    Ok(hex(&random))
}

/// Bytes in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    base16ct::lower::encode_string(bytes)
}

/// A new random token.
pub fn random_token() -> io::Result<String> {
    random_hex(TOKEN_BYTES)
}

/// Writes a secret that only the owner may read (mode 0600), whole or not at all.
pub fn write_secret(path: &Path, secret: &str) -> io::Result<()> {
    let unfinished = path.with_extension(format!("{}.tmp", process::id()));
    // A writer that died may have left it. A new file is made so that the mode holds from the
    // start.
    let _ = fs::remove_file(&unfinished);
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    options.open(&unfinished)?.write_all(secret.as_bytes())?;
    fs::rename(&unfinished, path)
}

/// The last lines of a file, none if it cannot be read.
pub fn tail(path: &Path, lines: usize) -> String {
    let bytes = fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let mut last: Vec<&str> = text.lines().rev().take(lines).collect();
    last.reverse();
    last.join("\n")
}

/// Does something while no other process does something under the same name.
pub fn locked<T>(name: &str, job: impl FnOnce() -> T) -> io::Result<T> {
    let dir = target().join("tools");
    fs::create_dir_all(&dir)?;
    let lock = File::create(dir.join(format!("{name}.lock")))?;
    lock.lock()?;
    Ok(job())
}

/// The directory of one run: configuration, logs, database.
#[derive(Debug)]
pub struct RunDir {
    path: PathBuf,
    is_kept: bool,
    is_temporary: bool,
    /// Locked for as long as the run lasts.
    _lock: File,
}

// === impl RunDir ===

impl RunDir {
    /// A new directory under `target/runs`, removed when it is dropped, unless the run failed.
    pub fn temporary() -> io::Result<Self> {
        let name = format!("{}-{}", process::id(), random_hex(4)?);
        Self::open(target().join("runs").join(name), true)
    }

    /// A directory that stays, and the runs in it one after the other.
    pub fn at(path: &Path) -> io::Result<Self> {
        Self::open(std::path::absolute(path)?, false)
    }

    fn open(path: PathBuf, is_temporary: bool) -> io::Result<Self> {
        // For its owner only: the database and two tokens are in it.
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&path)?;
        close_to_others(&path)?;
        let lock = File::create(path.join("lock"))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(io::Error::new(
                    io::ErrorKind::ResourceBusy,
                    "another run uses it",
                ));
            }
            Err(TryLockError::Error(error)) => return Err(error),
        }
        Ok(Self {
            path,
            is_kept: false,
            is_temporary,
            _lock: lock,
        })
    }

    /// Its path, absolute.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A file in it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Keeps the directory as evidence.
    pub fn keep(&mut self) {
        self.is_kept = true;
    }
}

/// Takes from others what they may do in a directory that has nothing but a run's files, as one that
/// was just made by hand.
fn close_to_others(path: &Path) -> io::Result<()> {
    let mode = path.metadata()?.permissions().mode();
    if mode & 0o077 == 0 {
        return Ok(());
    }
    let is_ours = path.join("lock").exists() || fs::read_dir(path)?.next().is_none();
    if !is_ours {
        let message = "others may look into it, and it has files that are not ours: name a new or an \
                       empty directory";
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
    }
    say(&format!(
        "{} is for its owner only from now on: keys are kept there",
        path.display()
    ));
    fs::set_permissions(path, Permissions::from_mode(0o700))
}

impl Drop for RunDir {
    fn drop(&mut self) {
        if self.is_kept || thread::panicking() {
            eprintln!(
                "latchkey: the evidence of this run is in {}",
                self.path.display()
            );
        } else if self.is_temporary {
            // Nothing depends on the removal, and `target` may be cleaned at any time.
            let _ = fs::remove_dir_all(&self.path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_temporary_directory_goes_and_a_kept_one_stays() {
        let gone = RunDir::temporary().unwrap();
        let gone_path = gone.path().to_owned();
        drop(gone);
        assert!(!gone_path.exists());

        let mut kept = RunDir::temporary().unwrap();
        let kept_path = kept.path().to_owned();
        kept.keep();
        drop(kept);
        assert!(kept_path.exists());
        fs::remove_dir_all(kept_path).unwrap();
    }

    #[test]
    fn two_runs_do_not_share_a_directory() {
        let first = RunDir::temporary().unwrap();
        assert!(RunDir::at(first.path()).is_err());
    }

    #[test]
    fn a_directory_made_by_hand_is_taken_and_closed_to_others() {
        let outside = RunDir::temporary().unwrap();
        let by_hand = |name: &str| {
            let path = outside.file(name);
            fs::create_dir(&path).unwrap();
            fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
            path
        };
        let empty = by_hand("empty");
        for _ in 0..2 {
            let run = RunDir::at(&empty).unwrap();
            let mode = run.path().metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o700);
        }
        let used = by_hand("used");
        fs::write(used.join("letters.txt"), "").unwrap();
        let error = RunDir::at(&used).unwrap_err().to_string();
        assert!(error.contains("empty directory"), "{error}");
        let mode = used.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o755, "what is not ours stays as it is");
    }

    #[test]
    fn a_secret_is_for_its_owner_only() {
        let dir = RunDir::temporary().unwrap();
        let file = dir.file("secret");
        write_secret(&file, "one").unwrap();
        write_secret(&file, "two").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "two");
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn the_tail_is_the_end_of_a_file() {
        let dir = RunDir::temporary().unwrap();
        fs::write(dir.file("log"), "a\nb\nc\n").unwrap();
        assert_eq!(tail(&dir.file("log"), 2), "b\nc");
        assert_eq!(tail(&dir.file("none"), 2), "");
    }
}
