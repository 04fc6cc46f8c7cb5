//! `latchkey key ...`: what may be written.
//!
//! Does not do anything. Invariant: KEY is an id or a name, never a value.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{ValueArgs, WaitArgs};

#[derive(Debug, Subcommand)]
pub(crate) enum KeyCommand {
    /// Make a key; its value is shown this once
    Create(CreateArgs),
    /// List keys, masked
    List(ListArgs),
    /// Show a key, masked
    Show(KeyArg),
    /// Change what a key may do; what is not named stays as it is
    Edit(EditArgs),
    /// Let a key be used again
    Enable(ChangeArgs),
    /// Refuse a key until it is enabled again
    Disable(ChangeArgs),
    /// Make a successor with a value of its own; the key goes on until its grace is over
    Rotate(RotateArgs),
    /// Delete a key for good
    Delete(DeleteArgs),
    /// Find the key that has a value, which is read from stdin
    Lookup(LookupArgs),
    /// Say what the gate would say to a request with this key
    Check(CheckArgs),
    /// Show what a key was used for
    Usage(KeyUsageArgs),
    /// Show how the limits of a key stand
    Limits(KeyArg),
    /// Begin new counters for the limits of a key: nothing of them is used then
    ResetLimits(ChangeArgs),
}

#[derive(Args, Debug)]
pub(crate) struct KeyArg {
    /// Its id, or its name if no other key has it
    pub(crate) key: String,
}

#[derive(Args, Debug)]
pub(crate) struct CreateArgs {
    /// What to call it; names never change
    pub(crate) name: String,
    /// Which Envoys will know it
    #[arg(long, env = "LATCHKEY_REGION", value_name = "ID")]
    pub(crate) region: Option<String>,
    #[command(flatten)]
    pub(crate) policy: PolicyArgs,
    /// Make it disabled
    #[arg(long)]
    pub(crate) disabled: bool,
    /// A word of your choice: a repeated call with it makes nothing twice. One is drawn without it
    #[arg(long, value_name = "WORD")]
    pub(crate) idempotency_key: Option<String>,
    #[command(flatten)]
    pub(crate) value: ValueArgs,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
}

/// What a key may do, as create and edit take it.
#[derive(Args, Debug, Default)]
pub(crate) struct PolicyArgs {
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    pub(crate) description: Option<String>,
    /// A model that it may call, or a prefix such as `glm-*`; may be repeated
    #[arg(long = "model", value_name = "NAME")]
    pub(crate) models: Vec<String>,
    /// Let it call every model
    #[arg(long, conflicts_with = "models")]
    pub(crate) all_models: bool,
    /// A service that it may call; may be repeated
    #[arg(long = "service", value_name = "ID")]
    pub(crate) services: Vec<String>,
    /// Let it call every service
    #[arg(long, conflicts_with = "services")]
    pub(crate) all_services: bool,
    /// An address or network that it may be used from; may be repeated
    #[arg(long = "ip", value_name = "NETWORK")]
    pub(crate) ips: Vec<String>,
    /// When it ends: a time (2027-01-01T00:00:00Z), or from now on (90d, 12h)
    #[arg(long, value_name = "TIME")]
    pub(crate) expires: Option<String>,
    /// A label, such as team=search; may be repeated
    #[arg(long = "label", value_name = "NAME=VALUE")]
    pub(crate) labels: Vec<String>,
    /// How much it may use, such as tokens/month=1000000 or requests/minute=60; may be repeated
    #[arg(long = "limit", value_name = "UNIT/WINDOW=AMOUNT")]
    pub(crate) limits: Vec<String>,
    /// Let the scope name what is not in the catalog
    #[arg(long)]
    pub(crate) allow_unlisted: bool,
}

#[derive(Args, Debug)]
pub(crate) struct EditArgs {
    #[command(flatten)]
    pub(crate) key: KeyArg,
    #[command(flatten)]
    pub(crate) policy: PolicyArgs,
    /// Let it call no model
    #[arg(long, conflicts_with_all = ["models", "all_models"])]
    pub(crate) no_models: bool,
    /// Let it call no service
    #[arg(long, conflicts_with_all = ["services", "all_services"])]
    pub(crate) no_services: bool,
    /// Let it be used from everywhere
    #[arg(long, conflicts_with = "ips")]
    pub(crate) any_ip: bool,
    /// Let it never end
    #[arg(long, conflicts_with = "expires")]
    pub(crate) never_expires: bool,
    /// Take a limit away, such as tokens/month; may be repeated
    #[arg(long = "remove-limit", value_name = "UNIT/WINDOW")]
    pub(crate) removed_limits: Vec<String>,
    /// Take a label away; may be repeated
    #[arg(long = "remove-label", value_name = "NAME")]
    pub(crate) removed_labels: Vec<String>,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
}

#[derive(Args, Debug)]
pub(crate) struct ChangeArgs {
    #[command(flatten)]
    pub(crate) key: KeyArg,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
}

#[derive(Args, Debug)]
pub(crate) struct RotateArgs {
    #[command(flatten)]
    pub(crate) key: KeyArg,
    /// How long the key itself goes on: 0s to 30d
    #[arg(long, value_name = "TIME", default_value = "1d")]
    pub(crate) grace: String,
    /// A word of your choice: a repeated call with it makes nothing twice. One is drawn without it
    #[arg(long, value_name = "WORD")]
    pub(crate) idempotency_key: Option<String>,
    #[command(flatten)]
    pub(crate) value: ValueArgs,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
}

#[derive(Args, Debug)]
pub(crate) struct DeleteArgs {
    #[command(flatten)]
    pub(crate) key: KeyArg,
    /// The key's name, to be sure which one it is; on a terminal it is asked for
    #[arg(long, value_name = "NAME")]
    pub(crate) confirm: Option<String>,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
}

#[derive(Args, Debug)]
pub(crate) struct LookupArgs {
    /// Read the value from this file instead of stdin
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct ListArgs {
    /// Of this region
    #[arg(long, value_name = "ID")]
    pub(crate) region: Option<String>,
    /// Of this status
    #[arg(long, value_parser = ["enabled", "disabled"])]
    pub(crate) status: Option<String>,
    /// Of this origin; standard keys if it is left out
    #[arg(long, value_parser = ["standard", "coding_plan", "token_plan"])]
    pub(crate) origin: Option<String>,
    /// Of exactly this name
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// With this in the name
    #[arg(long, value_name = "TEXT")]
    pub(crate) name_contains: Option<String>,
    /// With this id
    #[arg(long)]
    pub(crate) id: Option<String>,
    /// Made by this actor, such as user:alice
    #[arg(long, value_name = "ACTOR")]
    pub(crate) creator: Option<String>,
    /// With this label, such as team=search
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) label: Option<String>,
    /// Not used for so many days
    #[arg(long, value_name = "DAYS")]
    pub(crate) unused_for_days: Option<u32>,
    /// In this order
    #[arg(long, allow_hyphen_values = true,
        value_parser = ["-created_at", "created_at", "name", "-name", "last_used_at", "-last_used_at"])]
    pub(crate) sort: Option<String>,
    /// At most so many; all without it
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
}

#[derive(Args, Debug)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    pub(crate) key: KeyArg,
    /// The request's path, such as /v1/chat/completions
    #[arg(long)]
    pub(crate) path: Option<String>,
    /// The request's method; POST if it is left out
    #[arg(long)]
    pub(crate) method: Option<String>,
    /// A model that the request names, instead of a body; may be repeated
    #[arg(long = "model", value_name = "NAME", conflicts_with = "body")]
    pub(crate) models: Vec<String>,
    /// A file that holds the request's body; `-` is stdin
    #[arg(long, value_name = "FILE")]
    pub(crate) body: Option<PathBuf>,
    /// A header, as `name: value`; may be repeated
    #[arg(long = "header", value_name = "HEADER")]
    pub(crate) headers: Vec<String>,
    /// The client's address
    #[arg(long)]
    pub(crate) ip: Option<String>,
    /// When the request comes; now if it is left out
    #[arg(long, value_name = "TIME")]
    pub(crate) at: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct KeyUsageArgs {
    #[command(flatten)]
    pub(crate) key: KeyArg,
    #[command(flatten)]
    pub(crate) time: UsageTimeArgs,
}

/// Which time usage is summed over.
#[derive(Args, Debug)]
pub(crate) struct UsageTimeArgs {
    /// The width of a point
    #[arg(long, value_parser = ["minute", "hour", "day"])]
    pub(crate) period: Option<String>,
    /// Not before this time; 60 points before the end if it is left out
    #[arg(long, value_name = "TIME")]
    pub(crate) from: Option<String>,
    /// Before this time; now if it is left out
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
}
