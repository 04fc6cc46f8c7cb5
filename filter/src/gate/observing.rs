//! What a key for everything calls, as far as that can be seen in passing: usage and advice are
//! better for it, and nothing depends on it.
//!
//! Reads path, query and the first piece of the body. Does not judge. Invariants: nothing is held,
//! changed or refused because of it, and each request is counted once.

use keytable::{KeyHash, Permit};

use super::GateShared;
use super::arrival::Arrival;
use super::holder::Holder;
use crate::headers::HeaderMap;
use crate::host::RequestHost;
use crate::locator::{BodyReader, Located, Reads, path_only};
use crate::table::CheckedRecord;
use crate::tally::Counted;

/// Most bytes of a body that are looked at.
const LOOKED_AT_MAX: usize = 64 * 1024;
/// How many of them at a time: the name is often near the front.
const PIECE_BYTES: usize = 4 * 1024;

/// A request that goes on, whose body may still tell what it calls.
#[derive(Debug)]
pub(super) struct Observing {
    permit: Permit,
    key_hash: KeyHash,
    record: CheckedRecord,
    reader: BodyReader,
}

/// Where a request names its resource.
pub(super) enum NameSource {
    /// In its headers, as this; or nowhere, and this is empty.
    Headers(String),
    /// In its body, perhaps.
    Body(BodyReader),
}

/// Looks at the headers.
pub(super) fn look(shared: &GateShared, arrival: &Arrival<'_>) -> NameSource {
    let headers = arrival.headers;
    let looked_at = arrival.located.filter(|_| shared.config.observe_resources);
    let Some(located) = looked_at else {
        return NameSource::Headers(String::new());
    };
    if let Some(name) = named(headers, &located) {
        return NameSource::Headers(name);
    }
    let has_places = located.rule.json.is_some() || located.rule.form.is_some();
    match has_places && !arrival.end_of_stream {
        true => BodyReader::new(headers, &located, Reads::Declared)
            .map_or(NameSource::Headers(String::new()), NameSource::Body),
        false => NameSource::Headers(String::new()),
    }
}

/// What path or query name, or the service that the endpoint is.
fn named(headers: &HeaderMap, located: &Located<'_>) -> Option<String> {
    let raw = headers.get(b":path")?;
    let path = path_only(raw);
    located.check_path(path).ok()?;
    let query = raw.get(path.len() + 1..).unwrap_or_default();
    let finding = located.in_target(path, query).ok()?;
    let first = finding.first().map(str::to_owned);
    first.or_else(|| located.service(path))
}

// === impl Observing ===

impl Observing {
    pub(super) fn new(permit: Permit, holder: &Holder<'_>, reader: BodyReader) -> Self {
        Self {
            permit,
            key_hash: holder.key_hash,
            record: holder.record.clone(),
            reader,
        }
    }

    /// Reads the first piece of the body, `size` bytes, until it names something; counts.
    /// Gives the name.
    pub(super) fn count_with(
        mut self,
        host: &impl RequestHost,
        shared: &GateShared,
        size: usize,
    ) -> String {
        let end = size.min(LOOKED_AT_MAX);
        let mut name: Option<String> = None;
        for start in (0..end).step_by(PIECE_BYTES) {
            let Ok(piece) = host.request_body(start, PIECE_BYTES.min(end - start)) else {
                break;
            };
            let read = self.reader.feed(&piece);
            name = self
                .reader
                .take_names()
                .into_iter()
                .next()
                .map(|name| name.name);
            if name.is_some() || read.is_err() {
                break;
            }
        }
        let name = name.unwrap_or_default();
        self.count_as(host, shared, &name);
        name
    }

    /// Counts a request whose body told nothing.
    pub(super) fn count(self, host: &impl RequestHost, shared: &GateShared) {
        self.count_as(host, shared, "");
    }

    fn count_as(&self, host: &impl RequestHost, shared: &GateShared, resource: &str) {
        if let Ok(view) = self.record.view() {
            let counted = Counted {
                key_hash: &self.key_hash,
                key_id: view.key_id(),
                resource,
            };
            shared.count_permit(host, &self.permit, counted);
        }
    }
}
