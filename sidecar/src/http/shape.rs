//! Values as answers show them: each is written as one text, and says of itself which texts those are.
//!
//! Does not know any answer. Invariant: how a value is written and how it is described stand side by
//! side, so that a document of an answer is made from what the answer is made of.

use std::borrow::Cow;

use keytable::{AccountId, Axis, Status};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

use crate::domain::catalog::ResourceName;
use crate::domain::clock::UnixMillis;
use crate::domain::identity::account::LimitStatus;
use crate::domain::identity::role::{Capability, Role};
use crate::domain::identity::user::UserName;
use crate::domain::label::{LABELS_MAX, Labels};
use crate::domain::name::{Description, KeyName};
use crate::domain::origin::Origin;
use crate::domain::recommendation::RecommendationKind;
use crate::domain::region::RegionId;
use crate::domain::status::{STATUSES, status_word};
use crate::domain::usage::Period;

/// A value that is written as one text.
pub(crate) trait Shape {
    /// What the texts are called in the document; `None`: they are described where they stand.
    const NAME: Option<&'static str> = None;

    /// What is written.
    fn text(&self) -> Cow<'_, str>;

    /// Which texts that can be.
    fn schema() -> Schema;
}

/// A value in an answer.
#[derive(Clone, Debug)]
pub(crate) struct Shown<T>(pub(crate) T);

/// An axis of a scope in an answer.
#[derive(Clone, Debug)]
pub(crate) struct ShownAxis(pub(crate) Axis);

/// The labels of a key in an answer.
#[derive(Clone, Debug)]
pub(crate) struct ShownLabels(pub(crate) Labels);

/// A text of one of these words.
pub(crate) fn words(words: impl IntoIterator<Item = &'static str>, about: &str) -> Schema {
    let words: Vec<_> = words.into_iter().collect();
    json_schema!({"type": "string", "enum": words, "description": about})
}

/// The handle of an account or a region.
fn handle() -> Schema {
    json_schema!({"type": "string", "pattern": "^[a-z0-9][a-z0-9._-]{0,63}$"})
}

// === impl Shown ===

impl<T: Shape> Serialize for Shown<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.text())
    }
}

impl<T: Shape> JsonSchema for Shown<T> {
    fn inline_schema() -> bool {
        T::NAME.is_none()
    }

    fn schema_name() -> Cow<'static, str> {
        T::NAME.unwrap_or("Text").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        T::schema()
    }
}

// === impl ShownAxis ===

impl Serialize for ShownAxis {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Axis::All => serializer.serialize_str("all"),
            Axis::Listed(entries) => {
                serializer.collect_seq(entries.iter().map(ToString::to_string))
            }
        }
    }
}

impl JsonSchema for ShownAxis {
    fn schema_name() -> Cow<'static, str> {
        "Axis".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "The word `all`, or a list of names; one that ends with * means every name \
                            that begins like it",
            "anyOf": [
                {"type": "string", "enum": ["all"]},
                {"type": "array", "items": {"type": "string"}},
            ],
        })
    }
}

// === impl ShownLabels ===

impl Serialize for ShownLabels {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.to_json().serialize(serializer)
    }
}

impl JsonSchema for ShownLabels {
    fn schema_name() -> Cow<'static, str> {
        "Labels".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Words of the admin's own by name, such as {\"team\": \"search\"}",
            "type": "object",
            "maxProperties": LABELS_MAX,
            "additionalProperties": {"type": "string"},
        })
    }
}

// === impl Shape ===

/// A time.
impl Shape for UnixMillis {
    fn text(&self) -> Cow<'_, str> {
        self.to_string().into()
    }

    fn schema() -> Schema {
        json_schema!({"type": "string", "format": "date-time"})
    }
}

impl Shape for Status {
    const NAME: Option<&'static str> = Some("Status");

    fn text(&self) -> Cow<'_, str> {
        status_word(*self).into()
    }

    fn schema() -> Schema {
        words(STATUSES.map(status_word), "Whether it may be used")
    }
}

/// Texts that are described wherever they stand.
macro_rules! texts {
    ($($value:ty: $schema:expr;)*) => {$(
        impl Shape for $value {
            fn text(&self) -> Cow<'_, str> {
                self.as_str().into()
            }

            fn schema() -> Schema {
                $schema
            }
        }
    )*};
}

texts! {
    AccountId: handle();
    RegionId: handle();
    KeyName: json_schema!({"type": "string", "minLength": 1, "maxLength": 128});
    Description: json_schema!({"type": "string", "maxLength": 1024});
    UserName: json_schema!({"type": "string", "pattern": "^[a-z0-9][a-z0-9._@-]{0,63}$"});
    ResourceName: json_schema!({"type": "string", "minLength": 1, "maxLength": 256});
}

/// Enumerations, each of one word a value.
macro_rules! enumerations {
    ($($value:ty: $name:literal, $about:literal;)*) => {$(
        impl Shape for $value {
            const NAME: Option<&'static str> = Some($name);

            fn text(&self) -> Cow<'_, str> {
                self.as_str().into()
            }

            fn schema() -> Schema {
                words(Self::ALL.map(Self::as_str), $about)
            }
        }
    )*};
}

enumerations! {
    Role: "Role", "operator: everything, in every account; owner: everything within one account; \
                   viewer: reads within one account";
    Capability: "Capability", "One thing that a caller may be allowed to do";
    Origin: "Origin", "Where a key comes from: an admin's own making, or a plan that was bought";
    LimitStatus: "LimitRequestStatus", "What became of a request for more keys";
    RecommendationKind: "RecommendationKind", "What was noticed about a key";
    Period: "Period", "The width of a point of a series";
}
