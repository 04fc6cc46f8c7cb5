//! The calls of `/v1/keys`.
//!
//! Does not check texts or speak SQL. Invariant: a change is answered after its commit, and says
//! how far it has come.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, ETAG, LOCATION};
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use keytable::{AccountId, KeyId, Status};
use serde::Serialize;

use crate::api::App;
use crate::api::body::JsonObject;
use crate::api::envelope::RequestId;
use crate::api::key_answer::{Created, Deleted, Edited, KeyAnswer, Listed};
use crate::api::key_request;
use crate::api::patience::Patience;
use crate::api::problem::Problem;
use crate::api::query::Query;
use crate::domain::entropy;
use crate::domain::key::Key;
use crate::domain::origin::Origin;
use crate::domain::region::RegionId;
use crate::domain::secret::Secret;
use crate::store::{Cursor, Filter, Minted, Target};

const LIST_LIMIT_MAX: u64 = 200;
const LIST_LIMIT_DEFAULT: u64 = 50;
/// Who acts: the only credential of this API is the operator's.
const OPERATOR: &str = "operator";

/// `POST /v1/keys`
pub(super) async fn create(
    app: Data<App>,
    request: HttpRequest,
    body: JsonObject,
) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string());
    let patience = Patience::take(&mut query);
    query.choice("allow_unlisted", &[("true", true), ("false", false)]);
    query.finish()?;
    let now = app.clock.now();
    let new = key_request::new_key(body, now)?;
    let secret = Secret::mint(&app.key_prefix.of_origin(new.origin))?;
    let minted = Minted {
        id: entropy::new_key_id(now)?,
        hash: secret.hash(),
        masked: secret.mask(),
        creator: OPERATOR.into(),
    };
    let stored = app
        .store(move |store| store.insert(new, minted, now))
        .await?;
    let key = stored.value;
    note(&request, "created", &key);
    let propagation = app
        .propagation(&key.region, stored.generation, patience)
        .await;
    let location = format!("/v1/keys/{}", key.id);
    let value = secret.reveal();
    let mut answer = json(
        StatusCode::CREATED,
        &Created::new(&key, &value, propagation),
        Some(&key),
    )?;
    let location =
        header::HeaderValue::from_str(&location).map_err(|error| Problem::internal(&error))?;
    answer.headers_mut().insert(LOCATION, location);
    Ok(answer)
}

/// `GET /v1/keys`
pub(super) async fn list(app: Data<App>, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string());
    let account = query.required("account", AccountId::parse);
    let region = query.optional("region", RegionId::parse);
    let status = query.choice(
        "status",
        &[("enabled", Status::Enabled), ("disabled", Status::Disabled)],
    );
    let origin = query.optional("origin", Origin::parse);
    let name_contains = query.text("name_contains");
    let limit = query
        .number("limit", 1..=LIST_LIMIT_MAX)
        .unwrap_or(LIST_LIMIT_DEFAULT);
    let cursor = query.optional("cursor", cursor).flatten();
    query.finish()?;
    let filter = Filter {
        account: account.ok_or_else(|| Problem::internal(&"an account was not reported"))?,
        origin: origin.unwrap_or(Origin::Standard),
        region,
        status,
        name_contains,
    };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let listing = app
        .store(move |store| {
            let region_known = match &filter.region {
                Some(region) => store.has_region(region)?,
                None => true,
            };
            if !region_known || !store.has_account(&filter.account)? {
                return Ok(None);
            }
            store.list(&filter, cursor, limit).map(Some)
        })
        .await?
        .ok_or_else(|| Problem::not_found("there is no such account or region"))?;
    let listed = Listed {
        keys: listing.keys.iter().map(KeyAnswer::new).collect(),
        next_cursor: listing.next.map(|cursor| format!("k{}", cursor.0)),
        total: listing.total,
    };
    json(StatusCode::OK, &listed, None)
}

/// `GET /v1/keys/{id}`
pub(super) async fn get(
    app: Data<App>,
    request: HttpRequest,
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string());
    let target = target(&id, &mut query, None)?;
    query.finish()?;
    let key = app.store(move |store| store.get(&target)).await?;
    json(StatusCode::OK, &KeyAnswer::new(&key), Some(&key))
}

/// `PATCH /v1/keys/{id}`
pub(super) async fn edit(
    app: Data<App>,
    request: HttpRequest,
    id: Path<String>,
    body: JsonObject,
) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string());
    let patience = Patience::take(&mut query);
    query.choice("allow_unlisted", &[("true", true), ("false", false)]);
    let target = target(&id, &mut query, Some(&request))?;
    query.finish()?;
    let now = app.clock.now();
    let edit = key_request::key_edit(body, now)?;
    let stored = app
        .store(move |store| store.edit(&target, edit, now))
        .await?;
    let key = stored.value;
    note(&request, "edited", &key);
    let propagation = app
        .propagation(&key.region, stored.generation, patience)
        .await;
    json(StatusCode::OK, &Edited::new(&key, propagation), Some(&key))
}

/// `DELETE /v1/keys/{id}`
pub(super) async fn delete(
    app: Data<App>,
    request: HttpRequest,
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string());
    let patience = Patience::take(&mut query);
    let confirm = query.text("confirm");
    let target = target(&id, &mut query, Some(&request))?;
    query.finish()?;
    let now = app.clock.now();
    let stored = app
        .store(move |store| store.delete(&target, confirm.as_deref(), now))
        .await?;
    let key = stored.value;
    note(&request, "deleted", &key);
    let deleted = Deleted {
        id: key.id.to_string(),
        deleted_at: now.to_string(),
        propagation: app
            .propagation(&key.region, stored.generation, patience)
            .await,
    };
    json(StatusCode::OK, &deleted, None)
}

fn note(request: &HttpRequest, what: &str, key: &Key) {
    let (id, account, region) = (&key.id, &key.account, &key.region);
    let request_id = RequestId::of(request);
    log::info!("key {what} key_id={id} account={account} region={region} request_id={request_id}");
}

/// Which key a call means. `If-Match` counts where the request is given.
fn target(id: &str, query: &mut Query, request: Option<&HttpRequest>) -> Result<Target, Problem> {
    let account = query.optional("account", AccountId::parse);
    // A text that cannot be an id is the id of no key.
    let id = KeyId::parse(id).map_err(|_| Problem::not_found("there is no such key"))?;
    let revisions = request.and_then(if_match);
    Ok(Target {
        id,
        account,
        revisions,
    })
}

/// The revisions that `If-Match` names; none for `*`, which every key matches.
fn if_match(request: &HttpRequest) -> Option<Vec<u64>> {
    let values: Vec<&[u8]> = request
        .headers()
        .get_all(header::IF_MATCH)
        .flat_map(|value| value.as_bytes().split(|b| *b == b','))
        .map(<[u8]>::trim_ascii)
        .collect();
    if values.is_empty() || values.contains(&b"*".as_slice()) {
        return None;
    }
    let revision = |tag: &&[u8]| {
        let inner = tag.strip_prefix(b"\"")?.strip_suffix(b"\"")?;
        std::str::from_utf8(inner).ok()?.parse().ok()
    };
    Some(values.iter().filter_map(revision).collect())
}

fn cursor(text: &str) -> Result<Option<Cursor>, &'static str> {
    if text.is_empty() {
        return Ok(None);
    }
    let number = text
        .strip_prefix('k')
        .and_then(|number| number.parse().ok());
    number
        .map(|number| Some(Cursor(number)))
        .ok_or("must be the next_cursor of an earlier answer")
}

fn json(
    status: StatusCode,
    body: &impl Serialize,
    key: Option<&Key>,
) -> Result<HttpResponse, Problem> {
    let bytes = serde_json::to_vec(body).map_err(|error| Problem::internal(&error))?;
    let mut answer = HttpResponse::build(status);
    if let Some(key) = key {
        answer.insert_header((ETAG, format!("\"{}\"", key.revision)));
    }
    Ok(answer.content_type("application/json").body(bytes))
}
