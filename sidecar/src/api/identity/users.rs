//! The calls of `/v1/users`: who may log in.
//!
//! Does not know passwords: a new user sets their own with a one-time secret. Invariant: whoever
//! is bound to an account sees and changes users of that account alone.

use actix_web::http::StatusCode;
use actix_web::web::{self, Data, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use serde::Serialize;
use serde_json::json;
use zeroize::Zeroizing;

use crate::api::account;
use crate::api::idempotency;
use crate::api::identity::listed::List;
use crate::domain::act::Act;
use crate::domain::audit::AuditAction;
use crate::domain::identity::rights::Rights;
use crate::domain::identity::role::Role;
use crate::domain::identity::user::{Setup, User, UserName};
use crate::domain::secrets::entropy;
use crate::domain::secrets::secret::{KeyPrefix, Secret};
use crate::http::answer;
use crate::http::body::JsonObject;
use crate::http::fields::{Fields, enabled, invalid, parsed};
use crate::http::problem::{FieldError, Problem};
use crate::http::query::Query;
use crate::service::App;
use crate::service::caller::{AccountAccess, Caller, Purpose};
use crate::store::{Ends, Idempotent, Store, StoreError, UserTarget};

const LIST: List = List {
    name: "users",
    cursor_mark: 'u',
};

#[derive(Debug, Serialize)]
struct UserAnswer {
    id: String,
    name: String,
    account: Option<String>,
    role: &'static str,
    status: &'static str,
    password_set: bool,
    totp: bool,
    created_at: String,
    updated_at: String,
    last_login_at: Option<String>,
}

/// The answer that shows the secret with which the user sets a password.
#[derive(Serialize)]
struct InvitedAnswer<'a> {
    setup_secret: &'a str,
    #[serde(flatten)]
    answer: UserAnswer,
}

/// A change of a user; `None` leaves a part as it is.
struct UserEdit {
    role: Option<Role>,
    enabled: Option<bool>,
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
    LIST.page(call, Store::users, UserAnswer::new).await
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
    let act = caller.act(app.clock.now());
    let secret = Secret::mint(&KeyPrefix::setup())?;
    let user = new_user(body, &caller, Setup::of(&secret, act.at), &act)?;
    caller.rights().cover(&rights_of(&user))?;
    if user.role != Role::Viewer {
        caller.require_verification(&app, Purpose::Mint).await?;
    }
    let value = secret.reveal();
    let once = app.with_secret(once, &user.id, &value)?;
    let detail = json!({"name": user.name.as_str(), "role": user.role.as_str()});
    let entry = act.entry(
        AuditAction::UserCreated,
        user.account.as_ref(),
        &user.id,
        detail,
    );
    let (user, earlier) = app
        .store(
            move |store| match store.insert_user(&user, once.as_ref(), &entry)? {
                Idempotent::Done(()) => Ok((user, None)),
                Idempotent::Repeated(earlier) => {
                    let user = store.user(&UserTarget::of(&earlier.target));
                    Ok((earlier.found(user)?, Some(earlier)))
                }
            },
        )
        .await?;
    let value = match earlier {
        None => value,
        Some(earlier) => app.earlier_secret(&earlier)?,
    };
    let location = format!("/v1/users/{}", user.id);
    answer::created(&invited(&user, &value), user.revision, &location)
}

/// `GET /v1/users/{id}`
async fn get(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string()).finish()?;
    let target = target(&caller, &id, None)?;
    let user = app.store(move |store| store.user(&target)).await?;
    answer::tagged(StatusCode::OK, &UserAnswer::new(&user), user.revision)
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
    let target = target(&caller, &id, Some(&request))?;
    let edit = user_edit(body)?;
    if edit.role.is_some() {
        caller.require_verification(&app, Purpose::Mint).await?;
    }
    let act = caller.act(app.clock.now());
    let rights = caller.rights();
    let user = app
        .store(move |store| {
            store.edit_user(&target, act.at, |user| apply(&edit, user, &act, &rights))
        })
        .await?;
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
    let target = target(&caller, &id, Some(&request))?;
    let act = caller.act(app.clock.now());
    let at = act.at;
    let user = app
        .store(move |store| {
            store.delete_user(&target, |user| {
                let detail = json!({"name": user.name.as_str()});
                act.entry(
                    AuditAction::UserDeleted,
                    user.account.as_ref(),
                    &user.id,
                    detail,
                )
            })
        })
        .await?;
    let body = json!({"id": user.id, "deleted_at": at.to_string()});
    answer::json(StatusCode::OK, &body)
}

/// `POST /v1/users/{id}/reset`: takes away password and second factor, gives a setup secret.
async fn reset(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string()).finish()?;
    let target = target(&caller, &id, Some(&request))?;
    caller.require_verification(&app, Purpose::Mint).await?;
    let secret = Secret::mint(&KeyPrefix::setup())?;
    let act = caller.act(app.clock.now());
    let setup = Setup::of(&secret, act.at);
    let rights = caller.rights();
    let user = app
        .store(move |store| {
            store.edit_user(&target, act.at, |user| {
                rights.cover(&rights_of(user))?;
                user.password = None;
                user.totp = None;
                user.setup = Some(setup);
                let account = user.account.as_ref();
                let entry = act.entry(AuditAction::UserReset, account, &user.id, json!({}));
                Ok((entry, Ends::Everything))
            })
        })
        .await?;
    let value = secret.reveal();
    answer::tagged(StatusCode::OK, &invited(&user, &value), user.revision)
}

fn target(caller: &Caller, id: &str, request: Option<&HttpRequest>) -> Result<UserTarget, Problem> {
    Ok(UserTarget {
        id: id.into(),
        account: caller.account_for(None)?.account().cloned(),
        revisions: request.and_then(answer::if_match),
    })
}

fn new_user(body: JsonObject, caller: &Caller, setup: Setup, act: &Act) -> Result<User, Problem> {
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
    Ok(User {
        id: entropy::new_handle("u")?,
        name,
        account: access.account().cloned(),
        role,
        enabled: true,
        password: None,
        setup: Some(setup),
        totp: None,
        created_at: act.at,
        updated_at: act.at,
        last_login_at: None,
        revision: 1,
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
        enabled: fields.optional("status", |value| parsed(&value, enabled)),
    };
    fields.refuse(
        &["id", "name", "account"],
        "cannot be changed: make a new user",
    );
    fields.finish().map_err(invalid)?;
    Ok(edit)
}

fn apply(
    edit: &UserEdit,
    user: &mut User,
    act: &Act,
    rights: &Rights,
) -> Result<(crate::domain::audit::AuditEntry, Ends), StoreError> {
    let role = edit.role.unwrap_or(user.role);
    if (role == Role::Operator) != (user.role == Role::Operator) {
        return Err(StoreError::Conflict(
            "operators are in no account: make a new user",
        ));
    }
    let enabled = edit.enabled.unwrap_or(user.enabled);
    let ends = match (role == user.role, enabled == user.enabled) {
        (true, true) => Ends::Nothing,
        _ => Ends::SessionsAndTokens,
    };
    let is_given = enabled && ends != Ends::Nothing;
    (user.role, user.enabled) = (role, enabled);
    if is_given {
        rights.cover(&rights_of(user))?;
    }
    let detail = json!({"role": role.as_str(), "status": status_word(enabled)});
    let account = user.account.as_ref();
    Ok((
        act.entry(AuditAction::UserEdited, account, &user.id, detail),
        ends,
    ))
}

/// What somebody gets who makes, widens or takes over a user.
fn rights_of(user: &User) -> Rights {
    Rights::of_role(user.role, user.account.as_ref())
}

fn invited<'a>(user: &User, value: &'a Zeroizing<String>) -> InvitedAnswer<'a> {
    InvitedAnswer {
        setup_secret: value,
        answer: UserAnswer::new(user),
    }
}

const fn status_word(enabled: bool) -> &'static str {
    match enabled {
        true => "enabled",
        false => "disabled",
    }
}

impl UserAnswer {
    fn new(user: &User) -> Self {
        Self {
            id: user.id.clone(),
            name: user.name.to_string(),
            account: user.account.as_ref().map(ToString::to_string),
            role: user.role.as_str(),
            status: status_word(user.enabled),
            password_set: user.password.is_some(),
            totp: user.second_factor().is_some(),
            created_at: user.created_at.to_string(),
            updated_at: user.updated_at.to_string(),
            last_login_at: user.last_login_at.map(|at| at.to_string()),
        }
    }
}
