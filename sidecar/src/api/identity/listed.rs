//! What the lists of this room have in common: a page of the rows that a caller may see, or one row.
//!
//! Does not know any row. Invariant: whoever is bound to an account is shown rows of that one alone.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use keytable::AccountId;
use serde::Serialize;
use serde_json::json;

use crate::http::answer;
use crate::http::pagination;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::service::App;
use crate::service::caller::Caller;
use crate::store::{ListPage, PageRequest, Store, StoreError};

/// A list: its member in answers, and what its cursors begin with.
#[derive(Clone, Copy, Debug)]
pub(super) struct List {
    pub(super) name: &'static str,
    pub(super) cursor_mark: char,
}

impl List {
    /// Answers with a page of the rows that `find` gives, each as it is `shown`.
    pub(super) async fn page<T: Send + 'static, A: Serialize>(
        self,
        (app, caller, request): (&App, &Caller, &HttpRequest),
        find: impl FnOnce(&Store, Option<&AccountId>, PageRequest) -> Result<ListPage<T>, StoreError>
        + Send
        + 'static,
        shown: impl Fn(&T) -> A,
    ) -> Result<HttpResponse, Problem> {
        let mut query = Query::parse(request.query_string());
        let account = query.text("account");
        let page = pagination::take(&mut query, self.cursor_mark);
        query.finish()?;
        let access = caller.account_for(account.as_deref())?;
        let found = app
            .store(move |store| find(store, access.account(), page))
            .await?;
        let items: Vec<A> = found.items.iter().map(shown).collect();
        let next = pagination::cursor(found.next, self.cursor_mark);
        answer::json(
            StatusCode::OK,
            &json!({(self.name): items, "next_cursor": next}),
        )
    }
}

/// Answers with the one row that `find` gives for an id, as it is `shown` with its revision.
pub(super) async fn one<T: Send + 'static, A: Serialize>(
    (app, caller, request): (&App, &Caller, &HttpRequest),
    id: String,
    find: impl FnOnce(&Store, &str, Option<&AccountId>) -> Result<T, StoreError> + Send + 'static,
    shown: impl FnOnce(&T) -> (A, u64),
) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string()).finish()?;
    let access = caller.account_for(None)?;
    let found = app
        .store(move |store| find(store, &id, access.account()))
        .await?;
    let (body, revision) = shown(&found);
    answer::tagged(StatusCode::OK, &body, revision)
}
