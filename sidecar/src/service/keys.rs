//! What is done with keys, whoever asks for it: the REST API and the cloud API call the same.
//!
//! Does not read requests or write answers. Invariant: the rules, the audit and the wait for the
//! Envoys are here and in the store, so that no way in can do with less.

use keytable::{AccountId, KeyHash, KeyId, PresentedKey};
use zeroize::Zeroizing;

use crate::domain::act::Act;
use crate::domain::audit::AuditAction;
use crate::domain::clock::UnixMillis;
use crate::domain::key::{Key, KeyEdit, NewKey};
use crate::domain::origin::Origin;
use crate::domain::rotation::Grace;
use crate::domain::secrets::entropy;
use crate::domain::secrets::sealed::Sealed;
use crate::domain::secrets::secret::Secret;
use crate::http::problem::Problem;
use crate::service::App;
use crate::service::caller::{Caller, Purpose};
use crate::store::{
    self, CreateOptions, IdempotencyRecord, Idempotent, IdempotentCall, Minted, Rotated, Store,
    Stored, Target,
};
use crate::telemetry::Line;

impl App {
    /// Makes a key and its value, or finds what the same call made before.
    pub(crate) async fn make_key(
        &self,
        caller: &Caller,
        new: NewKey,
        allow_unlisted: bool,
        once: Option<IdempotentCall>,
        act: Act,
    ) -> Result<(Stored<Key>, Zeroizing<String>), Problem> {
        let options = CreateOptions {
            action: AuditAction::KeyCreated,
            allow_unlisted,
        };
        let secret = Secret::mint(&self.key_prefix.of_origin(new.origin))?;
        let minted = self.minted(&secret, new.origin, caller, act.at)?;
        let once = self.with_secret(once, minted.id.as_str(), secret.as_str())?;
        let outcome = self
            .store(move |store| store.insert(new, minted, &options, once.as_ref(), &act))
            .await?;
        match outcome {
            Idempotent::Done(stored) => Ok((stored, secret.reveal())),
            Idempotent::Repeated(earlier) => {
                let value = self.earlier_secret(&earlier)?;
                Ok((self.stored_before(caller, earlier).await?, value))
            }
        }
    }

    /// Takes in a key with the value that it has elsewhere, or finds what the same call took in
    /// before.
    pub(crate) async fn import_key(
        &self,
        caller: &Caller,
        (new, secret): (NewKey, Secret),
        allow_unlisted: bool,
        once: Option<IdempotentCall>,
        act: Act,
    ) -> Result<Stored<Key>, Problem> {
        let minted = self.minted(&secret, new.origin, caller, act.at)?;
        let options = CreateOptions {
            action: AuditAction::KeyImported,
            allow_unlisted,
        };
        let outcome = self
            .store(move |store| store.insert(new, minted, &options, once.as_ref(), &act))
            .await?;
        match outcome {
            Idempotent::Done(stored) => Ok(stored),
            Idempotent::Repeated(earlier) => self.stored_before(caller, earlier).await,
        }
    }

    /// Changes a key.
    pub(crate) async fn edit_key(
        &self,
        target: Target,
        edit: KeyEdit,
        allow_unlisted: bool,
        act: Act,
    ) -> Result<Stored<Key>, Problem> {
        self.store(move |store| store.edit(&target, edit, allow_unlisted, &act))
            .await
    }

    /// Deletes a key for good; `confirm` must be its name. Gives when, too.
    pub(crate) async fn delete_key(
        &self,
        caller: &Caller,
        target: Target,
        confirm: Option<String>,
    ) -> Result<(Stored<Key>, UnixMillis), Problem> {
        let (wanted, name) = (target.clone(), confirm.clone());
        self.store(move |store| store.check_delete(&wanted, name.as_deref()))
            .await?;
        caller
            .require_verification(self, Purpose::KeyDelete)
            .await?;
        let act = caller.act(self.clock.now());
        let at = act.at;
        let stored = self
            .store(move |store| store.delete(&target, confirm.as_deref(), &act))
            .await?;
        Ok((stored, at))
    }

    /// Shows the value of a key; a `confirm` that is given must be its name.
    pub(crate) async fn reveal_key(
        &self,
        caller: &Caller,
        target: Target,
        confirm: Option<String>,
    ) -> Result<(Key, Zeroizing<String>), Problem> {
        let wanted = target.clone();
        self.store(move |store| store.check_reveal(&wanted, confirm.as_deref()))
            .await?;
        let act = caller.act(self.clock.now());
        self.reveals.count(&act)?;
        caller
            .require_verification(self, Purpose::KeyReveal)
            .await?;
        let (key, sealed) = self.store(move |store| store.reveal(&target, &act)).await?;
        let place = store::value_place(key.id.as_str(), key.key_version);
        let opened = self.keyring.open(&place, &sealed)?;
        let value = std::str::from_utf8(opened.as_bytes());
        let value = value.map_err(|error| Problem::internal(&error))?;
        let value = Zeroizing::new(value.to_owned());
        Ok((key, value))
    }

    /// Finds the key that has a value, in this account if one is named.
    pub(crate) async fn look_up_key(
        &self,
        caller: &Caller,
        account: Option<AccountId>,
        secret: Secret,
    ) -> Result<Key, Problem> {
        let act = caller.act(self.clock.now());
        let hash = secret.hash();
        let found = self.store(move |store| store.look_up(account.as_ref(), &hash, &act));
        found.await?.ok_or_else(no_key)
    }

    /// Gives a key a successor with a value of its own, or finds what the same call made before;
    /// the key itself works until `grace` is over.
    pub(crate) async fn rotate_key(
        &self,
        caller: &Caller,
        target: Target,
        grace: Grace,
        once: Option<IdempotentCall>,
    ) -> Result<(Stored<Rotated>, Zeroizing<String>), Problem> {
        let act = caller.act(self.clock.now());
        let wanted = target.clone();
        let key = self.store(move |store| store.get(&wanted)).await?;
        let secret = Secret::mint(&self.key_prefix.of_origin(key.origin))?;
        let minted = Minted {
            predecessor: Some(key.id),
            ..self.minted(&secret, key.origin, caller, act.at)?
        };
        let once = self.with_secret(once, minted.id.as_str(), secret.as_str())?;
        let outcome = self
            .store(move |store| store.rotate(&target, minted, grace, once.as_ref(), &act))
            .await?;
        match outcome {
            Idempotent::Done(rotated) => Ok((rotated, secret.reveal())),
            Idempotent::Repeated(earlier) => {
                let value = self.earlier_secret(&earlier)?;
                let made = target_before(caller, &earlier.target)?;
                let found = move |store: &Store| earlier.found(store.rotated(&made));
                Ok((self.store(found).await?, value))
            }
        }
    }

    /// Ends the grace of a key that has a successor.
    pub(crate) async fn end_grace(
        &self,
        caller: &Caller,
        target: Target,
    ) -> Result<Stored<Key>, Problem> {
        let act = caller.act(self.clock.now());
        self.store(move |store| store.end_grace(&target, &act))
            .await
    }

    /// Gives a plan key a new value, or finds what the same call has done before.
    pub(crate) async fn reset_key(
        &self,
        caller: &Caller,
        mut target: Target,
        once: Option<IdempotentCall>,
    ) -> Result<(Stored<Key>, Zeroizing<String>), Problem> {
        let act = caller.act(self.clock.now());
        let wanted = target.clone();
        let key = self.store(move |store| store.get(&wanted)).await?;
        // The value is sealed for the version behind this one: another change in between is refused.
        target.revisions.get_or_insert_with(|| vec![key.revision]);
        let secret = Secret::mint(&self.key_prefix.of_origin(key.origin))?;
        let version = key.key_version.saturating_add(1);
        let minted = Minted {
            sealed: self.sealed(&secret, key.id.as_str(), version)?,
            ..self.minted(&secret, key.origin, caller, act.at)?
        };
        let once = self.with_secret(once, key.id.as_str(), secret.as_str())?;
        let outcome = self
            .store(move |store| store.reset(&target, &minted, once.as_ref(), &act))
            .await?;
        match outcome {
            Idempotent::Done(stored) => Ok((stored, secret.reveal())),
            Idempotent::Repeated(earlier) => {
                let value = self.earlier_secret(&earlier)?;
                let stored = self.stored_before(caller, earlier).await?;
                require_current(&value, &stored.value)?;
                Ok((stored, value))
            }
        }
    }

    /// What a value adds to a new key: an id, its hash and mask, and the sealed value unless
    /// nothing recoverable may be stored.
    fn minted(
        &self,
        secret: &Secret,
        origin: Origin,
        caller: &Caller,
        now: UnixMillis,
    ) -> Result<Minted, Problem> {
        let id = entropy::new_key_id(origin, now)?;
        Ok(Minted {
            sealed: self.sealed(secret, id.as_str(), 1)?,
            id,
            hash: secret.hash(),
            masked: secret.mask(),
            predecessor: None,
            creator: caller.actor.to_string(),
        })
    }

    /// A value, sealed for the row of its key.
    fn sealed(
        &self,
        secret: &Secret,
        id: &str,
        key_version: u32,
    ) -> Result<Option<Sealed>, Problem> {
        if !self.recoverable {
            return Ok(None);
        }
        let place = store::value_place(id, key_version);
        let sealed = self.keyring.seal(&place, secret.as_str().as_bytes());
        Ok(Some(sealed?))
    }

    /// A key that an earlier call has made, at the newest generation.
    async fn stored_before(
        &self,
        caller: &Caller,
        earlier: IdempotencyRecord,
    ) -> Result<Stored<Key>, Problem> {
        let target = target_before(caller, &earlier.target)?;
        self.store(move |store| {
            Ok(Stored {
                value: earlier.found(store.get(&target))?,
                generation: store.generation()?,
            })
        })
        .await
    }
}

/// A key that an earlier call has made.
fn target_before(caller: &Caller, id: &str) -> Result<Target, Problem> {
    Ok(Target {
        id: key_id(id)?,
        account: caller.account.clone(),
        revisions: None,
    })
}

/// Refuses a value that a later reset has ended.
fn require_current(value: &str, key: &Key) -> Result<(), Problem> {
    let presented = PresentedKey::parse(value.as_bytes()).ok();
    match presented.is_some_and(|presented| KeyHash::of(&presented) == key.hash) {
        true => Ok(()),
        false => Err(Problem::conflict(
            "already-done",
            "this call has reset the key already, and it was reset again since",
        )),
    }
}

/// A text that cannot be an id is the id of no key.
pub(crate) fn key_id(text: &str) -> Result<KeyId, Problem> {
    KeyId::parse(text).map_err(|_| no_key())
}

/// The refusal of a key that is not there, or not for the caller.
pub(crate) fn no_key() -> Problem {
    Problem::not_found("there is no such key")
}

/// Logs what was done to a key, and by which request.
pub(crate) fn log_change(request_id: &str, what: &str, key: &Key) {
    Line::info(&format!("key {what}"))
        .field("key_id", key.id.to_string())
        .field("account", key.account.to_string())
        .field("region", key.region.to_string())
        .field("request_id", request_id.to_owned())
        .write();
}
