//! The calls about who may act: accounts, users, sessions, tokens, access keys, audit.

use crate::api::identity::access_keys::{
    AccessKeyAnswer, AccessKeyList, DeletedAccessKey, MintedAccessKey,
};
use crate::api::identity::accounts::{AccountAnswer, AccountList, ChangedAccount};
use crate::api::identity::audit::AuditList;
use crate::api::identity::limit_requests::{LimitRequestAnswer, LimitRequestList};
use crate::api::identity::listed::{DeletedRow, Nothing};
use crate::api::identity::me::{SessionList, TotpAnswer, TotpSeedAnswer};
use crate::api::identity::regions::{ChangedRegion, RegionAnswer, RegionList};
use crate::api::identity::session::{SessionAnswer, SetUpAnswer};
use crate::api::identity::tokens::{MintedToken, TokenAnswer, TokenList};
use crate::api::identity::users::{InvitedUser, UserAnswer, UserList};
use crate::api::identity::verifications::Verified;
use crate::api::operations::keys::{TIMEOUT_S, WAIT};
use crate::api::operations::{
    ACCOUNT, Access, CURSOR, IDEMPOTENCY_KEY, IF_MATCH, LIMIT, Operation, Parameter, ParameterKind,
    of,
};
use crate::domain::identity::role::Capability::{Admin, KeysRead, KeysWrite};

const fn call(
    method: &'static str,
    path: &'static str,
    access: Access,
    id: &'static str,
    summary: &'static str,
) -> Operation {
    Operation::new((method, path), access, id, summary)
}

pub(super) const OPERATIONS: &[Operation] = &[
    call(
        "GET",
        "/v1/accounts",
        Access::Needs(KeysRead),
        "listAccounts",
        "Lists the accounts that the caller may act in",
    )
    .parameters(&[LIMIT, CURSOR])
    .answers(&[(200, of::<AccountList>)]),
    call(
        "POST",
        "/v1/accounts",
        Access::Operator(Admin),
        "createAccount",
        "Makes an account",
    )
    .parameters(&[IDEMPOTENCY_KEY])
    .body("NewAccount")
    .answers(&[(201, of::<AccountAnswer>)]),
    call(
        "GET",
        "/v1/accounts/{id}",
        Access::Needs(KeysRead),
        "getAccount",
        "Shows an account",
    )
    .answers(&[(200, of::<AccountAnswer>)]),
    call(
        "PATCH",
        "/v1/accounts/{id}",
        Access::Operator(Admin),
        "editAccount",
        "Changes an account's name, status, key limit or limits",
    )
    .parameters(&[WAIT, TIMEOUT_S, IF_MATCH])
    .body("AccountEdit")
    .answers(&[(200, of::<ChangedAccount>)]),
    call(
        "DELETE",
        "/v1/accounts/{id}",
        Access::Operator(Admin),
        "deleteAccount",
        "Deletes an account in which nothing is left",
    )
    .parameters(&[IF_MATCH])
    .answers(&[(200, of::<DeletedRow>)]),
    call(
        "GET",
        "/v1/regions",
        Access::Needs(KeysRead),
        "listRegions",
        "Lists the regions",
    )
    .answers(&[(200, of::<RegionList>)]),
    call(
        "POST",
        "/v1/regions",
        Access::Operator(Admin),
        "createRegion",
        "Makes a region",
    )
    .parameters(&[IDEMPOTENCY_KEY])
    .body("NewRegion")
    .answers(&[(201, of::<RegionAnswer>)]),
    call(
        "GET",
        "/v1/regions/{id}",
        Access::Needs(KeysRead),
        "getRegion",
        "Shows a region",
    )
    .answers(&[(200, of::<RegionAnswer>)]),
    call(
        "PATCH",
        "/v1/regions/{id}",
        Access::Operator(Admin),
        "editRegion",
        "Disables or enables a region",
    )
    .parameters(&[WAIT, TIMEOUT_S, IF_MATCH])
    .body("RegionEdit")
    .answers(&[(200, of::<ChangedRegion>)]),
    call(
        "DELETE",
        "/v1/regions/{id}",
        Access::Operator(Admin),
        "deleteRegion",
        "Deletes a region without keys and Envoys, with its catalog",
    )
    .parameters(&[IF_MATCH])
    .answers(&[(200, of::<DeletedRow>)]),
    call(
        "GET",
        "/v1/limit-requests",
        Access::Needs(KeysRead),
        "listLimitRequests",
        "Lists requests for more keys, newest first",
    )
    .parameters(&[ACCOUNT, LIMIT, CURSOR])
    .answers(&[(200, of::<LimitRequestList>)]),
    call(
        "POST",
        "/v1/limit-requests",
        Access::Needs(KeysWrite),
        "createLimitRequest",
        "Asks for more keys",
    )
    .parameters(&[IDEMPOTENCY_KEY])
    .body("NewLimitRequest")
    .answers(&[(201, of::<LimitRequestAnswer>)]),
    call(
        "GET",
        "/v1/limit-requests/{id}",
        Access::Needs(KeysRead),
        "getLimitRequest",
        "Shows a request for more keys",
    )
    .answers(&[(200, of::<LimitRequestAnswer>)]),
    call(
        "PATCH",
        "/v1/limit-requests/{id}",
        Access::Operator(Admin),
        "decideLimitRequest",
        "Grants or denies a request for more keys; a limit that is granted is in force at once",
    )
    .parameters(&[IF_MATCH])
    .body("LimitDecision")
    .answers(&[(200, of::<LimitRequestAnswer>)]),
    call(
        "GET",
        "/v1/users",
        Access::Needs(Admin),
        "listUsers",
        "Lists users, the first made first",
    )
    .parameters(&[ACCOUNT, LIMIT, CURSOR])
    .answers(&[(200, of::<UserList>)]),
    call(
        "POST",
        "/v1/users",
        Access::Needs(Admin),
        "createUser",
        "Makes a user, who sets a password with the setup secret of this answer. To make an owner \
         or operator needs proof of identity",
    )
    .parameters(&[IDEMPOTENCY_KEY])
    .body("NewUser")
    .answers(&[(201, of::<InvitedUser<'static>>)]),
    call(
        "GET",
        "/v1/users/{id}",
        Access::Needs(Admin),
        "getUser",
        "Shows a user",
    )
    .answers(&[(200, of::<UserAnswer>)]),
    call(
        "PATCH",
        "/v1/users/{id}",
        Access::Needs(Admin),
        "editUser",
        "Changes a user's role (which needs proof of identity) or status, and ends their sessions \
         and tokens",
    )
    .parameters(&[IF_MATCH])
    .body("UserEdit")
    .answers(&[(200, of::<UserAnswer>)]),
    call(
        "DELETE",
        "/v1/users/{id}",
        Access::Needs(Admin),
        "deleteUser",
        "Deletes a user, with their sessions, tokens and access keys",
    )
    .parameters(&[IF_MATCH])
    .answers(&[(200, of::<DeletedRow>)]),
    call(
        "POST",
        "/v1/users/{id}/reset",
        Access::Needs(Admin),
        "resetUser",
        "Takes away a user's password, second factor, sessions, tokens and access keys, and gives \
         a setup secret. Needs proof of identity",
    )
    .parameters(&[IF_MATCH])
    .answers(&[(200, of::<InvitedUser<'static>>)]),
    call(
        "GET",
        "/v1/tokens",
        Access::Needs(Admin),
        "listTokens",
        "Lists API tokens, newest first",
    )
    .parameters(&[ACCOUNT, LIMIT, CURSOR])
    .answers(&[(200, of::<TokenList>)]),
    call(
        "POST",
        "/v1/tokens",
        Access::Needs(Admin),
        "createToken",
        "Makes an API token; its value is in this answer and in no other. The capabilities \
         keys:reveal, keys:delete and admin need proof of identity",
    )
    .parameters(&[IDEMPOTENCY_KEY])
    .body("NewToken")
    .answers(&[(201, of::<MintedToken<'static>>)]),
    call(
        "GET",
        "/v1/tokens/{id}",
        Access::Needs(Admin),
        "getToken",
        "Shows an API token, without its value",
    )
    .answers(&[(200, of::<TokenAnswer>)]),
    call(
        "DELETE",
        "/v1/tokens/{id}",
        Access::Needs(Admin),
        "revokeToken",
        "Ends an API token",
    )
    .parameters(&[IF_MATCH])
    .answers(&[(200, of::<DeletedRow>)]),
    call(
        "GET",
        "/v1/access-keys",
        Access::Needs(Admin),
        "listAccessKeys",
        "Lists access keys, with which clients of the cloud API sign, newest first",
    )
    .parameters(&[ACCOUNT, LIMIT, CURSOR])
    .answers(&[(200, of::<AccessKeyList>)]),
    call(
        "POST",
        "/v1/access-keys",
        Access::Needs(Admin),
        "createAccessKey",
        "Makes an access key for the caller or another user of the account; its secret is in this \
         answer and in no other. Needs proof of identity",
    )
    .parameters(&[IDEMPOTENCY_KEY])
    .body("NewAccessKey")
    .answers(&[(201, of::<MintedAccessKey<'static>>)]),
    call(
        "GET",
        "/v1/access-keys/{id}",
        Access::Needs(Admin),
        "getAccessKey",
        "Shows an access key, without its secret",
    )
    .answers(&[(200, of::<AccessKeyAnswer>)]),
    call(
        "PATCH",
        "/v1/access-keys/{id}",
        Access::Needs(Admin),
        "switchAccessKey",
        "Enables or disables an access key",
    )
    .parameters(&[IF_MATCH])
    .body("StatusEdit")
    .answers(&[(200, of::<AccessKeyAnswer>)]),
    call(
        "DELETE",
        "/v1/access-keys/{id}",
        Access::Needs(Admin),
        "deleteAccessKey",
        "Deletes an access key",
    )
    .parameters(&[IF_MATCH])
    .answers(&[(200, of::<DeletedAccessKey>)]),
    call(
        "GET",
        "/v1/session",
        Access::Known,
        "getSession",
        "Says who calls and what they may do",
    )
    .answers(&[(200, of::<SessionAnswer>)]),
    call(
        "POST",
        "/v1/session",
        Access::Public,
        "logIn",
        "Logs a person in; the session is in a cookie that no script can read",
    )
    .body("Credentials")
    .answers(&[(200, of::<SessionAnswer>)]),
    call(
        "DELETE",
        "/v1/session",
        Access::Person,
        "logOut",
        "Ends the session",
    )
    .answers(&[(200, of::<Nothing>)]),
    call(
        "POST",
        "/v1/setup",
        Access::Public,
        "setUp",
        "Sets a password with a one-time setup secret",
    )
    .body("Setup")
    .answers(&[(200, of::<SetUpAnswer>)]),
    call(
        "POST",
        "/v1/verifications",
        Access::Person,
        "verify",
        "Proves again who somebody is, for one kind of act within five minutes",
    )
    .body("Verification")
    .answers(&[(201, of::<Verified>)]),
    call(
        "POST",
        "/v1/me/password",
        Access::Person,
        "setPassword",
        "Sets the caller's password and ends all their sessions",
    )
    .body("NewPassword")
    .answers(&[(200, of::<Nothing>)]),
    call(
        "GET",
        "/v1/me/sessions",
        Access::Person,
        "listSessions",
        "Lists the caller's sessions",
    )
    .answers(&[(200, of::<SessionList>)]),
    call(
        "DELETE",
        "/v1/me/sessions/{id}",
        Access::Person,
        "endSession",
        "Ends one of the caller's sessions",
    )
    .answers(&[(200, of::<DeletedRow>)]),
    call(
        "POST",
        "/v1/me/totp",
        Access::Person,
        "enrollTotp",
        "Draws the seed of a second factor; it counts once it is confirmed. Needs proof of \
         identity",
    )
    .answers(&[(201, of::<TotpSeedAnswer<'static>>)]),
    call(
        "PUT",
        "/v1/me/totp",
        Access::Person,
        "confirmTotp",
        "Confirms the second factor with its first code",
    )
    .body("TotpCode")
    .answers(&[(200, of::<TotpAnswer>)]),
    call(
        "DELETE",
        "/v1/me/totp",
        Access::Person,
        "removeTotp",
        "Removes the second factor. Needs proof of identity",
    )
    .answers(&[(200, of::<TotpAnswer>)]),
    call(
        "GET",
        "/v1/audit",
        Access::Needs(Admin),
        "listAudit",
        "Lists what was done, newest first",
    )
    .parameters(&[
        ACCOUNT,
        Parameter::query(
            "actor",
            ParameterKind::Text,
            "Only by this actor, such as user:alice",
        ),
        Parameter::query(
            "action",
            ParameterKind::Text,
            "Only this action, such as key.deleted",
        ),
        Parameter::query(
            "target",
            ParameterKind::Text,
            "Only to this target, such as a key's id",
        ),
        Parameter::query("from", ParameterKind::Time, "Not before this time"),
        Parameter::query("until", ParameterKind::Time, "Before this time only"),
        LIMIT,
        CURSOR,
    ])
    .answers(&[(200, of::<AuditList>)]),
];
