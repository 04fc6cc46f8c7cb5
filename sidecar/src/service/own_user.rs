//! What somebody who has logged in changes about their own log-in: the password, the second factor.
//!
//! Does not change anybody else. Invariant: a second factor counts only once a code has proved that
//! its seed has arrived, and goes only with proof of identity.

use serde_json::{Value, json};

use crate::domain::audit::AuditAction;
use crate::domain::identity::password::Password;
use crate::domain::identity::totp::TotpSeed;
use crate::domain::identity::user::{TotpFactor, User};
use crate::http::problem::Problem;
use crate::service::App;
use crate::service::caller::{Caller, Purpose};
use crate::store::{Ends, RowTarget, StoreError};

impl App {
    /// Sets the caller's password, and ends every session of theirs, also this one.
    pub(crate) async fn set_own_password(
        &self,
        caller: &Caller,
        current: Password,
        new: Password,
    ) -> Result<(), Problem> {
        let user = self.user_of(caller.logged_in()?).await?;
        let (attempt, _) = self
            .attempt(Some(user.name.clone()), caller.address)
            .await?;
        if self.check_password(Some(&user), current).await?.is_none() {
            return Err(self.refused_proof(caller, &user).await?);
        }
        let hashed = self.hash_password(new).await?;
        let action = AuditAction::PasswordSet;
        self.change_own(caller, action, json!({}), move |stored| {
            if stored.password != user.password {
                return Err(StoreError::Stale);
            }
            stored.password = Some(hashed);
            Ok(Ends::Sessions)
        })
        .await?;
        self.attempts.clear(&attempt);
        Ok(())
    }

    /// Draws the seed of a second factor, which counts once it is confirmed.
    pub(crate) async fn enroll_factor(&self, caller: &Caller) -> Result<(TotpSeed, User), Problem> {
        caller.require_verification(self, Purpose::Factor).await?;
        let user = self.user_of(caller.logged_in()?).await?;
        let seed = TotpSeed::draw()?;
        let factor = TotpFactor {
            seed: self.seal_seed(&user.id, &seed)?,
            confirmed: false,
            step: 0,
        };
        let detail = json!({"confirmed": false});
        let user = self
            .change_own(caller, AuditAction::TotpEnrolled, detail, move |stored| {
                if stored.second_factor().is_some() {
                    return Err(StoreError::Conflict(
                        "there is a second factor: remove it first",
                    ));
                }
                stored.totp = Some(factor);
                Ok(Ends::Nothing)
            })
            .await?;
        Ok((seed, user))
    }

    /// Makes a second factor count, whose seed a code proves to have arrived.
    pub(crate) async fn confirm_factor(&self, caller: &Caller, code: &str) -> Result<(), Problem> {
        let user = self.user_of(caller.logged_in()?).await?;
        self.attempt(Some(user.name.clone()), caller.address)
            .await?;
        let Some(factor) = user.totp.clone().filter(|factor| !factor.confirmed) else {
            return Err(Problem::conflict(
                "conflict",
                "there is no second factor to confirm: ask for a seed first",
            ));
        };
        let proved = self.check_code(&user, &factor, code, self.clock.now())?;
        let Some(proved) = proved else {
            return Err(self.refused_proof(caller, &user).await?);
        };
        let action = AuditAction::TotpEnrolled;
        self.change_own(caller, action, json!({}), move |stored| {
            proved.note(&user, stored)?;
            if let Some(factor) = &mut stored.totp {
                factor.confirmed = true;
            }
            Ok(Ends::Nothing)
        })
        .await?;
        Ok(())
    }

    /// Takes the caller's second factor away.
    pub(crate) async fn remove_factor(&self, caller: &Caller) -> Result<(), Problem> {
        caller.require_verification(self, Purpose::Factor).await?;
        let action = AuditAction::TotpRemoved;
        self.change_own(caller, action, json!({}), |stored| {
            stored.totp = None;
            Ok(Ends::Nothing)
        })
        .await?;
        Ok(())
    }

    /// Changes the caller's own user.
    async fn change_own(
        &self,
        caller: &Caller,
        action: AuditAction,
        detail: Value,
        change: impl FnOnce(&mut User) -> Result<Ends, StoreError> + Send + 'static,
    ) -> Result<User, Problem> {
        let whose = RowTarget::of(&caller.logged_in()?.user);
        let act = caller.act(self.clock.now());
        self.store(move |store| {
            store.edit_user(&whose, act.at, |stored| {
                let ends = change(stored)?;
                let entry = act.entry(action, stored.account.as_ref(), &stored.id, detail);
                Ok((entry, ends))
            })
        })
        .await
    }
}
