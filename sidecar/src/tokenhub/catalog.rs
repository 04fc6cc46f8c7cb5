//! The actions on models and endpoints: the region's catalog, as TokenHub shows it.
//!
//! Does not know what a model costs or can do. A model is also its own default endpoint, of the
//! same id. Invariant: what is shown here is what a scope may name.

use serde_json::{Value, json};

use crate::domain::catalog::{CATALOG_ENTRIES_MAX, CatalogEntry};
use crate::store::CatalogFilter;
use crate::tokenhub::call::{Call, Done};
use crate::tokenhub::fault::Fault;
use crate::tokenhub::input::Input;
use crate::tokenhub::page::{self, FilterParameter, Page};

const MODEL: &str = "model";
const NAMES_MAX: usize = 10;
const FILTERS: [&str; 4] = ["Status", "RequestSource", "ModelName", "ModelId"];
const ACTIVE: &str = "ACTIVE";

/// `DescribeModelList`
pub(super) async fn models(call: &Call, mut input: Input) -> Result<Done, Fault> {
    input.refuse(
        &["ModelTypes", "Tags"],
        "the catalog here has neither types nor tags",
    )?;
    let ids = input.distinct("ModelIds", NAMES_MAX)?;
    let names = input.distinct("ModelNames", NAMES_MAX)?;
    let page = Page::take(&mut input)?;
    input.finish()?;
    let wanted = |list: &Option<Vec<String>>, text: &str| {
        list.as_ref()
            .is_none_or(|list| list.iter().any(|item| item == text))
    };
    let mut entries = entries(call, Some(MODEL)).await?;
    entries.retain(|entry| {
        let name = entry.name.as_str();
        wanted(&ids, name) && wanted(&names, name)
    });
    let total = entries.len();
    let models: Vec<_> = page.of(entries).iter().map(model).collect();
    Ok(Done::of(json!({"ModelSet": models, "TotalCount": total})))
}

/// `DescribeModelEndpointList`
pub(super) async fn endpoints(call: &Call, mut input: Input) -> Result<Done, Fault> {
    let page = Page::take(&mut input)?;
    let filters = FilterParameter::take(&mut input, &FILTERS)?;
    let sort = page::sort(&mut input, &["CreatedTime", "UpdatedTime"])?;
    input.finish()?;
    let mut entries = entries(call, None).await?;
    entries.retain(|entry| filters.iter().all(|filter| fits(filter, entry)));
    match sort {
        None => {}
        Some((0, _)) => entries.sort_by_key(|entry| entry.created_at),
        Some(_) => entries.sort_by_key(|entry| entry.updated_at),
    }
    if sort.is_some_and(|(_, down)| down) {
        entries.reverse();
    }
    let total = entries.len();
    let endpoints: Vec<_> = page.of(entries).iter().map(view).collect();
    Ok(Done::of(
        json!({"ModelEndpointSet": endpoints, "TotalCount": total}),
    ))
}

/// `DescribeEndpoint`
pub(super) async fn endpoint(call: &Call, mut input: Input) -> Result<Done, Fault> {
    let id = input.required("EndpointId")?;
    input.finish()?;
    let entries = entries(call, None).await?;
    let found = entries.iter().find(|entry| entry.name.as_str() == id);
    let entry = found.ok_or_else(|| {
        let message = format!("There is no endpoint {id:.100} in this region.");
        Fault::new("ResourceNotFound.EndpointNotFound", message)
    })?;
    Ok(Done::default().with("Endpoint", detail(entry)))
}

async fn entries(call: &Call, kind: Option<&'static str>) -> Result<Vec<CatalogEntry>, Fault> {
    let region = call.region.clone();
    let filter = CatalogFilter { kind, after: None };
    call.store(move |store| store.catalog(&region, &filter, CATALOG_ENTRIES_MAX))
        .await
}

fn fits(filter: &FilterParameter, entry: &CatalogEntry) -> bool {
    filter.fits(match filter.name.as_str() {
        "status" => ACTIVE,
        "requestsource" => source(entry),
        _ => model_id(entry),
    })
}

/// Default endpoints come from the gateway, others from the console.
fn source(entry: &CatalogEntry) -> &'static str {
    match entry.name.kind() {
        MODEL => "GW",
        _ => "MC",
    }
}

/// The catalog does not know the model behind a service.
fn model_id(entry: &CatalogEntry) -> &str {
    match entry.name.kind() {
        MODEL => entry.name.as_str(),
        _ => "",
    }
}

fn aliases(entry: &CatalogEntry) -> Vec<&str> {
    entry.aliases.iter().map(|alias| alias.as_str()).collect()
}

fn model(entry: &CatalogEntry) -> Value {
    json!({
        "ModelId": entry.name.as_str(),
        "ModelName": entry.name.as_str(),
        "ExtraModelIds": aliases(entry),
        "DisplayName": entry.display_name,
        "ModelType": "",
        "Provider": "",
        "Status": "online",
        "Tags": [],
    })
}

fn view(entry: &CatalogEntry) -> Value {
    json!({
        "EndpointId": entry.name.as_str(),
        "EndpointName": entry.display_name,
        "ModelId": model_id(entry),
        "ModelName": model_id(entry),
        "ExtraModelIds": aliases(entry),
        "Status": ACTIVE,
        "ModelStatus": "online",
    })
}

fn detail(entry: &CatalogEntry) -> Value {
    json!({
        "EndpointId": entry.name.as_str(),
        "EndpointName": entry.display_name,
        "ModelId": model_id(entry),
        "ModelName": model_id(entry),
        "Status": ACTIVE,
        "ModelStatus": "online",
    })
}
