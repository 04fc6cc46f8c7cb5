//! One text for every statement, whichever engine runs it: a connection, its statements and rows.
//!
//! The words are rusqlite's (`prepare_cached`, `query_row`, `query_map`, `params!`), so that a statement
//! reads as it always did. Does not know a table and does not begin transactions. Invariant: a
//! column that is not what is asked for is an error, never a value that was made up.

mod numbering;
mod postgres;
pub(crate) mod session;
mod sqlite;
mod value;

use std::fmt;

use session::Session;

pub(crate) use value::{FromValue, ToValue, Value, ValueRef};

/// What a statement comes to.
pub(crate) type Result<T> = std::result::Result<T, SqlError>;

/// Why a statement failed.
#[derive(Debug)]
pub enum SqlError {
    /// SQLite has refused it.
    Sqlite(rusqlite::Error),
    /// PostgreSQL has refused it, or cannot be reached.
    Postgres(tokio_postgres::Error),
    /// The server has not answered in time.
    TimedOut,
    /// This process is about to end.
    Closed,
    /// The system refuses a thread or a file.
    Io(std::io::Error),
    /// The values are not those that the text names.
    Parameters,
    /// There is no row where one was asked for.
    NoRow,
    /// The column at this place holds what this version does not know.
    Column(usize),
}

/// A connection within a transaction.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Connection<'c> {
    Sqlite(&'c rusqlite::Connection),
    Postgres(&'c Session),
}

/// A statement that is ready to run.
pub(crate) enum Statement<'c> {
    Sqlite(sqlite::SqliteStatement<'c>),
    Postgres(&'c Session, String),
}

/// A row that a statement answers with.
#[derive(Clone, Copy)]
pub(crate) enum Row<'r> {
    Sqlite(&'r rusqlite::Row<'r>),
    Postgres(&'r tokio_postgres::Row),
}

/// The values of a statement's parameters.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Parameters<'v> {
    /// Of `?1` or the first `?`, and so on.
    Numbered(&'v [Value<'v>]),
    /// Of `:name` and so on; each is in the text.
    Named(&'v [(&'v str, Value<'v>)]),
}

/// What may be given as the values of parameters.
pub(crate) trait Params {
    /// Runs `work` with the values.
    fn give<T>(&self, work: impl FnOnce(Parameters<'_>) -> T) -> T;
}

/// Makes a row that may be missing an option.
pub(crate) trait OptionalExtension<T> {
    /// `None` where there is no row.
    fn optional(self) -> Result<Option<T>>;
}

/// Values by their place.
macro_rules! params {
    ($($value:expr),* $(,)?) => {
        $crate::store::sql::Parameters::Numbered(&[
            $($crate::store::sql::ToValue::value(&$value)),*
        ])
    };
}

/// Values by their name.
macro_rules! named_params {
    ($($name:literal: $value:expr),* $(,)?) => {
        $crate::store::sql::Parameters::Named(&[
            $(($name, $crate::store::sql::ToValue::value(&$value))),*
        ])
    };
}

pub(crate) use {named_params, params};

impl<'c> Connection<'c> {
    /// Runs a statement that is not needed again soon; answers how many rows it has changed.
    pub(crate) fn execute(&self, sql: &str, values: impl Params) -> Result<usize> {
        self.prepare(sql)?.execute(values)
    }

    /// A statement that is not kept.
    pub(crate) fn prepare(&self, sql: &str) -> Result<Statement<'c>> {
        match self {
            Self::Sqlite(connection) => {
                sqlite::SqliteStatement::new(connection, sql).map(Statement::Sqlite)
            }
            // The session keeps a bounded number of them.
            Self::Postgres(_) => self.prepare_cached(sql),
        }
    }

    /// A statement that is kept for the next time.
    pub(crate) fn prepare_cached(&self, sql: &str) -> Result<Statement<'c>> {
        match self {
            Self::Sqlite(connection) => {
                sqlite::SqliteStatement::kept(connection, sql).map(Statement::Sqlite)
            }
            Self::Postgres(session) => Ok(Statement::Postgres(session, sql.to_owned())),
        }
    }
}

impl Statement<'_> {
    /// Runs it; answers how many rows it has changed.
    pub(crate) fn execute(&mut self, values: impl Params) -> Result<usize> {
        values.give(|values| match self {
            Self::Sqlite(statement) => statement.execute(values),
            Self::Postgres(session, sql) => session.execute(sql, values),
        })
    }

    /// Gives each row to `each`, until that answers `false`.
    pub(crate) fn query(
        &mut self,
        values: impl Params,
        mut each: impl FnMut(&Row<'_>) -> Result<bool>,
    ) -> Result<()> {
        values.give(|values| match self {
            Self::Sqlite(statement) => statement.query(values, &mut each),
            Self::Postgres(session, sql) => {
                for row in session.query(sql, values)? {
                    if !each(&Row::Postgres(&row))? {
                        break;
                    }
                }
                Ok(())
            }
        })
    }

    /// Reads each row.
    pub(crate) fn query_map<T>(
        &mut self,
        values: impl Params,
        mut read: impl FnMut(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        let mut found = Vec::new();
        self.query(values, |row| {
            found.push(read(row)?);
            Ok(true)
        })?;
        Ok(found)
    }

    /// Reads the first row.
    pub(crate) fn query_row<T>(
        &mut self,
        values: impl Params,
        read: impl FnOnce(&Row<'_>) -> Result<T>,
    ) -> Result<T> {
        let (mut read, mut found) = (Some(read), None);
        self.query(values, |row| {
            found = read.take().map(|read| read(row)).transpose()?;
            Ok(false)
        })?;
        found.ok_or(SqlError::NoRow)
    }

    /// Whether there is a row.
    pub(crate) fn exists(&mut self, values: impl Params) -> Result<bool> {
        let mut found = false;
        self.query(values, |_| {
            found = true;
            Ok(false)
        })?;
        Ok(found)
    }
}

impl Row<'_> {
    /// The column at a place, from 0.
    pub(crate) fn get<T: FromValue>(&self, index: usize) -> Result<T> {
        let value = match self {
            Self::Sqlite(row) => sqlite::value(row, index)?,
            Self::Postgres(row) => postgres::value(row, index)?,
        };
        T::from_value(value).ok_or(SqlError::Column(index))
    }

    /// The last column.
    pub(crate) fn last<T: FromValue>(&self) -> Result<T> {
        let width = match self {
            Self::Sqlite(row) => row.as_ref().column_count(),
            Self::Postgres(row) => row.len(),
        };
        self.get(width.saturating_sub(1))
    }
}

// === impl Params ===

impl Params for Parameters<'_> {
    fn give<T>(&self, work: impl FnOnce(Parameters<'_>) -> T) -> T {
        work(*self)
    }
}

impl Params for Vec<Value<'_>> {
    fn give<T>(&self, work: impl FnOnce(Parameters<'_>) -> T) -> T {
        work(Parameters::Numbered(self))
    }
}

impl Params for &Vec<Value<'_>> {
    fn give<T>(&self, work: impl FnOnce(Parameters<'_>) -> T) -> T {
        work(Parameters::Numbered(self))
    }
}

impl Params for &[Value<'_>] {
    fn give<T>(&self, work: impl FnOnce(Parameters<'_>) -> T) -> T {
        work(Parameters::Numbered(self))
    }
}

impl<P: ToValue, const N: usize> Params for [P; N] {
    fn give<T>(&self, work: impl FnOnce(Parameters<'_>) -> T) -> T {
        work(Parameters::Numbered(&self.each_ref().map(ToValue::value)))
    }
}

// === impl OptionalExtension ===

impl<T> OptionalExtension<T> for Result<T> {
    fn optional(self) -> Result<Option<T>> {
        match self {
            Err(SqlError::NoRow) => Ok(None),
            found => found.map(Some),
        }
    }
}

// === impl SqlError ===

impl SqlError {
    /// Whether the server itself has said that what was asked for was not done.
    pub(crate) fn is_refusal(&self) -> bool {
        let Self::Postgres(error) = self else {
            return false;
        };
        // One that shuts down or was cut off may have done it.
        error.code().is_some_and(|code| {
            !["57", "08"]
                .iter()
                .any(|class| code.code().starts_with(class))
        })
    }
}

impl From<tokio_postgres::Error> for SqlError {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Postgres(error)
    }
}

impl From<rusqlite::Error> for SqlError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl fmt::Display for SqlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sqlite(error) => error.fmt(f),
            Self::Postgres(error) => {
                error.fmt(f)?;
                // What the server says is a source; whoever logs this may not ask for it.
                let mut cause = std::error::Error::source(error);
                while let Some(error) = cause {
                    write!(f, ": {error}")?;
                    cause = error.source();
                }
                Ok(())
            }
            Self::TimedOut => f.write_str("the server has not answered in time"),
            Self::Closed => f.write_str("this process is about to end"),
            Self::Io(error) => error.fmt(f),
            Self::Parameters => f.write_str("the values are not those of the statement"),
            Self::NoRow => f.write_str("there is no row"),
            Self::Column(index) => {
                write!(
                    f,
                    "column {index} holds a value that this version does not know"
                )
            }
        }
    }
}

impl std::error::Error for SqlError {}
