//! The call of `/v1/audit`: what was done, by whom, from where.
//!
//! Does not write rows. Invariant: whoever is bound to an account sees its rows alone.

use actix_web::http::StatusCode;
use actix_web::web::{self, Data, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use keytable::redact;
use serde::Serialize;
use serde_json::{Value, json};

use crate::domain::clock::UnixMillis;
use crate::http::answer;
use crate::http::pagination;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::service::App;
use crate::service::caller::Caller;
use crate::store::{AuditFilter, AuditRow};

/// What cursors of this list begin with.
const CURSOR_MARK: char = 'a';

#[derive(Debug, Serialize)]
struct EntryAnswer {
    seq: u64,
    at: String,
    actor: String,
    address: Option<String>,
    account: Option<String>,
    action: String,
    target: String,
    detail: Value,
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
    let page = pagination::take(&mut query, CURSOR_MARK);
    query.finish()?;
    let access = caller.account_for(account.as_deref())?;
    let filter = AuditFilter {
        account: access.account().map(ToString::to_string),
        before: page.behind,
        ..filter
    };
    let limit = page.limit;
    let mut rows = app
        .store(move |store| store.audit(&filter, limit.saturating_add(1)))
        .await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| more).map(|row| row.seq);
    let next = pagination::cursor(next, CURSOR_MARK);
    let entries: Vec<_> = rows.into_iter().map(EntryAnswer::new).collect();
    answer::json(
        StatusCode::OK,
        &json!({"entries": entries, "next_cursor": next}),
    )
}

impl EntryAnswer {
    fn new(row: AuditRow) -> Self {
        Self {
            seq: row.seq,
            at: UnixMillis::new(row.at).to_string(),
            actor: row.actor,
            address: row.address,
            account: row.account,
            action: row.action,
            target: row.target,
            detail: shown(serde_json::from_str(&row.detail).unwrap_or(Value::Null)),
        }
    }
}

/// The particulars without credentials: rows of earlier versions may have some, and rows are never
/// changed.
fn shown(detail: Value) -> Value {
    match detail {
        Value::String(text) => redact(&text).into(),
        Value::Array(items) => items.into_iter().map(shown).collect(),
        Value::Object(members) => members
            .into_iter()
            .map(|(name, value)| (name, shown(value)))
            .collect(),
        other => other,
    }
}
