//! A key as a row, and a row as a key.
//!
//! Does not query. Invariant: a row that this version cannot read whole is an error, never a key
//! with a part left out.

use std::fmt;

use keytable::{
    AccountId, AddressList, Axis, CounterId, KeyHash, KeyId, LimitSubject, Network, Scope,
    ScopeEntry, Status, Unit, WindowKind,
};

use crate::domain::clock::UnixMillis;
use crate::domain::identity::role::Capabilities;
use crate::domain::key::{Key, Policy};
use crate::domain::label::Labels;
use crate::domain::limit::{CountedLimits, LimitedAccount, stored_subject};
use crate::domain::name::{Description, KeyName};
use crate::domain::origin::Origin;
use crate::domain::region::RegionId;
use crate::domain::secrets::sealed::Sealed;
use crate::domain::status::{parse_status, status_word};
use crate::store::sql::{self, Connection, FromValue, Row, SqlError, Value, named_params};

/// The columns that [`Columns::key`] reads, in its order, of `keys AS k`.
pub(super) const KEY_COLUMNS: &str = "k.id, k.account, k.region, k.origin, k.name, k.description, \
     k.status, k.models, k.services, k.networks, k.expires_at, k.labels, k.key_hash, k.masked, \
     k.key_version, k.creator, k.created_at, k.updated_at, k.value_set_at, k.last_used_at, \
     k.predecessor, k.successor, k.sealed IS NOT NULL, k.revision, k.team, k.subject, \
     (SELECT l.limits FROM limits AS l WHERE l.subject = 'key:' || k.subject)";

const INSERT: &str = "INSERT INTO keys (id, account, region, origin, name, description, status, \
     models, services, networks, expires_at, labels, key_hash, masked, sealed, key_version, creator, \
     created_at, updated_at, value_set_at, predecessor, revision, team, subject) VALUES (:id, :account, :region, \
     :origin, :name, :description, :status, :models, :services, :networks, :expires_at, \
     :labels, :key_hash, :masked, :sealed, :key_version, :creator, :created_at, :updated_at, \
     :value_set_at, :predecessor, :revision, :team, :subject)";

const UPDATE: &str = "UPDATE keys SET description = :description, status = :status, \
     models = :models, services = :services, networks = :networks, expires_at = :expires_at, \
     labels = :labels, successor = :successor, updated_at = :updated_at, revision = :revision \
     WHERE id = :id";

const SET_VALUE: &str = "UPDATE keys SET key_hash = :key_hash, masked = :masked, sealed = :sealed, \
     key_version = :key_version, value_set_at = :value_set_at, updated_at = :updated_at, \
     revision = :revision WHERE id = :id";

/// The columns of a row, read from left to right.
pub(super) struct Columns<'a> {
    row: &'a Row<'a>,
    next: usize,
}

impl<'a> Columns<'a> {
    /// Reads `row` from column `first` on.
    pub(super) const fn new(row: &'a Row<'a>, first: usize) -> Self {
        Self { row, next: first }
    }

    /// The next column as it is.
    pub(super) fn take<T: FromValue>(&mut self) -> sql::Result<T> {
        let value = self.row.get(self.next);
        self.next += 1;
        value
    }

    /// The next column, understood by `read`.
    pub(super) fn read<S: FromValue, T>(
        &mut self,
        read: impl FnOnce(S) -> Option<T>,
    ) -> sql::Result<T> {
        let index = self.next;
        let stored = self.take()?;
        read(stored).ok_or(SqlError::Column(index))
    }

    /// The next column, a hash.
    pub(super) fn hash(&mut self) -> sql::Result<KeyHash> {
        self.take().map(KeyHash::from_bytes)
    }

    /// The next column, an account.
    pub(super) fn account(&mut self) -> sql::Result<AccountId> {
        self.read(|text: String| AccountId::parse(&text).ok())
    }

    /// The next column, an account or none.
    pub(super) fn maybe_account(&mut self) -> sql::Result<Option<AccountId>> {
        self.read(|text: Option<String>| match text {
            None => Some(None),
            Some(text) => AccountId::parse(&text).ok().map(Some),
        })
    }

    /// The next column, a status.
    pub(super) fn status(&mut self) -> sql::Result<Status> {
        self.read(|text: String| parse_status(&text).ok())
    }

    /// The next column, a name.
    pub(super) fn name(&mut self) -> sql::Result<KeyName> {
        self.read(|text: String| KeyName::stored(&text).ok())
    }

    /// The next column, a time.
    pub(super) fn time(&mut self) -> sql::Result<UnixMillis> {
        self.read(millis)
    }

    /// The next column, a time or none.
    pub(super) fn maybe_time(&mut self) -> sql::Result<Option<UnixMillis>> {
        self.read(maybe_millis)
    }

    /// The next column, a set of capabilities.
    pub(super) fn capabilities(&mut self) -> sql::Result<Capabilities> {
        self.read(|text: String| Capabilities::parse(&text).ok())
    }

    /// The next column, a number that is never negative.
    pub(super) fn unsigned(&mut self) -> sql::Result<u64> {
        self.read(|number: i64| u64::try_from(number).ok())
    }

    /// The key of [`KEY_COLUMNS`].
    pub(super) fn key(&mut self) -> sql::Result<Key> {
        Ok(Key {
            id: self.read(|text: String| KeyId::parse(&text).ok())?,
            account: self.account()?,
            region: self.read(|text: String| RegionId::parse(&text).ok())?,
            origin: self.read(|text: String| Origin::parse(&text).ok())?,
            name: self.name()?,
            policy: self.policy()?,
            hash: self.hash()?,
            masked: self.take()?,
            key_version: self.take()?,
            creator: self.take()?,
            created_at: self.time()?,
            updated_at: self.time()?,
            value_set_at: self.time()?,
            last_used_at: self.maybe_time()?,
            predecessor: self.maybe_key_id()?,
            successor: self.maybe_key_id()?,
            recoverable: self.take()?,
            revision: self.unsigned()?,
            team: self.team()?,
            subject: self.read(|text: String| KeyId::parse(&text).ok())?,
            limits: self.maybe_limits()?,
        })
    }

    /// The next column, limits with their counters.
    pub(super) fn limits(&mut self) -> sql::Result<CountedLimits> {
        self.read(|text: String| CountedLimits::stored(&text))
    }

    /// The next two columns, the subject of an account and its limits.
    pub(super) fn limited_account(&mut self) -> sql::Result<LimitedAccount> {
        let account = self.read(|text: String| match stored_subject(&text)? {
            LimitSubject::Account(account) => Some(account),
            LimitSubject::Key(_) => None,
        })?;
        let limits = self.limits()?;
        Ok(LimitedAccount { account, limits })
    }

    /// The next columns, a counter: subject, unit, window, number, start.
    pub(super) fn counter(&mut self) -> sql::Result<CounterId> {
        Ok(CounterId {
            subject: self.read(|text: String| stored_subject(&text))?,
            unit: self.read(Unit::from_code)?,
            window: self.read(WindowKind::from_code)?,
            resets: self.take()?,
            start_unix_ms: self.unsigned()?,
        })
    }

    /// The next column, limits with their counters; none where nothing is written.
    pub(super) fn maybe_limits(&mut self) -> sql::Result<CountedLimits> {
        self.read(|text: Option<String>| match text {
            None => Some(CountedLimits::default()),
            Some(text) => CountedLimits::stored(&text),
        })
    }

    fn maybe_key_id(&mut self) -> sql::Result<Option<KeyId>> {
        self.read(|text: Option<String>| match text {
            None => Some(None),
            Some(text) => KeyId::parse(&text).ok().map(Some),
        })
    }

    fn team(&mut self) -> sql::Result<Option<KeyName>> {
        self.read(|text: Option<String>| match text {
            None => Some(None),
            Some(text) => KeyName::stored(&text).ok().map(Some),
        })
    }

    fn policy(&mut self) -> sql::Result<Policy> {
        Ok(Policy {
            description: self.read(|text: String| Description::stored(&text).ok())?,
            status: self.status()?,
            scope: Scope {
                models: self.read(axis)?,
                services: self.read(axis)?,
            },
            addresses: self.read(|text: String| addresses(&text))?,
            expires_at: self.maybe_time()?,
            labels: self.read(|text: String| Labels::stored(&text))?,
        })
    }
}

/// Writes a new row.
pub(super) fn insert(
    connection: &Connection,
    key: &Key,
    sealed: Option<&Sealed>,
) -> sql::Result<()> {
    let policy = &key.policy;
    connection.prepare_cached(INSERT)?.execute(named_params! {
        ":id": key.id.as_str(),
        ":account": key.account.as_str(),
        ":region": key.region.as_str(),
        ":origin": key.origin.as_str(),
        ":name": key.name.as_str(),
        ":description": policy.description.as_str(),
        ":status": status_word(policy.status),
        ":models": axis_text(&policy.scope.models),
        ":services": axis_text(&policy.scope.services),
        ":networks": addresses_text(&policy.addresses),
        ":expires_at": policy.expires_at.map(|at| integer(at.get())),
        ":labels": policy.labels.to_json().to_string(),
        ":key_hash": key.hash.as_bytes(),
        ":masked": key.masked,
        ":sealed": sealed.map(Sealed::as_bytes),
        ":key_version": key.key_version,
        ":creator": key.creator,
        ":created_at": integer(key.created_at.get()),
        ":updated_at": integer(key.updated_at.get()),
        ":value_set_at": integer(key.value_set_at.get()),
        ":predecessor": key.predecessor.as_ref().map(KeyId::as_str),
        ":revision": integer(key.revision),
        ":team": key.team.as_ref().map(KeyName::as_str),
        ":subject": key.subject.as_str(),
    })?;
    Ok(())
}

/// Writes a new value of a key.
pub(super) fn set_value(
    connection: &Connection,
    key: &Key,
    sealed: Option<&Sealed>,
) -> sql::Result<()> {
    connection
        .prepare_cached(SET_VALUE)?
        .execute(named_params! {
            ":id": key.id.as_str(),
            ":key_hash": key.hash.as_bytes(),
            ":masked": key.masked,
            ":sealed": sealed.map(Sealed::as_bytes),
            ":key_version": key.key_version,
            ":value_set_at": integer(key.value_set_at.get()),
            ":updated_at": integer(key.updated_at.get()),
            ":revision": integer(key.revision),
        })?;
    Ok(())
}

/// Writes what an edit can change, and the successor.
pub(super) fn update(connection: &Connection, key: &Key) -> sql::Result<()> {
    let policy = &key.policy;
    connection.prepare_cached(UPDATE)?.execute(named_params! {
        ":id": key.id.as_str(),
        ":description": policy.description.as_str(),
        ":status": status_word(policy.status),
        ":models": axis_text(&policy.scope.models),
        ":services": axis_text(&policy.scope.services),
        ":networks": addresses_text(&policy.addresses),
        ":expires_at": policy.expires_at.map(|at| integer(at.get())),
        ":labels": policy.labels.to_json().to_string(),
        ":successor": key.successor.as_ref().map(KeyId::as_str),
        ":updated_at": integer(key.updated_at.get()),
        ":revision": integer(key.revision),
    })?;
    Ok(())
}

/// The condition that the keys of `table` have the label that the parameter `wanted` writes as
/// [`Labels::members`] do: without it, their object would be a shorter text.
pub(super) fn has_label(table: &str, wanted: &str) -> String {
    format!("replace({table}.labels, {wanted}, '') <> {table}.labels")
}

/// The condition that a text contains the parameter that [`part_of`] makes, whatever the case of ASCII
/// letters.
pub(super) fn contains(column: &str) -> String {
    format!("lower({column}) LIKE ? ESCAPE '!'")
}

/// What stands for `part` in [`contains`].
pub(super) fn part_of(part: &str) -> Value<'static> {
    let mut pattern = String::from("%");
    for letter in part.chars() {
        if matches!(letter, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(letter.to_ascii_lowercase());
    }
    pattern.push('%');
    pattern.into()
}

/// A database's integers are signed; none of ours comes near the end of the range.
pub(super) fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn millis(number: i64) -> Option<UnixMillis> {
    u64::try_from(number).ok().map(UnixMillis::new)
}

pub(super) fn maybe_millis(number: Option<i64>) -> Option<Option<UnixMillis>> {
    number.map_or(Some(None), |number| millis(number).map(Some))
}

fn axis_text(axis: &Axis) -> Option<String> {
    match axis {
        Axis::All => None,
        Axis::Listed(entries) => Some(json_list(entries)),
    }
}

fn axis(text: Option<String>) -> Option<Axis> {
    let Some(text) = text else {
        return Some(Axis::All);
    };
    list(&text)?
        .iter()
        .map(|entry| ScopeEntry::parse(entry).ok())
        .collect::<Option<Vec<_>>>()
        .map(Axis::Listed)
}

fn addresses_text(addresses: &AddressList) -> String {
    json_list(addresses.networks())
}

fn addresses(text: &str) -> Option<AddressList> {
    let networks = list(text)?
        .iter()
        .map(|network| Network::parse(network).ok())
        .collect::<Option<Vec<_>>>()?;
    AddressList::new(networks).ok()
}

pub(super) fn json_list<T: fmt::Display>(items: &[T]) -> String {
    serde_json::Value::from_iter(items.iter().map(T::to_string)).to_string()
}

pub(super) fn list(text: &str) -> Option<Vec<String>> {
    serde_json::from_str(text).ok()
}
