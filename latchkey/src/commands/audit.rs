//! `latchkey audit`: what was done, the newest first.

use crate::args::others::AuditArgs;
use crate::commands::Context;
use crate::error::CliError;
use crate::output::Column;

const COLUMNS: [Column; 7] = [
    ("AT", "/at"),
    ("WHO", "/actor"),
    ("FROM", "/address"),
    ("ACCOUNT", "/account"),
    ("WHAT", "/action"),
    ("TO WHAT", "/target"),
    ("DETAIL", "/detail"),
];

pub(super) fn run(context: &Context, args: &AuditArgs) -> Result<(), CliError> {
    let target = || {
        context
            .in_account("/v1/audit")
            .with("actor", args.actor.as_deref())
            .with("action", args.action.as_deref())
            .with("target", args.target.as_deref())
            .with("from", args.from.as_deref())
            .with("until", args.until.as_deref())
    };
    let entries = context.client.list(target, "entries", Some(args.limit))?;
    context.format.list("entries", &entries, &COLUMNS);
    Ok(())
}
