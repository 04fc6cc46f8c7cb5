//! Writes down Envoys before their first answer, many in one transaction if many come at once.
//!
//! Does not say who is new. Invariant: when [`Register::write`] returns, the Envoy is on the disk,
//! unless the disk failed, which is logged.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use actix_web::web;

use crate::store::{Newcomer, Store};

/// What is to be written. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Register(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Store,
    waiting: Mutex<Waiting>,
    /// How many were written. Whoever holds it writes.
    written: Mutex<u64>,
}

#[derive(Debug, Default)]
struct Waiting {
    newcomers: Vec<Newcomer>,
    /// How many came, from the beginning on.
    came: u64,
}

impl Register {
    pub(super) fn new(store: Store) -> Self {
        Self(Arc::new(Inner {
            store,
            waiting: Mutex::default(),
            written: Mutex::new(0),
        }))
    }

    /// Writes down an Envoy. If that fails it is served all the same: it would refuse all traffic
    /// for want of a table, and this process knows it.
    pub(super) async fn write(&self, newcomer: Newcomer) {
        let number = {
            let mut waiting = lock(&self.0.waiting);
            waiting.newcomers.push(newcomer);
            waiting.came += 1;
            waiting.came
        };
        let inner = Arc::clone(&self.0);
        if let Err(error) = web::block(move || inner.write_up_to(number)).await {
            log::error!("an Envoy could not be remembered: {error}");
        }
    }
}

impl Inner {
    /// Writes all that wait, unless somebody has written this one with others.
    fn write_up_to(&self, number: u64) {
        let mut written = lock(&self.written);
        if *written >= number {
            return;
        }
        let newcomers = std::mem::take(&mut lock(&self.waiting).newcomers);
        if let Err(error) = self.store.remember_newcomers(&newcomers) {
            log::error!("Envoys could not be remembered: {error}");
        }
        *written += u64::try_from(newcomers.len()).unwrap_or(0);
    }
}

/// A panic while the lock was held left whole rows behind.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
