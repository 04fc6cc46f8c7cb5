//! `latchkey limit-request ...`: requests for more keys than an account may have.

use serde_json::{Value, json};

use crate::args::others::LimitRequestCommand;
use crate::client::Call;
use crate::commands::Context;
use crate::commands::request::given;
use crate::error::CliError;
use crate::output::Column;
use crate::query::Target;

const PATH: &str = "/v1/limit-requests";

const COLUMNS: [Column; 8] = [
    ("ID", "/id"),
    ("ACCOUNT", "/account"),
    ("KEY LIMIT", "/key_limit"),
    ("STATUS", "/status"),
    ("REASON", "/reason"),
    ("NOTE", "/note"),
    ("REQUESTED BY", "/requested_by"),
    ("CREATED", "/created_at"),
];

pub(super) fn run(context: &Context, command: LimitRequestCommand) -> Result<(), CliError> {
    match command {
        LimitRequestCommand::List => {
            let target = || context.in_account(PATH);
            let requests = context.client.list(target, "limit_requests", None)?;
            context.format.list("limit_requests", &requests, &COLUMNS);
            Ok(())
        }
        LimitRequestCommand::Show { id } => {
            context.show(&Call::get(Target::new(PATH).part(&id)), &COLUMNS)
        }
        LimitRequestCommand::Create { key_limit, reason } => {
            let body = context.body_in_account(json!({"key_limit": key_limit, "reason": reason}));
            context.show(&Call::make(Target::new(PATH), body, None), &COLUMNS)
        }
        LimitRequestCommand::Grant {
            id,
            key_limit,
            note,
        } => decide(context, &id, "granted", key_limit, note),
        LimitRequestCommand::Deny { id, note } => decide(context, &id, "denied", None, note),
    }
}

fn decide(
    context: &Context,
    id: &str,
    status: &str,
    key_limit: Option<u64>,
    note: Option<String>,
) -> Result<(), CliError> {
    let body = given(&[
        ("status", Some(status.into())),
        ("key_limit", key_limit.map(Value::from)),
        ("note", note.map(Value::from)),
    ]);
    let call = Call::patch(Target::new(PATH).part(id), Value::Object(body));
    context.show(&call, &COLUMNS)
}
