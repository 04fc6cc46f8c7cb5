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

use keytable::limits::SIGNED_TABLE_BYTES_MAX;
use keytable::signed::sign;
use keytable::{FormatVersion, RecordError, SignedTableError, SigningKey, VerifyingKey};
use zeroize::Zeroizing;

use crate::compile::TableBuilder;
use crate::domain::clock::{Clock, SystemClock};
use crate::domain::region::RegionId;
use crate::domain::secrets::entropy::{self, EntropyError};
use crate::domain::table_entry::TableEntry;
use crate::store::{self, OpenError, StorePlace};

/// The file of the signing key, in the data directory: 64 hexadecimal digits.
const KEY_FILE: &str = "seal-key";
const SEED_BYTES: usize = 32;
/// From this size on, whoever makes the file is warned.
const BYTES_WARNED: usize = SIGNED_TABLE_BYTES_MAX / 10 * 8;

/// What to do about a table that is too large.
const TOO_MANY_KEYS: &str = "delete keys that have expired or that nobody uses \
                             (GET /v1/recommendations names them), or use a further region";

/// Why there is no new file.
#[derive(Debug)]
pub enum SnapshotError {
    /// The database cannot be used.
    Open(OpenError),
    /// The region does not exist.
    UnknownRegion(RegionId),
    /// A key does not fit into a record.
    Record(RecordError),
    /// No Envoy could start from it.
    TooLarge {
        /// Whose table.
        region: RegionId,
        /// How many keys it has.
        keys: usize,
        /// Why.
        source: SignedTableError,
        /// The file that stays as it was.
        to: PathBuf,
    },
    /// A file cannot be read or written.
    Io(PathBuf, io::Error),
    /// The file of the signing key holds something else.
    Key(PathBuf),
    /// The operating system gave no random bytes.
    Entropy(EntropyError),
}

/// Writes the table of `region` to the file `to`, in place of what was there, signed with the key in `data`;
/// gives what to say.
pub fn write(
    place: &StorePlace,
    data: &Path,
    region: &RegionId,
    to: &Path,
) -> Result<String, SnapshotError> {
    // Before the table is read: its lease must not count from later than what it says.
    let made_at = SystemClock.now();
    let mut table = TableBuilder::default();
    let mut keys = 0;
    let read = store::read_table(place, region, made_at, |entry| {
        keys += usize::from(matches!(entry, TableEntry::Key(_)));
        table.add(&entry);
    });
    let (epoch, generation) = read
        .map_err(SnapshotError::Open)?
        .ok_or_else(|| SnapshotError::UnknownRegion(region.clone()))?;
    let table = table.finish(epoch, generation, FormatVersion::NEWEST);
    let pages = table.map_err(SnapshotError::Record)?.pages;
    let pages: Vec<Vec<u8>> = pages.into_iter().map(|page| page.bytes).collect();
    let key = signing_key(&data.join(KEY_FILE))?;
    let bytes = sign(&key, made_at.get(), region.as_str(), &pages);
    let bytes = bytes.map_err(|source| SnapshotError::TooLarge {
        region: region.clone(),
        keys,
        source,
        to: to.into(),
    })?;
    replace(to, &bytes).map_err(|error| SnapshotError::Io(to.into(), error))?;
    let warning = warning(keys, bytes.len());
    let (to, generation, public) = (to.display(), generation.get(), key.public());
    Ok(format!(
        "{warning}signed generation {generation} in {to}; public_key: {public}"
    ))
}

/// Said before it is too late: a region grows.
fn warning(keys: usize, bytes: usize) -> String {
    match bytes {
        0..BYTES_WARNED => String::new(),
        _ => format!(
            "warning: {keys} keys take {bytes} bytes, and an Envoy can start from \
             {SIGNED_TABLE_BYTES_MAX} at most: {TOO_MANY_KEYS}\n"
        ),
    }
}

/// The key in this file; a new one if there is no file.
fn signing_key(file: &Path) -> Result<SigningKey, SnapshotError> {
    let io = |error| SnapshotError::Io(file.into(), error);
    let text = match fs::read_to_string(file) {
        Ok(text) => Zeroizing::new(text),
        Err(error) if error.kind() == io::ErrorKind::NotFound => draw(file)?,
        Err(error) => return Err(io(error)),
    };
    let wrong = || SnapshotError::Key(file.into());
    // A seed is written as a public key is: 32 bytes.
    let seed = VerifyingKey::parse(text.trim()).ok_or_else(wrong)?;
    Ok(SigningKey::from_seed(seed.to_bytes()))
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
            Self::TooLarge {
                region,
                keys,
                source,
                to,
            } => write!(
                f,
                "the table of region {region} with its {keys} keys cannot be signed: {source}; {} stays \
                 as it was: {TOO_MANY_KEYS}",
                to.display()
            ),
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
            Self::UnknownRegion(_) | Self::TooLarge { .. } => None,
            Self::Key(_) | Self::Entropy(_) => None,
        }
    }
}
