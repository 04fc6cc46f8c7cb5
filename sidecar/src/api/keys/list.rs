//! The call `GET /v1/keys`: which keys are shown, in which order, from where on.
//!
//! Does not speak SQL. Invariant: a cursor is read back exactly as it was given out; one of another
//! order is refused.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use keytable::{AccountId, Status};

use crate::api::account;
use crate::api::keys::answer::{KeyAnswer, Listed};
use crate::domain::clock::UnixMillis;
use crate::domain::label::Labels;
use crate::domain::origin::Origin;
use crate::domain::region::RegionId;
use crate::http::answer;
use crate::http::pagination;
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::service::App;
use crate::service::caller::Caller;
use crate::store::{Cursor, CursorValue, KeyFilter, Sort};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
const UNUSED_DAYS_MAX: u64 = 3_650;

const SORTS: [(&str, Sort); 6] = [
    ("-created_at", Sort::Newest),
    ("created_at", Sort::Oldest),
    ("name", Sort::Name),
    ("-name", Sort::NameBackwards),
    ("last_used_at", Sort::LeastRecentlyUsed),
    ("-last_used_at", Sort::MostRecentlyUsed),
];

/// `GET /v1/keys`
pub(crate) async fn list(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string());
    let account = account::of_query(&caller, &mut query)?;
    let filter = filter(&mut query, app.clock.now());
    let limit = pagination::limit(&mut query);
    let sort = query.choice("sort", &SORTS).unwrap_or(Sort::Newest);
    let cursor = query
        .optional("cursor", |text| cursor(text, sort))
        .flatten();
    query.finish()?;
    let account = account.ok_or_else(|| Problem::internal(&"an account was not reported"))?;
    let filter = filter(account);
    let listing = app
        .store(move |store| {
            let region_known = match &filter.region {
                Some(region) => store.has_region(region)?,
                None => true,
            };
            if !region_known || !store.has_account(&filter.account)? {
                return Ok(None);
            }
            store.list(&filter, sort, cursor.as_ref(), limit).map(Some)
        })
        .await?
        .ok_or_else(|| Problem::not_found("there is no such account or region"))?;
    let listed = Listed {
        keys: listing.keys.iter().map(KeyAnswer::new).collect(),
        next_cursor: listing.next.as_ref().map(cursor_text),
        total: listing.total,
    };
    answer::json(StatusCode::OK, &listed)
}

/// Takes the conditions; what is left to be named is the account.
fn filter(query: &mut Query, now: UnixMillis) -> impl FnOnce(AccountId) -> KeyFilter + use<> {
    let region = query.optional("region", RegionId::parse);
    let statuses = [("enabled", Status::Enabled), ("disabled", Status::Disabled)];
    let status = query.choice("status", &statuses);
    let origin = query.optional("origin", Origin::parse);
    let name = query.text("name");
    let name_contains = query.text("name_contains");
    let search = query.text("search");
    let id = query.text("id");
    let creator = query.text("creator");
    let labels = query.optional("label", Labels::parse_pair);
    let days = query.number("unused_for_days", 1..=UNUSED_DAYS_MAX);
    let before = |days: u64| UnixMillis::new(now.get().saturating_sub(days * DAY_MS));
    let unused_since = days.map(before);
    move |account| KeyFilter {
        account,
        origin: origin.unwrap_or(Origin::Standard),
        region,
        status,
        name,
        name_contains,
        search,
        id,
        creator,
        labels: labels.unwrap_or_default(),
        unused_since,
    }
}

fn cursor_text(cursor: &Cursor) -> String {
    let seq = cursor.seq;
    match &cursor.by {
        None => format!("k{seq}"),
        Some(CursorValue::Time(at)) => format!("t{seq}.{at}"),
        Some(CursorValue::Name(name)) => {
            let digits = base16ct::lower::encode_string(name.as_bytes());
            format!("n{seq}.{digits}")
        }
    }
}

fn cursor(text: &str, sort: Sort) -> Result<Option<Cursor>, &'static str> {
    if text.is_empty() {
        return Ok(None);
    }
    parse_cursor(text, sort)
        .map(Some)
        .ok_or("must be the next_cursor of an earlier answer with the same sort")
}

fn parse_cursor(text: &str, sort: Sort) -> Option<Cursor> {
    let (kind, rest) = text.split_at_checked(1)?;
    let (seq, by) = match (kind, sort) {
        ("k", Sort::Newest | Sort::Oldest) => (rest, None),
        ("t", Sort::LeastRecentlyUsed | Sort::MostRecentlyUsed) => {
            let (seq, at) = rest.split_once('.')?;
            (seq, Some(CursorValue::Time(at.parse().ok()?)))
        }
        ("n", Sort::Name | Sort::NameBackwards) => {
            let (seq, digits) = rest.split_once('.')?;
            let name = base16ct::mixed::decode_vec(digits).ok()?;
            (seq, Some(CursorValue::Name(String::from_utf8(name).ok()?)))
        }
        _ => return None,
    };
    let seq = seq.parse().ok()?;
    Some(Cursor { by, seq })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_are_read_as_they_were_written() {
        let values = [
            (None, Sort::Newest),
            (Some(CursorValue::Time(0)), Sort::LeastRecentlyUsed),
            (Some(CursorValue::Name("键 é".into())), Sort::Name),
            (Some(CursorValue::Name(String::new())), Sort::NameBackwards),
        ];
        for (by, sort) in values {
            let written = Cursor { by, seq: 7 };
            assert_eq!(cursor(&cursor_text(&written), sort), Ok(Some(written)));
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["7", "k", "kx", "n7", "n7.e", "n7.ff", "t7.1", "k-1", "é"] {
            assert!(cursor(text, Sort::Name).is_err(), "{text}");
        }
        assert_eq!(cursor("", Sort::Name), Ok(None));
    }
}
