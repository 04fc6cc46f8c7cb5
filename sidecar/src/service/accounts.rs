//! What is done with accounts.
//!
//! Does not count their keys. Invariant: whoever is bound to an account reaches that one alone.

use keytable::{AccountId, Limits};
use serde_json::{Value, json};

use crate::domain::audit::AuditAction;
use crate::domain::clock::UnixMillis;
use crate::domain::identity::account::{Account, AccountEdit};
use crate::domain::limit;
use crate::domain::name::KeyName;
use crate::domain::status::status_word;
use crate::http::problem::Problem;
use crate::service::App;
use crate::service::caller::{AccountAccess, Caller};
use crate::store::{Idempotent, IdempotentCall, Stored};

impl Caller {
    /// The account that a path names, if the caller may know it.
    pub(crate) fn named_account(&self, id: &str) -> Result<AccountId, Problem> {
        let unknown = || Problem::not_found("there is no such account");
        AccountId::parse(id).map_err(|_| unknown())?;
        match self.account_for(Some(id))? {
            AccountAccess::One(account) => Ok(account),
            AccountAccess::Every => Err(unknown()),
        }
    }
}

/// Limits as the audit tells them.
fn shown_limits(limits: &Limits) -> Value {
    limits.iter().map(limit::shown).collect()
}

impl App {
    /// At most `limit` accounts that the caller may act in, behind the one called `after`.
    pub(crate) async fn accounts(
        &self,
        caller: &Caller,
        after: String,
        limit: usize,
    ) -> Result<Vec<Account>, Problem> {
        let access = caller.account_for(None)?;
        self.store(move |store| match access.account() {
            Some(account) => store.account(account).map(|account| vec![account]),
            None => store.accounts(&after, limit),
        })
        .await
    }

    /// Finds an account.
    pub(crate) async fn account(&self, id: AccountId) -> Result<Account, Problem> {
        self.store(move |store| store.account(&id)).await
    }

    /// Makes an account, or finds what the same call made before.
    pub(crate) async fn make_account(
        &self,
        caller: &Caller,
        (id, name): (AccountId, KeyName),
        once: Option<IdempotentCall>,
    ) -> Result<Account, Problem> {
        let detail = json!({"name": name.as_str()});
        let act = caller.act(self.clock.now());
        let entry = act.entry(AuditAction::AccountCreated, Some(&id), id.as_str(), detail);
        self.store(
            move |store| match store.insert_account(&id, &name, once.as_ref(), &entry)? {
                Idempotent::Done(account) => Ok(account),
                Idempotent::Repeated(earlier) => earlier.found(store.account(&id)),
            },
        )
        .await
    }

    /// Changes an account that has one of these revisions.
    pub(crate) async fn edit_account(
        &self,
        caller: &Caller,
        id: AccountId,
        revisions: Option<Vec<u64>>,
        edit: AccountEdit,
    ) -> Result<Stored<Account>, Problem> {
        let detail = json!({
            "name": edit.name.as_ref().map(KeyName::as_str),
            "status": edit.status.map(status_word),
            "key_limit": edit.key_limit,
            "limits": edit.limits.as_ref().map(shown_limits),
        });
        let act = caller.act(self.clock.now());
        let entry = act.entry(AuditAction::AccountEdited, Some(&id), id.as_str(), detail);
        self.store(move |store| store.edit_account(&id, revisions.as_deref(), &edit, &entry))
            .await
    }

    /// Deletes an account that has one of these revisions and in which nothing is left; says when.
    pub(crate) async fn delete_account(
        &self,
        caller: &Caller,
        id: AccountId,
        revisions: Option<Vec<u64>>,
    ) -> Result<UnixMillis, Problem> {
        let act = caller.act(self.clock.now());
        let entry = act.entry(
            AuditAction::AccountDeleted,
            Some(&id),
            id.as_str(),
            json!({}),
        );
        self.store(move |store| store.delete_account(&id, revisions.as_deref(), &entry))
            .await?;
        Ok(act.at)
    }

    /// How many standard keys an account may have.
    pub(crate) fn key_limit(&self, account: &Account) -> u64 {
        let default = || self.store.key_limit_default();
        account.key_limit.unwrap_or_else(default)
    }
}
