//! The calls of `/v1/access-keys`: how clients of the cloud API sign their requests.
//!
//! Does not check signatures. Invariant: the secret key is in the answer that makes it and in no
//! other; it is stored sealed.

use actix_web::http::StatusCode;
use actix_web::web::{self, Data, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use keytable::AccountId;
use serde::Serialize;
use serde_json::json;
use zeroize::Zeroizing;

use crate::api::account;
use crate::api::idempotency;
use crate::api::identity::listed::{self, List};
use crate::domain::audit::AuditAction;
use crate::domain::clock::UnixMillis;
use crate::domain::identity::access_key::{self, AccessKey, SecretKey, Signer};
use crate::domain::identity::rights::Rights;
use crate::domain::identity::role::Capability;
use crate::domain::name::KeyName;
use crate::domain::secrets::sealed::{SealContext, Sealed};
use crate::http::answer;
use crate::http::body::JsonObject;
use crate::http::fields::{Fields, enabled, invalid, parsed, text};
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::service::App;
use crate::service::caller::{Caller, Purpose};
use crate::store::{Idempotent, Store};

const LIST: List = List {
    name: "access_keys",
    cursor_mark: 's',
};

#[derive(Debug, Serialize)]
struct AccessKeyAnswer {
    secret_id: String,
    account: String,
    name: String,
    status: &'static str,
    user: Option<String>,
    capabilities: Vec<&'static str>,
    creator: String,
    created_at: String,
    updated_at: String,
}

/// The answer that shows the secret.
#[derive(Serialize)]
struct MintedAnswer<'a> {
    secret_key: &'a str,
    #[serde(flatten)]
    answer: AccessKeyAnswer,
}

/// What an admin writes about an access key.
struct NewAccessKey {
    account: AccountId,
    name: KeyName,
    /// Whose it will be.
    user: Option<String>,
}

pub(crate) fn routes(config: &mut ServiceConfig) {
    config
        .service(web::resource("/access-keys").get(list).post(create))
        .service(
            web::resource("/access-keys/{id}")
                .get(get)
                .patch(switch)
                .delete(delete),
        );
}

/// `GET /v1/access-keys`
async fn list(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let call = (&**app, &caller, &request);
    LIST.page(call, Store::access_keys, AccessKeyAnswer::new)
        .await
}

/// `POST /v1/access-keys`
async fn create(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    body: JsonObject,
) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string()).finish()?;
    let once = idempotency::wanted(&request, &caller, &body)?;
    let new = new_access_key(body, &caller)?;
    caller.require_verification(&app, Purpose::Mint).await?;
    let act = caller.act(app.clock.now());
    let secret = SecretKey::draw()?;
    let key = app.mint_access_key(new, &secret, &caller, act.at)?;
    caller.rights().cover(&rights_of(&key))?;
    let once = app.with_secret(once, &key.id, secret.reveal())?;
    let detail = json!({"name": key.name.as_str(), "user": key.user});
    let entry = act.entry(
        AuditAction::AccessKeyCreated,
        Some(&key.account),
        &key.id,
        detail,
    );
    let (key, earlier) = app
        .store(
            move |store| match store.insert_access_key(&key, once.as_ref(), &entry)? {
                Idempotent::Done(()) => Ok((key, None)),
                Idempotent::Repeated(earlier) => {
                    let key = store.access_key(&earlier.target, None);
                    Ok((earlier.found(key)?, Some(earlier)))
                }
            },
        )
        .await?;
    let value = match earlier {
        None => Zeroizing::new(secret.reveal().to_owned()),
        Some(earlier) => app.earlier_secret(&earlier)?,
    };
    let body = MintedAnswer {
        secret_key: &value,
        answer: AccessKeyAnswer::new(&key),
    };
    let location = format!("/v1/access-keys/{}", key.id);
    answer::created(&body, key.revision, &location)
}

/// `GET /v1/access-keys/{id}`
async fn get(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    let call = (&**app, &caller, &request);
    listed::one(call, id.into_inner(), Store::access_key, |found| {
        (AccessKeyAnswer::new(found), found.revision)
    })
    .await
}

/// `PATCH /v1/access-keys/{id}`
async fn switch(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    id: Path<String>,
    body: JsonObject,
) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string()).finish()?;
    let revisions = answer::if_match(&request);
    let mut fields = Fields::of(body);
    let status = fields.required("status", |value| parsed(&value, enabled));
    fields.finish().map_err(invalid)?;
    let enabled = status.unwrap_or(false);
    let access = caller.account_for(None)?;
    let act = caller.act(app.clock.now());
    let rights = caller.rights();
    let key = app
        .store(move |store| {
            let target = (id.as_str(), access.account());
            store.switch_access_key(target, revisions.as_deref(), enabled, |key| {
                if enabled {
                    rights.cover(&rights_of(key))?;
                }
                let detail = json!({"status": status_word(enabled)});
                let account = Some(&key.account);
                Ok(act.entry(AuditAction::AccessKeyEdited, account, &key.id, detail))
            })
        })
        .await?;
    answer::tagged(StatusCode::OK, &AccessKeyAnswer::new(&key), key.revision)
}

/// `DELETE /v1/access-keys/{id}`
async fn delete(
    app: Data<App>,
    caller: Caller,
    request: HttpRequest,
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    Query::parse(request.query_string()).finish()?;
    let access = caller.account_for(None)?;
    let revisions = answer::if_match(&request);
    let act = caller.act(app.clock.now());
    let at = act.at;
    let key = app
        .store(move |store| {
            let target = (id.as_str(), access.account());
            store.delete_access_key(target, revisions.as_deref(), |key| {
                let detail = json!({"name": key.name.as_str()});
                let account = Some(&key.account);
                act.entry(AuditAction::AccessKeyDeleted, account, &key.id, detail)
            })
        })
        .await?;
    let body = json!({"secret_id": key.id, "deleted_at": at.to_string()});
    answer::json(StatusCode::OK, &body)
}

fn new_access_key(body: JsonObject, caller: &Caller) -> Result<NewAccessKey, Problem> {
    let mut fields = Fields::of(body);
    let account = account::of_body(&mut fields, caller)?;
    let name = fields.required("name", |value| parsed(&value, KeyName::parse));
    let user = fields.optional("user", |value| text(&value).map(str::to_owned));
    fields.finish().map_err(invalid)?;
    match (account, name) {
        (Some(account), Some(name)) => Ok(NewAccessKey {
            account,
            name,
            user: user.or_else(|| caller.user.clone()),
        }),
        _ => Err(Problem::internal(&"a refused field was not reported")),
    }
}

impl App {
    fn mint_access_key(
        &self,
        new: NewAccessKey,
        secret: &SecretKey,
        caller: &Caller,
        now: UnixMillis,
    ) -> Result<AccessKey, Problem> {
        let id = access_key::new_secret_id()?;
        Ok(AccessKey {
            secret: self.seal_access_key(&id, secret)?,
            id,
            account: new.account,
            name: new.name,
            enabled: true,
            user: new.user,
            maker: caller.user.clone(),
            capabilities: caller.capabilities,
            creator: caller.actor.to_string(),
            created_at: now,
            updated_at: now,
            revision: 1,
        })
    }

    fn seal_access_key(&self, id: &str, secret: &SecretKey) -> Result<Sealed, Problem> {
        let sealed = self.keyring.seal(&context(id), secret.reveal().as_bytes());
        sealed.map_err(|error| Problem::internal(&error))
    }

    /// The access key that may sign, what it may do and its secret key, to check a signature;
    /// `None`: there is none, or it or its user is disabled.
    pub(crate) async fn signer(
        &self,
        id: &str,
    ) -> Result<Option<(Signer, Zeroizing<Vec<u8>>)>, Problem> {
        let wanted = id.to_owned();
        let found = self.store(move |store| store.signer(&wanted)).await?;
        let Some(signer) = found else {
            return Ok(None);
        };
        let key = &signer.key;
        let opened = self.keyring.open(&context(&key.id), &key.secret);
        let opened = opened.map_err(|error| Problem::internal(&error))?;
        let secret = Zeroizing::new(opened.as_bytes().to_vec());
        Ok(Some((signer, secret)))
    }
}

/// What whoever holds the secret can do.
fn rights_of(key: &AccessKey) -> Rights {
    Rights {
        capabilities: key.capabilities,
        account: Some(key.account.clone()),
    }
}

fn context(id: &str) -> SealContext<'_> {
    SealContext {
        table: "access_keys",
        row: id,
        column: "secret",
        key_version: 1,
    }
}

const fn status_word(enabled: bool) -> &'static str {
    match enabled {
        true => "enabled",
        false => "disabled",
    }
}

impl AccessKeyAnswer {
    fn new(key: &AccessKey) -> Self {
        Self {
            secret_id: key.id.clone(),
            account: key.account.to_string(),
            name: key.name.as_str().into(),
            status: status_word(key.enabled),
            user: key.user.clone(),
            capabilities: key.capabilities.iter().map(Capability::as_str).collect(),
            creator: key.creator.clone(),
            created_at: key.created_at.to_string(),
            updated_at: key.updated_at.to_string(),
        }
    }
}
