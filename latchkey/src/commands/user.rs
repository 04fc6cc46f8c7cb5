//! `latchkey user ...`: people who log in to the console.
//!
//! Does not set passwords: whoever gets the setup secret does. Invariant: a deletion is confirmed by
//! the user's name.

use serde_json::{Value, json};

use crate::args::others::{
    UserArg, UserCommand, UserCreateArgs, UserDeleteArgs, UserEditArgs, UserResetArgs,
};
use crate::client::Call;
use crate::commands::named::confirmed;
use crate::commands::request::given;
use crate::commands::{Context, account, text};
use crate::error::CliError;
use crate::output::Column;
use crate::query::Target;

const PATH: &str = "/v1/users";

const COLUMNS: [Column; 7] = [
    ("ID", "/id"),
    ("NAME", "/name"),
    ("ACCOUNT", "/account"),
    ("ROLE", "/role"),
    ("STATUS", "/status"),
    ("SECOND FACTOR", "/totp"),
    ("LAST LOGIN", "/last_login_at"),
];

const LINES: [Column; 10] = [
    ("setup secret", "/setup_secret"),
    ("setup secret file", "/setup_secret_file"),
    ("id", "/id"),
    ("name", "/name"),
    ("account", "/account"),
    ("role", "/role"),
    ("status", "/status"),
    ("second factor", "/totp"),
    ("last login", "/last_login_at"),
    ("deleted", "/deleted_at"),
];

pub(super) fn run(context: &Context, command: UserCommand) -> Result<(), CliError> {
    match command {
        UserCommand::List => {
            let users = list(context)?;
            context.format.list("users", &users, &COLUMNS);
            Ok(())
        }
        UserCommand::Show(user) => context.show(&Call::get(context.user(&user, "")?), &LINES),
        UserCommand::Create(args) => create(context, &args),
        UserCommand::Edit(args) => edit(context, &args),
        UserCommand::Reset(args) => reset(context, &args),
        UserCommand::Delete(args) => delete(context, &args),
    }
}

fn list(context: &Context) -> Result<Vec<Value>, CliError> {
    context
        .client
        .list(|| context.in_account(PATH), "users", None)
}

fn create(context: &Context, args: &UserCreateArgs) -> Result<(), CliError> {
    let body = context.body_in_account(json!({"name": args.name, "role": args.role}));
    let call = Call::make(Target::new(PATH), body, None);
    let answer = context.call_for_secret(&call, "setup_secret", &args.value)?;
    context.format.one(&answer, &LINES);
    Ok(())
}

fn edit(context: &Context, args: &UserEditArgs) -> Result<(), CliError> {
    let word = |text: &Option<String>| text.as_deref().map(Value::from);
    let body = given(&[("role", word(&args.role)), ("status", word(&args.status))]);
    let target = context.user(&args.user, "")?;
    context.show(&Call::patch(target, Value::Object(body)), &LINES)
}

fn reset(context: &Context, args: &UserResetArgs) -> Result<(), CliError> {
    let call = Call::post(context.user(&args.user, "/reset")?, json!({}));
    let answer = context.call_for_secret(&call, "setup_secret", &args.value)?;
    context.format.one(&answer, &LINES);
    Ok(())
}

fn delete(context: &Context, args: &UserDeleteArgs) -> Result<(), CliError> {
    let user = context
        .client
        .call(&Call::get(context.user(&args.user, "")?))?
        .body;
    let (id, name) = (text(&user, "id"), text(&user, "name"));
    confirmed(&format!("the user {id}"), name, args.confirm.as_deref())?;
    context.show(&Call::delete(Target::new(PATH).part(id)), &LINES)
}

impl Context {
    /// The path of a user by name or id, and what follows it.
    fn user(&self, user: &UserArg, action: &str) -> Result<Target, CliError> {
        let users = list(self)?;
        let named = account::id_of(&users, "name", &user.user);
        let id = match named.as_slice() {
            [id] => id,
            // Whatever is no name is left to the sidecar.
            _ => user.user.as_str(),
        };
        Ok(Target::new(PATH).part(id).below(action))
    }
}
