//! A request whose body is being read because its key is limited to a list.
//!
//! The request is held until it names a resource that is in scope; then it flows, and the reading
//! goes on to the end, since a second name can always follow. Does not answer.
//!
//! Invariants: a byte is judged before it is passed on; the end of the body is judged before its
//! last byte is passed on; when the table changes, the key and all that was named are judged anew,
//! and a key that expires is refused on time.

use keytable::{Denial, KeyHash, Resources, admit, judge_resources};

use super::{GateShared, MODEL_HEADER, denied, facts, failed};
use crate::host::RequestHost;
use crate::json::{JsonError, JsonReader, Pattern};
use crate::reply::Refusal;
use crate::table::{RecordBytes, Unavailable, look_up};

/// The state of the reading.
#[derive(Debug)]
pub(super) struct Reading {
    key_hash: KeyHash,
    /// The edition under which `record` was read.
    edition: u64,
    record: RecordBytes,
    reader: JsonReader,
    /// What the body has named so far, all in scope.
    names: Vec<String>,
    /// Bytes that Envoy holds back; `None` once the request flows.
    held: Option<usize>,
    received: u64,
    content_length: Option<u64>,
}

impl Reading {
    pub(super) fn new(
        patterns: &'static [Pattern],
        key_hash: KeyHash,
        edition: u64,
        record: RecordBytes,
        content_length: Option<u64>,
    ) -> Self {
        Self {
            key_hash,
            edition,
            record,
            reader: JsonReader::new(patterns),
            names: Vec::new(),
            held: Some(0),
            received: 0,
            content_length,
        }
    }

    pub(super) fn is_held(&self) -> bool {
        self.held.is_some()
    }

    /// The size of Envoy's buffer as far as it was seen.
    pub(super) fn held_bytes(&self) -> usize {
        self.held.unwrap_or(0)
    }

    /// Judges what has arrived. On `Ok`, what Envoy has in hand may be passed on unless
    /// [`Self::is_held`].
    pub(super) fn advance(
        &mut self,
        host: &impl RequestHost,
        shared: &GateShared,
        size: usize,
        end_of_stream: bool,
    ) -> Result<(), Refusal> {
        self.revalidate(host, shared)?;
        // Names before syntax: the answer must not depend on how the body was cut into chunks.
        let read = self.read(host, size)?;
        self.judge_new_names()?;
        read.map_err(ambiguous)?;
        if end_of_stream || self.content_length == Some(self.received) {
            self.reader.finish().map_err(ambiguous)?;
            if self.names.is_empty() {
                return Err(Refusal::Ambiguous("it names no model"));
            }
        }
        self.release(host, shared.config.hold_bytes_max)
    }

    /// Feeds the new bytes; the inner result is what the reader says of them.
    fn read(
        &mut self,
        host: &impl RequestHost,
        size: usize,
    ) -> Result<Result<(), JsonError>, Refusal> {
        let start = self.held_bytes();
        let new = size.saturating_sub(start);
        let bytes = match new {
            0 => Vec::new(),
            _ => host.request_body(start, new).map_err(failed)?,
        };
        if bytes.len() != new {
            return Err(Refusal::Unavailable(Unavailable::Damaged));
        }
        self.received = self
            .received
            .saturating_add(u64::try_from(new).unwrap_or(u64::MAX));
        if self.is_held() {
            self.held = Some(size);
        }
        Ok(self.reader.feed(&bytes))
    }

    fn judge_new_names(&mut self) -> Result<(), Refusal> {
        let names = self.reader.take_names();
        if !names.is_empty() {
            judge(&self.record, &names)?;
            self.names.extend(names);
        }
        Ok(())
    }

    /// Lets the request flow once it named something.
    fn release(&mut self, host: &impl RequestHost, hold_bytes_max: usize) -> Result<(), Refusal> {
        match (self.held, self.names.first()) {
            (Some(_), Some(name)) => {
                host.set_request_header(MODEL_HEADER, &header_value(name))
                    .map_err(failed)?;
                self.held = None;
                Ok(())
            }
            (Some(held), None) if held > hold_bytes_max => Err(Refusal::TooLarge),
            _ => Ok(()),
        }
    }

    fn revalidate(&mut self, host: &impl RequestHost, shared: &GateShared) -> Result<(), Refusal> {
        let edition = shared.table.open(host)?;
        let has_moved = edition != self.edition;
        if has_moved {
            self.record = look_up(host, &self.key_hash)?.ok_or(Refusal::UnknownKey)?;
            self.edition = edition;
        }
        let view = self.record.view()?;
        if has_moved || view.expires_at_unix_ms().is_some() {
            admit(&view, &facts(host, &view)?).map_err(denied)?;
        }
        if has_moved && !self.names.is_empty() {
            judge(&self.record, &self.names)?;
        }
        Ok(())
    }
}

/// Judges names by a record whose holder was admitted.
fn judge(record: &RecordBytes, names: &[String]) -> Result<(), Refusal> {
    let view = record.view()?;
    let bytes: Vec<&[u8]> = names.iter().map(String::as_bytes).collect();
    match judge_resources(&view, Resources::Named(&bytes)) {
        Ok(_permit) => Ok(()),
        Err(denial) => {
            let name = match denial {
                Denial::OutOfScope { index, .. } => names.get(index).map(|n| n.clone().into()),
                _ => None,
            };
            Err(Refusal::Denied(denial, name))
        }
    }
}

fn ambiguous(error: JsonError) -> Refusal {
    Refusal::Ambiguous(error.message())
}

/// A name as a header value: what is not visible ASCII is percent-encoded.
fn header_value(name: &str) -> Vec<u8> {
    name.bytes().fold(Vec::new(), |mut out, byte| {
        if byte.is_ascii_graphic() && byte != b'%' {
            out.push(byte);
        } else {
            out.extend_from_slice(format!("%{byte:02X}").as_bytes());
        }
        out
    })
}
