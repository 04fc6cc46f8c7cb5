//! Labels of a key: words of the admin's own, `{"team": "search"}`, to find and to sum keys by.
//!
//! No Envoy knows them. Does not look for credentials: bodies with some are not read. Invariant: a
//! name is written in one way only, so that two readers cannot take one label for two.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::Value;

use crate::domain::name::KeyName;

/// Most labels of one key.
pub const LABELS_MAX: usize = 16;
/// Longest name of a label, in bytes.
const NAME_BYTES_MAX: usize = 63;

/// The name of a label: lower-case letters, digits, `.`, `_`, `-` and `/`; a letter first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LabelName(String);

/// The labels of a key, or those that it has to have: at most [`LABELS_MAX`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels(BTreeMap<LabelName, KeyName>);

/// Why something is not a label, or not a set of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelError {
    /// The name has another form.
    Name,
    /// More than [`LABELS_MAX`].
    TooMany(usize),
    /// No `name=value`.
    Pair,
}

impl LabelName {
    /// Reads a name.
    pub fn parse(text: &str) -> Result<Self, LabelError> {
        let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"._-/".contains(&b);
        let fits = text.len() <= NAME_BYTES_MAX
            && text.starts_with(|c: char| c.is_ascii_lowercase())
            && text.bytes().all(plain);
        match fits {
            true => Ok(Self(text.into())),
            false => Err(LabelError::Name),
        }
    }
}

impl Labels {
    /// None.
    pub const NONE: Self = Self(BTreeMap::new());

    /// These labels.
    pub fn new(labels: BTreeMap<LabelName, KeyName>) -> Result<Self, LabelError> {
        match labels.len() {
            0..=LABELS_MAX => Ok(Self(labels)),
            more => Err(LabelError::TooMany(more)),
        }
    }

    /// Reads `name=value`, as a query asks for one.
    pub fn parse_pair(text: &str) -> Result<Self, String> {
        let pair = text.split_once('=').ok_or(LabelError::Pair);
        let (name, value) = pair.map_err(|error| error.to_string())?;
        let name = LabelName::parse(name).map_err(|error| error.to_string())?;
        let value = KeyName::parse(value).map_err(|error| error.to_string())?;
        Ok(Self(BTreeMap::from([(name, value)])))
    }

    /// Reads what [`Labels::to_json`] wrote.
    pub fn stored(text: &str) -> Option<Self> {
        let texts: BTreeMap<String, String> = serde_json::from_str(text).ok()?;
        let label = |(name, value): (String, String)| {
            Some((LabelName::parse(&name).ok()?, KeyName::stored(&value).ok()?))
        };
        texts
            .into_iter()
            .map(label)
            .collect::<Option<_>>()
            .map(Self)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each label as it stands in the text of the object, `"team":"search"`. No object without that label
    /// has it anywhere: a name has no quote, and one in a value is escaped.
    pub fn members(&self) -> impl Iterator<Item = String> {
        self.0.iter().map(|(name, value)| {
            let value = Value::from(value.as_str());
            format!("\"{}\":{value}", name.0)
        })
    }

    /// The object that callers read and that is stored.
    pub fn to_json(&self) -> Value {
        let member =
            |(name, value): (&LabelName, &KeyName)| (name.0.clone(), value.as_str().into());
        Value::Object(self.0.iter().map(member).collect())
    }
}

// === impl LabelError ===

impl fmt::Display for LabelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name => write!(
                f,
                "is no name of a label: write at most {NAME_BYTES_MAX} lower-case letters, digits, \
                 '.', '_', '-' and '/', a letter first"
            ),
            Self::TooMany(count) => {
                write!(f, "has {count} labels: at most {LABELS_MAX} are allowed")
            }
            Self::Pair => f.write_str("must be name=value, such as team=search"),
        }
    }
}

impl std::error::Error for LabelError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_one_spelling() {
        for good in ["team", "a", "cost-centre", "acme.example/team", "v1_2"] {
            assert!(LabelName::parse(good).is_ok(), "{good}");
        }
        let long = "a".repeat(NAME_BYTES_MAX + 1);
        for bad in ["", "Team", "1st", "-a", "a b", "tëam", "a=b", long.as_str()] {
            assert_eq!(LabelName::parse(bad), Err(LabelError::Name), "{bad}");
        }
    }

    #[test]
    fn a_pair_is_cut_at_the_first_equals_sign() {
        let label = Labels::parse_pair("team=a=b").unwrap();
        assert_eq!(label.to_json(), serde_json::json!({"team": "a=b"}));
        for bad in ["team", "=x", "team=", "team= x", "Team=x"] {
            assert!(Labels::parse_pair(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_label_stands_in_the_text_of_an_object_that_has_it_and_of_no_other() {
        let wanted = Labels::parse_pair("b=c\\").unwrap();
        let member: Vec<String> = wanted.members().collect();
        let object = |texts: &[&str]| {
            let pairs = texts.iter().map(|text| Labels::parse_pair(text).unwrap().0);
            Labels::new(pairs.flatten().collect())
                .unwrap()
                .to_json()
                .to_string()
        };
        for has in [&["b=c\\"][..], &["a=x", "b=c\\", "d=y"]] {
            assert!(object(has).contains(&member[0]), "{has:?}");
        }
        let other = [
            "b=c",
            "bb=c\\",
            "b=c\\\\",
            "a=\"b\":\"c\\\"",
            "a=b",
            "a=\",\"b\":\"c\\",
        ];
        for has_not in other {
            assert!(!object(&[has_not]).contains(&member[0]), "{has_not}");
        }
    }

    #[test]
    fn what_was_written_is_read_back_and_nothing_else() {
        let labels = Labels::parse_pair("team=Suche 搜索 \"x\"").unwrap();
        assert_eq!(Labels::stored(&labels.to_json().to_string()), Some(labels));
        assert_eq!(Labels::stored("{}"), Some(Labels::default()));
        for other in ["", "[]", "{\"team\":1}", "{\"Team\":\"x\"}"] {
            assert_eq!(Labels::stored(other), None, "{other}");
        }
    }

    #[test]
    fn seventeen_are_too_many() {
        let of = |count: usize| {
            let label = |number| {
                let name = LabelName::parse(&format!("l{number}")).unwrap();
                (name, KeyName::parse("x").unwrap())
            };
            Labels::new((0..count).map(label).collect())
        };
        assert!(of(LABELS_MAX).is_ok());
        assert_eq!(of(17), Err(LabelError::TooMany(17)));
    }
}
