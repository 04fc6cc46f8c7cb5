//! Calls that are to be carried out once: the same `Idempotency-Key` gets the same outcome.
//!
//! Does not carry anything out. Invariant: what was made and that it was made are one
//! transaction, so that a call that is repeated after a crash makes nothing twice.

use keytable::KeyId;

use crate::domain::audit::{Actor, AuditEntry};
use crate::domain::clock::UnixMillis;
use crate::domain::secrets::sealed::Sealed;
use crate::store::error::StoreError;
use crate::store::row::integer;
use crate::store::sql::{Connection, OptionalExtension, params};
use crate::store::{ChangeEntry, Store, Stored, audit};

/// How long an outcome is remembered, in milliseconds: a day.
const KEPT_MS: u64 = 24 * 60 * 60 * 1000;

/// A call that is to be carried out once.
#[derive(Clone, Debug)]
pub struct IdempotentCall {
    /// Who calls: keys of different callers have nothing to do with each other.
    pub caller: String,
    /// The caller's `Idempotency-Key`.
    pub key: String,
    /// A hash of the call: the same key for another call is refused.
    pub fingerprint: [u8; 32],
    /// The secret that the answer shows, sealed; `None`: it is shown once only.
    pub secret: Option<Sealed>,
}

/// What an earlier call with the same key has made.
#[derive(Clone, Debug)]
pub struct IdempotencyRecord {
    /// The id of what was made.
    pub target: String,
    /// The secret that its answer showed, sealed.
    pub secret: Option<Sealed>,
}

impl IdempotencyRecord {
    /// What was made, as it is found now; said to be gone if it is not there any more.
    pub fn found<T>(&self, found: Result<T, StoreError>) -> Result<T, StoreError> {
        match found {
            Err(StoreError::NotFound | StoreError::Unknown(_)) => {
                Err(StoreError::MadeAndGone(self.target.clone()))
            }
            found => found,
        }
    }
}

/// What became of a call that makes something.
#[derive(Debug)]
pub enum Idempotent<T> {
    /// It was made now.
    Done(T),
    /// It had been made before.
    Repeated(IdempotencyRecord),
}

impl Store {
    /// Makes something that Envoys need not know of, unless an earlier call has made it; `entry` has
    /// its id and is written down with it.
    pub(super) fn make_once<T>(
        &self,
        once: Option<&IdempotentCall>,
        entry: &AuditEntry,
        make: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<Idempotent<T>, StoreError> {
        self.write(|transaction| {
            if let Some(earlier) = earlier(transaction, once, entry.at)? {
                return Ok(Idempotent::Repeated(earlier));
            }
            let made = make(transaction)?;
            remember(transaction, once, &entry.target, entry.at)?;
            audit::append(transaction, entry)?;
            Ok(Idempotent::Done(made))
        })
    }

    /// Runs one change of some keys, unless an earlier call has carried it out; `work` gives the id
    /// of what it makes, too.
    pub(super) fn change_once<T>(
        &self,
        once: Option<&IdempotentCall>,
        now: UnixMillis,
        work: impl FnOnce(&Connection) -> Result<(T, KeyId, Vec<ChangeEntry>), StoreError>,
    ) -> Result<Idempotent<Stored<T>>, StoreError> {
        let stored = self.change(|connection| {
            if let Some(earlier) = earlier(connection, once, now)? {
                return Ok((Idempotent::Repeated(earlier), Vec::new()));
            }
            let (value, id, changes) = work(connection)?;
            remember(connection, once, id.as_str(), now)?;
            Ok((Idempotent::Done(value), changes))
        })?;
        let generation = stored.generation;
        Ok(match stored.value {
            Idempotent::Done(value) => Idempotent::Done(Stored { value, generation }),
            Idempotent::Repeated(earlier) => Idempotent::Repeated(earlier),
        })
    }
}

/// What an earlier call has made, if there was one. To be asked first in the transaction.
fn earlier(
    transaction: &Connection,
    once: Option<&IdempotentCall>,
    now: UnixMillis,
) -> Result<Option<IdempotencyRecord>, StoreError> {
    let Some(once) = once else {
        return Ok(None);
    };
    forget(transaction, now)?;
    let found = transaction
        .prepare_cached(
            "SELECT fingerprint, target, secret FROM once WHERE caller = ?1 AND key = ?2",
        )?
        .query_row([&once.caller, &once.key], |row| {
            let fingerprint: [u8; 32] = row.get(0)?;
            let secret: Option<Vec<u8>> = row.get(2)?;
            let target = row.get(1)?;
            let secret = secret.map(Sealed::from_bytes);
            Ok((fingerprint, IdempotencyRecord { target, secret }))
        })
        .optional()?;
    match found {
        Some((fingerprint, _)) if fingerprint != once.fingerprint => Err(StoreError::KeyReused),
        found => Ok(found.map(|(_, earlier)| earlier)),
    }
}

/// Remembers what was made. To be called last in the transaction.
fn remember(
    transaction: &Connection,
    once: Option<&IdempotentCall>,
    target: &str,
    now: UnixMillis,
) -> Result<(), StoreError> {
    let Some(once) = once else {
        return Ok(());
    };
    transaction
        .prepare_cached(
            "INSERT INTO once (caller, key, fingerprint, target, secret, at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            once.caller,
            once.key,
            once.fingerprint,
            target,
            once.secret.as_ref().map(Sealed::as_bytes),
            integer(now.get()),
        ])?;
    Ok(())
}

/// Forgets what a caller has asked for: somebody else may come to have the name.
pub(super) fn forget_caller(transaction: &Connection, caller: &Actor) -> Result<(), StoreError> {
    transaction.execute("DELETE FROM once WHERE caller = ?1", [caller.to_string()])?;
    Ok(())
}

fn forget(transaction: &Connection, now: UnixMillis) -> Result<(), StoreError> {
    transaction
        .prepare_cached("DELETE FROM once WHERE at < ?1")?
        .execute([integer(now.get().saturating_sub(KEPT_MS))])?;
    Ok(())
}
