//! Values as PostgreSQL's wire has them.
//!
//! Does not connect. Invariant: a value is written as the type that the server asks for, or refused.

use bytes::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};

use super::{Parameters, Result, SqlError, Value, ValueRef};

type Cause = Box<dyn std::error::Error + Sync + Send>;

/// A value that is kept until the server has it.
#[derive(Debug)]
pub(crate) enum Sent {
    Null,
    Integer(i64),
    Text(String),
    Blob(Vec<u8>),
}

/// A value as it is read.
struct Received<'r>(ValueRef<'r>);

/// The values of a statement's parameters, in the order of their numbers.
pub(crate) fn in_order(values: Parameters<'_>, names: &[String]) -> Result<Vec<Sent>> {
    match values {
        Parameters::Numbered(values) => Ok(values.iter().map(Sent::of).collect()),
        Parameters::Named(values) => {
            let of = |name: &String| {
                let mut named = values.iter();
                let found = named.find(|(other, _)| other.strip_prefix(':') == Some(name));
                found
                    .map(|(_, value)| Sent::of(value))
                    .ok_or(SqlError::Parameters)
            };
            let sent: Vec<_> = names.iter().map(of).collect::<Result<_>>()?;
            match sent.len() == values.len() {
                true => Ok(sent),
                false => Err(SqlError::Parameters),
            }
        }
    }
}

/// The value of a column.
pub(crate) fn value(row: &tokio_postgres::Row, index: usize) -> Result<ValueRef<'_>> {
    let value: Received<'_> = row.try_get(index)?;
    Ok(value.0)
}

impl Sent {
    fn of(value: &Value<'_>) -> Self {
        match value {
            Value::Null => Self::Null,
            Value::Integer(number) => Self::Integer(*number),
            Value::Text(text) => Self::Text(text.clone().into_owned()),
            Value::Blob(bytes) => Self::Blob(bytes.to_vec()),
        }
    }
}

// === impl Sent ===

impl ToSql for Sent {
    fn to_sql(&self, wanted: &Type, out: &mut BytesMut) -> std::result::Result<IsNull, Cause> {
        match (self, wanted) {
            (Self::Null, _) => Ok(IsNull::Yes),
            (Self::Integer(number), &Type::INT8) => number.to_sql(wanted, out),
            (Self::Integer(number), &Type::INT4) => i32::try_from(*number)?.to_sql(wanted, out),
            (Self::Integer(number), &Type::BOOL) => (*number != 0).to_sql(wanted, out),
            (Self::Text(text), &Type::TEXT) => text.to_sql(wanted, out),
            (Self::Blob(bytes), &Type::BYTEA) => bytes.to_sql(wanted, out),
            _ => Err(format!("{wanted} is asked for").into()),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

// === impl Received ===

impl<'r> FromSql<'r> for Received<'r> {
    fn from_sql(is: &Type, raw: &'r [u8]) -> std::result::Result<Self, Cause> {
        Ok(Self(match *is {
            Type::INT8 => ValueRef::Integer(i64::from_sql(is, raw)?),
            Type::INT4 => ValueRef::Integer(i32::from_sql(is, raw)?.into()),
            Type::BOOL => ValueRef::Integer(bool::from_sql(is, raw)?.into()),
            Type::BYTEA => ValueRef::Blob(raw),
            _ => ValueRef::Text(<&str>::from_sql(is, raw)?),
        }))
    }

    fn from_sql_null(_: &Type) -> std::result::Result<Self, Cause> {
        Ok(Self(ValueRef::Null))
    }

    fn accepts(is: &Type) -> bool {
        matches!(
            *is,
            Type::INT8 | Type::INT4 | Type::BOOL | Type::BYTEA | Type::TEXT
        )
    }
}
