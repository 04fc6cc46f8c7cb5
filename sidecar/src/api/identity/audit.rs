//! The call of `/v1/audit`: what was done, by whom, from where.
//!
//! Does not write rows. Invariant: whoever is bound to an account sees its rows alone.

use actix_web::http::StatusCode;
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use keytable::redact;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::domain::clock::UnixMillis;
use crate::http::answer;
use crate::http::pagination;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::shape::Shown;
use crate::service::App;
use crate::service::caller::Caller;
use crate::store::{AuditFilter, AuditRow, PageRequest};

/// What cursors of this list begin with.
const CURSOR_MARK: char = 'a';

/// One act, and who did it.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AuditEntry")]
pub(crate) struct AuditEntryAnswer {
    /// Its number: every act has the next one
    seq: u64,
    /// When it was done
    at: Shown<UnixMillis>,
    /// Who did it, as `user:alice` or `token:lt-...`
    actor: String,
    /// From which address; null: without a network
    address: Option<String>,
    /// In which account; null: in none or all
    account: Option<String>,
    /// What was done, as `key.deleted`
    action: String,
    /// What it was done to: an id
    target: String,
    /// The particulars, which depend on the action
    detail: Option<Map<String, Value>>,
}

/// A page of the audit.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct AuditList {
    /// The acts, newest first
    entries: Vec<AuditEntryAnswer>,
    /// What to ask the next page with; null: this is the last one
    next_cursor: Option<String>,
}

pub(crate) fn routes(config: &mut ServiceConfig) {
    config.service(web::resource("/audit").get(list));
}

/// `GET /v1/audit`
async fn list(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string());
    let account = query.text("account");
    let filter = AuditFilter {
        account: None,
        actor: query.text("actor"),
        action: query.text("action"),
        target: query.text("target"),
        from: query.optional("from", UnixMillis::parse_rfc3339),
        until: query.optional("until", UnixMillis::parse_rfc3339),
        before: None,
    };
    let PageRequest { behind, limit } = pagination::take(&mut query, CURSOR_MARK);
    query.finish()?;
    let filter = AuditFilter {
        before: behind,
        ..filter
    };
    let rows = app.audit(&caller, account.as_deref(), filter, limit.saturating_add(1));
    let rows = rows.await?;
    let (rows, next) = pagination::cut(rows, limit, |row| row.seq);
    let list = AuditList {
        entries: rows.into_iter().map(AuditEntryAnswer::new).collect(),
        next_cursor: pagination::cursor(next, CURSOR_MARK),
    };
    answer::json(StatusCode::OK, &list)
}

impl AuditEntryAnswer {
    fn new(row: AuditRow) -> Self {
        Self {
            seq: row.seq,
            at: Shown(UnixMillis::new(row.at)),
            actor: row.actor,
            address: row.address,
            account: row.account,
            action: row.action,
            target: row.target,
            detail: serde_json::from_str(&row.detail).ok().map(members),
        }
    }
}

/// The particulars without credentials: rows of earlier versions may have some, and rows are never
/// changed.
fn members(detail: Map<String, Value>) -> Map<String, Value> {
    let detail = detail.into_iter();
    detail.map(|(name, value)| (name, shown(value))).collect()
}

fn shown(detail: Value) -> Value {
    match detail {
        Value::String(text) => redact(&text).into(),
        Value::Array(items) => items.into_iter().map(shown).collect(),
        Value::Object(detail) => members(detail).into(),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_an_earlier_version_wrote_is_told_without_credentials_at_any_depth() {
        let key = format!("sk-ant-{}", "a1".repeat(20));
        let told =
            |text: &str| json!({"name": text, "to": {"models": ["glm-5.1", text]}, "limit": 9});
        assert_eq!(shown(told(&format!("my {key}"))), told("(redacted)"));
        assert_eq!(shown(told("my key")), told("my key"));
    }
}
