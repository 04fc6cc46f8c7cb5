//! What an admin writes about a key: the bodies of create and edit become domain values.
//!
//! Does not store. Invariant: what comes out is valid as a whole; what is not is told field by
//! field, all at once.

use std::collections::BTreeMap;

use keytable::{Axis, AxisKind, Scope, ScopeEntry, Status};
use serde_json::Value;

use crate::api::account;
use crate::api::limits::request::limits;
use crate::domain::clock::UnixMillis;
use crate::domain::key::{KeyEdit, NewKey, Policy, Unchanged};
use crate::domain::label::{LabelName, Labels};
use crate::domain::name::{Description, KeyName};
use crate::domain::origin::Origin;
use crate::domain::region::RegionId;
use crate::domain::secrets::secret::Secret;
use crate::domain::status::parse_status;
use crate::http::body::JsonObject;
use crate::http::fields::{Fields, Read, clip, fault, invalid, parsed, string};
use crate::http::lists;
use crate::http::problem::{FieldError, Problem};
use crate::service::caller::Caller;

/// Fields that only the sidecar writes.
const READ_ONLY: [&str; 13] = [
    "id",
    "key",
    "masked",
    "created_at",
    "updated_at",
    "value_set_at",
    "last_used_at",
    "creator",
    "key_version",
    "recoverable",
    "predecessor",
    "successor",
    "propagation",
];

/// Reads the body of a create call.
pub(crate) fn new_key(
    body: JsonObject,
    caller: &Caller,
    now: UnixMillis,
) -> Result<NewKey, Problem> {
    new_key_fields(Fields::of(body), caller, now)
}

/// Reads the body of an import call: a create call's with the value as `key`.
pub(crate) fn imported_key(
    body: JsonObject,
    caller: &Caller,
    now: UnixMillis,
) -> Result<(NewKey, Secret), Problem> {
    let mut fields = Fields::of(body);
    let secret = fields.required("key", |value| parsed(&value, Secret::import));
    let new = new_key_fields(fields, caller, now)?;
    let secret = secret.ok_or_else(|| Problem::internal(&"a refused value was not reported"))?;
    Ok((new, secret))
}

fn new_key_fields(mut fields: Fields, caller: &Caller, now: UnixMillis) -> Result<NewKey, Problem> {
    let account = account::of_body(&mut fields, caller)?;
    let region = fields.required("region", |value| parsed(&value, RegionId::parse));
    let name = fields.required("name", |value| parsed(&value, KeyName::parse));
    let origin = fields.optional("origin", |value| parsed(&value, Origin::parse));
    let edit = policy_fields(&mut fields, now);
    fields.refuse(&READ_ONLY, "is written by the sidecar: leave it out");
    fields.finish().map_err(invalid)?;
    match (account, region, name) {
        (Some(account), Some(region), Some(name)) => Ok(NewKey {
            account,
            region,
            origin: origin.unwrap_or(Origin::Standard),
            name,
            team: None,
            policy: Policy {
                description: edit.description.unwrap_or_default(),
                status: edit.status.unwrap_or(Status::Enabled),
                scope: edit.scope.unwrap_or(Scope::ALL),
                addresses: edit.addresses.unwrap_or_default(),
                expires_at: edit.expires_at.flatten(),
                labels: edit.labels.unwrap_or_default(),
            },
            limits: edit.limits.unwrap_or_default(),
        }),
        _ => Err(Problem::internal(&"a refused field was not reported")),
    }
}

/// Reads the body of an edit call.
pub(crate) fn key_edit(body: JsonObject, now: UnixMillis) -> Result<KeyEdit, Problem> {
    let mut fields = Fields::of(body);
    let edit = KeyEdit {
        unchanged: unchanged(&mut fields),
        ..policy_fields(&mut fields, now)
    };
    fields.refuse(&READ_ONLY, "is written by the sidecar: leave it out");
    fields.finish().map_err(invalid)?;
    Ok(edit)
}

fn policy_fields(fields: &mut Fields, now: UnixMillis) -> KeyEdit {
    KeyEdit {
        description: fields.optional("description", |value| parsed(&value, Description::parse)),
        status: fields.optional("status", |value| parsed(&value, parse_status)),
        scope: fields.optional("scope", scope),
        addresses: fields.optional("ip_allowlist", lists::addresses),
        expires_at: fields.optional("expires_at", |value| expiry(&value, now)),
        labels: fields.optional("labels", labels),
        limits: fields.optional("limits", limits),
        unchanged: Unchanged::default(),
    }
}

/// What is written once: whoever sends a key back as a whole may leave it in.
fn unchanged(fields: &mut Fields) -> Unchanged {
    let mut text = |part| fields.optional(part, |value| string(&value));
    Unchanged {
        name: text("name"),
        account: text("account"),
        region: text("region"),
        origin: text("origin"),
    }
}

fn labels(value: Value) -> Read<Labels> {
    let Value::Object(members) = value else {
        return fault("must be an object of texts, such as {\"team\": \"search\"}");
    };
    let (mut labels, mut errors) = (BTreeMap::new(), Vec::new());
    for (name, value) in &members {
        let named = |error: FieldError| FieldError {
            field: clip(name),
            ..error
        };
        let label = LabelName::parse(name).or_else(|error| fault(error.to_string()));
        match label.and_then(|label| Ok((label, parsed(value, KeyName::parse)?))) {
            Ok((label, value)) => {
                labels.insert(label, value);
            }
            Err(faults) => errors.extend(faults.into_iter().map(named)),
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    Labels::new(labels).or_else(|error| fault(error.to_string()))
}

fn expiry(value: &Value, now: UnixMillis) -> Read<Option<UnixMillis>> {
    if value.is_null() {
        return Ok(None);
    }
    let at = parsed(value, UnixMillis::parse_rfc3339)?;
    if at > now {
        Ok(Some(at))
    } else {
        fault("lies in the past: name a later time, or disable or delete the key")
    }
}

fn scope(value: Value) -> Read<Scope> {
    let Value::Object(members) = value else {
        return fault("must be an object with \"models\" and \"services\"");
    };
    let mut fields = Fields::new(members);
    let models = fields.optional("models", |value| axis(&value, AxisKind::Models));
    let services = fields.optional("services", |value| axis(&value, AxisKind::Services));
    fields.finish()?;
    let nothing = || Axis::Listed(Vec::new());
    Ok(Scope {
        models: models.unwrap_or_else(nothing),
        services: services.unwrap_or_else(nothing),
    })
}

fn axis(value: &Value, kind: AxisKind) -> Read<Axis> {
    match value {
        Value::String(word) if word == "all" => Ok(Axis::All),
        Value::Array(items) => lists::entries(items)
            .and_then(|entries| on_axis(entries, kind))
            .map(Axis::Listed),
        _ => fault("must be \"all\" or a list of names"),
    }
}

/// Refuses entries that can match nothing where they stand: the name chooses the axis.
fn on_axis(entries: Vec<ScopeEntry>, kind: AxisKind) -> Read<Vec<ScopeEntry>> {
    let where_to = match kind {
        AxisKind::Models => {
            "begins as services do ('ep-' or '@'), so it is judged as one and matches no model: list it \
             in scope.services"
        }
        AxisKind::Services => {
            "is judged as a model and matches no service, whose names begin with 'ep-' or '@': list it in \
             scope.models"
        }
    };
    let lost = entries.iter().enumerate();
    let lost = lost.filter(|(_, entry)| is_lost(entry, kind));
    let faults: Vec<_> = lost
        .map(|(index, entry)| {
            let detail = format!("{} {where_to}", clip(&entry.to_string()));
            FieldError::new(format!("[{index}]"), detail)
        })
        .collect();
    match faults.is_empty() {
        true => Ok(entries),
        false => Err(faults),
    }
}

/// Whether every name that an entry covers is judged on the other axis.
fn is_lost(entry: &ScopeEntry, kind: AxisKind) -> bool {
    let axis_of_step = |step: Option<&str>| AxisKind::of(step.unwrap_or_default().as_bytes());
    match (kind, entry) {
        (AxisKind::Models, ScopeEntry::Exact(name)) => {
            AxisKind::of(name.as_bytes()) == AxisKind::Services
        }
        // What follows changes nothing if its first step tells.
        (AxisKind::Models, ScopeEntry::Prefix(begin)) => {
            axis_of_step(begin.split('/').next()) == AxisKind::Services
        }
        (AxisKind::Services, ScopeEntry::Exact(name)) => {
            AxisKind::of(name.as_bytes()) == AxisKind::Models
                && axis_of_step(name.rsplit('/').next()) == AxisKind::Models
        }
        (AxisKind::Services, ScopeEntry::Prefix(_)) => false,
    }
}
