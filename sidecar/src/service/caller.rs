//! Who calls: found out once, before a handler runs, and handed to it.
//!
//! Does not read credentials. Invariant: [`Caller::account_for`] is the one place that binds a
//! call to an account; to whoever is bound, another account looks like one that does not exist.

use std::net::IpAddr;

use keytable::{AccountId, KeyHash};

use crate::domain::act::Act;
use crate::domain::audit::Actor;
use crate::domain::clock::UnixMillis;
use crate::domain::identity::access_key::Signer;
use crate::domain::identity::rights::Rights;
use crate::domain::identity::role::{Capabilities, Capability, Role};
use crate::domain::identity::token::ApiToken;
use crate::domain::identity::user::User;
use crate::http::problem::{FieldError, Problem};
use crate::service::App;

/// Whoever makes a call, and what they may do.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    /// Who it is.
    pub(crate) actor: Actor,
    /// What they are.
    pub(crate) role: Role,
    /// The only account they may act in; `None`: every one.
    pub(crate) account: Option<AccountId>,
    /// What they may do.
    pub(crate) capabilities: Capabilities,
    /// When what they call with ends; `None`: never, or it is a person, who logs in again.
    pub(crate) ends_at: Option<UnixMillis>,
    /// From where they call.
    pub(crate) address: Option<IpAddr>,
    /// The person who calls, if it is one.
    pub(crate) person: Option<Person>,
    /// The id of the user behind the call: that person, or who made the script's token.
    pub(crate) user: Option<String>,
}

/// A person who has logged in.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    /// The id of the user.
    pub(crate) user: String,
    /// The hash of the session's cookie.
    pub(crate) session: KeyHash,
}

/// In which account a call acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum AccountAccess {
    /// In this one.
    One(AccountId),
    /// In every one: an operator has named none.
    Every,
}

/// What for somebody has to prove their identity again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To see the value of a key.
    KeyReveal,
    /// To delete a key.
    KeyDelete,
    /// To make a credential that can do one of the above, or administer.
    Mint,
    /// To change how somebody logs in.
    Factor,
}

impl Caller {
    /// A script with an API token.
    pub(crate) fn of_token(token: &ApiToken, address: Option<IpAddr>) -> Self {
        Self {
            actor: Actor::Token(token.id.clone()),
            role: token.role(),
            account: token.account.clone(),
            capabilities: token.capabilities,
            ends_at: token.expires_at,
            address,
            person: None,
            user: token.user.clone(),
        }
    }

    /// A client of the cloud API; it acts in one account, also where its user may act in more.
    pub(crate) fn of_access_key(signer: &Signer, address: Option<IpAddr>) -> Self {
        let key = &signer.key;
        Self {
            actor: Actor::AccessKey(key.id.clone()),
            role: Role::Owner,
            account: Some(key.account.clone()),
            capabilities: signer.capabilities,
            ends_at: None,
            address,
            person: None,
            user: key.user.clone(),
        }
    }

    /// A person with a session.
    pub(crate) fn of_user(user: &User, session: KeyHash, address: Option<IpAddr>) -> Self {
        Self {
            actor: Actor::User(user.name.to_string()),
            role: user.role,
            account: user.account.clone(),
            capabilities: user.role.capabilities(),
            ends_at: None,
            address,
            person: Some(Person {
                user: user.id.clone(),
                session,
            }),
            user: Some(user.id.clone()),
        }
    }

    /// Binds the call to an account. `requested` is what the call names, if it names one.
    pub(crate) fn account_for(&self, requested: Option<&str>) -> Result<AccountAccess, Problem> {
        let requested = requested.map(AccountId::parse).transpose();
        let requested = requested.map_err(|error| match self.account {
            None => Problem::invalid_fields(vec![FieldError::new("account", error.to_string())]),
            Some(_) => no_account(),
        })?;
        match (&self.account, requested) {
            (None, None) => Ok(AccountAccess::Every),
            (None, Some(requested)) => Ok(AccountAccess::One(requested)),
            (Some(own), None) => Ok(AccountAccess::One(own.clone())),
            (Some(own), Some(requested)) if *own == requested => Ok(AccountAccess::One(requested)),
            (Some(_), Some(_)) => Err(no_account()),
        }
    }

    /// What they hold, and so may hand on.
    pub(crate) fn rights(&self) -> Rights {
        Rights {
            capabilities: self.capabilities,
            account: self.account.clone(),
            ends_at: self.ends_at,
        }
    }

    /// Refuses a caller without this capability.
    pub(crate) fn require(&self, capability: Capability) -> Result<(), Problem> {
        if self.capabilities.has(capability) {
            return Ok(());
        }
        Err(Problem::forbidden(&format!(
            "this needs the capability {}",
            capability.as_str()
        )))
    }

    /// Refuses whoever is bound to an account.
    pub(crate) fn require_operator(&self) -> Result<(), Problem> {
        match self.role {
            Role::Operator => Ok(()),
            Role::Owner | Role::Viewer => Err(Problem::forbidden("only an operator may do this")),
        }
    }

    /// Refuses a person who has not proved their identity for acts of this kind within five minutes. A
    /// script has proved it when its token was given the capability for `purpose`.
    pub(crate) async fn require_verification(
        &self,
        app: &App,
        purpose: Purpose,
    ) -> Result<(), Problem> {
        let Some(person) = &self.person else {
            return self.require(purpose.capability());
        };
        let (session, now) = (person.session, app.clock.now());
        let proved = app
            .store(move |store| store.use_verification(&session, purpose.as_str(), now))
            .await?;
        proved
            .then_some(())
            .ok_or_else(Problem::verification_required)
    }

    /// This caller, acting now.
    pub(crate) fn act(&self, at: UnixMillis) -> Act {
        Act {
            actor: self.actor.clone(),
            address: self.address,
            at,
        }
    }
}

impl AccountAccess {
    /// The account; `None`: every one.
    pub(crate) fn account(&self) -> Option<&AccountId> {
        match self {
            Self::One(account) => Some(account),
            Self::Every => None,
        }
    }

    /// The account, for a call whose body has to name one; what to write where it does not.
    pub(crate) fn required(self) -> Result<AccountId, FieldError> {
        match self {
            Self::One(account) => Ok(account),
            Self::Every => Err(FieldError::new("account", "must be given")),
        }
    }
}

impl Purpose {
    /// The kind, as it is stored with a proof.
    const fn as_str(self) -> &'static str {
        match self {
            Self::KeyReveal => "key_reveal",
            Self::KeyDelete => "key_delete",
            Self::Mint => "mint",
            Self::Factor => "factor",
        }
    }

    const fn capability(self) -> Capability {
        match self {
            Self::KeyReveal => Capability::KeysReveal,
            Self::KeyDelete => Capability::KeysDelete,
            Self::Mint | Self::Factor => Capability::Admin,
        }
    }
}

fn no_account() -> Problem {
    Problem::not_found("there is no such account")
}
