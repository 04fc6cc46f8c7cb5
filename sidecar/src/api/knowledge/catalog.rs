//! The calls of `/v1/catalog`: what scopes may name.
//!
//! Does not fetch anything: an import is the answer of an upstream's `/v1/models`, sent here.
//! Invariant: every entry's kind is that of its name.

use actix_web::http::StatusCode;
use actix_web::web::{self, Data, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::api::identity::regions::region_of;
use crate::domain::catalog::{ALIASES_MAX, CATALOG_ENTRIES_MAX, CatalogEntry, KINDS, ResourceName};
use crate::domain::clock::UnixMillis;
use crate::domain::name::KeyName;
use crate::domain::region::RegionId;
use crate::http::answer;
use crate::http::body::{JsonObject, credential_fault};
use crate::http::fields::{Fields, Read, fault, invalid, parsed, text};
use crate::http::pagination;
use crate::http::problem::{FieldError, Problem};
use crate::http::query::Query;
use crate::http::shape::Shown;
use crate::service::App;
use crate::service::caller::Caller;
use crate::store::CatalogFilter;

/// A model or service that scopes may name.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "CatalogEntry")]
pub(crate) struct EntryAnswer {
    /// The name that requests and scopes have
    name: Shown<ResourceName>,
    /// What it is, as its name says: one that begins with ep- or @ is a service
    #[schemars(extend("enum" = KINDS))]
    kind: &'static str,
    /// Where it can be called
    region: Shown<RegionId>,
    /// What people call it
    display_name: String,
    /// Other names of it, for people to find it
    aliases: Vec<Shown<ResourceName>>,
    /// When it was added
    created_at: Shown<UnixMillis>,
    /// When it was last changed
    updated_at: Shown<UnixMillis>,
}

/// A page of the catalog.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct CatalogList {
    /// The entries, by name
    entries: Vec<EntryAnswer>,
    /// What to ask the next page with; null: this is the last one
    next_cursor: Option<String>,
}

/// What an import has done.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct CatalogImport {
    /// How many entries are new
    added: usize,
    /// How many were there before
    known_before: usize,
}

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(web::resource("/catalog/{region}").get(list))
        .service(web::resource("/catalog/{region}/import").post(import))
        .service(
            web::resource("/catalog/{region}/{name}")
                .get(get)
                .put(put)
                .delete(delete),
        );
}

/// `GET /v1/catalog/{region}`
async fn list(
    app: Data<App>,
    request: HttpRequest,
    region: Path<String>,
) -> Result<HttpResponse, Problem> {
    let mut query = Query::parse(request.query_string());
    let limit = pagination::limit(&mut query);
    let filter = CatalogFilter {
        kind: query.choice("kind", &KINDS.map(|kind| (kind, kind))),
        after: query.text("cursor"),
    };
    query.finish()?;
    let region = region_of(&region)?;
    let shown = region.clone();
    let found = app
        .store(move |store| store.catalog(&region, &filter, limit.saturating_add(1)))
        .await?;
    let (found, next_cursor) = pagination::cut(found, limit, |last| last.name.to_string());
    let entries = found.iter().map(|entry| EntryAnswer::new(&shown, entry));
    let list = CatalogList {
        entries: entries.collect(),
        next_cursor,
    };
    answer::json(StatusCode::OK, &list)
}

/// `GET /v1/catalog/{region}/{name}`
async fn get(
    app: Data<App>,
    request: HttpRequest,
    place: Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string()).finish()?;
    let (region, name) = (region_of(&place.0)?, name_of(&place.1)?);
    let shown = region.clone();
    let entry = app
        .store(move |store| store.catalog_entry(&region, &name))
        .await?;
    answer::tagged(
        StatusCode::OK,
        &EntryAnswer::new(&shown, &entry),
        entry.revision,
    )
}

/// `PUT /v1/catalog/{region}/{name}`
async fn put(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    place: Path<(String, String)>,
    body: JsonObject,
) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string()).finish()?;
    let region = region_of(&place.0)?;
    let act = caller.act(app.clock.now());
    let entry = entry(&place.1, body, act.at)?;
    let revisions = answer::if_match(&request);
    let shown = region.clone();
    let entry = app
        .store(move |store| store.set_catalog_entry(&region, entry, revisions.as_deref(), &act))
        .await?;
    answer::tagged(
        StatusCode::OK,
        &EntryAnswer::new(&shown, &entry),
        entry.revision,
    )
}

/// `DELETE /v1/catalog/{region}/{name}`
async fn delete(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    place: Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string()).finish()?;
    let (region, name) = (region_of(&place.0)?, name_of(&place.1)?);
    let revisions = answer::if_match(&request);
    let act = caller.act(app.clock.now());
    app.store(move |store| store.remove_catalog_entry(&region, &name, revisions.as_deref(), &act))
        .await?;
    Ok(HttpResponse::NoContent().finish())
}

/// `POST /v1/catalog/{region}/import`
async fn import(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    region: Path<String>,
    body: JsonObject,
) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string()).finish()?;
    let region = region_of(&region)?;
    let act = caller.act(app.clock.now());
    let names = model_list(body)?;
    let found = names.len();
    let entries = names.into_iter().map(|name| CatalogEntry {
        display_name: name.to_string(),
        name,
        aliases: Vec::new(),
        created_at: act.at,
        updated_at: act.at,
        revision: 1,
    });
    let entries: Vec<_> = entries.collect();
    let added = app
        .store(move |store| store.import_catalog(&region, entries, &act))
        .await?;
    let import = CatalogImport {
        added,
        known_before: found - added,
    };
    answer::json(StatusCode::OK, &import)
}

impl EntryAnswer {
    fn new(region: &RegionId, entry: &CatalogEntry) -> Self {
        Self {
            name: Shown(entry.name.clone()),
            kind: entry.name.kind(),
            region: Shown(region.clone()),
            display_name: entry.display_name.clone(),
            aliases: entry.aliases.iter().cloned().map(Shown).collect(),
            created_at: Shown(entry.created_at),
            updated_at: Shown(entry.updated_at),
        }
    }
}

fn name_of(text: &str) -> Result<ResourceName, Problem> {
    ResourceName::parse(text).map_err(|_| Problem::not_found("there is no such catalog entry"))
}

fn entry(name: &str, body: JsonObject, now: UnixMillis) -> Result<CatalogEntry, Problem> {
    let wrong = |detail: String| invalid(vec![FieldError::new("name", detail)]);
    if let Some(detail) = credential_fault(name) {
        return Err(wrong(detail));
    }
    let name = ResourceName::parse(name).map_err(|error| wrong(error.to_string()))?;
    let mut fields = Fields::of(body);
    let display_name = fields.optional("display_name", |value| parsed(&value, KeyName::parse));
    let aliases = fields.optional("aliases", |value| aliases(&value));
    fields.optional("kind", |value| kind(&value, &name));
    fields.finish().map_err(invalid)?;
    let display_name = display_name.map_or_else(
        || name.to_string(),
        |display_name| display_name.as_str().to_owned(),
    );
    Ok(CatalogEntry {
        name,
        display_name,
        aliases: aliases.unwrap_or_default(),
        created_at: now,
        updated_at: now,
        revision: 1,
    })
}

/// The kind may be said, so that a service whose name is a model's is noticed.
fn kind(value: &Value, name: &ResourceName) -> Read<()> {
    if text(value)? == name.kind() {
        return Ok(());
    }
    fault(format!(
        "must be \"{}\": a name that begins with ep- or @ is a service, every other one a model",
        name.kind()
    ))
}

fn aliases(value: &Value) -> Read<Vec<ResourceName>> {
    match value {
        Value::Array(items) if items.len() <= ALIASES_MAX => items
            .iter()
            .map(|item| parsed(item, ResourceName::parse))
            .collect(),
        _ => fault(format!("must be a list of at most {ALIASES_MAX} names")),
    }
}

/// The ids of an OpenAI-style list: `{"object": "list", "data": [{"id": "glm-5.1"}, ...]}`. What
/// else upstreams say of their models is let be.
fn model_list(body: JsonObject) -> Result<Vec<ResourceName>, Problem> {
    let wrong = |field: String, detail: String| invalid(vec![FieldError::new(field, detail)]);
    let Some(Value::Array(items)) = body.0.get("data") else {
        let detail = "must be a list, as in the answer of an upstream's GET /v1/models";
        return Err(wrong("data".into(), detail.into()));
    };
    if items.len() > CATALOG_ENTRIES_MAX {
        let detail = format!("must have at most {CATALOG_ENTRIES_MAX} entries");
        return Err(wrong("data".into(), detail));
    }
    let name = |(index, item): (usize, &Value)| {
        let id = item.get("id").and_then(Value::as_str);
        let name = id
            .ok_or("must be a string".to_owned())
            .and_then(|id| ResourceName::parse(id).map_err(|error| error.to_string()));
        name.map_err(|detail| wrong(format!("data[{index}].id"), detail))
    };
    let mut names = items
        .iter()
        .enumerate()
        .map(name)
        .collect::<Result<Vec<_>, _>>()?;
    names.sort_unstable();
    names.dedup();
    Ok(names)
}
