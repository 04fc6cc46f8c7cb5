//! The calls of `/v1/users`: who may log in.
//!
//! Does not know passwords: a new user sets their own with a one-time secret. Invariant: whoever
//! is bound to an account sees and changes users of that account alone.

use actix_web::http::StatusCode;
use actix_web::web::{self, Data, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use keytable::{AccountId, Status};
use schemars::JsonSchema;
use serde::Serialize;

use crate::api::account;
use crate::api::idempotency;
use crate::api::identity::listed::{self, DeletedRow};
use crate::domain::clock::UnixMillis;
use crate::domain::identity::role::Role;
use crate::domain::identity::user::{User, UserName};
use crate::domain::status::{parse_status, status_of};
use crate::http::answer;
use crate::http::body::JsonObject;
use crate::http::fields::{Fields, invalid, parsed};
use crate::http::problem::{FieldError, Problem};
use crate::http::query::Query;
use crate::http::shape::Shown;
use crate::service::App;
use crate::service::caller::{AccountAccess, Caller};
use crate::service::users::{NewUser, UserEdit};

/// What cursors of this list begin with.
const CURSOR_MARK: char = 'u';

/// A user, without password and second factor.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "User")]
pub(crate) struct UserAnswer {
    /// The public handle
    id: String,
    /// What to log in with
    name: Shown<UserName>,
    /// The account that the user may act in; null: every one
    account: Option<Shown<AccountId>>,
    /// What the user may do there
    role: Shown<Role>,
    /// Whether the user may log in
    status: Shown<Status>,
    /// Whether the user has set a password
    password_set: bool,
    /// Whether the user has a second factor
    totp: bool,
    /// When the user was made
    created_at: Shown<UnixMillis>,
    /// When the user was last changed
    updated_at: Shown<UnixMillis>,
    /// When the user last logged in; null: never
    last_login_at: Option<Shown<UnixMillis>>,
}

/// The answer that shows the secret with which the user sets a password.
#[derive(Serialize, JsonSchema)]
pub(crate) struct InvitedUser<'a> {
    /// The one-time secret that sets the user's password, in this answer and in no other
    setup_secret: &'a str,
    #[serde(flatten)]
    answer: UserAnswer,
}

/// A page of users.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct UserList {
    /// The users, the first made first
    users: Vec<UserAnswer>,
    /// What to ask the next page with; null: this is the last one
    next_cursor: Option<String>,
}

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(web::resource("/users").get(list).post(create))
        .service(
            web::resource("/users/{id}")
                .get(get)
                .patch(edit)
                .delete(delete),
        )
        .service(web::resource("/users/{id}/reset").post(reset));
}

/// `GET /v1/users`
async fn list(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let call = (&**app, &caller, &request);
    let (users, next_cursor) = listed::page(call, CURSOR_MARK, UserAnswer::new).await?;
    answer::json(StatusCode::OK, &UserList { users, next_cursor })
}

/// `POST /v1/users`
async fn create(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    body: JsonObject,
) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string()).finish()?;
    let once = idempotency::wanted(&request, &caller, &body)?;
    let new = new_user(body, &caller)?;
    let (user, secret) = app.make_user(&caller, new, once).await?;
    let location = format!("/v1/users/{}", user.id);
    answer::created(&InvitedUser::new(&user, &secret), user.revision, &location)
}

/// `GET /v1/users/{id}`
async fn get(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    listed::one((&**app, &caller, &request), &id, UserAnswer::new).await
}

/// `PATCH /v1/users/{id}`
async fn edit(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    id: Path<String>,
    body: JsonObject,
) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string()).finish()?;
    let target = caller.row(&id, answer::if_match(&request))?;
    let user = app.edit_user(&caller, target, user_edit(body)?).await?;
    answer::tagged(StatusCode::OK, &UserAnswer::new(&user), user.revision)
}

/// `DELETE /v1/users/{id}`
async fn delete(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string()).finish()?;
    let target = caller.row(&id, answer::if_match(&request))?;
    let (user, at) = app.delete_user(&caller, target).await?;
    answer::json(StatusCode::OK, &DeletedRow::new(&user.id, at))
}

/// `POST /v1/users/{id}/reset`: takes away password and second factor, gives a setup secret.
async fn reset(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string()).finish()?;
    let target = caller.row(&id, answer::if_match(&request))?;
    let (user, secret) = app.reset_user(&caller, target).await?;
    let body = InvitedUser::new(&user, &secret);
    answer::tagged(StatusCode::OK, &body, user.revision)
}

fn new_user(body: JsonObject, caller: &Caller) -> Result<NewUser, Problem> {
    let mut fields = Fields::of(body);
    let access = account::access(&mut fields, caller)?;
    let name = fields.required("name", |value| parsed(&value, UserName::parse));
    let role = fields.required("role", |value| parsed(&value, Role::parse));
    if let Some(error) = role.and_then(|role| home_fault(role, &access)) {
        fields.note(error);
    }
    fields.finish().map_err(invalid)?;
    let (Some(name), Some(role)) = (name, role) else {
        return Err(Problem::internal(&"a refused field was not reported"));
    };
    Ok(NewUser {
        name,
        account: access.account().cloned(),
        role,
    })
}

/// What is wrong with a role in this place: operators are in no account, all others in one.
fn home_fault(role: Role, access: &AccountAccess) -> Option<FieldError> {
    match (role, access) {
        (Role::Operator, AccountAccess::One(_)) => Some(FieldError::new(
            "role",
            "must be \"owner\" or \"viewer\" in an account",
        )),
        (Role::Owner | Role::Viewer, AccountAccess::Every) => {
            Some(FieldError::new("account", "must be given"))
        }
        _ => None,
    }
}

fn user_edit(body: JsonObject) -> Result<UserEdit, Problem> {
    let mut fields = Fields::of(body);
    let edit = UserEdit {
        role: fields.optional("role", |value| parsed(&value, Role::parse)),
        enabled: fields
            .optional("status", |value| parsed(&value, parse_status))
            .map(|status| status == Status::Enabled),
    };
    fields.refuse(
        &["id", "name", "account"],
        "cannot be changed: make a new user",
    );
    fields.finish().map_err(invalid)?;
    Ok(edit)
}

impl<'a> InvitedUser<'a> {
    fn new(user: &User, setup_secret: &'a str) -> Self {
        Self {
            setup_secret,
            answer: UserAnswer::new(user),
        }
    }
}

impl UserAnswer {
    fn new(user: &User) -> Self {
        Self {
            id: user.id.clone(),
            name: Shown(user.name.clone()),
            account: user.account.clone().map(Shown),
            role: Shown(user.role),
            status: Shown(status_of(user.enabled)),
            password_set: user.password.is_some(),
            totp: user.second_factor().is_some(),
            created_at: Shown(user.created_at),
            updated_at: Shown(user.updated_at),
            last_login_at: user.last_login_at.map(Shown),
        }
    }
}
