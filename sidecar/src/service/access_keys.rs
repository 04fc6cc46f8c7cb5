//! What is done with access keys: how clients of the cloud API sign their requests.
//!
//! Does not check signatures. Invariant: the secret key is stored sealed, and shown to whoever makes
//! it alone.

use keytable::AccountId;
use serde_json::json;
use zeroize::Zeroizing;

use crate::domain::audit::AuditAction;
use crate::domain::clock::UnixMillis;
use crate::domain::identity::access_key::{self, AccessKey, SecretKey, Signer};
use crate::domain::identity::rights::Rights;
use crate::domain::name::KeyName;
use crate::domain::secrets::sealed::{SealContext, Sealed};
use crate::domain::status::{status_of, status_word};
use crate::http::problem::Problem;
use crate::service::App;
use crate::service::caller::{Caller, Purpose};
use crate::store::{IdempotentCall, RowTarget};

/// What an access key is to be.
#[derive(Debug)]
pub(crate) struct NewAccessKey {
    pub(crate) account: AccountId,
    pub(crate) name: KeyName,
    /// Whose it will be; `None`: the caller's.
    pub(crate) user: Option<String>,
}

impl App {
    /// Makes an access key, or finds what the same call made before; with its secret key.
    pub(crate) async fn make_access_key(
        &self,
        caller: &Caller,
        new: NewAccessKey,
        once: Option<IdempotentCall>,
    ) -> Result<(AccessKey, Zeroizing<String>), Problem> {
        caller.require_verification(self, Purpose::Mint).await?;
        let act = caller.act(self.clock.now());
        let secret = SecretKey::draw()?;
        let key = self.minted_access_key(new, &secret, caller, act.at)?;
        caller.rights().cover(&rights_of(&key))?;
        let once = self.with_secret(once, &key.id, secret.reveal())?;
        let detail = json!({"name": key.name.as_str(), "user": key.user});
        let account = Some(&key.account);
        let entry = act.entry(AuditAction::AccessKeyCreated, account, &key.id, detail);
        let value = Zeroizing::new(secret.reveal().to_owned());
        self.made_once_with_secret(key, value, move |store, key| {
            store.insert_access_key(key, once.as_ref(), &entry)
        })
        .await
    }

    /// Enables or disables an access key.
    pub(crate) async fn switch_access_key(
        &self,
        caller: &Caller,
        target: RowTarget,
        enabled: bool,
    ) -> Result<AccessKey, Problem> {
        let act = caller.act(self.clock.now());
        let rights = caller.rights();
        self.store(move |store| {
            store.switch_access_key(&target, enabled, |key| {
                if enabled {
                    rights.cover(&rights_of(key))?;
                }
                let detail = json!({"status": status_word(status_of(enabled))});
                let account = Some(&key.account);
                Ok(act.entry(AuditAction::AccessKeyEdited, account, &key.id, detail))
            })
        })
        .await
    }

    /// Deletes an access key; gives when, too.
    pub(crate) async fn delete_access_key(
        &self,
        caller: &Caller,
        target: RowTarget,
    ) -> Result<(AccessKey, UnixMillis), Problem> {
        self.delete_row(caller, target, |act, key: &AccessKey| {
            let detail = json!({"name": key.name.as_str()});
            let account = Some(&key.account);
            act.entry(AuditAction::AccessKeyDeleted, account, &key.id, detail)
        })
        .await
    }

    /// The access key that may sign, what it may do and its secret key, to check a signature;
    /// `None`: there is none, or it or its user is disabled.
    pub(crate) async fn signer(
        &self,
        id: &str,
    ) -> Result<Option<(Signer, Zeroizing<Vec<u8>>)>, Problem> {
        let wanted = id.to_owned();
        let found = self.store(move |store| store.signer(&wanted)).await?;
        let Some(signer) = found else {
            return Ok(None);
        };
        let key = &signer.key;
        let opened = self.keyring.open(&context(&key.id), &key.secret);
        let opened = opened.map_err(|error| Problem::internal(&error))?;
        let secret = Zeroizing::new(opened.as_bytes().to_vec());
        Ok(Some((signer, secret)))
    }

    fn minted_access_key(
        &self,
        new: NewAccessKey,
        secret: &SecretKey,
        caller: &Caller,
        now: UnixMillis,
    ) -> Result<AccessKey, Problem> {
        let id = access_key::new_secret_id()?;
        Ok(AccessKey {
            secret: self.seal_access_key(&id, secret)?,
            id,
            account: new.account,
            name: new.name,
            enabled: true,
            user: new.user.or_else(|| caller.user.clone()),
            maker: caller.user.clone(),
            capabilities: caller.capabilities,
            creator: caller.actor.to_string(),
            created_at: now,
            updated_at: now,
            revision: 1,
        })
    }

    fn seal_access_key(&self, id: &str, secret: &SecretKey) -> Result<Sealed, Problem> {
        let sealed = self.keyring.seal(&context(id), secret.reveal().as_bytes());
        sealed.map_err(|error| Problem::internal(&error))
    }
}

/// What whoever holds the secret can do.
fn rights_of(key: &AccessKey) -> Rights {
    Rights {
        capabilities: key.capabilities,
        account: Some(key.account.clone()),
        ends_at: None,
    }
}

fn context(id: &str) -> SealContext<'_> {
    SealContext {
        table: "access_keys",
        row: id,
        column: "secret",
        key_version: 1,
    }
}
