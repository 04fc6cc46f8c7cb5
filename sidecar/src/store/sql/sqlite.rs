//! Statements and rows of SQLite.
//!
//! Does not open files. Invariant: a row is read where it lies.

use rusqlite::types::{ToSqlOutput, ValueRef as Stored};
use rusqlite::{CachedStatement, Connection, Rows, ToSql, params_from_iter};

use super::{Parameters, Result, Row, SqlError, Value, ValueRef};

/// A statement of SQLite, kept or not.
pub(crate) enum SqliteStatement<'c> {
    New(rusqlite::Statement<'c>),
    Kept(CachedStatement<'c>),
}

impl<'c> SqliteStatement<'c> {
    pub(super) fn new(connection: &'c Connection, sql: &str) -> Result<Self> {
        Ok(Self::New(connection.prepare(sql)?))
    }

    pub(crate) fn kept(connection: &'c Connection, sql: &str) -> Result<Self> {
        Ok(Self::Kept(connection.prepare_cached(sql)?))
    }

    pub(crate) fn execute(&mut self, values: Parameters<'_>) -> Result<usize> {
        let statement = self.inner();
        Ok(match values {
            Parameters::Numbered(values) => statement.execute(params_from_iter(values))?,
            Parameters::Named(values) => statement.execute(named(values).as_slice())?,
        })
    }

    pub(crate) fn query(
        &mut self,
        values: Parameters<'_>,
        each: &mut impl FnMut(&Row<'_>) -> Result<bool>,
    ) -> Result<()> {
        let mut rows = self.rows(values)?;
        while let Some(row) = rows.next()? {
            if !each(&Row::Sqlite(row))? {
                break;
            }
        }
        Ok(())
    }

    fn rows(&mut self, values: Parameters<'_>) -> rusqlite::Result<Rows<'_>> {
        let statement = self.inner();
        match values {
            Parameters::Numbered(values) => statement.query(params_from_iter(values)),
            Parameters::Named(values) => statement.query(named(values).as_slice()),
        }
    }

    fn inner(&mut self) -> &mut rusqlite::Statement<'c> {
        match self {
            Self::New(statement) => statement,
            Self::Kept(statement) => statement,
        }
    }
}

fn named<'v>(values: &'v [(&'v str, Value<'v>)]) -> Vec<(&'v str, &'v dyn ToSql)> {
    let one = |(name, value): &'v (&'v str, Value<'v>)| (*name, value as &dyn ToSql);
    values.iter().map(one).collect()
}

/// The value of a column.
pub(crate) fn value<'r>(row: &'r rusqlite::Row<'_>, index: usize) -> Result<ValueRef<'r>> {
    Ok(match row.get_ref(index)? {
        Stored::Null => ValueRef::Null,
        Stored::Integer(number) => ValueRef::Integer(number),
        Stored::Blob(bytes) => ValueRef::Blob(bytes),
        Stored::Text(bytes) => {
            ValueRef::Text(std::str::from_utf8(bytes).map_err(|_| SqlError::Column(index))?)
        }
        // No column holds one.
        Stored::Real(_) => return Err(SqlError::Column(index)),
    })
}

// === impl Value ===

impl ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => Stored::Null,
            Self::Integer(number) => Stored::Integer(*number),
            Self::Text(text) => Stored::Text(text.as_bytes()),
            Self::Blob(bytes) => Stored::Blob(bytes),
        }))
    }
}
