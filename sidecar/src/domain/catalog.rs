//! The catalog of a region: the models and services that a scope may name.
//!
//! Says what exists, not who may call it: the gate knows nothing of it. Aliases are shown and not
//! resolved. Invariant: the kind of an entry is the axis on which its name is judged.

use std::collections::BTreeMap;
use std::fmt;

use keytable::{Axis, AxisKind, Scope, ScopeEntry};

use crate::domain::clock::UnixMillis;
use crate::domain::distance;

/// Entries that one region may have.
pub const CATALOG_ENTRIES_MAX: usize = 5_000;
/// What an entry can be.
pub const KINDS: [&str; 2] = ["model", "service"];
/// Aliases that one entry may have.
pub const ALIASES_MAX: usize = 20;
/// Unknown entries of one scope for which the nearest known name is looked for.
const ADVISED_MAX: usize = 10;

/// The name of a model or service, as requests name it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ResourceName(String);

/// The text is no name of a model or service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResourceNameError;

/// What is known of one model or service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CatalogEntry {
    /// Its name.
    pub name: ResourceName,
    /// What people call it.
    pub display_name: String,
    /// Other names of it, for people; a scope has to name the name itself.
    pub aliases: Vec<ResourceName>,
    /// When it was added.
    pub created_at: UnixMillis,
    /// When it was last changed.
    pub updated_at: UnixMillis,
    /// Rises with every change, from 1.
    pub revision: u64,
}

/// The names of a region's catalog.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    /// By kind.
    names: BTreeMap<&'static str, Vec<String>>,
}

/// An entry of a scope that names nothing in the catalog.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unlisted {
    /// Where it stands: `scope.models[0]`.
    pub field: String,
    /// What to write instead.
    pub advice: String,
}

impl ResourceName {
    /// Reads a name: what a scope can name exactly.
    pub fn parse(text: &str) -> Result<Self, ResourceNameError> {
        match ScopeEntry::parse(text) {
            Ok(ScopeEntry::Exact(name)) => Ok(Self(name)),
            _ => Err(ResourceNameError),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `model` or `service`.
    pub fn kind(&self) -> &'static str {
        match AxisKind::of(self.0.as_bytes()) {
            AxisKind::Models => "model",
            AxisKind::Services => "service",
        }
    }
}

impl Catalog {
    /// A catalog of these names.
    pub fn of(names: impl IntoIterator<Item = ResourceName>) -> Self {
        let mut catalog = Self::default();
        for name in names {
            let of_kind = catalog.names.entry(name.kind()).or_default();
            of_kind.push(name.0);
        }
        catalog
    }

    /// Whether an entry of this kind names something here; a catalog without entries says yes.
    pub fn has(&self, kind: &str, entry: &ScopeEntry) -> bool {
        let names = self.names.get(kind).map_or(&[][..], Vec::as_slice);
        self.names.is_empty() || names.iter().any(|name| entry.covers(name.as_bytes()))
    }

    /// The entries of a scope that name nothing here. A catalog without entries says nothing: a
    /// region that keeps none is not held to it.
    pub fn unlisted(&self, scope: &Scope) -> Vec<Unlisted> {
        if self.names.is_empty() {
            return Vec::new();
        }
        let mut found = self.unlisted_of("model", "scope.models", &scope.models);
        found.extend(self.unlisted_of("service", "scope.services", &scope.services));
        found
    }

    fn unlisted_of(&self, kind: &'static str, field: &str, axis: &Axis) -> Vec<Unlisted> {
        let names = self.names.get(kind).map_or(&[][..], Vec::as_slice);
        let unknown = axis.entries().iter().enumerate().filter(|(_, entry)| {
            let covered = |name: &String| entry.covers(name.as_bytes());
            !names.iter().any(covered)
        });
        let advise = |(number, (index, entry)): (usize, (usize, &ScopeEntry))| Unlisted {
            field: format!("{field}[{index}]"),
            advice: advice(kind, entry, names, number < ADVISED_MAX),
        };
        unknown.enumerate().map(advise).collect()
    }
}

fn advice(kind: &str, entry: &ScopeEntry, names: &[String], search: bool) -> String {
    let (known, wanted) = match entry {
        ScopeEntry::Exact(name) => (format!("{name} is no {kind} of this region"), name),
        ScopeEntry::Prefix(prefix) => {
            (format!("{prefix}* covers no {kind} of this region"), prefix)
        }
    };
    let near = search
        .then(|| distance::nearest(wanted, names.iter().map(String::as_str)))
        .flatten();
    match near {
        Some(near) => format!("{known}: did you mean {near}?"),
        None => format!("{known}: look into its catalog"),
    }
}

// === impl ResourceName ===

impl fmt::Display for ResourceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

// === impl ResourceNameError ===

impl fmt::Display for ResourceNameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "must be the name of a model or service as requests name it: 1 to 256 bytes, no '*', \
             no blank at an end, no control or invisible characters",
        )
    }
}

impl std::error::Error for ResourceNameError {}

#[cfg(test)]
mod tests;
