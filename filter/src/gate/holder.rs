//! Whose request it is: the record that judges it, and the facts that its checks need.
//!
//! Does not read requests. Invariant: what was found is judged by this record alone, and nothing
//! found is a refusal unless the rule says what it means.

use keytable::{ClientAddress, Denial, KeyHash, Permit, RecordView, RequestFacts};

use super::failed;
use crate::host::RequestHost;
use crate::locator::Mentions;
use crate::reply::Refusal;
use crate::table::CheckedRecord;
use crate::tally::Counted;

/// A key that was admitted, and under which edition it was read.
#[derive(Debug)]
pub(super) struct Holder<'a> {
    pub(super) key_hash: KeyHash,
    pub(super) edition: u64,
    pub(super) record: &'a CheckedRecord,
}

impl<'a> Holder<'a> {
    /// A request of this key, to be counted.
    pub(super) fn counted(&'a self, view: &RecordView<'a>, resource: &'a str) -> Counted<'a> {
        Counted {
            key_hash: &self.key_hash,
            key_id: view.key_id(),
            resource,
        }
    }
}

/// Judges what was found by a record whose holder was admitted.
pub(super) fn judge_finding(record: &CheckedRecord, finding: &Mentions) -> Result<Permit, Refusal> {
    let judged = finding.judge(&record.view()?);
    judged.map_err(|(denial, name)| Refusal::Denied(denial, name))
}

/// The facts that this record's checks need, and no more: each one costs a call.
pub(super) fn facts(
    host: &impl RequestHost,
    view: &RecordView<'_>,
) -> Result<RequestFacts, Refusal> {
    let now_unix_ms = match view.expires_at_unix_ms() {
        Some(_) => host.unix_ms().map_err(failed)?,
        None => 0,
    };
    let address = match view.has_address_list() {
        true => host
            .source_address()
            .ok()
            .and_then(|bytes| ClientAddress::parse(&bytes)),
        false => None,
    };
    Ok(RequestFacts {
        now_unix_ms,
        address,
    })
}

pub(super) fn denied(denial: Denial) -> Refusal {
    Refusal::Denied(denial, None)
}

/// The same, with the address if that is the reason.
pub(super) fn denied_from(facts: &RequestFacts, denial: Denial) -> Refusal {
    let address = match (denial, facts.address) {
        (Denial::AddressNotAllowed, Some(address)) => Some(address.get().to_string()),
        _ => None,
    };
    Refusal::Denied(denial, address)
}
