//! How much Envoy holds back for the gate in one worker: bodies whose model is not known yet
//! with the heads before them, and lists of models that are not whole.
//!
//! Does not refuse. Invariants: what is counted is given back when its holder is dropped; the sum
//! stays below its bound, and **a key may hold as much as is left free**: a key by itself half of
//! the bound, and whatever the others do there is something left.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use keytable::KeyHash;

use crate::reply::Refusal;

/// What one worker holds.
#[derive(Debug)]
pub(super) struct HeldTotals {
    bytes_max: usize,
    bytes: Cell<usize>,
    of_keys: RefCell<BTreeMap<[u8; KeyHash::BYTES], usize>>,
}

/// What is held of one request or its answer.
#[derive(Debug)]
pub(super) struct Held {
    totals: Rc<HeldTotals>,
    key_hash: KeyHash,
    /// What is held besides the body.
    head_bytes: usize,
    bytes: usize,
}

// === impl HeldTotals ===

impl HeldTotals {
    pub(super) fn new(bytes_max: usize) -> Rc<Self> {
        Rc::new(Self {
            bytes_max,
            bytes: Cell::new(0),
            of_keys: RefCell::default(),
        })
    }

    /// Counts `more` bytes of a key, if there is room for them.
    fn take(&self, key_hash: &KeyHash, more: usize) -> Option<()> {
        let mut of_keys = self.of_keys.try_borrow_mut().ok()?;
        let bytes = self.bytes.get().checked_add(more)?;
        let left = self.bytes_max.checked_sub(bytes)?;
        let known = of_keys.get(key_hash.as_bytes()).copied().unwrap_or(0);
        let of_key = known.checked_add(more).filter(|of_key| *of_key <= left)?;
        of_keys.insert(*key_hash.as_bytes(), of_key);
        self.bytes.set(bytes);
        Some(())
    }

    fn give_back(&self, key_hash: &KeyHash, less: usize) {
        self.bytes.set(self.bytes.get().saturating_sub(less));
        let Ok(mut of_keys) = self.of_keys.try_borrow_mut() else {
            return;
        };
        if let Some(of_key) = of_keys.get_mut(key_hash.as_bytes()) {
            *of_key = of_key.saturating_sub(less);
            if *of_key == 0 {
                of_keys.remove(key_hash.as_bytes());
            }
        }
    }
}

// === impl Held ===

impl Held {
    /// Nothing so far.
    pub(super) fn new(totals: &Rc<HeldTotals>, key_hash: KeyHash, head_bytes: usize) -> Self {
        Self {
            totals: Rc::clone(totals),
            key_hash,
            head_bytes,
            bytes: 0,
        }
    }

    /// So much of the body is held now.
    pub(super) fn set(&mut self, body_bytes: usize) -> Result<(), Refusal> {
        let bytes = self.head_bytes.saturating_add(body_bytes);
        match bytes.checked_sub(self.bytes) {
            Some(0) => {}
            Some(more) => {
                let taken = self.totals.take(&self.key_hash, more);
                taken.ok_or(Refusal::Busy)?;
            }
            None => self.totals.give_back(&self.key_hash, self.bytes - bytes),
        }
        self.bytes = bytes;
        Ok(())
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.totals.give_back(&self.key_hash, self.bytes);
    }
}
