//! The decision: a record and the facts of a request become a permit or a denial.
//!
//! In order: status, expiry, address, scope; the first failing check is the answer. The gate runs
//! it in Envoy, the sidecar to explain, the tests as their oracle. Does not look keys up, read
//! requests or write answers.
//!
//! Invariant: total and deterministic; only this module can make a [`Permit`].

use crate::address::ClientAddress;
use crate::norm::Norm;
use crate::record::{RecordView, Status};
use crate::scope::AxisKind;

/// What has to be known of a request besides its resources.
#[derive(Clone, Copy, Debug)]
pub struct RequestFacts {
    /// Now, in milliseconds since 1970. Only used for a key that expires.
    pub now_unix_ms: u64,
    /// The downstream address; `None` if it cannot be read. Only used for a key with a list.
    pub address: Option<ClientAddress>,
}

/// A name that a rule found in a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found<'a> {
    /// The name as it was sent.
    pub name: &'a [u8],
    /// Which other names are the same to the server.
    pub norm: Norm,
}

/// What a request names.
#[derive(Clone, Copy, Debug)]
pub enum Resources<'a> {
    /// These, all of them.
    Named(&'a [Found<'a>]),
    /// None, and it runs none: an endpoint such as a list or a version.
    Open,
    /// It cannot be said: the endpoint has no rule that tells where it names its resources.
    Unlocated,
}

/// The right to go on. Only a decision makes one.
#[derive(Debug, PartialEq, Eq)]
pub struct Permit(());

/// A key whose holder may call something from here and now; what, is its scope's business.
#[derive(Clone, Copy, Debug)]
pub struct Admitted<'a>(RecordView<'a>);

/// Why a request with a known key is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// The key is switched off.
    Disabled,
    /// The key expired at this time, in milliseconds since 1970.
    Expired {
        /// When.
        at_unix_ms: u64,
    },
    /// The client's address is not on the key's list, or cannot be read.
    AddressNotAllowed,
    /// A named resource is not in scope.
    OutOfScope {
        /// Which of the names, counted from 0.
        index: usize,
        /// The axis it was judged on.
        axis: AxisKind,
    },
    /// The key is limited to a list and the request cannot be judged by it.
    EndpointNotAllowed,
}

/// Decides a request whole.
pub fn decide(
    record: &RecordView<'_>,
    facts: &RequestFacts,
    resources: Resources<'_>,
) -> Result<Permit, Denial> {
    admit(record, facts)?.permit(resources)
}

/// The checks that need no resource: status, expiry, address.
pub fn admit<'a>(record: &RecordView<'a>, facts: &RequestFacts) -> Result<Admitted<'a>, Denial> {
    if record.status() == Status::Disabled {
        return Err(Denial::Disabled);
    }
    if let Some(at_unix_ms) = record.expires_at_unix_ms()
        && facts.now_unix_ms >= at_unix_ms
    {
        return Err(Denial::Expired { at_unix_ms });
    }
    let from_here = |client: &ClientAddress| record.admits_address(client);
    if record.has_address_list() && !facts.address.as_ref().is_some_and(from_here) {
        return Err(Denial::AddressNotAllowed);
    }
    Ok(Admitted(*record))
}

/// The scope check alone, for a record whose holder was admitted: every resource must be in
/// scope, and there must be one.
pub fn judge_resources(
    record: &RecordView<'_>,
    resources: Resources<'_>,
) -> Result<Permit, Denial> {
    if record.is_unrestricted() {
        return Ok(Permit(()));
    }
    let names = match resources {
        Resources::Named(names) => names,
        Resources::Open => return Ok(Permit(())),
        Resources::Unlocated => return Err(Denial::EndpointNotAllowed),
    };
    if names.is_empty() {
        return Err(Denial::EndpointNotAllowed);
    }
    for (index, Found { name, norm }) in names.iter().enumerate() {
        if !record.covers(name, *norm) {
            return Err(Denial::OutOfScope {
                index,
                axis: norm.axis_of(name),
            });
        }
    }
    Ok(Permit(()))
}

impl Admitted<'_> {
    /// The permit of a key that may call everything, for which nothing has to be read.
    pub fn permit_unread(&self) -> Option<Permit> {
        self.0.is_unrestricted().then_some(Permit(()))
    }

    /// Judges what the request names.
    pub fn permit(&self, resources: Resources<'_>) -> Result<Permit, Denial> {
        judge_resources(&self.0, resources)
    }
}
