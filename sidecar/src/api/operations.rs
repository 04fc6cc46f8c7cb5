//! Every call of the REST API: what it is for, who may make it, what goes in and comes out.
//!
//! Does not handle calls. Invariant: the same table admits callers ([`crate::api::auth`]) and
//! writes the OpenAPI document, so that neither can say what the other does not do; a route that
//! is not in it is not reachable.

mod identity;
mod keys;
mod knowledge;
mod limits;
mod values;

use schemars::{JsonSchema, Schema, SchemaGenerator};

use crate::domain::identity::role::Capability;
use crate::http::problem::Problem;
use crate::http::shape::{Shape, Shown};
use crate::service::caller::Caller;

/// One call.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) method: &'static str,
    /// The route's pattern.
    pub(crate) path: &'static str,
    /// Its name in generated clients.
    pub(crate) id: &'static str,
    pub(crate) summary: &'static str,
    pub(crate) access: Access,
    pub(crate) parameters: &'static [Parameter],
    /// What the document calls its body.
    pub(crate) body: Option<&'static str>,
    /// Whether it has to have one.
    pub(crate) needs_body: bool,
    /// The statuses of success and their bodies.
    pub(crate) answers: &'static [(u16, AnswerBody)],
}

/// Describes the body of an answer; gives nothing where there is none.
pub(crate) type AnswerBody = fn(&mut SchemaGenerator) -> Option<Schema>;

/// Who may make a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// Anybody.
    Public,
    /// Whoever has a credential.
    Known,
    /// A person who has logged in.
    Person,
    /// Whoever has this capability; in their account.
    Needs(Capability),
    /// An operator with this capability.
    Operator(Capability),
}

/// A parameter of the query or a header. (Those of the path are in the pattern.)
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parameter {
    pub(crate) name: &'static str,
    pub(crate) place: ParameterIn,
    pub(crate) kind: ParameterKind,
    pub(crate) about: &'static str,
    pub(crate) required: bool,
}

/// Where a parameter stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ParameterIn {
    Query,
    Header,
}

/// What a parameter may be.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ParameterKind {
    Text,
    /// 1 to 128 visible ASCII characters.
    Word,
    Time,
    Number(u64, u64),
    Choice(&'static [&'static str]),
    /// `true` or `false`.
    Switch,
    /// What answers show in the same way.
    Shown(fn(&mut SchemaGenerator) -> Schema),
}

/// What a request asks for.
#[derive(Debug)]
pub(crate) enum RouteMatch {
    /// This call.
    Call(&'static Operation),
    /// A path that has other methods.
    OtherMethods(Vec<&'static str>),
    /// No call.
    Nothing,
}

impl Operation {
    pub(crate) const fn new(
        (method, path): (&'static str, &'static str),
        access: Access,
        id: &'static str,
        summary: &'static str,
    ) -> Self {
        Self {
            method,
            path,
            id,
            summary,
            access,
            parameters: &[],
            body: None,
            needs_body: true,
            answers: &[(200, nothing)],
        }
    }

    pub(crate) const fn parameters(self, parameters: &'static [Parameter]) -> Self {
        Self { parameters, ..self }
    }

    pub(crate) const fn body(self, schema: &'static str) -> Self {
        Self {
            body: Some(schema),
            ..self
        }
    }

    /// A body that may be left out.
    pub(crate) const fn maybe_body(self, schema: &'static str) -> Self {
        Self {
            body: Some(schema),
            needs_body: false,
            ..self
        }
    }

    pub(crate) const fn answers(self, answers: &'static [(u16, AnswerBody)]) -> Self {
        Self { answers, ..self }
    }
}

impl Access {
    /// Refuses a caller who may not.
    pub(crate) fn check(self, caller: &Caller) -> Result<(), Problem> {
        match self {
            Self::Public | Self::Known => Ok(()),
            Self::Person => match caller.person {
                Some(_) => Ok(()),
                None => Err(Problem::forbidden(
                    "only a person who has logged in may do this",
                )),
            },
            Self::Needs(capability) => caller.require(capability),
            Self::Operator(capability) => {
                caller.require_operator()?;
                caller.require(capability)
            }
        }
    }
}

impl Parameter {
    pub(crate) const fn query(
        name: &'static str,
        kind: ParameterKind,
        about: &'static str,
    ) -> Self {
        Self {
            name,
            place: ParameterIn::Query,
            kind,
            about,
            required: false,
        }
    }

    pub(crate) const fn header(name: &'static str, about: &'static str) -> Self {
        Self {
            name,
            place: ParameterIn::Header,
            kind: ParameterKind::Text,
            about,
            required: false,
        }
    }

    pub(crate) const fn required(self) -> Self {
        Self {
            required: true,
            ..self
        }
    }
}

/// The body of an answer that is written from this type.
fn of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Option<Schema> {
    Some(generator.subschema_for::<T>())
}

/// An answer without a body.
const fn nothing(_: &mut SchemaGenerator) -> Option<Schema> {
    None
}

/// What a value is in a query: as answers show it.
const fn shown<T: Shape>() -> ParameterKind {
    ParameterKind::Shown(SchemaGenerator::subschema_for::<Shown<T>>)
}

/// Every call.
pub(crate) fn all() -> impl Iterator<Item = &'static Operation> {
    let of_keys = keys::OPERATIONS
        .iter()
        .chain(values::OPERATIONS)
        .chain(limits::OPERATIONS);
    identity::OPERATIONS
        .iter()
        .chain(of_keys)
        .chain(knowledge::OPERATIONS)
}

/// What a request of `method` whose route has `pattern` asks for.
pub(crate) fn asked(method: &str, pattern: Option<&str>) -> RouteMatch {
    let Some(pattern) = pattern else {
        return RouteMatch::Nothing;
    };
    let of_path: Vec<_> = all()
        .filter(|operation| operation.path == pattern)
        .collect();
    match of_path.iter().find(|operation| operation.method == method) {
        Some(operation) => RouteMatch::Call(operation),
        None if of_path.is_empty() => RouteMatch::Nothing,
        None => {
            RouteMatch::OtherMethods(of_path.iter().map(|operation| operation.method).collect())
        }
    }
}

const ACCOUNT: Parameter = Parameter::query(
    "account",
    ParameterKind::Text,
    "The account; an operator names it, others act in their own",
);
const LIMIT: Parameter = Parameter::query(
    "limit",
    ParameterKind::Number(1, 200),
    "How many entries to answer with at most",
);
const CURSOR: Parameter = Parameter::query(
    "cursor",
    ParameterKind::Text,
    "The next_cursor of the answer before",
);
const IF_MATCH: Parameter = Parameter::header(
    "If-Match",
    "The ETag that was read; 412 if it was changed since",
);
const IDEMPOTENCY_KEY: Parameter = Parameter {
    kind: ParameterKind::Word,
    ..Parameter::header(
        "Idempotency-Key",
        "A word of the caller's choice; a repeated call with it makes nothing twice",
    )
};
