//! The actions on keys of a Token plan.
//!
//! Does not know plans: a team is a word that keys are grouped by. Invariant: a reset keeps the
//! id, raises the version, and ends the old value before it is answered.

use keytable::{AddressList, Limits, Scope, Status};
use serde_json::{Value, json};

use crate::domain::clock::UnixMillis;
use crate::domain::key::{Key, KeyEdit, NewKey, Policy};
use crate::domain::label::Labels;
use crate::domain::name::{Description, KeyName};
use crate::domain::origin::Origin;
use crate::store::{Condition, Search, SearchOrder, TextField};
use crate::tokenhub::api_keys;
use crate::tokenhub::call::{Call, Done};
use crate::tokenhub::fault::Fault;
use crate::tokenhub::input::Input;
use crate::tokenhub::page::{self, FilterParameter, Page};
use crate::tokenhub::scope;
use crate::tokenhub::words::{STATUSES, iso_8601, status_word};

const ORIGIN: Origin = Origin::TokenPlan;
const COUNT_MAX: u64 = 10;
const FILTERS: [&str; 5] = ["ApiKeyId", "Name", "Status", "StopReason", "UseStatus"];
const QUOTAS: [&str; 3] = ["ExclusiveQuota", "TotalQuota", "TPM"];
const NO_QUOTAS: &str = "there are no token quotas here; Envoy's rate limits can use the key id";
const STOP_REASONS: [(&str, ()); 1] = [("NORMAL", ())];

/// `CreateTokenPlanApiKeys`
pub(super) async fn create(call: &Call, mut input: Input) -> Result<Done, Fault> {
    input.refuse(&QUOTAS, NO_QUOTAS)?;
    let team = team(&mut input)?;
    let name = input.required("ApiKeyName")?;
    let count = input.number("Count", 1..=COUNT_MAX)?.unwrap_or(1);
    let scope = scope::take_allowed(&mut input)?;
    input.finish()?;
    let names = names(&name, count)?;
    call.require_recoverable()?;
    let scope = scope.map_or_else(|| scope::of_names("AllowedModels", Vec::new()), Ok)?;
    make(call, &team, names, &scope).await
}

/// What is made stays, also when one behind it fails; nothing made at all is a refusal.
async fn make(
    call: &Call,
    team: &KeyName,
    names: Vec<KeyName>,
    scope: &Scope,
) -> Result<Done, Fault> {
    let (mut made, mut failed, mut last) = (Vec::new(), Vec::new(), None);
    for (index, name) in (1..).zip(names) {
        let new = new_key(call, team, name.clone(), scope.clone());
        match call
            .app
            .make_key(&call.caller, new, false, None, call.act())
            .await
        {
            Ok((stored, _)) => {
                made.push(json!({"ApiKeyId": stored.value.id.as_str()}));
                last = Some(stored);
            }
            Err(problem) if made.is_empty() => return Err(problem.into()),
            Err(problem) => {
                let reason = Fault::from(problem).message;
                failed.push(json!({"Index": index, "Name": name.as_str(), "Reason": reason}));
            }
        }
    }
    let done = match last {
        // Generations rise: when the last is in force, all are.
        Some(stored) => call.changed("created", &stored).await,
        None => Done::default(),
    };
    Ok(done.with("Items", made).with("FailedItems", failed))
}

fn names(name: &str, count: u64) -> Result<Vec<KeyName>, Fault> {
    let name = |number: u64| match count {
        1 => KeyName::parse(name),
        _ => KeyName::parse(&format!("{name}-{number}")),
    };
    let names = (1..=count).map(name).collect::<Result<_, _>>();
    names.map_err(|error| Fault::value("ApiKeyName", error))
}

fn new_key(call: &Call, team: &KeyName, name: KeyName, scope: Scope) -> NewKey {
    NewKey {
        account: call.account.clone(),
        region: call.region.clone(),
        origin: ORIGIN,
        name,
        team: Some(team.clone()),
        policy: Policy {
            description: Description::default(),
            status: Status::Enabled,
            scope,
            addresses: AddressList::default(),
            expires_at: None,
            labels: Labels::default(),
        },
        limits: Limits::default(),
    }
}

/// `DescribeTokenPlanApiKeyList`
pub(super) async fn list(call: &Call, mut input: Input) -> Result<Done, Fault> {
    let now = call.app.clock.now();
    let team = team(&mut input)?;
    let page = Page::take(&mut input)?;
    let filters = FilterParameter::take(&mut input, &FILTERS)?;
    let sort = page::sort(&mut input, &["CreatedAt", "UpdatedAt"])?;
    input.finish()?;
    let search = Search {
        account: call.account.clone(),
        region: call.region.clone(),
        origin: ORIGIN,
        team: Some(team),
        conditions: filters
            .into_iter()
            .map(|filter| condition(filter, now))
            .collect(),
        order: match sort {
            None => SearchOrder::Created(true),
            Some((0, down)) => SearchOrder::Created(down),
            Some((_, down)) => SearchOrder::Updated(down),
        },
        offset: page.offset,
        limit: page.limit,
    };
    let found = call.store(move |store| store.search(&search)).await?;
    let keys: Vec<_> = found.keys.iter().map(|key| info(key, now)).collect();
    Ok(Done::of(
        json!({"ApiKeySet": keys, "TotalCount": found.total}),
    ))
}

fn condition(filter: FilterParameter, now: UnixMillis) -> Condition {
    let nothing = Condition::Status(Vec::new());
    let everything = Condition::Status(STATUSES.map(|(_, status)| status).to_vec());
    match filter.name.as_str() {
        "apikeyid" => filter.on(TextField::Id),
        "name" => filter.on(TextField::Name),
        "usestatus" => Condition::Status(filter.among(&STATUSES)),
        "status" => match filter.among(&STATUSES)[..] {
            [] => nothing,
            [status] => Condition::Usable(status == Status::Enabled, now),
            _ => everything,
        },
        _ => match filter.among(&STOP_REASONS).is_empty() {
            true => nothing,
            false => everything,
        },
    }
}

/// `DescribeTokenPlanApiKey`
pub(super) async fn describe(call: &Call, input: Input) -> Result<Done, Fault> {
    let key = named(call, input).await?;
    let now = call.app.clock.now();
    Ok(Done::default().with("ApiKey", info(&key, now)))
}

/// `DescribeTokenPlanApiKeySecret`
pub(super) async fn secret(call: &Call, input: Input) -> Result<Done, Fault> {
    let key = named(call, input).await?;
    let target = call.target(key.id.as_str())?;
    let (key, value) = call.app.reveal_key(&call.caller, target, None).await?;
    Ok(Done::of(
        json!({"ApiKeyId": key.id.as_str(), "ApiKey": value.as_str()}),
    ))
}

/// `ModifyTokenPlanApiKey`
pub(super) async fn modify(call: &Call, mut input: Input) -> Result<Done, Fault> {
    input.refuse(&QUOTAS, NO_QUOTAS)?;
    let id = input.required("ApiKeyId")?;
    let edit = KeyEdit {
        scope: scope::take_allowed(&mut input)?,
        status: input.choice("UseStatus", &STATUSES)?,
        ..KeyEdit::default()
    };
    input.finish()?;
    let key = call.key(ORIGIN, &id).await?;
    api_keys::apply(call, &key, edit).await
}

/// `ModifyTokenPlanApiKeySecret`
pub(super) async fn reset(call: &Call, input: Input) -> Result<Done, Fault> {
    let key = named(call, input).await?;
    call.require_recoverable()?;
    let target = call.target(key.id.as_str())?;
    let (stored, _) = call.app.reset_key(&call.caller, target, None).await?;
    let done = call.changed("reset", &stored).await;
    let key = &stored.value;
    Ok(done
        .with("ApiKeyId", key.id.as_str())
        .with("KeyVersion", key.key_version))
}

/// `DeleteTokenPlanApiKey`
pub(super) async fn delete(call: &Call, mut input: Input) -> Result<Done, Fault> {
    let id = input.required("ApiKeyId")?;
    input.finish()?;
    call.delete(ORIGIN, &id).await
}

/// The key that an action names and nothing else.
async fn named(call: &Call, mut input: Input) -> Result<Key, Fault> {
    let id = input.required("ApiKeyId")?;
    input.finish()?;
    call.key(ORIGIN, &id).await
}

fn team(input: &mut Input) -> Result<KeyName, Fault> {
    let team = input.parsed("TeamId", KeyName::parse)?;
    team.ok_or_else(|| Fault::missing("TeamId"))
}

/// `TokenPlanApiKeyInfo`, with the mask in place of the value.
fn info(key: &Key, now: UnixMillis) -> Value {
    let policy = &key.policy;
    let usable = match key.has_expired(now) {
        true => Status::Disabled,
        false => policy.status,
    };
    let rotated_at = (key.key_version > 1).then(|| iso_8601(key.value_set_at));
    let team = key
        .team
        .as_ref()
        .map_or(key.account.as_str(), KeyName::as_str);
    json!({
        "ApiKeyId": key.id.as_str(),
        "ApiKey": key.masked,
        "Name": key.name.as_str(),
        "TeamId": team,
        "AppId": key.account.as_str(),
        "Uin": key.account.as_str(),
        "AllowedModels": scope::allowed(&policy.scope),
        "Status": status_word(usable),
        "StopReason": "NORMAL",
        "UseStatus": status_word(policy.status),
        "KeyVersion": key.key_version,
        "LastRotatedAt": rotated_at.unwrap_or_default(),
        "Creator": key.creator,
        "CreatedAt": iso_8601(key.created_at),
        "UpdatedAt": iso_8601(key.updated_at),
        "ProductType": "enterprise",
    })
}
