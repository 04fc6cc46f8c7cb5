//! `sidecar snapshot`: a region's key table in one signed file, from which an Envoy can start while
//! the sidecar cannot be reached.
//!
//! Works while a sidecar uses the database. Invariant: the file is there whole or as it was; the key
//! that signs stays in the data directory, for its owner only, and is drawn once.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use keytable::sealed::seal;
use keytable::{FormatVersion, PublicSealKey, RecordError, SealKey};
use zeroize::Zeroizing;

use crate::compile::TableBuilder;
use crate::domain::clock::{Clock, SystemClock};
use crate::domain::region::RegionId;
use crate::domain::secrets::entropy::{self, EntropyError};
use crate::store::{self, OpenError};

/// The file of the signing key, in the data directory: 64 hexadecimal digits.
const KEY_FILE: &str = "seal-key";
const SEED_BYTES: usize = 32;

/// Why there is no new file.
#[derive(Debug)]
pub enum SnapshotError {
    /// The database cannot be used.
    Open(OpenError),
    /// The region does not exist.
    UnknownRegion(RegionId),
    /// A key does not fit into a record.
    Record(RecordError),
    /// A file cannot be read or written.
    Io(PathBuf, io::Error),
    /// The file of the signing key holds something else.
    Key(PathBuf),
    /// The operating system gave no random bytes.
    Entropy(EntropyError),
}

/// Writes the table of `region` in `data` to the file `to`, in place of what was there; gives what
/// to say.
pub fn write(data: &Path, region: &RegionId, to: &Path) -> Result<String, SnapshotError> {
    // Before the table is read: its lease must not count from later than what it says.
    let made_at = SystemClock.now();
    let mut table = TableBuilder::default();
    let read = store::read_table(data, region, |key| table.add(&key));
    let (epoch, generation) = read
        .map_err(SnapshotError::Open)?
        .ok_or_else(|| SnapshotError::UnknownRegion(region.clone()))?;
    let table = table.finish(epoch, generation, FormatVersion::NEWEST);
    let pages = table.map_err(SnapshotError::Record)?.pages;
    let pages: Vec<Vec<u8>> = pages.into_iter().map(|page| page.bytes).collect();
    let key = signing_key(&data.join(KEY_FILE))?;
    let bytes = seal(&key, made_at.get(), region.as_str(), &pages);
    replace(to, &bytes).map_err(|error| SnapshotError::Io(to.into(), error))?;
    Ok(said(to, generation.get(), &key.public()))
}

fn said(to: &Path, generation: u64, public: &PublicSealKey) -> String {
    let to = to.display();
    format!("sealed generation {generation} in {to}; public_key: {public}")
}

/// The key in this file; a new one if there is no file.
fn signing_key(file: &Path) -> Result<SealKey, SnapshotError> {
    let io = |error| SnapshotError::Io(file.into(), error);
    let text = match fs::read_to_string(file) {
        Ok(text) => Zeroizing::new(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => draw(file)?,
        Err(error) => return Err(io(error)),
    };
    let wrong = || SnapshotError::Key(file.into());
    // A seed is written as a public key is: 32 bytes.
    let seed = PublicSealKey::parse(text.trim()).ok_or_else(wrong)?;
    Ok(SealKey::from_seed(seed.to_bytes()))
}

fn draw(file: &Path) -> Result<Zeroizing<String>, SnapshotError> {
    let mut seed = Zeroizing::new([0; SEED_BYTES]);
    entropy::fill(seed.as_mut()).map_err(SnapshotError::Entropy)?;
    let text = Zeroizing::new(base16ct::lower::encode_string(seed.as_slice()));
    let made = OpenOptions::new()
        .create_new(true)
        .write(true)
        .mode(0o600)
        .open(file);
    made.and_then(|mut made| {
        made.write_all(text.as_bytes())?;
        made.sync_all()
    })
    .map_err(|error| SnapshotError::Io(file.into(), error))?;
    Ok(text)
}

/// Envoy, another user, has to read it; nothing in it is a secret of a key.
fn replace(to: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut name = to.as_os_str().to_owned();
    name.push(".new");
    let draft = PathBuf::from(name);
    let mut file = File::create(&draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&draft, to)
}

// === impl SnapshotError ===

impl fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open(error) => error.fmt(f),
            Self::UnknownRegion(region) => write!(f, "there is no region {region}"),
            Self::Record(_) => f.write_str("a key does not fit into a record"),
            Self::Io(path, _) => write!(f, "cannot read or write {}", path.display()),
            Self::Key(path) => write!(
                f,
                "{} does not hold 64 hexadecimal digits: put it back from a backup, or remove it and \
                 give Envoys the new public key",
                path.display()
            ),
            Self::Entropy(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for SnapshotError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Open(error) => error.source(),
            Self::Record(error) => Some(error),
            Self::Io(_, error) => Some(error),
            Self::UnknownRegion(_) | Self::Key(_) | Self::Entropy(_) => None,
        }
    }
}
