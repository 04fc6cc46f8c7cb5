//! The value of a member that chooses by its name: what may stand there.
//!
//! Does not know which names choose. Invariant: what cannot be understood as names is refused.

use super::JsonError;
use super::scanner::{Container, Scalar};
use crate::chooser::{ChooserKind, Holds};

/// The value of a chooser, or an element of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Choice {
    pub(super) kind: ChooserKind,
    /// What an object in its place holds.
    holds: Holds,
    in_list: bool,
    /// It is a member of an object whose members' own names are names, unless they hold texts.
    pub(super) is_keyed: bool,
    /// Only the texts of a list are names: what some gateways take for the models to fall back to.
    is_mapped: bool,
}

/// What is in a container that stands in the place of a choice.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Inside {
    /// What its elements or members are, if names are among them.
    pub(super) elements: Option<Choice>,
    /// It is an object of a chain, which needs a `model` of its own.
    pub(super) is_link: bool,
}

impl Choice {
    pub(super) fn of(kind: ChooserKind, member: &[u8], is_keyed: bool) -> Self {
        Self {
            kind,
            holds: Holds::of(member),
            in_list: false,
            is_keyed,
            is_mapped: false,
        }
    }

    /// A member of an object in a chain.
    const fn mapped() -> Self {
        Self {
            kind: ChooserKind::Name,
            holds: Holds::Members,
            in_list: false,
            is_keyed: false,
            is_mapped: true,
        }
    }

    /// Whether it is an element of a list.
    pub(super) const fn is_element(self) -> bool {
        self.in_list
    }

    /// Whether a text in its place is a name.
    pub(super) fn takes_text(self) -> bool {
        self.in_list || !self.is_mapped
    }

    /// What it becomes in a container; `is_declared`: the rule names what is read inside.
    pub(super) fn inside(
        self,
        container: Container,
        is_declared: bool,
    ) -> Result<Inside, JsonError> {
        let in_list = container == Container::Array;
        let names = |holds, is_keyed| Inside {
            elements: Some(Self {
                holds,
                in_list,
                is_keyed,
                ..self
            }),
            is_link: false,
        };
        match (self.kind, container) {
            (ChooserKind::Ref, _) => Err(JsonError::Indirect),
            (_, Container::Array) => Ok(names(self.holds.in_list(), false)),
            (ChooserKind::Chain, Container::Object) if self.in_list => Ok(Inside {
                elements: Some(Self::mapped()),
                is_link: true,
            }),
            (ChooserKind::Chain | ChooserKind::Weight, Container::Object) => {
                Err(JsonError::OddChoice)
            }
            (ChooserKind::Name, Container::Object) => Ok(match self.holds {
                _ if is_declared => Inside::default(),
                Holds::Members => Inside::default(),
                Holds::Texts => names(Holds::Members, false),
                Holds::Keys => names(Holds::Members, true),
            }),
        }
    }

    /// Whether a value that is no text may stand here; most say nothing.
    pub(super) fn may_be(self, scalar: Scalar) -> Result<(), JsonError> {
        match (self.kind, scalar) {
            (ChooserKind::Ref, Scalar::True | Scalar::Number) => Err(JsonError::Indirect),
            (ChooserKind::Weight, Scalar::Number) => Err(JsonError::OddChoice),
            (ChooserKind::Chain, _) if self.in_list => Err(JsonError::OddChoice),
            _ => Ok(()),
        }
    }
}
