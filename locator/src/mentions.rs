//! What a rule found in a request: every name, and the one that the server reads.
//!
//! Does not find. Invariant: a name from a place that the server does not read is judged like any
//! other, and never stands in for the one it reads.

use keytable::{Denial, Found, Norm, Permit, RecordView, Resources, judge_resources};

use crate::mention::Mention;

/// The names of one request.
#[derive(Clone, Debug)]
pub struct Mentions {
    norm: Norm,
    /// The name of the endpoint itself on the services axis.
    service: Option<String>,
    names: Vec<Mention>,
}

impl Mentions {
    /// Nothing yet, by a rule of this norm.
    pub fn new(norm: Norm) -> Self {
        Self {
            norm,
            service: None,
            names: Vec::new(),
        }
    }

    /// One more name.
    pub fn add(&mut self, name: Mention) {
        match self.names.iter_mut().find(|known| known.is_same(&name)) {
            Some(known) => known.is_read |= name.is_read,
            None => self.names.push(name),
        }
    }

    /// The endpoint is granted by a name of its own.
    pub fn set_service(&mut self, service: String) {
        self.service = Some(service);
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty() && self.service.is_none()
    }

    /// What the server runs: the name in the place that it reads.
    pub fn read(&self) -> Option<&str> {
        let read = self.names.iter().find(|name| name.is_read);
        read.map(|name| name.name.as_str())
    }

    /// What the request is told by in counts and headers.
    pub fn first(&self) -> Option<&str> {
        let first = || self.names.first().map(|name| name.name.as_str());
        self.read().or_else(first)
    }

    /// Every name, in the order in which they were found.
    pub fn names(&self) -> &[Mention] {
        &self.names
    }

    /// The name of the endpoint itself on the services axis.
    pub fn service(&self) -> Option<&str> {
        self.service.as_deref()
    }

    /// Judges everything that was found. With the name that is out of scope.
    pub fn judge(&self, record: &RecordView<'_>) -> Result<Permit, (Denial, Option<String>)> {
        let found = self.found();
        let names: Vec<Found<'_>> = found.iter().map(|(found, _)| *found).collect();
        judge_resources(record, Resources::Named(&names)).map_err(|denial| match denial {
            Denial::OutOfScope { index, .. } => match found.get(index) {
                // Who may not use the endpoint is not told which names would open it.
                Some((_, true)) => (Denial::EndpointNotAllowed, None),
                Some((found, false)) => (denial, String::from_utf8(found.name.to_vec()).ok()),
                None => (denial, None),
            },
            denial => (denial, None),
        })
    }

    /// Each name with its norm, and whether it is the endpoint's own.
    fn found(&self) -> Vec<(Found<'_>, bool)> {
        let service = self.service.iter().map(|service| Found {
            name: service.as_bytes(),
            norm: Norm::Plain,
        });
        let names = self.names.iter().map(|name| Found {
            name: name.name.as_bytes(),
            norm: self.norm,
        });
        let service = service.map(|found| (found, true));
        service.chain(names.map(|found| (found, false))).collect()
    }
}
