//! `latchkey login`, `logout`, `whoami`.
//!
//! Does not make tokens. Invariant: a token is stored after the sidecar has taken it.

use crate::args::{Common, LoginArgs};
use crate::client::{Call, Client};
use crate::commands::{Context, text};
use crate::error::CliError;
use crate::input;
use crate::login::{self, Login};
use crate::output::Column;
use crate::query::Target;
use crate::secret::Secret;
use crate::terminal;

const LINES: [Column; 4] = [
    ("caller", "/actor"),
    ("role", "/role"),
    ("account", "/account"),
    ("capabilities", "/capabilities"),
];

pub(super) fn login(common: &Common, args: &LoginArgs) -> Result<(), CliError> {
    let token = match &args.token_file {
        Some(path) => Secret::new(input::text(path)?.trim().to_owned()),
        None => terminal::read_secret("API token")?,
    };
    if token.expose().is_empty() {
        let advice = "no token was given: type it, or pipe it in: latchkey login < FILE";
        return Err(CliError::NotLoggedIn(advice.into()));
    }
    let login = Login::new(common, token)?;
    let client = Client::new(login.again())?;
    let session = client.call(&Call::get(Target::new("/v1/session")))?.body;
    let path = login.store()?;
    let (who, path) = (text(&session, "actor"), path.display());
    terminal::say(&format!(
        "logged in as {who}; the token is in {path}, for you alone"
    ));
    Ok(())
}

pub(super) fn logout() -> Result<(), CliError> {
    terminal::say(match login::forget()? {
        true => "the stored token is forgotten; it still works until it is deleted",
        false => "there was no stored token",
    });
    Ok(())
}

pub(super) fn whoami(context: &Context) -> Result<(), CliError> {
    context.show(&Call::get(Target::new("/v1/session")), &LINES)
}
