//! What reached the upstream, byte for byte as far as HTTP has a say in it.
//!
//! It answers nothing. Invariant: all bytes of a body are counted and hashed, and the first
//! [`BODY_KEPT_BYTES`] are kept.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use actix_web::HttpRequest;
use sha2::{Digest, Sha256};

/// How much of a body is kept.
pub const BODY_KEPT_BYTES: usize = 1024 * 1024;

/// A request as it arrived.
#[derive(Clone)]
pub struct Recorded {
    /// When its head had been read.
    pub arrived: Instant,
    /// Method.
    pub method: String,
    /// Path and query as they stood on the request line.
    pub target: String,
    /// Headers, names in lower case, sorted by name; repeated ones in the order of arrival.
    pub headers: Vec<(String, Vec<u8>)>,
    /// Length of the body, in bytes.
    pub body_bytes: u64,
    /// SHA-256 of the body.
    pub body_sha256: [u8; 32],
    /// The first [`BODY_KEPT_BYTES`] of the body.
    pub body: Vec<u8>,
    /// Whether the body has ended as HTTP says it should; false while it arrives and after a cut.
    pub is_complete: bool,
}

/// The requests of one upstream. Clones share them.
#[derive(Clone, Default)]
pub(super) struct Recorder {
    entries: Arc<Mutex<Vec<Entry>>>,
    streams: Arc<AtomicUsize>,
    is_off: Arc<AtomicBool>,
}

/// One request, for the handler that reads its body. Clones share it.
#[derive(Clone)]
pub(super) struct Entry(Arc<Mutex<State>>);

struct State {
    recorded: Recorded,
    hasher: Sha256,
}

/// Counts as an open stream until it is dropped.
#[derive(Debug)]
pub(super) struct OpenStream(Arc<AtomicUsize>);

// === impl Recorded ===

impl Recorded {
    /// The value of the first header of this name (lower case), if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self.headers.iter().find(|(known, _)| known == name)?;
        std::str::from_utf8(value).ok()
    }
}

/// Shows neither header values nor the body: they may hold credentials.
impl fmt::Debug for Recorded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Recorded")
            .field("method", &self.method)
            .field("path", &self.target.split('?').next().unwrap_or_default())
            .field("headers", &names)
            .field("body_bytes", &self.body_bytes)
            .field("is_complete", &self.is_complete)
            .finish_non_exhaustive()
    }
}

// === impl Recorder ===

impl Recorder {
    /// Records the head of a request.
    pub(super) fn open(&self, request: &HttpRequest) -> Entry {
        let recorded = Recorded {
            arrived: Instant::now(),
            method: request.method().to_string(),
            target: request.head().uri.to_string(),
            headers: headers_of(request),
            body_bytes: 0,
            body_sha256: [0; 32],
            body: Vec::new(),
            is_complete: false,
        };
        let entry = Entry(Arc::new(Mutex::new(State {
            recorded,
            hasher: Sha256::new(),
        })));
        if !self.is_off.load(Ordering::SeqCst) {
            lock(&self.entries).push(entry.clone());
        }
        entry
    }

    pub(super) fn requests(&self) -> Vec<Recorded> {
        lock(&self.entries).iter().map(Entry::recorded).collect()
    }

    pub(super) fn count(&self) -> usize {
        lock(&self.entries).len()
    }

    pub(super) fn clear(&self) {
        lock(&self.entries).clear();
    }

    pub(super) fn turn_off(&self) {
        self.is_off.store(true, Ordering::SeqCst);
        self.clear();
    }

    pub(super) fn open_streams(&self) -> usize {
        self.streams.load(Ordering::SeqCst)
    }

    /// Counts a stream for as long as the result lives.
    pub(super) fn stream(&self) -> OpenStream {
        self.streams.fetch_add(1, Ordering::SeqCst);
        OpenStream(self.streams.clone())
    }
}

// === impl Entry ===

impl Entry {
    /// Adds bytes of the body.
    pub(super) fn extend(&self, bytes: &[u8]) {
        let mut state = lock(&self.0);
        state.hasher.update(bytes);
        let recorded = &mut state.recorded;
        recorded.body_bytes = recorded.body_bytes.saturating_add(bytes.len() as u64);
        let room = BODY_KEPT_BYTES.saturating_sub(recorded.body.len());
        recorded.body.extend(bytes.iter().take(room));
    }

    /// The body has ended as it should.
    pub(super) fn complete(&self) {
        lock(&self.0).recorded.is_complete = true;
    }

    /// What has arrived up to now.
    pub(super) fn recorded(&self) -> Recorded {
        let state = lock(&self.0);
        let mut recorded = state.recorded.clone();
        recorded.body_sha256 = state.hasher.clone().finalize().into();
        recorded
    }
}

// === impl OpenStream ===

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

fn headers_of(request: &HttpRequest) -> Vec<(String, Vec<u8>)> {
    let headers = request.headers().iter();
    let mut headers: Vec<_> = headers
        .map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()))
        .collect();
    // The server keeps no order between names; this sort is stable, so repeated ones keep theirs.
    headers.sort_by(|(one, _), (other, _)| one.cmp(other));
    headers
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
