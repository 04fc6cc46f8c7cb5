//! The audit: append-only rows, each chained to the one before by a hash.
//!
//! Does not decide what is worth a row. Invariant: a row is written in the transaction of what it
//! tells of, so that neither is there without the other.

use keytable::find_credential;
use sha2::{Digest, Sha256};

use crate::domain::audit::AuditEntry;
use crate::domain::clock::UnixMillis;
use crate::store::Store;
use crate::store::error::StoreError;
use crate::store::row::integer;
use crate::store::sql::{self, Connection, Row, ToValue, Value, params};

const COLUMNS: &str = "seq, at, actor, address, account, action, target, detail, hash";

/// The conditions of a list. Each optional one is written only where it is asked for, so that an
/// index can serve it.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// Of this account only.
    pub account: Option<String>,
    /// By this actor only.
    pub actor: Option<String>,
    /// This action only.
    pub action: Option<String>,
    /// To this target only.
    pub target: Option<String>,
    /// Not before this time.
    pub from: Option<UnixMillis>,
    /// Before this time only.
    pub until: Option<UnixMillis>,
    /// Rows before this one only.
    pub before: Option<u64>,
}

/// A row as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditRow {
    /// Its place, from 1.
    pub seq: u64,
    /// When, in milliseconds since 1970.
    pub at: u64,
    /// Who.
    pub actor: String,
    /// From where.
    pub address: Option<String>,
    /// In which account.
    pub account: Option<String>,
    /// What.
    pub action: String,
    /// To what.
    pub target: String,
    /// The particulars, JSON.
    pub detail: String,
    hash: [u8; 32],
}

/// What a check of the whole audit found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AuditFinding {
    /// Every row is as it was written.
    Whole {
        /// How many rows there are.
        rows: u64,
        /// The hash of the newest one: note it elsewhere, and a rewritten audit is found out too.
        head: [u8; 32],
        /// Those that hold a credential; earlier versions wrote some.
        with_credentials: Vec<u64>,
    },
    /// The row at this place is missing, or not the one that was written.
    Broken {
        /// The place.
        seq: u64,
    },
    /// Rows at the end are missing.
    Shortened {
        /// The newest row that is there.
        found: u64,
        /// The newest row that was written.
        written: u64,
    },
}

/// Writes a row, within the transaction of what it tells of.
pub(super) fn append(transaction: &Connection, entry: &AuditEntry) -> Result<(), StoreError> {
    let (seq, before) = head(transaction)?;
    let mut row = AuditRow {
        seq: seq.saturating_add(1),
        at: entry.at.get(),
        actor: entry.actor.to_string(),
        address: entry.address.map(|address| address.to_string()),
        account: entry.account.as_ref().map(ToString::to_string),
        action: entry.action.to_string(),
        target: entry.target.clone(),
        detail: entry.detail.to_string(),
        hash: before,
    };
    row.hash = row.chained(&before);
    insert(transaction, &row)?;
    transaction
        .prepare_cached("UPDATE audit_head SET seq = ?1, hash = ?2")?
        .execute(params![integer(row.seq), row.hash])?;
    Ok(())
}

impl Store {
    /// Writes a row about something that changes nothing else.
    pub fn note(&self, entry: &AuditEntry) -> Result<(), StoreError> {
        self.write(|transaction| append(transaction, entry))
    }

    /// At most `limit` rows, newest first.
    pub fn audit(&self, filter: &AuditFilter, limit: usize) -> Result<Vec<AuditRow>, StoreError> {
        self.read(|connection| page(connection, filter, limit))
    }

    /// The place of the newest row; 0 if there is none.
    pub fn audit_head(&self) -> Result<u64, StoreError> {
        self.read(|connection| head(connection).map(|(seq, _)| seq))
    }

    /// Checks every row against the chain.
    pub fn audit_verify(&self) -> Result<AuditFinding, StoreError> {
        self.read(verify)
    }
}

/// Checks every row of a database against the chain.
pub(super) fn verify(connection: &Connection) -> Result<AuditFinding, StoreError> {
    let (written, head) = head(connection)?;
    let (mut seq, mut hash) = (0, [0; 32]);
    let mut with_credentials = Vec::new();
    let mut statement = connection.prepare(&format!("SELECT {COLUMNS} FROM audit ORDER BY seq"))?;
    let mut is_chained = true;
    statement.query(params![], |row| {
        let row = read(row)?;
        seq += 1;
        is_chained = row.seq == seq && row.hash == row.chained(&hash);
        if find_credential(row.detail.as_bytes()).is_some() {
            with_credentials.push(seq);
        }
        hash = row.hash;
        Ok(is_chained)
    })?;
    Ok(if !is_chained {
        AuditFinding::Broken { seq }
    } else if seq < written {
        AuditFinding::Shortened {
            found: seq,
            written,
        }
    } else if (seq, hash) != (written, head) {
        AuditFinding::Broken { seq }
    } else {
        AuditFinding::Whole {
            rows: seq,
            head,
            with_credentials,
        }
    })
}

impl AuditRow {
    /// The hash that this row has behind the row with the hash `before`. Each part is preceded by
    /// its length, so that no two rows read the same.
    fn chained(&self, before: &[u8; 32]) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(before);
        hash.update(self.seq.to_be_bytes());
        hash.update(self.at.to_be_bytes());
        let texts = [
            Some(&self.actor),
            self.address.as_ref(),
            self.account.as_ref(),
            Some(&self.action),
            Some(&self.target),
            Some(&self.detail),
        ];
        for text in texts {
            let length = text.map_or(u64::MAX, |text| text.len() as u64);
            hash.update(length.to_be_bytes());
            hash.update(text.map_or(&[][..], |text| text.as_bytes()));
        }
        hash.finalize().into()
    }
}

fn head(connection: &Connection) -> Result<(u64, [u8; 32]), StoreError> {
    let (seq, hash): (i64, [u8; 32]) = connection
        .prepare_cached("SELECT seq, hash FROM audit_head")?
        .query_row(params![], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok((u64::try_from(seq).unwrap_or(0), hash))
}

fn insert(transaction: &Connection, row: &AuditRow) -> Result<(), StoreError> {
    transaction
        .prepare_cached(
            "INSERT INTO audit (seq, at, actor, address, account, action, target, detail, hash) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
        )?
        .execute(params![
            integer(row.seq),
            integer(row.at),
            row.actor,
            row.address,
            row.account,
            row.action,
            row.target,
            row.detail,
            row.hash,
        ])?;
    Ok(())
}

fn page(
    connection: &Connection,
    filter: &AuditFilter,
    limit: usize,
) -> Result<Vec<AuditRow>, StoreError> {
    let (sql, mut values) = page_sql(filter);
    values.push(i64::try_from(limit).unwrap_or(i64::MAX).into());
    let mut statement = connection.prepare_cached(&sql)?;
    Ok(statement.query_map(values, read)?)
}

/// The text of a page, and the values of all its parameters but the limit.
fn page_sql(filter: &AuditFilter) -> (String, Vec<Value<'_>>) {
    let number = |number: u64| Value::from(integer(number));
    let conditions = [
        ("account = ?", filter.account.as_ref().map(ToValue::value)),
        ("actor = ?", filter.actor.as_ref().map(ToValue::value)),
        ("action = ?", filter.action.as_ref().map(ToValue::value)),
        ("target = ?", filter.target.as_ref().map(ToValue::value)),
        ("at >= ?", filter.from.map(|at| number(at.get()))),
        ("at < ?", filter.until.map(|at| number(at.get()))),
        ("seq < ?", filter.before.map(number)),
    ];
    let mut sql = format!("SELECT {COLUMNS} FROM audit WHERE TRUE");
    let mut values = Vec::new();
    for (condition, value) in conditions {
        if let Some(value) = value {
            sql.push_str(" AND ");
            sql.push_str(condition);
            values.push(value);
        }
    }
    sql.push_str(" ORDER BY seq DESC LIMIT ?");
    (sql, values)
}

fn read(row: &Row<'_>) -> sql::Result<AuditRow> {
    let unsigned = |number: i64| u64::try_from(number).unwrap_or(0);
    Ok(AuditRow {
        seq: unsigned(row.get(0)?),
        at: unsigned(row.get(1)?),
        actor: row.get(2)?,
        address: row.get(3)?,
        account: row.get(4)?,
        action: row.get(5)?,
        target: row.get(6)?,
        detail: row.get(7)?,
        hash: row.get(8)?,
    })
}

#[cfg(test)]
mod tests;
