//! What is done with users: who may log in.
//!
//! Does not know passwords: a new user sets their own with a one-time secret. Invariant: nobody makes,
//! widens or takes over a user who may do more than they may themselves.

use keytable::AccountId;
use serde_json::json;
use zeroize::Zeroizing;

use crate::domain::act::Act;
use crate::domain::audit::{AuditAction, AuditEntry};
use crate::domain::clock::UnixMillis;
use crate::domain::identity::rights::Rights;
use crate::domain::identity::role::Role;
use crate::domain::identity::user::{Setup, User, UserName};
use crate::domain::secrets::entropy;
use crate::domain::secrets::secret::{KeyPrefix, Secret};
use crate::domain::status::{status_of, status_word};
use crate::http::problem::Problem;
use crate::service::App;
use crate::service::caller::{Caller, Purpose};
use crate::store::{Ends, IdempotentCall, RowTarget, StoreError};

/// Who is to be made a user.
#[derive(Debug)]
pub(crate) struct NewUser {
    pub(crate) name: UserName,
    /// `None`: an operator, who is in no account.
    pub(crate) account: Option<AccountId>,
    pub(crate) role: Role,
}

/// A change of a user; `None` leaves a part as it is.
#[derive(Debug)]
pub(crate) struct UserEdit {
    pub(crate) role: Option<Role>,
    pub(crate) enabled: Option<bool>,
}

impl App {
    /// Makes a user, or finds what the same call made before; with the secret that sets a password.
    pub(crate) async fn make_user(
        &self,
        caller: &Caller,
        new: NewUser,
        once: Option<IdempotentCall>,
    ) -> Result<(User, Zeroizing<String>), Problem> {
        let act = caller.act(self.clock.now());
        let secret = Secret::mint(&KeyPrefix::setup())?;
        let user = invited(new, Setup::of(&secret, act.at), &act)?;
        caller.rights().cover(&rights_of(&user))?;
        if user.role != Role::Viewer {
            caller.require_verification(self, Purpose::Mint).await?;
        }
        let value = secret.reveal();
        let once = self.with_secret(once, &user.id, &value)?;
        let detail = json!({"name": user.name.as_str(), "role": user.role.as_str()});
        let entry = entry(&act, AuditAction::UserCreated, &user, detail);
        self.made_once_with_secret(user, value, move |store, user| {
            store.insert_user(user, once.as_ref(), &entry)
        })
        .await
    }

    /// Changes a user's role or status.
    pub(crate) async fn edit_user(
        &self,
        caller: &Caller,
        target: RowTarget,
        edit: UserEdit,
    ) -> Result<User, Problem> {
        if edit.role.is_some() {
            caller.require_verification(self, Purpose::Mint).await?;
        }
        let act = caller.act(self.clock.now());
        let rights = caller.rights();
        self.store(move |store| {
            store.edit_user(&target, act.at, |user| apply(&edit, user, &act, &rights))
        })
        .await
    }

    /// Deletes a user; gives when, too.
    pub(crate) async fn delete_user(
        &self,
        caller: &Caller,
        target: RowTarget,
    ) -> Result<(User, UnixMillis), Problem> {
        let act = caller.act(self.clock.now());
        let at = act.at;
        let user = self
            .store(move |store| {
                store.delete_user(&target, |user| {
                    let detail = json!({"name": user.name.as_str()});
                    entry(&act, AuditAction::UserDeleted, user, detail)
                })
            })
            .await?;
        Ok((user, at))
    }

    /// Takes away a user's password and second factor; gives the secret that sets a new password.
    pub(crate) async fn reset_user(
        &self,
        caller: &Caller,
        target: RowTarget,
    ) -> Result<(User, Zeroizing<String>), Problem> {
        caller.require_verification(self, Purpose::Mint).await?;
        let secret = Secret::mint(&KeyPrefix::setup())?;
        let act = caller.act(self.clock.now());
        let setup = Setup::of(&secret, act.at);
        let rights = caller.rights();
        let user = self
            .store(move |store| {
                store.edit_user(&target, act.at, |user| {
                    rights.cover(&rights_of(user))?;
                    user.password = None;
                    user.totp = None;
                    user.setup = Some(setup);
                    let entry = entry(&act, AuditAction::UserReset, user, json!({}));
                    Ok((entry, Ends::Everything))
                })
            })
            .await?;
        Ok((user, secret.reveal()))
    }
}

fn invited(new: NewUser, setup: Setup, act: &Act) -> Result<User, Problem> {
    Ok(User {
        id: entropy::new_handle("u")?,
        name: new.name,
        account: new.account,
        role: new.role,
        enabled: true,
        password: None,
        setup: Some(setup),
        totp: None,
        created_at: act.at,
        updated_at: act.at,
        last_login_at: None,
        revision: 1,
    })
}

fn apply(
    edit: &UserEdit,
    user: &mut User,
    act: &Act,
    rights: &Rights,
) -> Result<(AuditEntry, Ends), StoreError> {
    let role = edit.role.unwrap_or(user.role);
    if (role == Role::Operator) != (user.role == Role::Operator) {
        return Err(StoreError::Conflict(
            "operators are in no account: make a new user",
        ));
    }
    let enabled = edit.enabled.unwrap_or(user.enabled);
    let ends = match (role == user.role, enabled == user.enabled) {
        (true, true) => Ends::Nothing,
        _ => Ends::SessionsAndTokens,
    };
    let is_given = enabled && ends != Ends::Nothing;
    (user.role, user.enabled) = (role, enabled);
    if is_given {
        rights.cover(&rights_of(user))?;
    }
    let detail = json!({"role": role.as_str(), "status": status_word(status_of(enabled))});
    Ok((entry(act, AuditAction::UserEdited, user, detail), ends))
}

/// What somebody gets who makes, widens or takes over a user.
fn rights_of(user: &User) -> Rights {
    Rights::of_role(user.role, user.account.as_ref())
}

fn entry(act: &Act, action: AuditAction, user: &User, detail: serde_json::Value) -> AuditEntry {
    act.entry(action, user.account.as_ref(), &user.id, detail)
}
