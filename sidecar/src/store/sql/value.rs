//! Values as they go into a statement and come out of a row.
//!
//! Four kinds serve both engines; a truth is a number, 0 or 1. Invariant: a number that does not fit
//! what is asked for is refused, not cut.

use std::borrow::Cow;

/// A value that a statement is given.
#[derive(Clone, Debug)]
pub(crate) enum Value<'v> {
    Null,
    Integer(i64),
    Text(Cow<'v, str>),
    Blob(&'v [u8]),
}

/// A value where it stands in a row.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ValueRef<'r> {
    Null,
    Integer(i64),
    Text(&'r str),
    Blob(&'r [u8]),
}

/// Something that a statement can be given.
pub(crate) trait ToValue {
    /// It as a value.
    fn value(&self) -> Value<'_>;
}

/// Something that a column can be read as.
pub(crate) trait FromValue: Sized {
    /// `None` if the value is none of these.
    fn from_value(value: ValueRef<'_>) -> Option<Self>;
}

// === impl Value ===

impl From<String> for Value<'_> {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<i64> for Value<'_> {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

// === impl ToValue ===

impl<P: ToValue + ?Sized> ToValue for &P {
    fn value(&self) -> Value<'_> {
        (**self).value()
    }
}

impl<P: ToValue> ToValue for Option<P> {
    fn value(&self) -> Value<'_> {
        self.as_ref().map_or(Value::Null, ToValue::value)
    }
}

impl ToValue for str {
    fn value(&self) -> Value<'_> {
        Value::Text(self.into())
    }
}

impl ToValue for String {
    fn value(&self) -> Value<'_> {
        Value::Text(self.as_str().into())
    }
}

impl ToValue for i64 {
    fn value(&self) -> Value<'_> {
        Value::Integer(*self)
    }
}

impl ToValue for u32 {
    fn value(&self) -> Value<'_> {
        Value::Integer((*self).into())
    }
}

impl ToValue for u8 {
    fn value(&self) -> Value<'_> {
        Value::Integer((*self).into())
    }
}

impl ToValue for bool {
    fn value(&self) -> Value<'_> {
        Value::Integer((*self).into())
    }
}

impl ToValue for [u8] {
    fn value(&self) -> Value<'_> {
        Value::Blob(self)
    }
}

impl<const N: usize> ToValue for [u8; N] {
    fn value(&self) -> Value<'_> {
        Value::Blob(self)
    }
}

// === impl FromValue ===

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: ValueRef<'_>) -> Option<Self> {
        match value {
            ValueRef::Null => Some(None),
            value => T::from_value(value).map(Some),
        }
    }
}

impl FromValue for i64 {
    fn from_value(value: ValueRef<'_>) -> Option<Self> {
        match value {
            ValueRef::Integer(number) => Some(number),
            _ => None,
        }
    }
}

impl FromValue for u32 {
    fn from_value(value: ValueRef<'_>) -> Option<Self> {
        i64::from_value(value).and_then(|number| number.try_into().ok())
    }
}

impl FromValue for u8 {
    fn from_value(value: ValueRef<'_>) -> Option<Self> {
        i64::from_value(value).and_then(|number| number.try_into().ok())
    }
}

impl FromValue for bool {
    fn from_value(value: ValueRef<'_>) -> Option<Self> {
        match value {
            ValueRef::Integer(0) => Some(false),
            ValueRef::Integer(1) => Some(true),
            _ => None,
        }
    }
}

impl FromValue for String {
    fn from_value(value: ValueRef<'_>) -> Option<Self> {
        match value {
            ValueRef::Text(text) => Some(text.into()),
            _ => None,
        }
    }
}

impl FromValue for Vec<u8> {
    fn from_value(value: ValueRef<'_>) -> Option<Self> {
        match value {
            ValueRef::Blob(bytes) => Some(bytes.into()),
            _ => None,
        }
    }
}

impl<const N: usize> FromValue for [u8; N] {
    fn from_value(value: ValueRef<'_>) -> Option<Self> {
        match value {
            ValueRef::Blob(bytes) => bytes.try_into().ok(),
            _ => None,
        }
    }
}
