//! `latchkey key ...`
//!
//! Does not judge what a key may be: the sidecar does. Invariant: a value is shown by the command that
//! makes it and by no other.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::args::key::{
    ChangeArgs, CreateArgs, DeleteArgs, KeyArg, KeyCommand, KeyUsageArgs, ListArgs, LookupArgs,
    RotateArgs,
};
use crate::client::Call;
use crate::commands::named::confirmed;
use crate::commands::request::allow_unlisted;
use crate::commands::shown::{COLUMNS, finish};
use crate::commands::{Context, account, check, edit, shown, text};
use crate::error::CliError;
use crate::input;
use crate::query::Target;
use crate::secret::Secret;
use crate::terminal;

pub(super) fn run(context: &Context, command: KeyCommand) -> Result<(), CliError> {
    match command {
        KeyCommand::Create(args) => create(context, &args),
        KeyCommand::List(args) => list(context, &args),
        KeyCommand::Show(key) => show(context, &key),
        KeyCommand::Edit(args) => edit::run(context, &args),
        KeyCommand::Enable(args) => switch(context, &args, "enabled"),
        KeyCommand::Disable(args) => switch(context, &args, "disabled"),
        KeyCommand::Rotate(args) => rotate(context, &args),
        KeyCommand::Delete(args) => delete(context, &args),
        KeyCommand::Lookup(args) => look_up(context, &args),
        KeyCommand::Check(args) => check::run(context, &args),
        KeyCommand::Usage(args) => usage(context, &args),
        KeyCommand::Limits(key) => limits(context, &key),
        KeyCommand::ResetLimits(args) => reset_limits(context, &args),
    }
}

fn create(context: &Context, args: &CreateArgs) -> Result<(), CliError> {
    let mut body = edit::policy(&args.policy, Timestamp::now())?;
    body.insert("name".to_owned(), args.name.as_str().into());
    if let Some(region) = &args.region {
        body.insert("region".to_owned(), region.as_str().into());
    }
    if args.disabled {
        body.insert("status".to_owned(), "disabled".into());
    }
    let target = args.wait.on(allow_unlisted(
        Target::new("/v1/keys"),
        args.policy.allow_unlisted,
    ));
    let body = context.body_in_account(Value::Object(body));
    let call = Call::make(target, body, args.idempotency_key.as_deref());
    let answer = context.call_for_secret(&call, "key", &args.value)?;
    finish(context, answer, args.region.as_deref(), args.wait)
}

fn list(context: &Context, args: &ListArgs) -> Result<(), CliError> {
    let days = args.unused_for_days.map(|days| days.to_string());
    let target = || {
        context
            .in_account("/v1/keys")
            .with("region", args.region.as_deref())
            .with("status", args.status.as_deref())
            .with("origin", args.origin.as_deref())
            .with("name", args.name.as_deref())
            .with("name_contains", args.name_contains.as_deref())
            .with("id", args.id.as_deref())
            .with("creator", args.creator.as_deref())
            .with("label", args.label.as_deref())
            .with("unused_for_days", days.as_deref())
            .with("sort", args.sort.as_deref())
    };
    let keys = context.client.list(target, "keys", args.limit)?;
    context.format.list("keys", &keys, &COLUMNS);
    Ok(())
}

fn show(context: &Context, key: &KeyArg) -> Result<(), CliError> {
    let id = context.key_id(key)?;
    shown::key(context, &Call::get(context.key(&id, "")))
}

fn switch(context: &Context, args: &ChangeArgs, status: &str) -> Result<(), CliError> {
    let id = context.key_id(&args.key)?;
    let target = args.wait.on(context.key(&id, ""));
    let answer = context
        .client
        .call(&Call::patch(target, json!({"status": status})))?;
    finish(context, answer.body, None, args.wait)
}

fn rotate(context: &Context, args: &RotateArgs) -> Result<(), CliError> {
    let grace = input::lifetime(&args.grace)?;
    let id = context.key_id(&args.key)?;
    let target = args.wait.on(context.key(&id, "/rotate"));
    let call = Call::make(
        target,
        json!({"grace_s": grace}),
        args.idempotency_key.as_deref(),
    );
    let answer = context.call_for_secret(&call, "key", &args.value)?;
    finish(context, answer, None, args.wait)
}

fn delete(context: &Context, args: &DeleteArgs) -> Result<(), CliError> {
    let id = context.key_id(&args.key)?;
    let key = context.client.call(&Call::get(context.key(&id, "")))?.body;
    let what = format!("the key {} ({id})", text(&key, "masked"));
    let name = confirmed(&what, text(&key, "name"), args.confirm.as_deref())?;
    let target = args
        .wait
        .on(context.key(&id, "").with("confirm", Some(&name)));
    let mut answer = context.client.call(&Call::delete(target))?.body;
    if let (Value::Object(members), Some(region)) = (&mut answer, key.get("region")) {
        members.insert("region".to_owned(), region.clone());
    }
    finish(context, answer, None, args.wait)
}

fn look_up(context: &Context, args: &LookupArgs) -> Result<(), CliError> {
    let value = match &args.file {
        Some(path) => Secret::new(input::text(path)?.trim().to_owned()),
        None => terminal::read_secret("value of the key")?,
    };
    let body = context.body_in_account(json!({"key": value.expose()}));
    shown::key(context, &Call::post(Target::new("/v1/keys/lookup"), body))
}

fn limits(context: &Context, key: &KeyArg) -> Result<(), CliError> {
    let id = context.key_id(key)?;
    let answer = context
        .client
        .call(&Call::get(context.key(&id, "/limits")))?;
    shown::limits(context, &answer.body);
    Ok(())
}

fn reset_limits(context: &Context, args: &ChangeArgs) -> Result<(), CliError> {
    let id = context.key_id(&args.key)?;
    let target = args.wait.on(context.key(&id, "/limits/reset"));
    let mut answer = context.client.call(&Call::post(target, json!({})))?.body;
    args.wait.finish(&context.client, &mut answer, None);
    shown::limits(context, &answer);
    args.wait.verdict(&answer)
}

fn usage(context: &Context, args: &KeyUsageArgs) -> Result<(), CliError> {
    let id = context.key_id(&args.key)?;
    let target = args.time.on(context.key(&id, "/usage"));
    account::show_usage(context, &Call::get(target))
}
