//! What people see of a key, and of how far its change is.
//!
//! Does not ask for keys. Invariant: JSON and YAML are the answer as it came.

use serde_json::Value;

use crate::args::WaitArgs;
use crate::client::Call;
use crate::commands::Context;
use crate::error::CliError;
use crate::limit;
use crate::output::{Column, Format};
use crate::wait;

/// What is shown of a key.
const LINES: [Column; 23] = [
    ("key", "/key"),
    ("key file", "/key_file"),
    ("id", "/id"),
    ("masked", "/masked"),
    ("name", "/name"),
    ("description", "/description"),
    ("account", "/account"),
    ("region", "/region"),
    ("status", "/status"),
    ("models", "/scope/models"),
    ("services", "/scope/services"),
    ("IP list", "/ip_allowlist"),
    ("expires", "/expires_at"),
    ("labels", "/labels"),
    ("limits", "/limits_in_short"),
    ("creator", "/creator"),
    ("created", "/created_at"),
    ("updated", "/updated_at"),
    ("last used", "/last_used_at"),
    ("predecessor", "/predecessor"),
    ("successor", "/successor"),
    ("deleted", "/deleted_at"),
    ("in force", "/in_force"),
];

pub(super) const COLUMNS: [Column; 9] = [
    ("ID", "/id"),
    ("MASKED", "/masked"),
    ("NAME", "/name"),
    ("REGION", "/region"),
    ("STATUS", "/status"),
    ("MODELS", "/scope/models"),
    ("EXPIRES", "/expires_at"),
    ("LAST USED", "/last_used_at"),
    ("LABELS", "/labels"),
];

/// What is shown of how a limit stands.
const LIMITS: [Column; 7] = [
    ("UNIT", "/limit/unit"),
    ("WINDOW", "/limit/window"),
    ("AMOUNT", "/limit/amount"),
    ("USED", "/used"),
    ("HELD", "/held"),
    ("LEFT", "/remaining"),
    ("ENDS", "/window/end"),
];

/// Writes how limits stand.
pub(super) fn limits(context: &Context, answer: &Value) {
    match context.format {
        Format::Table => {
            let limits = answer.get("limits").and_then(Value::as_array);
            context
                .format
                .list("limits", limits.map_or(&[], Vec::as_slice), &LIMITS);
        }
        _ => context.format.one(answer, &LIMITS),
    }
}

/// Makes a call whose answer is a key, and writes that.
pub(super) fn key(context: &Context, call: &Call) -> Result<(), CliError> {
    let answer = context.client.call(call)?.body;
    match context.format {
        Format::Table => context.format.one(&in_short(&answer), &LINES),
        _ => context.format.one(&answer, &LINES),
    }
    Ok(())
}

/// The same key, with its limits as people read them.
fn in_short(key: &Value) -> Value {
    let mut shown = key.clone();
    if let (Value::Object(members), Some(limits)) = (&mut shown, key.get("limits")) {
        members.insert("limits_in_short".to_owned(), limit::in_short(limits).into());
    }
    shown
}

/// Waits for the Envoys, writes the answer, a key, and says whether all of them have it.
pub(super) fn finish(
    context: &Context,
    answer: Value,
    region: Option<&str>,
    wait: WaitArgs,
) -> Result<(), CliError> {
    finish_as(context, answer, region, wait, &LINES)
}

/// The same of another answer, of which `lines` are shown.
pub(super) fn finish_as(
    context: &Context,
    mut answer: Value,
    region: Option<&str>,
    wait: WaitArgs,
    lines: &[Column],
) -> Result<(), CliError> {
    let of_answer = answer
        .get("region")
        .and_then(Value::as_str)
        .map(str::to_owned);
    wait.finish(
        &context.client,
        &mut answer,
        of_answer.as_deref().or(region),
    );
    let mut shown = in_short(&answer);
    if let (Value::Object(members), Some(propagation)) = (&mut shown, answer.get("propagation")) {
        members.insert("in_force".to_owned(), wait::summary(propagation).into());
    }
    match context.format {
        Format::Table => context.format.one(&shown, lines),
        _ => context.format.one(&answer, lines),
    }
    wait.verdict(&answer)
}
