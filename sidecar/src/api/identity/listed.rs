//! What the lists of this room have in common: a page of the rows that a caller may see, or one row.
//!
//! Does not know any row. Invariant: whoever is bound to an account is shown rows of that one alone.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::clock::UnixMillis;
use crate::http::answer;
use crate::http::pagination;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::http::shape::Shown;
use crate::service::App;
use crate::service::caller::Caller;
use crate::store::PagedRow;

/// The answer to a call that has nothing to say.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(extend("additionalProperties" = false))]
pub(crate) struct Nothing {}

/// What was deleted, and when.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Deleted")]
pub(crate) struct DeletedRow {
    /// The id that it had
    id: String,
    /// When it was deleted
    deleted_at: Shown<UnixMillis>,
}

impl DeletedRow {
    pub(crate) fn new(id: &str, deleted_at: UnixMillis) -> Self {
        Self {
            id: id.to_owned(),
            deleted_at: Shown(deleted_at),
        }
    }
}

/// A page of the rows that a caller may see, each as it is `shown`, and the cursor behind it; `mark`
/// is what the cursors of this list begin with.
pub(super) async fn page<T: PagedRow + Send + 'static, A>(
    (app, caller, request): (&App, &Caller, &HttpRequest),
    mark: char,
    shown: impl Fn(&T) -> A,
) -> Result<(Vec<A>, Option<String>), Problem> {
    let mut query = Query::parse(request.query_string());
    let account = query.text("account");
    let page = pagination::take(&mut query, mark);
    query.finish()?;
    let found = app.list_rows(caller, account.as_deref(), page).await?;
    let items = found.items.iter().map(shown).collect();
    Ok((items, pagination::cursor(found.next, mark)))
}

/// Answers with the one row that has an id, as it is `shown`.
pub(super) async fn one<T: PagedRow + Send + 'static, A: Serialize>(
    (app, caller, request): (&App, &Caller, &HttpRequest),
    id: &str,
    shown: impl FnOnce(&T) -> A,
) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string()).finish()?;
    let found: T = app.find_row(caller.row(id, None)?).await?;
    answer::tagged(StatusCode::OK, &shown(&found), found.revision())
}
