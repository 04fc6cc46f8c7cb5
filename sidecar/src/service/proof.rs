//! Proof of who somebody is: by password, by the code of a second factor, or by both.
//!
//! Does not begin sessions. Invariant: an attempt is counted before anything is checked, and
//! takes as long for a user that does not exist.

use std::net::IpAddr;

use serde_json::json;
use tokio::task::spawn_blocking;

use crate::domain::audit::AuditAction;
use crate::domain::clock::UnixMillis;
use crate::domain::identity::password::{Check, Password};
use crate::domain::identity::totp::TotpSeed;
use crate::domain::identity::user::{TotpFactor, User, UserName};
use crate::domain::secrets::sealed::{SealContext, Sealed};
use crate::http::problem::Problem;
use crate::service::App;
use crate::service::attempt_limit::Attempt;
use crate::service::caller::Caller;
use crate::store::StoreError;

/// What a proof found out, to be stored with what it is for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Proved {
    /// A newer hash of the password.
    renewed: Option<String>,
    /// The step whose code was used.
    step: Option<u64>,
}

impl App {
    /// Counts an attempt of whoever says they are `name`; finds that user.
    pub(crate) async fn attempt(
        &self,
        name: Option<UserName>,
        address: Option<IpAddr>,
    ) -> Result<(Attempt, Option<User>), Problem> {
        let wanted = name.clone();
        let (user, known) = self
            .store(move |store| {
                let user = match &wanted {
                    Some(name) => store.user_by_name(name)?,
                    None => None,
                };
                let known = match (&user, address) {
                    (Some(user), Some(address)) => store.knows_address(&user.id, address)?,
                    _ => false,
                };
                Ok((user, known))
            })
            .await?;
        let attempt = Attempt {
            user: name,
            address,
            known,
        };
        self.attempts.count(&attempt)?;
        Ok((attempt, user))
    }

    /// Checks a password; `None`: it is wrong, or there is no such user.
    pub(crate) async fn check_password(
        &self,
        user: Option<&User>,
        password: Password,
    ) -> Result<Option<Proved>, Problem> {
        let stored = user.and_then(|user| user.password.clone());
        let _turn = self.attempts.turn().await?;
        let check = spawn_blocking(move || password.check(stored.as_deref()))
            .await
            .map_err(|error| Problem::internal(&error))?
            .map_err(|error| Problem::internal(&error))?;
        Ok(match check {
            Check::Wrong => None,
            Check::Right => Some(Proved::default()),
            Check::Renew(hash) => Some(Proved {
                renewed: Some(hash),
                step: None,
            }),
        })
    }

    /// Hashes a password that is to be set.
    pub(crate) async fn hash_password(&self, password: Password) -> Result<String, Problem> {
        let _turn = self.attempts.turn().await?;
        spawn_blocking(move || password.hash())
            .await
            .map_err(|error| Problem::internal(&error))?
            .map_err(|error| Problem::internal(&error))
    }

    /// Checks the code of a second factor; `None`: it is wrong, or was used.
    pub(crate) fn check_code(
        &self,
        user: &User,
        factor: &TotpFactor,
        code: &str,
        now: UnixMillis,
    ) -> Result<Option<Proved>, Problem> {
        let opened = self.keyring.open(&seed_context(&user.id), &factor.seed);
        let opened = opened.map_err(|error| Problem::internal(&error))?;
        let step = TotpSeed::from_bytes(opened.as_bytes()).accepts(code, factor.step, now);
        Ok(step.map(|step| Proved {
            renewed: None,
            step: Some(step),
        }))
    }

    /// Writes down that somebody's proof was wrong; gives the refusal.
    pub(crate) async fn refused_proof(
        &self,
        caller: &Caller,
        user: &User,
    ) -> Result<Problem, Problem> {
        let act = caller.act(self.clock.now());
        let action = AuditAction::VerificationRefused;
        let entry = act.entry(action, user.account.as_ref(), &user.id, json!({}));
        self.store(move |store| store.note(&entry)).await?;
        Ok(Problem::verification_refused())
    }

    /// Seals the seed of a user's second factor.
    pub(crate) fn seal_seed(&self, user: &str, seed: &TotpSeed) -> Result<Sealed, Problem> {
        let sealed = self.keyring.seal(&seed_context(user), seed.as_bytes());
        sealed.map_err(|error| Problem::internal(&error))
    }
}

impl Proved {
    /// This and what another check found out.
    pub(crate) fn and(self, other: Self) -> Self {
        Self {
            renewed: self.renewed.or(other.renewed),
            step: self.step.or(other.step),
        }
    }

    /// Notes in the stored user what was found out. Refuses if the user has changed meanwhile so
    /// that the proof is none any more.
    pub(crate) fn note(self, checked: &User, user: &mut User) -> Result<(), StoreError> {
        if !user.enabled || user.password != checked.password {
            return Err(StoreError::Stale);
        }
        if let Some(step) = self.step {
            match &mut user.totp {
                Some(factor) if factor.step < step => factor.step = step,
                _ => return Err(StoreError::Stale),
            }
        }
        if let Some(hash) = self.renewed {
            user.password = Some(hash);
        }
        Ok(())
    }
}

fn seed_context(user: &str) -> SealContext<'_> {
    SealContext {
        table: "users",
        row: user,
        column: "totp_seed",
        key_version: 1,
    }
}
