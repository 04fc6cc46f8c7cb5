//! Which key a call means, and what it is told when the key has changed.
//!
//! Does not change keys. Invariant: a key of another account looks like one that does not exist; a
//! change is answered with how far it has come.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use keytable::AccountId;
use zeroize::Zeroizing;

use crate::api::keys::answer::{Changed, Created};
use crate::domain::key::Key;
use crate::feed::shared_fleet::Wait;
use crate::http::answer;
use crate::http::envelope::RequestId;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::service::App;
use crate::service::caller::Caller;
use crate::service::keys::{self, key_id, no_key};
use crate::store::{Stored, Target};

impl App {
    /// The answer that shows the value of a new key.
    pub(crate) async fn created_answer(
        &self,
        stored: &Stored<Key>,
        value: Zeroizing<String>,
        wait: Wait,
    ) -> Result<HttpResponse, Problem> {
        let key = &stored.value;
        let propagation = self.progress_of(stored, wait).await;
        let created = Created::new(key, &value, propagation);
        let location = format!("/v1/keys/{}", key.id);
        answer::created(&created, key.revision, &location)
    }

    /// The answer to a change that shows no value.
    pub(crate) async fn changed_answer(
        &self,
        stored: &Stored<Key>,
        wait: Wait,
    ) -> Result<HttpResponse, Problem> {
        let key = &stored.value;
        let propagation = self.progress_of(stored, wait).await;
        answer::tagged(
            StatusCode::OK,
            &Changed::new(key, propagation),
            key.revision,
        )
    }
}

pub(crate) fn note(request: &HttpRequest, what: &str, key: &Key) {
    keys::log_change(&RequestId::of(request), what, key);
}

/// Which key a call means. `If-Match` counts where the request is given.
pub(crate) fn target(
    id: &str,
    caller: &Caller,
    query: &mut Query,
    request: Option<&HttpRequest>,
) -> Result<Target, Problem> {
    let named = query.text("account");
    Ok(Target {
        id: key_id(id)?,
        account: account(caller, named.as_deref())?,
        revisions: request.and_then(answer::if_match),
    })
}

/// The account that a key has to be in; somebody else's account has none of the caller's keys.
fn account(caller: &Caller, named: Option<&str>) -> Result<Option<AccountId>, Problem> {
    let access = caller.account_for(named).map_err(|_| no_key())?;
    Ok(access.account().cloned())
}
