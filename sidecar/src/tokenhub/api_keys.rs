//! The actions on ordinary keys.
//!
//! Does not decide what a key may have: that is the same for the REST API. Invariant: the
//! plaintext is in the answer of `DescribeApiKey` alone.

use keytable::{KeyHash, PresentedKey, Status};
use serde_json::{Value, json};

use crate::domain::catalog::Catalog;
use crate::domain::key::{Key, KeyEdit, NewKey, Policy};
use crate::domain::label::Labels;
use crate::domain::limit::CountedLimits;
use crate::domain::name::{Description, KeyName};
use crate::domain::origin::Origin;
use crate::domain::table_entry::KeyEntry;
use crate::http::lists;
use crate::store::{Condition, Search, SearchOrder, TextField};
use crate::tokenhub::call::{Call, Done};
use crate::tokenhub::fault::Fault;
use crate::tokenhub::input::Input;
use crate::tokenhub::page::{self, FilterParameter, Page};
use crate::tokenhub::quotas;
use crate::tokenhub::scope::{self, BIND_TYPES};
use crate::tokenhub::words::{STATUSES, date_time, status_word};

const ORIGIN: Origin = Origin::Standard;
const PLATFORMS: [(&str, ()); 1] = [("maas", ())];
const FILTERS: [&str; 5] = ["apikeyId", "apiKeyName", "platform", "status", "bindType"];
const OLD_QUOTAS: &str = "give QuotasDesired, which has all quotas that the key shall have";

/// `CreateApiKey`
pub(super) async fn create(call: &Call, mut input: Input) -> Result<Done, Fault> {
    let quotas = quotas::take(&mut input, "Quotas")?.unwrap_or_default();
    let name = input.parsed("ApiKeyName", KeyName::parse)?;
    let name = name.ok_or_else(|| Fault::missing("ApiKeyName"))?;
    platform(&mut input)?;
    let scope = scope::take(&mut input)?;
    let policy = Policy {
        description: input
            .parsed("Remark", Description::parse)?
            .unwrap_or_default(),
        status: input
            .choice("Status", &STATUSES)?
            .unwrap_or(Status::Enabled),
        scope,
        addresses: input
            .read("IpWhitelist", lists::addresses)?
            .unwrap_or_default(),
        expires_at: None,
        labels: Labels::default(),
    };
    input.finish()?;
    call.require_recoverable()?;
    let new = NewKey {
        account: call.account.clone(),
        region: call.region.clone(),
        origin: ORIGIN,
        name,
        team: None,
        policy,
        limits: quotas::limits(&CountedLimits::default(), &quotas)?,
    };
    let making = call
        .app
        .make_key(&call.caller, new, false, None, call.act());
    let (stored, _) = making.await?;
    let done = call.changed("created", &stored).await;
    Ok(done.with("ApiKeyId", stored.value.id.as_str()))
}

/// `DescribeApiKey`
pub(super) async fn describe(call: &Call, mut input: Input) -> Result<Done, Fault> {
    platform(&mut input)?;
    let id = input.text("ApiKeyId")?;
    let value = input.text("ApiKey")?;
    input.finish()?;
    let (key, value) = match (id, value) {
        (Some(id), _) => {
            let key = call.key(ORIGIN, &id).await?;
            let target = call.target(key.id.as_str())?;
            let (key, value) = call.app.reveal_key(&call.caller, target, None).await?;
            (key, value.to_string())
        }
        (None, Some(value)) => (by_value(call, &value).await?, value),
        (None, None) => return Err(Fault::missing("ApiKeyId")),
    };
    let region = call.region.clone();
    let catalog = call
        .store(move |store| store.catalog_names(&region))
        .await?;
    let now = call.app.clock.now();
    let entries = call.store(move |store| store.key_entries(vec![key], now));
    let details = entries
        .await?
        .iter()
        .map(|entry| detail(entry, &catalog))
        .next();
    Ok(Done::of(details.unwrap_or_default()).with("ApiKey", value))
}

/// Whoever has the value learns nothing from seeing it.
async fn by_value(call: &Call, value: &str) -> Result<Key, Fault> {
    let hash = PresentedKey::parse(value.as_bytes()).map(|key| KeyHash::of(&key));
    let Ok(hash) = hash else {
        return call.visible(ORIGIN, None);
    };
    let account = call.account.clone();
    let found = call.store(move |store| store.key_by_hash(&account, &hash));
    call.visible(ORIGIN, found.await?)
}

/// `DescribeApiKeyList`
pub(super) async fn list(call: &Call, mut input: Input) -> Result<Done, Fault> {
    platform(&mut input)?;
    let page = Page::take(&mut input)?;
    let filters = FilterParameter::take(&mut input, &FILTERS)?;
    let sort = page::sort(&mut input, &["apiKeyName"])?;
    input.finish()?;
    let search = Search {
        account: call.account.clone(),
        region: call.region.clone(),
        origin: ORIGIN,
        team: None,
        conditions: filters.into_iter().map(condition).collect(),
        order: sort.map_or(SearchOrder::Created(true), |(_, down)| {
            SearchOrder::Name(down)
        }),
        offset: page.offset,
        limit: page.limit,
    };
    let now = call.app.clock.now();
    let (keys, total, catalog) = call
        .store(move |store| {
            let found = store.search(&search)?;
            let keys = store.key_entries(found.keys, now)?;
            Ok((keys, found.total, store.catalog_names(&search.region)?))
        })
        .await?;
    let keys: Vec<_> = keys.iter().map(|entry| detail(entry, &catalog)).collect();
    Ok(Done::of(json!({"ApiKeySet": keys, "TotalCount": total})))
}

fn condition(filter: FilterParameter) -> Condition {
    match filter.name.as_str() {
        "apikeyid" => filter.on(TextField::Id),
        "apikeyname" => filter.on(TextField::Name),
        "status" => Condition::Status(filter.among(&STATUSES)),
        "bindtype" => Condition::Shape(filter.among(&BIND_TYPES)),
        // All keys here are of the one platform.
        _ => match filter.among(&PLATFORMS).is_empty() {
            true => Condition::Status(Vec::new()),
            false => Condition::Status(STATUSES.map(|(_, status)| status).to_vec()),
        },
    }
}

/// `ModifyApiKeyInfo`
pub(super) async fn modify(call: &Call, mut input: Input) -> Result<Done, Fault> {
    input.refuse(&["Quotas"], OLD_QUOTAS)?;
    let quotas = quotas::take(&mut input, "QuotasDesired")?;
    let id = input.required("ApiKeyId")?;
    platform(&mut input)?;
    let name = input.text("ApiKeyName")?;
    let mut edit = KeyEdit {
        description: input.parsed("Remark", Description::parse)?,
        addresses: input.read("IpWhitelist", lists::addresses)?,
        ..KeyEdit::default()
    };
    input.finish()?;
    let key = call.key(ORIGIN, &id).await?;
    if name.is_some_and(|name| name != key.name.as_str()) {
        let message = "The name of a key cannot be changed: make a new key.";
        return Err(Fault::parameter(message));
    }
    edit.limits = quotas
        .map(|quotas| quotas::limits(&key.limits, &quotas))
        .transpose()?;
    apply(call, &key, edit).await
}

/// `ModifyApiKeyStatus`
pub(super) async fn switch(call: &Call, mut input: Input) -> Result<Done, Fault> {
    let id = input.required("ApiKeyId")?;
    platform(&mut input)?;
    let status = input.required_choice("Status", &STATUSES)?;
    input.finish()?;
    let key = call.key(ORIGIN, &id).await?;
    let edit = KeyEdit {
        status: Some(status),
        ..KeyEdit::default()
    };
    apply(call, &key, edit).await
}

/// `DeleteApiKey`
pub(super) async fn delete(call: &Call, mut input: Input) -> Result<Done, Fault> {
    let id = input.required("ApiKeyId")?;
    platform(&mut input)?;
    input.finish()?;
    call.delete(ORIGIN, &id).await
}

/// Carries out a change of a key that was found.
pub(super) async fn apply(call: &Call, key: &Key, edit: KeyEdit) -> Result<Done, Fault> {
    let target = call.target(key.id.as_str())?;
    let stored = call.app.edit_key(target, edit, false, call.act()).await?;
    Ok(call.changed("edited", &stored).await)
}

fn platform(input: &mut Input) -> Result<(), Fault> {
    input.required_choice("Platform", &PLATFORMS)
}

/// `ApiKeyDetail`, with the mask in place of the value.
fn detail(entry: &KeyEntry, catalog: &Catalog) -> Value {
    let key = &entry.key;
    let policy = &key.policy;
    let networks = policy.addresses.networks().iter();
    let whitelist: Vec<_> = networks.map(ToString::to_string).collect();
    let mut detail = json!({
        "ApiKeyId": key.id.as_str(),
        "Name": key.name.as_str(),
        "ApiKey": key.masked,
        "Remark": policy.description.as_str(),
        "Platform": "maas",
        "Uin": key.account.as_str(),
        "SubUin": key.creator,
        "AppId": key.account.as_str(),
        "Status": status_word(policy.status),
        "BindType": scope::bind_type(&policy.scope),
        "BindingItems": scope::bindings(&policy.scope, catalog),
        "IpWhitelist": whitelist,
        "CreateTime": date_time(key.created_at),
        "UpdateTime": date_time(key.updated_at),
        "Editable": key.successor.is_none(),
        "Creator": "",
    });
    if let Value::Object(members) = &mut detail {
        members.extend(quotas::told(&key.limits, &entry.limits));
    }
    detail
}
