//! `latchkey region ...`: where keys are served.
//!
//! Invariant: a deletion is confirmed by the region's id.

use serde_json::{Value, json};

use crate::args::others::RegionCommand;
use crate::client::Call;
use crate::commands::Context;
use crate::commands::account::DELETED;
use crate::commands::named::confirmed;
use crate::commands::shown::finish_as;
use crate::error::CliError;
use crate::output::Column;
use crate::query::Target;

const PATH: &str = "/v1/regions";

const COLUMNS: [Column; 4] = [
    ("ID", "/id"),
    ("STATUS", "/status"),
    ("GATEWAY", "/gateway"),
    ("CREATED", "/created_at"),
];

const LINES: [Column; 3] = [
    ("id", "/id"),
    ("status", "/status"),
    ("in force", "/in_force"),
];

pub(super) fn run(context: &Context, command: RegionCommand) -> Result<(), CliError> {
    let of = |id: &str| Target::new(PATH).part(id);
    match command {
        RegionCommand::List => {
            let answer = context.client.call(&Call::get(Target::new(PATH)))?.body;
            let regions = answer.get("regions").and_then(Value::as_array);
            let regions = regions.map(Vec::as_slice).unwrap_or_default();
            context.format.list("regions", regions, &COLUMNS);
            Ok(())
        }
        RegionCommand::Show { id } => context.show(&Call::get(of(&id)), &COLUMNS),
        RegionCommand::Create { id } => {
            let call = Call::make(Target::new(PATH), json!({"id": id}), None);
            context.show(&call, &COLUMNS)
        }
        RegionCommand::Edit { id, status, wait } => {
            let call = Call::patch(wait.on(of(&id)), json!({"status": status}));
            let answer = context.client.call(&call)?.body;
            finish_as(context, answer, Some(&id), wait, &LINES)
        }
        RegionCommand::Delete(args) => {
            let what = format!("the region {}", args.id);
            let id = confirmed(&what, &args.id, args.confirm.as_deref())?;
            context.show(&Call::delete(of(&id)), &DELETED)
        }
    }
}
