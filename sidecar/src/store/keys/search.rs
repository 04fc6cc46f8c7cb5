//! Searches as the cloud API asks for them: by conditions on several fields, page by page; and a
//! key by the hash of its value.
//!
//! Does not know that API's words. Invariant: a search looks at the keys of one account, origin
//! and region only.

use keytable::{AccountId, KeyHash, Status};
use serde_json::json;

use crate::domain::act::Act;
use crate::domain::audit::AuditAction;
use crate::domain::clock::UnixMillis;
use crate::domain::key::Key;
use crate::domain::key_detail;
use crate::domain::name::KeyName;
use crate::domain::origin::Origin;
use crate::domain::region::RegionId;
use crate::store::Store;
use crate::store::audit;
use crate::store::error::StoreError;
use crate::store::row::{Columns, KEY_COLUMNS, contains, integer, part_of};
use crate::store::sql::{Connection, OptionalExtension, Value, params};

/// Which keys are searched for.
#[derive(Clone, Debug)]
pub struct Search {
    /// Of this account.
    pub account: AccountId,
    /// Of this region.
    pub region: RegionId,
    /// Of this origin.
    pub origin: Origin,
    /// Of this team; keys without one belong to the team that is called like the account.
    pub team: Option<KeyName>,
    /// Every one of these must hold.
    pub conditions: Vec<Condition>,
    /// In which order.
    pub order: SearchOrder,
    /// How many to leave out at the begin.
    pub offset: u64,
    /// How many to find at most.
    pub limit: u64,
}

/// What must hold of a key.
#[derive(Clone, Debug)]
pub enum Condition {
    /// A text is one of these, contains one of these, or is none of these.
    Text(TextField, Matching, Vec<String>),
    /// The status is one of these.
    Status(Vec<Status>),
    /// Whether all models and all services are allowed is one of these pairs.
    Shape(Vec<(bool, bool)>),
    /// Whether it can be used at this time: enabled and not expired.
    Usable(bool, UnixMillis),
}

/// A field that is compared as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TextField {
    /// The id.
    Id,
    /// The name.
    Name,
}

/// How a text is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Matching {
    /// Byte by byte.
    Exact,
    /// Contained, whatever the case of ASCII letters.
    Fuzzy,
    /// Unlike each, byte by byte.
    Not,
}

/// In which order keys are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SearchOrder {
    /// By name; backwards if `true`.
    Name(bool),
    /// By when they were made; the newest first if `true`.
    Created(bool),
    /// By when they were last changed; the newest first if `true`.
    Updated(bool),
}

/// A page of what was found.
#[derive(Debug)]
pub struct SearchPage {
    /// The keys.
    pub keys: Vec<Key>,
    /// How many there are on all pages.
    pub total: u64,
}

/// A condition that grows.
#[derive(Default)]
struct Sql {
    text: String,
    values: Vec<Value<'static>>,
}

impl Store {
    /// Finds a page of keys.
    pub fn search(&self, search: &Search) -> Result<SearchPage, StoreError> {
        let condition = Sql::of(search);
        self.read(|connection| {
            let total = count(connection, &condition)?;
            let keys = page(connection, condition, search)?;
            Ok(SearchPage { keys, total })
        })
    }

    /// Finds the key of an account that has this value.
    pub fn key_by_hash(
        &self,
        account: &AccountId,
        hash: &KeyHash,
    ) -> Result<Option<Key>, StoreError> {
        self.read(|connection| by_hash(connection, Some(account), hash))
    }

    /// Finds the key that has this value, for `act` to see it; in this account, if one is named.
    /// That somebody has asked is written down also where there is none.
    pub fn look_up(
        &self,
        account: Option<&AccountId>,
        hash: &KeyHash,
        act: &Act,
    ) -> Result<Option<Key>, StoreError> {
        self.write(|connection| {
            let key = by_hash(connection, account, hash)?;
            let entry = match &key {
                Some(key) => {
                    let detail = key_detail::named(key);
                    let (account, id) = (Some(&key.account), key.id.as_str());
                    act.entry(AuditAction::KeyLookedUp, account, id, detail)
                }
                None => act.entry(AuditAction::KeyLookedUp, account, "", json!({})),
            };
            audit::append(connection, &entry)?;
            Ok(key)
        })
    }
}

impl Sql {
    fn of(search: &Search) -> Self {
        let mut sql = Self::default();
        let text = |text: &str| Value::from(text.to_owned());
        sql.push(
            " WHERE k.account = ? AND k.origin = ? AND k.region = ?",
            [
                text(search.account.as_str()),
                text(search.origin.as_str()),
                text(search.region.as_str()),
            ],
        );
        if let Some(team) = &search.team {
            let team = text(team.as_str());
            sql.push(" AND coalesce(k.team, k.account) = ?", [team]);
        }
        for condition in &search.conditions {
            sql.condition(condition);
        }
        sql
    }

    fn push(&mut self, text: &str, values: impl IntoIterator<Item = Value<'static>>) {
        self.text.push_str(text);
        self.values.extend(values);
    }

    fn condition(&mut self, condition: &Condition) {
        match condition {
            Condition::Text(field, matching, texts) => self.text(*field, *matching, texts),
            Condition::Status(statuses) => {
                let word = |status: &Status| match status {
                    Status::Enabled => Value::from("enabled".to_owned()),
                    Status::Disabled => Value::from("disabled".to_owned()),
                };
                self.any("k.status = ?", statuses.iter().map(word));
            }
            Condition::Shape(shapes) => {
                let number = |(models, services): &(bool, bool)| {
                    Value::from(i64::from(*models) * 2 + i64::from(*services))
                };
                let shape = "CASE WHEN k.models IS NULL THEN 2 ELSE 0 END \
                             + CASE WHEN k.services IS NULL THEN 1 ELSE 0 END = ?";
                self.any(shape, shapes.iter().map(number));
            }
            Condition::Usable(usable, now) => {
                let not = if *usable { "" } else { "NOT " };
                let expires = "(k.expires_at IS NULL OR k.expires_at > ?)";
                self.push(
                    &format!(" AND {not}(k.status = 'enabled' AND {expires})"),
                    [integer(now.get()).into()],
                );
            }
        }
    }

    fn text(&mut self, field: TextField, matching: Matching, texts: &[String]) {
        let column = match field {
            TextField::Id => "k.id",
            TextField::Name => "k.name",
        };
        let values = texts.iter().cloned().map(Value::from);
        match matching {
            Matching::Exact => self.any(&format!("{column} = ?"), values),
            Matching::Fuzzy => {
                self.any(&contains(column), texts.iter().map(|text| part_of(text)));
            }
            Matching::Not => {
                for value in values {
                    self.push(&format!(" AND {column} <> ?"), [value]);
                }
            }
        }
    }

    /// At least one of the values fits; none of none does.
    fn any(&mut self, fits: &str, values: impl IntoIterator<Item = Value<'static>>) {
        self.push(" AND (FALSE", []);
        for value in values {
            self.push(&format!(" OR {fits}"), [value]);
        }
        self.push(")", []);
    }
}

impl SearchOrder {
    const fn columns(self) -> &'static str {
        match self {
            Self::Name(false) => "lower(k.name), k.seq",
            Self::Name(true) => "lower(k.name) DESC, k.seq DESC",
            Self::Created(false) => "k.seq",
            Self::Created(true) => "k.seq DESC",
            Self::Updated(false) => "k.updated_at, k.seq",
            Self::Updated(true) => "k.updated_at DESC, k.seq DESC",
        }
    }
}

fn by_hash(
    connection: &Connection,
    account: Option<&AccountId>,
    hash: &KeyHash,
) -> Result<Option<Key>, StoreError> {
    let sql = format!(
        "SELECT {KEY_COLUMNS} FROM keys AS k WHERE k.key_hash = ?1 AND k.account = coalesce(?2, k.account)"
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let key = statement.query_row(
        params![hash.as_bytes(), account.map(AccountId::as_str)],
        |row| Columns::new(row, 0).key(),
    );
    Ok(key.optional()?)
}

fn count(connection: &Connection, condition: &Sql) -> Result<u64, StoreError> {
    let sql = format!("SELECT count(*) FROM keys AS k{}", condition.text);
    let values = &condition.values;
    let mut statement = connection.prepare(&sql)?;
    let count: i64 = statement.query_row(values, |row| row.get(0))?;
    Ok(u64::try_from(count).unwrap_or(0))
}

fn page(
    connection: &Connection,
    mut condition: Sql,
    search: &Search,
) -> Result<Vec<Key>, StoreError> {
    let order = format!(" ORDER BY {} LIMIT ? OFFSET ?", search.order.columns());
    let page = [search.limit, search.offset].map(|number| integer(number).into());
    condition.push(&order, page);
    let sql = format!("SELECT {KEY_COLUMNS} FROM keys AS k{}", condition.text);
    let mut statement = connection.prepare(&sql)?;
    Ok(statement.query_map(condition.values, |row| Columns::new(row, 0).key())?)
}

#[cfg(test)]
mod tests;
