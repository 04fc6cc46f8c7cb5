//! The master keys: where the ring comes from, and how it gets a new key.
//!
//! Does not seal. Invariant: no ring is drawn where something may be sealed with another; the file
//! belongs to its owner alone; and a ring that gets a new key is a whole file before and after.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::config::MasterKeySource;
use crate::domain::act::Act;
use crate::domain::clock::UnixMillis;
use crate::domain::secrets::entropy::EntropyError;
use crate::domain::secrets::keyring::{Keyring, KeyringError};
use crate::domain::secrets::sealed::MasterKeyId;
use crate::store::{Store, StoreError};

/// The file in the data directory.
const FILE: &str = "master-keys";
const FILE_MODE: u32 = 0o600;
const OTHERS: u32 = 0o077;
/// Longest ring, in bytes.
const RING_BYTES_MAX: u64 = 16 * 1024;

/// Why there is no usable ring.
#[derive(Debug)]
pub enum MasterKeyError {
    /// The file or descriptor cannot be read, or not be written.
    Io(PathBuf, io::Error),
    /// The file is missing, and values are sealed with a key that was in it.
    Missing(PathBuf),
    /// Others can read the file.
    OpenToOthers(PathBuf),
    /// The text is no ring.
    Form(PathBuf, KeyringError),
    /// Values are sealed with a master key that the ring does not have.
    Lacks(PathBuf, MasterKeyId),
    /// A ring in a descriptor has to be given with its new key in front.
    NoNewKey,
    /// The operating system gave no random bytes.
    Entropy(EntropyError),
    /// The store failed.
    Store(StoreError),
}

/// What a passage to a new master key has done.
#[derive(Debug)]
pub struct Passage {
    /// The key that everything is sealed with now.
    pub current: MasterKeyId,
    /// How many values were sealed anew.
    pub values: u64,
}

/// The ring that opens everything in `store`; a new one for a store that holds nothing sealed.
pub fn open(
    source: &MasterKeySource,
    store: &Store,
    now: UnixMillis,
) -> Result<Keyring, MasterKeyError> {
    let used = store.master_keys()?;
    let place = place(source);
    let ring = match read(&place, source)? {
        Some(ring) => ring,
        None if used.is_empty() => draw(&place)?,
        None => return Err(MasterKeyError::Missing(place)),
    };
    match used.into_iter().find(|id| !ring.has(*id)) {
        Some(id) => return Err(MasterKeyError::Lacks(place, id)),
        None => store.note_master_key(ring.current(), now)?,
    }
    Ok(ring)
}

/// Looks whether what is at the place of the ring, if there is something, is one.
pub fn check(source: &MasterKeySource) -> Result<(), MasterKeyError> {
    read(&place(source), source).map(drop)
}

/// Seals everything with a new master key. Goes on with a passage that was interrupted: then the
/// ring has its new key already.
pub fn rotate(
    source: &MasterKeySource,
    store: &Store,
    act: &Act,
) -> Result<Passage, MasterKeyError> {
    let used = store.master_keys()?;
    let ring = open(source, store, act.at)?;
    let interrupted = used.iter().any(|id| *id != ring.current());
    let ring = match source {
        _ if interrupted => ring,
        MasterKeySource::Descriptor(_) => return Err(MasterKeyError::NoNewKey),
        MasterKeySource::DataDirectory(_) | MasterKeySource::File(_) => {
            let longer = ring.with_new_key()?;
            write(&place(source), &longer)?;
            longer
        }
    };
    let values = store.seal_anew(&ring, act)?;
    Ok(Passage {
        current: ring.current(),
        values,
    })
}

fn place(source: &MasterKeySource) -> PathBuf {
    match source {
        MasterKeySource::DataDirectory(data) => data.join(FILE),
        MasterKeySource::File(path) => path.clone(),
        MasterKeySource::Descriptor(number) => format!("/dev/fd/{number}").into(),
    }
}

/// The ring at a place; `None` if there is no file.
fn read(place: &Path, source: &MasterKeySource) -> Result<Option<Keyring>, MasterKeyError> {
    let io = |error| MasterKeyError::Io(place.into(), error);
    let file = match File::open(place) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file.map_err(io)?,
    };
    let is_file = !matches!(source, MasterKeySource::Descriptor(_));
    let mode = file.metadata().map_err(io)?.permissions().mode();
    if is_file && mode & OTHERS != 0 {
        return Err(MasterKeyError::OpenToOthers(place.into()));
    }
    // Sized at once: a growing string would leave copies behind.
    let capacity = usize::try_from(RING_BYTES_MAX).unwrap_or(usize::MAX);
    let mut text = Zeroizing::new(String::with_capacity(capacity));
    file.take(RING_BYTES_MAX)
        .read_to_string(&mut text)
        .map_err(io)?;
    let ring = Keyring::parse(&text);
    ring.map(Some)
        .map_err(|error| MasterKeyError::Form(place.into(), error))
}

fn draw(place: &Path) -> Result<Keyring, MasterKeyError> {
    let ring = Keyring::draw()?;
    write(place, &ring)?;
    Ok(ring)
}

/// Puts a ring in place: the whole new one, or the one before.
fn write(place: &Path, ring: &Keyring) -> Result<(), MasterKeyError> {
    let draft = place.with_added_extension("new");
    let written = || {
        remove_if_there(&draft)?;
        let mut options = OpenOptions::new();
        let mut file = options
            .write(true)
            .create_new(true)
            .mode(FILE_MODE)
            .open(&draft)?;
        file.write_all(ring.to_text().as_bytes())?;
        file.sync_all()?;
        fs::rename(&draft, place)?;
        let parent = place
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
    };
    written().map_err(|error| MasterKeyError::Io(place.into(), error))
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

// === impl MasterKeyError ===

impl From<StoreError> for MasterKeyError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<EntropyError> for MasterKeyError {
    fn from(error: EntropyError) -> Self {
        Self::Entropy(error)
    }
}

impl fmt::Display for MasterKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(path, _) => write!(f, "cannot use the master keys in {}", path.display()),
            Self::Missing(path) => write!(
                f,
                "{} is missing, and the database holds values that only its master keys open: \
                 put the file back",
                path.display()
            ),
            Self::OpenToOthers(path) => write!(
                f,
                "{0} can be read by others: `chmod 600 {0}`",
                path.display()
            ),
            Self::Form(path, error) => write!(f, "{} {error}", path.display()),
            Self::Lacks(path, id) => write!(
                f,
                "{} lacks master key {id}, which sealed values in the database: add its line back",
                path.display()
            ),
            Self::NoNewKey => f.write_str(
                "a ring that is given as a descriptor cannot be written: give it with a new key \
                 as its first line",
            ),
            Self::Entropy(_) => f.write_str("no master key could be drawn"),
            Self::Store(_) => f.write_str("the database failed"),
        }
    }
}

impl std::error::Error for MasterKeyError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(_, source) => Some(source),
            Self::Form(_, source) => Some(source),
            Self::Entropy(source) => Some(source),
            Self::Store(source) => Some(source),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
