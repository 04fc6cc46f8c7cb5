//! `latchkey account ...`: accounts, and what their keys were used for.

use serde_json::{Value, json};

use crate::args::key::UsageTimeArgs;
use crate::args::others::{AccountCommand, AccountEditArgs, AccountUsageArgs, TenantDeleteArgs};
use crate::client::Call;
use crate::commands::named::confirmed;
use crate::commands::request::given;
use crate::commands::shown::finish_as;
use crate::commands::{Context, text};
use crate::error::CliError;
use crate::limit;
use crate::output::{self, Column, Format};
use crate::query::Target;

const PATH: &str = "/v1/accounts";

const COLUMNS: [Column; 6] = [
    ("ID", "/id"),
    ("NAME", "/name"),
    ("STATUS", "/status"),
    ("KEYS", "/standard_keys"),
    ("KEY LIMIT", "/key_limit"),
    ("CREATED", "/created_at"),
];

const LINES: [Column; 8] = [
    ("id", "/id"),
    ("name", "/name"),
    ("status", "/status"),
    ("keys", "/standard_keys"),
    ("key limit", "/key_limit"),
    ("limits", "/limits_in_short"),
    ("created", "/created_at"),
    ("in force", "/in_force"),
];

/// What is said of an account or a region that is gone.
pub(super) const DELETED: [Column; 2] = [("id", "/id"), ("deleted", "/deleted_at")];

const RESOURCES: [Column; 5] = [
    ("MODEL OR SERVICE", "/resource"),
    ("PERMITTED", "/permitted"),
    ("REFUSED", "/refused"),
    ("INPUT TOKENS", "/tokens/reported/input"),
    ("OUTPUT TOKENS", "/tokens/reported/output"),
];

const KEYS: [Column; 6] = [
    ("KEY", "/id"),
    ("NAME", "/name"),
    ("PERMITTED", "/permitted"),
    ("REFUSED", "/refused"),
    ("INPUT TOKENS", "/tokens/reported/input"),
    ("OUTPUT TOKENS", "/tokens/reported/output"),
];

const TOTAL: [Column; 7] = [
    ("from", "/from"),
    ("until", "/until"),
    ("permitted", "/total/permitted"),
    ("refused", "/total/refused"),
    ("outcomes", "/outcomes"),
    ("tokens reported", "/total/tokens/reported"),
    ("tokens estimated", "/total/tokens/estimated"),
];

pub(super) fn run(context: &Context, command: AccountCommand) -> Result<(), CliError> {
    match command {
        AccountCommand::List => {
            let accounts = context
                .client
                .list(|| Target::new(PATH), "accounts", None)?;
            context.format.list("accounts", &accounts, &COLUMNS);
            Ok(())
        }
        AccountCommand::Show { id } => {
            context.show(&Call::get(Target::new(PATH).part(&id)), &COLUMNS)
        }
        AccountCommand::Create { id, name } => {
            let body = json!({"id": id, "name": name.unwrap_or_else(|| id.clone())});
            context.show(&Call::make(Target::new(PATH), body, None), &COLUMNS)
        }
        AccountCommand::Edit(args) => edit(context, &args),
        AccountCommand::Delete(args) => delete(context, &args),
        AccountCommand::Usage(args) => usage(context, &args),
    }
}

fn edit(context: &Context, args: &AccountEditArgs) -> Result<(), CliError> {
    let key_limit = match args.default_key_limit {
        true => Some(Value::Null),
        false => args.key_limit.map(Value::from),
    };
    let (limits, read) = match args.limits.is_empty() && args.removed_limits.is_empty() {
        true => (None, None),
        false => {
            let read = context
                .client
                .call(&Call::get(Target::new(PATH).part(&args.id)))?;
            let before = read.body.get("limits").unwrap_or(&Value::Null);
            let limits = limit::changed(before, &args.limits, &args.removed_limits)?;
            (Some(limits), read.etag)
        }
    };
    let body = given(&[
        ("name", args.name.as_deref().map(Value::from)),
        ("status", args.status.as_deref().map(Value::from)),
        ("key_limit", key_limit),
        ("limits", limits),
    ]);
    if body.is_empty() {
        let advice =
            "say what to change: --name, --status, --key-limit, --default-key-limit or --limit";
        return Err(CliError::Usage(advice.into()));
    }
    let target = args.wait.on(Target::new(PATH).part(&args.id));
    let call = Call::patch(target, Value::Object(body)).if_match(read);
    let answer = context.client.call(&call)?.body;
    finish_as(context, answer, None, args.wait, &LINES)
}

fn delete(context: &Context, args: &TenantDeleteArgs) -> Result<(), CliError> {
    let what = format!("the account {}", args.id);
    let id = confirmed(&what, &args.id, args.confirm.as_deref())?;
    context.show(&Call::delete(Target::new(PATH).part(&id)), &DELETED)
}

fn usage(context: &Context, args: &AccountUsageArgs) -> Result<(), CliError> {
    let target = context
        .in_account("/v1/usage")
        .with("label", args.label.as_deref());
    show_usage(context, &Call::get(args.time.on(target)))
}

/// Writes what keys were used for: the sums, then by resource, then by key.
pub(super) fn show_usage(context: &Context, call: &Call) -> Result<(), CliError> {
    let answer = context.client.call(call)?.body;
    if context.format != Format::Table {
        context.format.whole(&answer);
        return Ok(());
    }
    context.format.one(&answer, &TOTAL);
    for (member, columns) in [("resources", &RESOURCES[..]), ("keys", &KEYS[..])] {
        let shares = answer.get(member).and_then(Value::as_array);
        if let Some(shares) = shares.filter(|shares| !shares.is_empty()) {
            output::print("\n");
            context.format.list(member, shares, columns);
        }
    }
    Ok(())
}

impl UsageTimeArgs {
    /// The parameters of a call.
    pub(super) fn on(&self, target: Target) -> Target {
        target
            .with("period", self.period.as_deref())
            .with("from", self.from.as_deref())
            .with("until", self.until.as_deref())
    }
}

/// The id of the only entry of a list whose `member` is this.
pub(super) fn id_of<'a>(entries: &'a [Value], member: &str, wanted: &str) -> Vec<&'a str> {
    let same = entries.iter().filter(|entry| text(entry, member) == wanted);
    same.map(|entry| text(entry, "id")).collect()
}
