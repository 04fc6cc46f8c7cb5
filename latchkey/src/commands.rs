//! Which command does what.
//!
//! Does not speak HTTP itself. Invariant: a command that fails has an error; what was done before it
//! failed has been written.

mod account;
mod apply;
mod audit;
mod check;
mod edit;
mod envoy;
mod identity;
mod key;
mod limit_request;
mod named;
mod region;
mod request;
mod shown;
mod user;

use clap::CommandFactory;
use serde_json::Value;

use crate::args::{Cli, Command, Common, ValueArgs};
use crate::client::{Call, Client};
use crate::error::CliError;
use crate::login::Login;
use crate::output::{self, Column, Format};
use crate::query::Target;
use crate::secret::{Destination, Secret};

/// Whom to ask, in which account, and how to write the answer.
#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) client: Client,
    pub(crate) format: Format,
    pub(crate) account: Option<String>,
}

/// Does what the arguments say.
pub(crate) fn run(cli: Cli) -> Result<(), CliError> {
    let common = &cli.common;
    let context = || Context::new(common);
    match cli.command {
        Command::Login(args) => identity::login(common, &args),
        Command::Logout => identity::logout(),
        Command::Whoami => identity::whoami(&context()?),
        Command::Key(command) => key::run(&context()?, command),
        Command::Account(command) => account::run(&context()?, command),
        Command::Region(command) => region::run(&context()?, command),
        Command::User(command) => user::run(&context()?, command),
        Command::LimitRequest(command) => limit_request::run(&context()?, command),
        Command::Envoy(command) => envoy::run(&context()?, command),
        Command::Audit(args) => audit::run(&context()?, &args),
        Command::Apply(args) => apply::run(&context()?, &args),
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Cli::command(), "latchkey", &mut script);
            output::print(&String::from_utf8_lossy(&script));
            Ok(())
        }
    }
}

impl Context {
    fn new(common: &Common) -> Result<Self, CliError> {
        let login = Login::find(common)?;
        Ok(Self {
            account: login.account.clone(),
            client: Client::new(login)?,
            format: common.output,
        })
    }

    /// A path, in the account.
    pub(crate) fn in_account(&self, path: &str) -> Target {
        Target::new(path).with("account", self.account.as_deref())
    }

    /// The body of a call, in the account.
    pub(crate) fn body_in_account(&self, mut body: Value) -> Value {
        if let (Value::Object(members), Some(account)) = (&mut body, &self.account) {
            members.insert("account".to_owned(), account.as_str().into());
        }
        body
    }

    /// Makes a call and writes the answer.
    fn show(&self, call: &Call, lines: &[Column]) -> Result<(), CliError> {
        let answer = self.client.call(call)?;
        self.format.one(&answer.body, lines);
        Ok(())
    }

    /// Makes a call whose answer has a secret as `member`, and puts that where it goes.
    fn call_for_secret(
        &self,
        call: &Call,
        member: &str,
        args: &ValueArgs,
    ) -> Result<Value, CliError> {
        let mut destination = Destination::of(args)?;
        let mut answer = self.client.call(call)?.body;
        if let Some(secret) = Secret::take(&mut answer, member) {
            destination.place(&secret, member, &mut answer)?;
        }
        Ok(answer)
    }
}

/// A member that is a text.
pub(crate) fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value
        .get(member)
        .and_then(Value::as_str)
        .unwrap_or_default()
}
