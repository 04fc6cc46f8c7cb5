//! `account`: in which account a call acts, as its query or its body names it.
//!
//! Does not decide who may act where: [`Caller::account_for`] does. Invariant: somebody who may act
//! in every account has to name one wherever a call needs one.

use keytable::AccountId;

use crate::http::fields::{Fields, string};
use crate::http::problem::Problem;
use crate::http::query::Query;
use crate::service::caller::{AccountAccess, Caller};

/// Takes `account`; somebody who may act in every one has to name it.
pub(crate) fn of_query(caller: &Caller, query: &mut Query) -> Result<Option<AccountId>, Problem> {
    let named = query.text("account");
    match caller.account_for(named.as_deref())? {
        AccountAccess::One(account) => Ok(Some(account)),
        AccountAccess::Every => {
            query.refuse("account", "must be given");
            Ok(None)
        }
    }
}

/// Takes `account` out of a body, bound to what the caller may act in.
pub(crate) fn access(fields: &mut Fields, caller: &Caller) -> Result<AccountAccess, Problem> {
    let named = fields.optional("account", |value| string(&value));
    caller.account_for(named.as_deref())
}

/// Takes `account` out of a body; somebody who may act in every one has to name it.
pub(crate) fn of_body(fields: &mut Fields, caller: &Caller) -> Result<Option<AccountId>, Problem> {
    let is_given = fields.has("account");
    match access(fields, caller)?.required() {
        Ok(account) => Ok(Some(account)),
        // What is wrong with a given one was noted when it was taken.
        Err(_) if is_given => Ok(None),
        Err(error) => {
            fields.note(error);
            Ok(None)
        }
    }
}
