//! What is done with API tokens: how scripts prove who they are.
//!
//! Does not check tokens. Invariant: nobody gives a token more than they have themselves.

use keytable::AccountId;
use serde_json::json;
use zeroize::Zeroizing;

use crate::domain::audit::AuditAction;
use crate::domain::clock::UnixMillis;
use crate::domain::identity::rights::Rights;
use crate::domain::identity::role::{Capabilities, Capability};
use crate::domain::identity::token::ApiToken;
use crate::domain::name::KeyName;
use crate::domain::secrets::entropy;
use crate::domain::secrets::secret::{KeyPrefix, Secret};
use crate::http::problem::Problem;
use crate::service::App;
use crate::service::caller::{Caller, Purpose};
use crate::store::{IdempotentCall, RowTarget};

/// What a token is to be.
#[derive(Debug)]
pub(crate) struct NewToken {
    pub(crate) account: Option<AccountId>,
    pub(crate) name: KeyName,
    pub(crate) capabilities: Capabilities,
    pub(crate) expires_at: Option<UnixMillis>,
}

impl App {
    /// Makes a token, or finds what the same call made before; with its value.
    pub(crate) async fn make_token(
        &self,
        caller: &Caller,
        new: NewToken,
        once: Option<IdempotentCall>,
    ) -> Result<(ApiToken, Zeroizing<String>), Problem> {
        caller.rights().cover(&new.rights())?;
        let mut wanted = new.capabilities.iter();
        if wanted.any(Capability::needs_verification) {
            caller.require_verification(self, Purpose::Mint).await?;
        }
        let act = caller.act(self.clock.now());
        let secret = Secret::mint(&KeyPrefix::api_token())?;
        let token = ApiToken {
            id: entropy::new_handle("lt")?,
            hash: secret.hash(),
            account: new.account,
            name: new.name,
            capabilities: new.capabilities,
            creator: caller.actor.to_string(),
            user: caller.user.clone(),
            created_at: act.at,
            expires_at: new.expires_at,
        };
        let value = secret.reveal();
        let once = self.with_secret(once, &token.id, &value)?;
        let detail = json!({
            "name": token.name.as_str(),
            "capabilities": token.capabilities.to_string(),
            "expires_at": token.expires_at.map(|at| at.to_string()),
        });
        let account = token.account.as_ref();
        let entry = act.entry(AuditAction::TokenCreated, account, &token.id, detail);
        self.made_once_with_secret(token, value, move |store, token| {
            store.insert_token(token, once.as_ref(), &entry)
        })
        .await
    }

    /// Ends a token; gives when, too.
    pub(crate) async fn revoke_token(
        &self,
        caller: &Caller,
        target: RowTarget,
    ) -> Result<(ApiToken, UnixMillis), Problem> {
        self.delete_row(caller, target, |act, token: &ApiToken| {
            let detail = json!({"name": token.name.as_str()});
            let account = token.account.as_ref();
            act.entry(AuditAction::TokenRevoked, account, &token.id, detail)
        })
        .await
    }
}

impl NewToken {
    /// What whoever holds its value can do.
    pub(crate) fn rights(&self) -> Rights {
        Rights {
            capabilities: self.capabilities,
            account: self.account.clone(),
            ends_at: self.expires_at,
        }
    }
}
