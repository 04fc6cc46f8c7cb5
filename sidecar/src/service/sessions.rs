//! Who somebody is: logged in, logged out, set up with a first password, proved once more.
//!
//! Does not know cookies. Invariant: a log-in begins a session of its own, whatever session the
//! browser had; a refusal says nothing about which part was wrong.

use std::net::IpAddr;

use keytable::KeyHash;
use serde_json::json;
use zeroize::Zeroizing;

use crate::domain::act::Act;
use crate::domain::audit::{Actor, AuditAction, AuditEntry};
use crate::domain::clock::UnixMillis;
use crate::domain::identity::password::Password;
use crate::domain::identity::user::{User, UserName};
use crate::domain::secrets::secret::{KeyPrefix, Secret};
use crate::http::problem::Problem;
use crate::service::App;
use crate::service::caller::{Caller, Person};
use crate::service::proof::Proved;
use crate::store::{Ends, NewSession, RowTarget, StoreError, UserSession};

/// How long a session lasts, in seconds: a working day.
pub(crate) const SESSION_S: u64 = 12 * 60 * 60;
/// How long a proof of identity serves, in milliseconds.
const PROOF_MS: u64 = 5 * 60 * 1000;

/// What somebody logs in with.
#[derive(Debug)]
pub(crate) struct Credentials {
    pub(crate) name: Option<UserName>,
    /// The length of the name as it was typed, for the audit.
    pub(crate) typed_bytes: usize,
    pub(crate) password: Password,
    pub(crate) code: Option<String>,
}

/// What somebody proves once more who they are with.
#[derive(Debug)]
pub(crate) enum Factor {
    Password(Password),
    Code(String),
}

/// A session that has begun.
pub(crate) struct Begun {
    pub(crate) user: User,
    /// What the browser keeps.
    pub(crate) secret: Zeroizing<String>,
    pub(crate) expires_at: UnixMillis,
}

impl App {
    /// Logs a person in; `earlier` is the session that the browser had.
    pub(crate) async fn log_in(
        &self,
        credentials: Credentials,
        earlier: Option<KeyHash>,
        address: Option<IpAddr>,
    ) -> Result<Begun, Problem> {
        let (attempt, user) = self.attempt(credentials.name.clone(), address).await?;
        let typed_bytes = credentials.typed_bytes;
        let proved = self.prove_all(user.as_ref(), credentials).await;
        let (user, proved) = match (user, proved) {
            (Some(user), Ok(proved)) => (user, proved),
            (user, refused) => {
                let problem = refused.err().unwrap_or_else(refusal);
                self.note_refusal(user.as_ref(), typed_bytes, address)
                    .await?;
                return Err(problem);
            }
        };
        let begun = self.begin_session(user, proved, earlier, address).await?;
        self.attempts.clear(&attempt);
        Ok(begun)
    }

    /// Ends the caller's session.
    pub(crate) async fn log_out(&self, caller: &Caller) -> Result<(), Problem> {
        let person = caller.logged_in()?;
        let act = caller.act(self.clock.now());
        let account = caller.account.as_ref();
        let entry = act.entry(AuditAction::LoggedOut, account, &person.user, json!({}));
        let session = person.session;
        self.store(move |store| store.log_out(&session, &entry))
            .await
    }

    /// The caller's sessions, the newest first, and the hash of this one.
    pub(crate) async fn own_sessions(
        &self,
        caller: &Caller,
    ) -> Result<(Vec<UserSession>, KeyHash), Problem> {
        let person = caller.logged_in()?.clone();
        let (session, now) = (person.session, self.clock.now());
        let sessions = self.store(move |store| store.sessions_of(&person.user, now));
        Ok((sessions.await?, session))
    }

    /// Ends one of the caller's sessions; says when.
    pub(crate) async fn end_session(
        &self,
        caller: &Caller,
        id: String,
    ) -> Result<UnixMillis, Problem> {
        let person = caller.logged_in()?.clone();
        let act = caller.act(self.clock.now());
        let account = caller.account.as_ref();
        let detail = json!({"session": id});
        let entry = act.entry(AuditAction::SessionEnded, account, &person.user, detail);
        self.store(move |store| store.end_session(&person.user, &id, &entry))
            .await?;
        Ok(act.at)
    }

    /// Sets a password with a one-time secret; `None` is the secret of nobody.
    pub(crate) async fn set_up(
        &self,
        secret: Option<KeyHash>,
        password: Password,
        address: Option<IpAddr>,
    ) -> Result<User, Problem> {
        let (attempt, _) = self.attempt(None, address).await?;
        let now = self.clock.now();
        let found = self
            .store(move |store| match secret {
                Some(hash) => store.user_by_setup(&hash, now),
                None => Ok(None),
            })
            .await?;
        let user = found.ok_or_else(|| {
            Problem::unauthorized(
                "the setup secret is wrong, was used or is too old: ask for a new one",
            )
        })?;
        let hashed = self.hash_password(password).await?;
        let act = self.act_of(&user, address);
        let user = self
            .store(move |store| {
                store.edit_user(&RowTarget::of(&user.id), now, |stored| {
                    if stored.setup != user.setup {
                        return Err(StoreError::Stale);
                    }
                    stored.setup = None;
                    stored.password = Some(hashed);
                    let entry = entry(&act, AuditAction::PasswordSet, stored);
                    Ok((entry, Ends::Sessions))
                })
            })
            .await?;
        self.attempts.clear(&attempt);
        Ok(user)
    }

    /// Takes a proof of who the caller is, for one kind of act; gives until when it serves.
    pub(crate) async fn verify(
        &self,
        caller: &Caller,
        factor: Factor,
    ) -> Result<UnixMillis, Problem> {
        let person = caller.logged_in()?.clone();
        let name = self.user_of(&person).await?.name;
        let (attempt, user) = self.attempt(Some(name), caller.address).await?;
        let user = user.ok_or_else(|| Problem::not_found("there is no such user"))?;
        let Some(proved) = self.prove_by(&user, factor).await? else {
            return Err(self.refused_proof(caller, &user).await?);
        };
        let act = caller.act(self.clock.now());
        let until = act.at.plus_ms(PROOF_MS);
        let entry = entry(&act, AuditAction::Verified, &user);
        self.store(move |store| {
            let whose = (person.user.as_str(), &person.session);
            store.verify_session(whose, until, &entry, |stored| proved.note(&user, stored))
        })
        .await?;
        self.attempts.clear(&attempt);
        Ok(until)
    }

    /// The user who has logged in.
    pub(crate) async fn user_of(&self, person: &Person) -> Result<User, Problem> {
        self.find_row(RowTarget::of(&person.user)).await
    }

    /// Checks every factor that the user has.
    async fn prove_all(
        &self,
        user: Option<&User>,
        credentials: Credentials,
    ) -> Result<Proved, Problem> {
        let user = user.filter(|user| user.enabled);
        let proved = self.check_password(user, credentials.password).await?;
        let (Some(user), Some(proved)) = (user, proved) else {
            return Err(refusal());
        };
        let Some(factor) = user.second_factor() else {
            return Ok(proved);
        };
        let code = credentials.code.ok_or_else(Problem::code_required)?;
        let by_code = self.check_code(user, factor, &code, self.clock.now())?;
        by_code
            .map(|by_code| proved.and(by_code))
            .ok_or_else(refusal)
    }

    async fn prove_by(&self, user: &User, factor: Factor) -> Result<Option<Proved>, Problem> {
        match factor {
            Factor::Password(password) => self.check_password(Some(user), password).await,
            Factor::Code(code) => match user.second_factor() {
                Some(factor) => self.check_code(user, factor, &code, self.clock.now()),
                None => Ok(None),
            },
        }
    }

    async fn begin_session(
        &self,
        user: User,
        proved: Proved,
        earlier: Option<KeyHash>,
        address: Option<IpAddr>,
    ) -> Result<Begun, Problem> {
        let secret = Secret::mint(&KeyPrefix::session())?;
        let act = self.act_of(&user, address);
        let session = NewSession {
            hash: secret.hash(),
            earlier,
            address,
            expires_at: act.at.plus_ms(SESSION_S * 1000),
        };
        let entry = entry(&act, AuditAction::LoggedIn, &user);
        let id = user.id.clone();
        let user = self
            .store(move |store| {
                store.log_in(&id, &session, &entry, |stored| proved.note(&user, stored))
            })
            .await?;
        Ok(Begun {
            user,
            secret: secret.reveal(),
            expires_at: session.expires_at,
        })
    }

    async fn note_refusal(
        &self,
        user: Option<&User>,
        typed_bytes: usize,
        address: Option<IpAddr>,
    ) -> Result<(), Problem> {
        let act = Act {
            actor: Actor::Anonymous,
            address,
            at: self.clock.now(),
        };
        // Somebody may have typed the password where the name goes: an unknown name is not kept.
        let target = user.map_or("", |user| user.id.as_str());
        let detail = json!({"name": user.map(|user| user.name.as_str()), "chars": typed_bytes});
        let account = user.and_then(|user| user.account.as_ref());
        let entry = act.entry(AuditAction::LoginRefused, account, target, detail);
        self.store(move |store| store.note(&entry)).await
    }

    fn act_of(&self, user: &User, address: Option<IpAddr>) -> Act {
        Act {
            actor: Actor::User(user.name.to_string()),
            address,
            at: self.clock.now(),
        }
    }
}

impl Caller {
    /// The person who calls, of a call that only people may make.
    pub(crate) fn logged_in(&self) -> Result<&Person, Problem> {
        let person = self.person.as_ref();
        person.ok_or_else(|| Problem::internal(&"a call of a person without a session"))
    }
}

fn entry(act: &Act, action: AuditAction, user: &User) -> AuditEntry {
    act.entry(action, user.account.as_ref(), &user.id, json!({}))
}

fn refusal() -> Problem {
    Problem::unauthorized("the name, the password or the code is wrong")
}
