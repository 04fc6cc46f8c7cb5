//! The feed's credential: the header value that Envoy adds to every request of its agent.
//!
//! Does not tell agents apart: one credential is for all of them. Invariant: the comparison takes
//! the same time wherever a wrong value differs, and the value itself is not kept.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

/// Shortest credential behind `Bearer `, in characters.
const TOKEN_CHARS_MIN: usize = 16;

/// Permissions of whoever is neither owner nor of the group.
const EVERYBODY: u32 = 0o007;

/// The hash of the header value that agents have to send.
#[derive(Clone)]
pub struct FeedToken([u8; 32]);

/// Why a file does not hold a feed token.
#[derive(Debug)]
pub enum FeedTokenError {
    /// The file cannot be read.
    Io(PathBuf, io::Error),
    /// Everybody on the machine can read it.
    OpenToOthers(PathBuf),
    /// Its contents are no header value.
    Form(PathBuf),
}

impl FeedToken {
    /// Reads the whole header value, `Bearer <token>`, from a file; a line end behind it is cut. A group
    /// may read it, for Envoy has to and may run as another user; everybody may not.
    pub fn from_file(path: &Path) -> Result<Self, FeedTokenError> {
        let failed = |error| FeedTokenError::Io(path.into(), error);
        let mut file = File::open(path).map_err(failed)?;
        let mode = file.metadata().map_err(failed)?.permissions().mode();
        if mode & EVERYBODY != 0 {
            return Err(FeedTokenError::OpenToOthers(path.into()));
        }
        let mut text = Zeroizing::new(String::new());
        file.read_to_string(&mut text).map_err(failed)?;
        let value = text.trim_end_matches(['\r', '\n']);
        Self::parse(value).ok_or_else(|| FeedTokenError::Form(path.into()))
    }

    /// Takes a header value; `None` if it is no `Bearer` with a token of some length.
    pub fn parse(value: &str) -> Option<Self> {
        let token = value.strip_prefix("Bearer ")?;
        let visible = token.bytes().all(|b| b.is_ascii_graphic());
        (visible && token.len() >= TOKEN_CHARS_MIN).then(|| Self(digest(value.as_bytes())))
    }

    /// Whether a header value is the right one.
    pub fn admits(&self, value: &[u8]) -> bool {
        self.0.ct_eq(&digest(value)).into()
    }
}

fn digest(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

// === impl FeedToken ===

impl fmt::Debug for FeedToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FeedToken(..)")
    }
}

// === impl FeedTokenError ===

impl fmt::Display for FeedTokenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(path, _) => write!(f, "cannot read the feed token file {}", path.display()),
            Self::OpenToOthers(path) => write!(
                f,
                "{0} can be read by everybody on this machine: `chmod 600 {0}`, or 640 with a group \
                 of its own if Envoy runs as another user",
                path.display()
            ),
            Self::Form(path) => write!(
                f,
                "{} does not hold a feed token: write `Bearer ` and at least {TOKEN_CHARS_MIN} \
                 visible characters into it, one line",
                path.display()
            ),
        }
    }
}

impl std::error::Error for FeedTokenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(_, source) => Some(source),
            Self::OpenToOthers(_) | Self::Form(_) => None,
        }
    }
}
