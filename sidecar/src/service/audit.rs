//! What is told of what was done.
//!
//! Does not write rows: whoever acts does. Invariant: whoever is bound to an account is told of that
//! one alone.

use crate::http::problem::Problem;
use crate::service::App;
use crate::service::caller::Caller;
use crate::store::{AuditFilter, AuditRow};

impl App {
    /// At most `limit` rows that the caller may see, of `account` only if it is named.
    pub(crate) async fn audit(
        &self,
        caller: &Caller,
        account: Option<&str>,
        filter: AuditFilter,
        limit: usize,
    ) -> Result<Vec<AuditRow>, Problem> {
        let access = caller.account_for(account)?;
        let filter = AuditFilter {
            account: access.account().map(ToString::to_string),
            ..filter
        };
        self.store(move |store| store.audit(&filter, limit)).await
    }
}
