//! The data directory: who may read it, and that one process has it.
//!
//! Does not open the database. Invariant: while a [`DataDirectory`] lives, no other process has
//! one of the same path, and others can read neither it nor the database in it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use crate::store::error::OpenError;

const DATABASE: &str = "latchkey.db";
const LOCK: &str = "latchkey.lock";
const DIRECTORY_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;
const OTHERS: u32 = 0o077;

/// A directory that this process has locked.
#[derive(Debug)]
pub(crate) struct DataDirectory {
    path: PathBuf,
    /// The lock goes with the file.
    lock: File,
}

impl DataDirectory {
    /// Makes the directory if it is missing, closes it to others, and locks it.
    pub(crate) fn open(path: &Path) -> Result<Self, OpenError> {
        make_private(path)?;
        let lock_path = path.join(LOCK);
        let lock = private_file(&lock_path).map_err(at(&lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(OpenError::Locked(path.into())),
            Err(TryLockError::Error(error)) => return Err(OpenError::Io(lock_path, error)),
        }
        Ok(Self {
            path: path.into(),
            lock,
        })
    }

    /// The marks in the lock file, each a line; none if the file is new.
    pub(crate) fn marks(&self) -> Result<String, OpenError> {
        let path = self.path.join(LOCK);
        fs::read_to_string(&path).map_err(at(&path))
    }

    /// Writes two marks into the lock file, and waits until they are on the disk. All marks are as
    /// long as each other, so that this is one write in place.
    pub(crate) fn set_marks(&self, marks: [&str; 2]) -> Result<(), OpenError> {
        let [one, other] = marks;
        self.lock
            .write_all_at(format!("{one}\n{other}\n").as_bytes(), 0)
            .and_then(|()| self.lock.sync_all())
            .map_err(at(&self.path.join(LOCK)))
    }

    /// Where the database is, or will be.
    pub(crate) fn database(&self) -> PathBuf {
        database_in(&self.path)
    }

    /// Whether there is a database. A write-ahead log without one means that it was lost.
    pub(crate) fn has_database(&self) -> Result<bool, OpenError> {
        let database = self.database();
        let log = self.path.join(format!("{DATABASE}-wal"));
        match (exists(&database)?, exists(&log)?) {
            (true, _) => Ok(true),
            (false, true) => Err(OpenError::Missing(database)),
            (false, false) => Ok(false),
        }
    }

    /// Makes a database under another name by `build`, then puts it in place: there is a whole
    /// one or none.
    pub(crate) fn place_database(
        &self,
        build: impl FnOnce(&Path) -> Result<(), OpenError>,
    ) -> Result<(), OpenError> {
        self.prepare_database(build)?;
        self.place_prepared()
    }

    /// Makes a database under another name by `build`.
    pub(crate) fn prepare_database(
        &self,
        build: impl FnOnce(&Path) -> Result<(), OpenError>,
    ) -> Result<(), OpenError> {
        let draft = self.draft();
        for leftover in [
            draft.clone(),
            self.path.join(format!("{DATABASE}.new-journal")),
        ] {
            remove_if_there(&leftover).map_err(at(&leftover))?;
        }
        private_file(&draft).map_err(at(&draft))?;
        build(&draft)?;
        sync(&draft)
    }

    /// Puts the database that was made under another name in place.
    pub(crate) fn place_prepared(&self) -> Result<(), OpenError> {
        let draft = self.draft();
        fs::rename(&draft, self.database()).map_err(at(&draft))?;
        sync(&self.path)
    }

    fn draft(&self) -> PathBuf {
        self.path.join(format!("{DATABASE}.new"))
    }

    /// Takes the database away from others, if a copy or a restore has opened it to them.
    pub(crate) fn close_database_to_others(&self) -> Result<(), OpenError> {
        let database = self.database();
        fs::set_permissions(&database, fs::Permissions::from_mode(FILE_MODE)).map_err(at(&database))
    }
}

/// Where the database of a data directory is.
pub(crate) fn database_in(directory: &Path) -> PathBuf {
    directory.join(DATABASE)
}

/// Waits until a file, or the names in a directory, are on the disk.
pub(crate) fn sync(path: &Path) -> Result<(), OpenError> {
    File::open(path)
        .and_then(|file| file.sync_all())
        .map_err(at(path))
}

fn make_private(path: &Path) -> Result<(), OpenError> {
    if !exists(path)? {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true).mode(DIRECTORY_MODE);
        return builder.create(path).map_err(at(path));
    }
    let mode = fs::metadata(path).map_err(at(path))?.permissions().mode();
    if mode & OTHERS == 0 {
        return Ok(());
    }
    // Only what is plainly meant for us is closed: `--data /tmp` must not close /tmp.
    let empty = fs::read_dir(path).map_err(at(path))?.next().is_none();
    if empty || exists(&path.join(DATABASE))? {
        fs::set_permissions(path, fs::Permissions::from_mode(DIRECTORY_MODE)).map_err(at(path))
    } else {
        Err(OpenError::OpenToOthers(path.into()))
    }
}

pub(crate) fn private_file(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(FILE_MODE)
        .open(path)
}

pub(crate) fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn exists(path: &Path) -> Result<bool, OpenError> {
    path.try_exists().map_err(at(path))
}

pub(crate) fn at(path: &Path) -> impl FnOnce(io::Error) -> OpenError {
    let path = path.to_path_buf();
    move |error| OpenError::Io(path, error)
}
