//! Writes down Envoys before their first answer, many in one transaction if many come at once.
//!
//! Does not say who is new, and does not try again. Invariant: when [`EnvoyWriter::write`] gives true,
//! the Envoy is on the disk.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use actix_web::web;

use crate::store::{Newcomer, Store};

/// What is to be written. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct EnvoyWriter(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Store,
    waiting: Mutex<Batch>,
    /// Whoever holds it writes.
    turn: Mutex<()>,
}

/// Those that are written together.
#[derive(Debug, Default)]
struct Batch {
    newcomers: Vec<Newcomer>,
    /// Whether they are on the disk, once that was tried.
    is_written: Arc<OnceLock<bool>>,
}

impl EnvoyWriter {
    pub(super) fn new(store: Store) -> Self {
        Self(Arc::new(Inner {
            store,
            waiting: Mutex::default(),
            turn: Mutex::default(),
        }))
    }

    /// Writes down an Envoy; whether it is on the disk. If not, that was logged.
    pub(super) async fn write(&self, newcomer: Newcomer) -> bool {
        let is_written = {
            let mut waiting = lock(&self.0.waiting);
            waiting.newcomers.push(newcomer);
            Arc::clone(&waiting.is_written)
        };
        let inner = Arc::clone(&self.0);
        let written = web::block(move || inner.write(&is_written)).await;
        written.unwrap_or_else(|error| {
            log::error!("an Envoy could not be remembered: {error}");
            false
        })
    }
}

impl Inner {
    /// Writes all that wait, unless somebody has written this batch.
    fn write(&self, is_written: &OnceLock<bool>) -> bool {
        let _turn = lock(&self.turn);
        *is_written.get_or_init(|| {
            // A batch that was not tried yet is the one that waits.
            let batch = std::mem::take(&mut *lock(&self.waiting));
            let outcome = self.store.remember_newcomers(&batch.newcomers);
            if let Err(error) = &outcome {
                log::error!("Envoys could not be remembered: {error}");
            }
            outcome.is_ok()
        })
    }
}

/// A panic while the lock was held left whole rows behind.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
