//! The first operator: made at the first start, made able to log in again when locked out.
//!
//! Does not mint secrets. Invariant: an installation has a first start once; what it makes is one
//! transaction.

use crate::domain::audit::AuditEntry;
use crate::domain::clock::UnixMillis;
use crate::domain::identity::role::Role;
use crate::domain::identity::token::ApiToken;
use crate::domain::identity::user::{Setup, User, UserName};
use crate::store::error::StoreError;
use crate::store::identity::tokens;
use crate::store::identity::users::{self, Ends};
use crate::store::sql::{Connection, params};
use crate::store::{Store, audit};

impl Store {
    /// Whether nobody was ever able to log in.
    pub fn is_new(&self) -> Result<bool, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare("SELECT 1 FROM users")?;
            Ok(!statement.exists(params![])?)
        })
    }

    /// Makes the first operator, and a token if one was asked for.
    pub fn first_start(
        &self,
        user: &User,
        token: Option<&ApiToken>,
        entry: &AuditEntry,
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            users::put(transaction, user)?;
            if let Some(token) = token {
                tokens::insert(transaction, token)?;
            }
            audit::append(transaction, entry)
        })
    }

    /// Gives the operator called `name` a setup secret and takes away everything else that the
    /// user could log in with, and what belongs to nobody: the first start's token, and tokens and
    /// access keys that were made with it. Makes the user by `make` if it is gone.
    pub fn reset_operator(
        &self,
        name: &UserName,
        setup: Setup,
        entry: &AuditEntry,
        make: impl FnOnce() -> User,
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            let mut user = users::find_by_name(transaction, name)?.unwrap_or_else(make);
            if user.role != Role::Operator {
                return Err(StoreError::Conflict(
                    "the user `operator` is no operator: delete that user first",
                ));
            }
            lock_out(&mut user, entry.at);
            user.setup = Some(setup);
            users::put(transaction, &user)?;
            users::end(transaction, &user.id, Ends::Everything)?;
            end_ownerless(transaction)?;
            audit::append(transaction, entry)
        })
    }
}

fn lock_out(user: &mut User, now: UnixMillis) {
    user.enabled = true;
    user.password = None;
    user.totp = None;
    user.updated_at = now.max(user.updated_at);
    user.revision = user.revision.saturating_add(1);
}

/// Ends every token that is no user's, and every access key that was made with one, whosever it is.
fn end_ownerless(transaction: &Connection) -> Result<(), StoreError> {
    transaction.execute("DELETE FROM tokens WHERE user_id IS NULL", params![])?;
    transaction.execute("DELETE FROM access_keys WHERE maker IS NULL", params![])?;
    Ok(())
}
