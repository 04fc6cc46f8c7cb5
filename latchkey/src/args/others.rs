//! `latchkey account | region | user | limit-request | envoy | audit ...`: what may be written.
//!
//! Does not do anything.

use clap::{Args, Subcommand};

use super::key::UsageTimeArgs;
use super::{ValueArgs, WaitArgs};

#[derive(Debug, Subcommand)]
pub(crate) enum AccountCommand {
    /// List the accounts that you may act in
    List,
    /// Show an account, and how many keys it has and may have
    Show {
        /// Its id
        id: String,
    },
    /// Make an account
    Create {
        /// Its id: lower-case letters, digits, '.', '_' and '-'
        id: String,
        /// What people call it; the id if it is left out
        #[arg(long)]
        name: Option<String>,
    },
    /// Change an account's name, status, key limit or limits
    Edit(AccountEditArgs),
    /// Delete an account in which nothing is left
    Delete(TenantDeleteArgs),
    /// Show what the keys of the account were used for
    Usage(AccountUsageArgs),
}

#[derive(Args, Debug)]
pub(crate) struct AccountEditArgs {
    /// Its id
    pub(crate) id: String,
    /// What people call it
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Whether its keys are served
    #[arg(long, value_parser = ["enabled", "disabled"])]
    pub(crate) status: Option<String>,
    /// How many standard keys it may have
    #[arg(long, value_name = "N")]
    pub(crate) key_limit: Option<u64>,
    /// Hold it to the installation's limit again
    #[arg(long, conflicts_with = "key_limit")]
    pub(crate) default_key_limit: bool,
    /// How much all its keys together may use, such as tokens/month=1000000; may be repeated
    #[arg(long = "limit", value_name = "UNIT/WINDOW=AMOUNT")]
    pub(crate) limits: Vec<String>,
    /// Take a limit away, such as tokens/month; may be repeated
    #[arg(long = "remove-limit", value_name = "UNIT/WINDOW")]
    pub(crate) removed_limits: Vec<String>,
    #[command(flatten)]
    pub(crate) wait: WaitArgs,
}

#[derive(Args, Debug)]
pub(crate) struct TenantDeleteArgs {
    /// Its id
    pub(crate) id: String,
    /// The id again, to be sure; on a terminal it is asked for
    #[arg(long, value_name = "ID")]
    pub(crate) confirm: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum RegionCommand {
    /// List the regions
    List,
    /// Show a region
    Show {
        /// Its id
        id: String,
    },
    /// Make a region
    Create {
        /// Its id: lower-case letters, digits, '.', '_' and '-'
        id: String,
    },
    /// Disable or enable a region
    Edit {
        /// Its id
        id: String,
        /// Whether its keys are served
        #[arg(long, value_parser = ["enabled", "disabled"])]
        status: String,
        #[command(flatten)]
        wait: WaitArgs,
    },
    /// Delete a region without keys and Envoys, with its catalog
    Delete(TenantDeleteArgs),
}

#[derive(Args, Debug)]
pub(crate) struct AccountUsageArgs {
    /// Only of keys that have this label, such as team=search
    #[arg(long, value_name = "NAME=VALUE")]
    pub(crate) label: Option<String>,
    #[command(flatten)]
    pub(crate) time: UsageTimeArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum UserCommand {
    /// List users
    List,
    /// Show a user
    Show(UserArg),
    /// Make a user, who sets a password with the setup secret of this answer
    Create(UserCreateArgs),
    /// Change a user's role or status; ends their sessions and tokens
    Edit(UserEditArgs),
    /// Take away password, second factor, sessions and tokens; gives a new setup secret
    Reset(UserResetArgs),
    /// Delete a user with sessions, tokens and access keys
    Delete(UserDeleteArgs),
}

#[derive(Args, Debug)]
pub(crate) struct UserArg {
    /// Name or id
    pub(crate) user: String,
}

#[derive(Args, Debug)]
pub(crate) struct UserCreateArgs {
    /// The name to log in with
    pub(crate) name: String,
    /// What they may do
    #[arg(long, value_parser = ["owner", "viewer", "operator"])]
    pub(crate) role: String,
    #[command(flatten)]
    pub(crate) value: ValueArgs,
}

#[derive(Args, Debug)]
#[group(id = "change", required = true, multiple = true, args = ["role", "status"])]
pub(crate) struct UserEditArgs {
    #[command(flatten)]
    pub(crate) user: UserArg,
    /// What they may do
    #[arg(long, value_parser = ["owner", "viewer", "operator"])]
    pub(crate) role: Option<String>,
    /// Whether they may log in
    #[arg(long, value_parser = ["enabled", "disabled"])]
    pub(crate) status: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct UserResetArgs {
    #[command(flatten)]
    pub(crate) user: UserArg,
    #[command(flatten)]
    pub(crate) value: ValueArgs,
}

#[derive(Args, Debug)]
pub(crate) struct UserDeleteArgs {
    #[command(flatten)]
    pub(crate) user: UserArg,
    /// The user's name, to be sure who it is; on a terminal it is asked for
    #[arg(long, value_name = "NAME")]
    pub(crate) confirm: Option<String>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LimitRequestCommand {
    /// List requests, the newest first
    List,
    /// Show a request
    Show {
        /// Its id
        id: String,
    },
    /// Ask for more keys
    Create {
        /// For how many keys
        #[arg(long, value_name = "N")]
        key_limit: u64,
        /// What they are for
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Grant a request; the limit is in force at once
    Grant {
        /// Its id
        id: String,
        /// Another limit than was asked for
        #[arg(long, value_name = "N")]
        key_limit: Option<u64>,
        /// A word to whoever asked
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
    },
    /// Deny a request
    Deny {
        /// Its id
        id: String,
        /// A word to whoever asked
        #[arg(long, value_name = "TEXT")]
        note: Option<String>,
    },
}

#[derive(Debug, Subcommand)]
pub(crate) enum EnvoyCommand {
    /// List every Envoy: what it has in force, whether it is in contact
    List,
    /// Say that a lost Envoy is gone for good, so that no change names it any more
    Forget {
        /// Its name, or its instance if others have the name, too
        envoy: String,
        /// Whose keys it had, if it had those of several regions
        #[arg(long, value_name = "ID")]
        region: Option<String>,
    },
}

#[derive(Args, Debug)]
pub(crate) struct AuditArgs {
    /// Only by this actor, such as user:alice
    #[arg(long)]
    pub(crate) actor: Option<String>,
    /// Only this action, such as key.deleted
    #[arg(long)]
    pub(crate) action: Option<String>,
    /// Only to this target, such as a key's id
    #[arg(long)]
    pub(crate) target: Option<String>,
    /// Not before this time
    #[arg(long, value_name = "TIME")]
    pub(crate) from: Option<String>,
    /// Before this time
    #[arg(long, value_name = "TIME")]
    pub(crate) until: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 50)]
    pub(crate) limit: usize,
}
