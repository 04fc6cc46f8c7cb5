//! Sessions of people who logged in, and what they have proved since.
//!
//! Does not check passwords. Invariant: a session is a row; without the row its cookie is worth
//! nothing. A proof of identity serves for one kind of act.

use std::net::IpAddr;

use keytable::KeyHash;

use crate::domain::audit::AuditEntry;
use crate::domain::clock::UnixMillis;
use crate::domain::identity::user::User;
use crate::store::error::StoreError;
use crate::store::identity::users;
use crate::store::pagination::{self, RowTarget};
use crate::store::row::{Columns, integer};
use crate::store::sql::{Connection, OptionalExtension, params};
use crate::store::{Store, audit};

/// Sessions that one user may have; the oldest makes room.
const SESSIONS_MAX: i64 = 20;
/// Addresses that are remembered of one user; the oldest makes room.
const ADDRESSES_MAX: i64 = 20;

/// A session that begins.
#[derive(Clone, Copy, Debug)]
pub struct NewSession {
    /// The hash of its cookie.
    pub hash: KeyHash,
    /// The session that the same browser had before; it ends.
    pub earlier: Option<KeyHash>,
    /// From where the user logs in.
    pub address: Option<IpAddr>,
    /// When it ends.
    pub expires_at: UnixMillis,
}

/// A session that a user has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserSession {
    /// The hash of its cookie.
    pub hash: KeyHash,
    /// From where the user logged in; `None`: not known.
    pub address: Option<String>,
    /// When it began.
    pub created_at: UnixMillis,
    /// When it ends.
    pub expires_at: UnixMillis,
}

impl UserSession {
    /// What people name it by: the beginning of its hash, of which no cookie can be made.
    pub fn id(&self) -> String {
        base16ct::lower::encode_string(self.hash.as_bytes().split_at(8).0)
    }
}

impl Store {
    /// The sessions of a user that are not over, the newest first.
    pub fn sessions_of(&self, user: &str, now: UnixMillis) -> Result<Vec<UserSession>, StoreError> {
        self.read(|connection| of_user(connection, user, now))
    }

    /// Ends the session of a user that has this id.
    pub fn end_session(&self, user: &str, id: &str, entry: &AuditEntry) -> Result<(), StoreError> {
        self.write(|transaction| {
            let sessions = of_user(transaction, user, entry.at)?;
            let ended = sessions.into_iter().find(|session| session.id() == id);
            let ended = ended.ok_or(StoreError::Unknown("session"))?;
            transaction.execute(
                "DELETE FROM sessions WHERE hash = ?1",
                [ended.hash.as_bytes()],
            )?;
            audit::append(transaction, entry)
        })
    }

    /// Begins a session of a user whose identity was proved; `change` notes the log-in in the
    /// user, or refuses it.
    pub fn log_in(
        &self,
        user: &str,
        session: &NewSession,
        entry: &AuditEntry,
        change: impl FnOnce(&mut User) -> Result<(), StoreError>,
    ) -> Result<User, StoreError> {
        let now = entry.at;
        self.write(|transaction| {
            let mut user: User = pagination::find(transaction, &RowTarget::of(user))?;
            change(&mut user)?;
            user.last_login_at = Some(now);
            users::put(transaction, &user)?;
            forget(transaction, now)?;
            begin(transaction, &user.id, session, now)?;
            if let Some(address) = session.address {
                know(transaction, &user.id, address, now)?;
            }
            audit::append(transaction, entry)?;
            Ok(user)
        })
    }

    /// The user whose session it is.
    pub fn session_user(
        &self,
        hash: &KeyHash,
        now: UnixMillis,
    ) -> Result<Option<User>, StoreError> {
        self.read(|connection| {
            let id: Option<String> = connection
                .prepare_cached("SELECT user_id FROM sessions WHERE hash = ?1 AND expires_at > ?2")?
                .query_row(params![hash.as_bytes(), integer(now.get())], |row| {
                    row.get(0)
                })
                .optional()?;
            let user = id.map(|id| pagination::find(connection, &RowTarget::of(&id)));
            Ok(user.transpose()?.filter(|user: &User| user.enabled))
        })
    }

    /// Ends a session.
    pub fn log_out(&self, hash: &KeyHash, entry: &AuditEntry) -> Result<(), StoreError> {
        self.write(|transaction| {
            transaction.execute("DELETE FROM sessions WHERE hash = ?1", [hash.as_bytes()])?;
            audit::append(transaction, entry)
        })
    }

    /// Notes that a session's user has proved their identity; `change` notes it in the user, or
    /// refuses it.
    pub fn verify_session(
        &self,
        (user, hash): (&str, &KeyHash),
        until: UnixMillis,
        entry: &AuditEntry,
        change: impl FnOnce(&mut User) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.write(|transaction| {
            let mut user: User = pagination::find(transaction, &RowTarget::of(user))?;
            change(&mut user)?;
            users::put(transaction, &user)?;
            transaction.execute(
                "UPDATE sessions SET verified_until = ?2, verified_for = NULL WHERE hash = ?1",
                params![hash.as_bytes(), integer(until.get())],
            )?;
            audit::append(transaction, entry)
        })
    }

    /// Uses a proof of identity for a kind of act, and from then on for no other; whether there was one.
    pub fn use_verification(
        &self,
        hash: &KeyHash,
        kind: &str,
        now: UnixMillis,
    ) -> Result<bool, StoreError> {
        self.write(|transaction| {
            let used = transaction.execute(
                "UPDATE sessions SET verified_for = ?3 WHERE hash = ?1 AND verified_until > ?2 \
                 AND coalesce(verified_for, ?3) = ?3",
                params![hash.as_bytes(), integer(now.get()), kind],
            )?;
            Ok(used == 1)
        })
    }

    /// Whether the user has logged in from this address before.
    pub fn knows_address(&self, user: &str, address: IpAddr) -> Result<bool, StoreError> {
        self.read(|connection| {
            let sql = "SELECT 1 FROM known_addresses WHERE user_id = ?1 AND address = ?2";
            let mut statement = connection.prepare_cached(sql)?;
            Ok(statement.exists([user, &address.to_string()])?)
        })
    }
}

fn of_user(
    connection: &Connection,
    user: &str,
    now: UnixMillis,
) -> Result<Vec<UserSession>, StoreError> {
    let sql = "SELECT hash, address, created_at, expires_at FROM sessions WHERE user_id = ?1 \
               AND expires_at > ?2 ORDER BY created_at DESC, hash";
    let mut statement = connection.prepare_cached(sql)?;
    Ok(
        statement.query_map(params![user, integer(now.get())], |row| {
            let mut columns = Columns::new(row, 0);
            Ok(UserSession {
                hash: columns.hash()?,
                address: columns.take()?,
                created_at: columns.time()?,
                expires_at: columns.time()?,
            })
        })?,
    )
}

fn begin(
    transaction: &Connection,
    user: &str,
    session: &NewSession,
    now: UnixMillis,
) -> Result<(), StoreError> {
    if let Some(earlier) = session.earlier {
        transaction.execute("DELETE FROM sessions WHERE hash = ?1", [earlier.as_bytes()])?;
    }
    transaction.execute(
        "INSERT INTO sessions (hash, user_id, created_at, expires_at, address) VALUES (?1, ?2, ?3, ?4, ?5)",
        params![
            session.hash.as_bytes(),
            user,
            integer(now.get()),
            integer(session.expires_at.get()),
            session.address.map(|address| address.to_string())
        ],
    )?;
    transaction.execute(
        "DELETE FROM sessions WHERE user_id = ?1 AND hash NOT IN (SELECT hash FROM sessions \
         WHERE user_id = ?1 ORDER BY created_at DESC LIMIT ?2)",
        params![user, SESSIONS_MAX],
    )?;
    Ok(())
}

fn know(
    transaction: &Connection,
    user: &str,
    address: IpAddr,
    now: UnixMillis,
) -> Result<(), StoreError> {
    transaction.execute(
        "INSERT INTO known_addresses (user_id, address, at) VALUES (?1, ?2, ?3) \
         ON CONFLICT (user_id, address) DO UPDATE SET at = ?3",
        params![user, address.to_string(), integer(now.get())],
    )?;
    transaction.execute(
        "DELETE FROM known_addresses WHERE user_id = ?1 AND address NOT IN (SELECT address FROM \
         known_addresses WHERE user_id = ?1 ORDER BY at DESC LIMIT ?2)",
        params![user, ADDRESSES_MAX],
    )?;
    Ok(())
}

/// Sessions that are over go when another begins.
fn forget(transaction: &Connection, now: UnixMillis) -> Result<(), StoreError> {
    transaction
        .prepare_cached("DELETE FROM sessions WHERE expires_at <= ?1")?
        .execute([integer(now.get())])?;
    Ok(())
}

#[cfg(test)]
mod tests;
