//! An account asks for more keys, an operator decides.
//!
//! Does not count keys. Invariant: a request is decided once, and what was decided is written down.

use keytable::AccountId;
use serde_json::json;

use crate::domain::audit::AuditAction;
use crate::domain::identity::account::{LimitDecision, LimitRequest, LimitStatus};
use crate::domain::name::Description;
use crate::domain::secrets::entropy;
use crate::http::problem::Problem;
use crate::service::App;
use crate::service::caller::Caller;
use crate::store::{IdempotentCall, RowTarget};

/// What an account asks for.
#[derive(Debug)]
pub(crate) struct NewLimitRequest {
    pub(crate) account: AccountId,
    pub(crate) key_limit: u64,
    pub(crate) reason: Description,
}

impl App {
    /// Stores a request, or finds what the same call stored before.
    pub(crate) async fn make_limit_request(
        &self,
        caller: &Caller,
        new: NewLimitRequest,
        once: Option<IdempotentCall>,
    ) -> Result<LimitRequest, Problem> {
        let act = caller.act(self.clock.now());
        let request = LimitRequest {
            id: entropy::new_handle("lr")?,
            account: new.account,
            key_limit: new.key_limit,
            reason: new.reason,
            status: LimitStatus::Open,
            note: Description::default(),
            requested_by: act.actor.to_string(),
            decided_by: None,
            created_at: act.at,
            decided_at: None,
            revision: 1,
        };
        let detail = json!({"key_limit": request.key_limit, "reason": request.reason.as_str()});
        let account = Some(&request.account);
        let entry = act.entry(AuditAction::LimitRequested, account, &request.id, detail);
        let made = self.made_once(request, move |store, request| {
            store.insert_limit_request(request, once.as_ref(), &entry)
        });
        Ok(made.await?.0)
    }

    /// Decides an open request.
    pub(crate) async fn decide_limit_request(
        &self,
        caller: &Caller,
        target: RowTarget,
        decision: LimitDecision,
    ) -> Result<LimitRequest, Problem> {
        let act = caller.act(self.clock.now());
        let action = match decision.granted {
            true => AuditAction::LimitGranted,
            false => AuditAction::LimitDenied,
        };
        self.store(move |store| {
            store.decide_limit_request(&target, &decision, |request| {
                let detail = json!({"key_limit": request.key_limit, "note": request.note.as_str()});
                act.entry(action, Some(&request.account), &request.id, detail)
            })
        })
        .await
    }
}
