//! Spellings: which names are one resource to the server behind a rule.
//!
//! Does not know rules, and does not compare: [`RecordView::covers`](crate::RecordView::covers)
//! does. Invariant: all spellings of one name are judged on one axis, so that no spelling can move
//! a service among the models.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;

use crate::scope::AxisKind;

/// Which names an API takes for one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Norm {
    /// A name is itself alone.
    #[default]
    Plain,
    /// `models/x` is `x`.
    Gemini,
    /// `publishers/p/models/x` is `p/x`, also behind `projects/../locations/../`; of Google just `x`.
    Vertex,
    /// `x` is `x:latest`.
    Ollama,
}

impl Norm {
    /// Reads a norm as rules write it.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "plain" => Some(Self::Plain),
            "gemini" => Some(Self::Gemini),
            "vertex" => Some(Self::Vertex),
            "ollama" => Some(Self::Ollama),
            _ => None,
        }
    }

    /// The axis on which a name is judged, whichever of its spellings was sent.
    pub fn axis_of(self, name: &[u8]) -> AxisKind {
        let last = name.rsplit(|byte| *byte == b'/').next();
        match (AxisKind::of(name), self, last) {
            (AxisKind::Models, Self::Vertex, Some(model)) => AxisKind::of(model),
            (axis, ..) => axis,
        }
    }

    /// The other spellings by which the same server knows a name.
    pub fn other_spellings(self, name: &str) -> Vec<String> {
        match self {
            Self::Plain => Vec::new(),
            Self::Gemini => match name.strip_prefix("models/") {
                Some(short) => vec![short.to_owned()],
                None => vec![format!("models/{name}")],
            },
            Self::Ollama => match name.strip_suffix(":latest") {
                Some(short) => vec![short.to_owned()],
                None if has_tag(name) => Vec::new(),
                None => vec![format!("{name}:latest")],
            },
            Self::Vertex => vertex_spellings(name),
        }
    }
}

/// `publishers/p/models/m` and `p/m`, and of Google just `m`.
fn vertex_spellings(name: &str) -> Vec<String> {
    let global = behind_location(name).unwrap_or(name);
    let bare = global.strip_prefix("publishers/").unwrap_or(global);
    let parts = bare.split_once("/models/").or_else(|| bare.split_once('/'));
    let (publisher, model) = parts.unwrap_or(("google", bare));
    let mut spellings = vec![
        format!("publishers/{publisher}/models/{model}"),
        format!("{publisher}/{model}"),
    ];
    if publisher == "google" {
        spellings.push(model.to_owned());
    }
    spellings
}

/// `publishers/p/models/m` of `projects/p/locations/l/publishers/p/models/m`: where a model runs is
/// not which model it is.
fn behind_location(name: &str) -> Option<&str> {
    let mut steps = name.splitn(5, '/');
    let is_placed = (steps.next()? == "projects", steps.next()?.is_empty());
    let is_there = (steps.next()? == "locations", steps.next()?.is_empty());
    let rest = steps.next()?;
    let is_whole = is_placed == (true, false) && is_there == (true, false);
    (is_whole && rest.starts_with("publishers/")).then_some(rest)
}

/// Whether an Ollama name says which version is meant; a registry's port does not.
fn has_tag(name: &str) -> bool {
    name.rsplit('/')
        .next()
        .is_some_and(|last| last.contains(':'))
}
