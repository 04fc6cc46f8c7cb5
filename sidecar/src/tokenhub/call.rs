//! One call: who makes it, in which region, and what they may reach.
//!
//! Does not know actions. Invariant: a key of another account, region or origin looks like one
//! that does not exist.

use actix_web::web::Data;
use keytable::AccountId;
use serde_json::{Map, Value};

use crate::domain::act::Act;
use crate::domain::key::Key;
use crate::domain::origin::Origin;
use crate::domain::region::RegionId;
use crate::feed::propagation::Propagation;
use crate::service::App;
use crate::service::caller::Caller;
use crate::service::keys;
use crate::service::wait;
use crate::store::{Store, StoreError, Stored, Target};
use crate::tokenhub::fault::Fault;

/// An admitted call.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// What it works with.
    pub(crate) app: Data<App>,
    /// Who makes it.
    pub(crate) caller: Caller,
    /// The account in which it acts.
    pub(crate) account: AccountId,
    /// `X-TC-Region`.
    pub(crate) region: RegionId,
    /// The request's id.
    pub(crate) request_id: String,
}

/// What an action has come to.
#[derive(Debug, Default)]
pub(crate) struct Done {
    /// The members of `Response` besides the request's id.
    pub(crate) members: Map<String, Value>,
    /// How far a change has come.
    pub(crate) propagation: Option<Propagation>,
}

impl Call {
    /// The caller, acting now.
    pub(crate) fn act(&self) -> Act {
        self.caller.act(self.app.clock.now())
    }

    /// Asks the store.
    pub(crate) async fn store<T: Send + 'static>(
        &self,
        call: impl FnOnce(&Store) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, Fault> {
        Ok(self.app.store(call).await?)
    }

    /// Which key an id means.
    pub(crate) fn target(&self, id: &str) -> Result<Target, Fault> {
        Ok(Target {
            id: keys::key_id(id).map_err(|_| no_key())?,
            account: Some(self.account.clone()),
            revisions: None,
        })
    }

    /// Finds a key of this origin.
    pub(crate) async fn key(&self, origin: Origin, id: &str) -> Result<Key, Fault> {
        let target = self.target(id)?;
        let found = self.store(move |store| match store.get(&target) {
            Err(StoreError::NotFound) => Ok(None),
            found => found.map(Some),
        });
        self.visible(origin, found.await?)
    }

    /// Refuses a key that this call cannot see.
    pub(crate) fn visible(&self, origin: Origin, key: Option<Key>) -> Result<Key, Fault> {
        let is_visible = |key: &Key| key.region == self.region && key.origin == origin;
        key.filter(is_visible).ok_or_else(no_key)
    }

    /// Refuses to make a value that could never be shown: no answer of a create action has it.
    pub(crate) fn require_recoverable(&self) -> Result<(), Fault> {
        match self.app.recoverable {
            true => Ok(()),
            false => Err(Fault::denied(
                "This installation keeps no values of keys, so that a new one could not be shown: \
                 make keys with POST /v1/keys, whose answer has the value.",
            )),
        }
    }

    /// Logs a change and waits until it is in force, as long as every caller does.
    pub(crate) async fn changed(&self, what: &str, stored: &Stored<Key>) -> Done {
        keys::log_change(&self.request_id, what, &stored.value);
        let wait = wait::usual();
        Done {
            members: Map::new(),
            propagation: Some(self.app.progress_of(stored, wait).await),
        }
    }

    /// Deletes a key. The action's name is the confirmation; the access key's capability is the
    /// proof of identity, as it is for API tokens.
    pub(crate) async fn delete(&self, origin: Origin, id: &str) -> Result<Done, Fault> {
        let name = self.key(origin, id).await?.name.as_str().to_owned();
        let target = self.target(id)?;
        let deleting = self.app.delete_key(&self.caller, target, Some(name));
        let (stored, _) = deleting.await?;
        Ok(self.changed("deleted", &stored).await)
    }
}

impl Done {
    /// An answer with these members.
    pub(crate) fn of(value: Value) -> Self {
        let members = match value {
            Value::Object(members) => members,
            _ => Map::new(),
        };
        Self {
            members,
            propagation: None,
        }
    }

    /// The same with one more member.
    pub(crate) fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.members.insert(name.into(), value.into());
        self
    }
}

fn no_key() -> Fault {
    Fault::not_found("API key")
}
