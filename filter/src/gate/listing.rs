//! The answer to a list-scoped key's request for a list of models.
//!
//! The whole answer is held, cut down to what is in scope, and passed on; one that cannot be read
//! is withheld. Does not know list shapes (that is [`super::models_list`]).
//!
//! Invariant: no byte of the upstream's own list reaches the client.

use super::models_list::{LIST_BYTES_MAX, filtered};
use keytable::Norm;

use super::{Flow, failed};
use crate::host::{HostError, RequestHost};
use crate::reply::Refusal;
use crate::table::RecordBytes;

/// A list that was asked for.
#[derive(Debug)]
pub(super) struct Listing {
    record: RecordBytes,
    norm: Norm,
    /// The answer is no list: an error of the upstream's, or a redirection.
    passes: bool,
    /// How much of it is held, in bytes.
    held_bytes: usize,
}

impl Listing {
    pub(super) fn new(record: RecordBytes, norm: Norm) -> Self {
        Self {
            record,
            norm,
            passes: false,
            held_bytes: 0,
        }
    }

    /// Asks the upstream for an answer that can be read.
    pub(super) fn ask(host: &impl RequestHost) -> Result<(), HostError> {
        host.set_request_header(b"accept-encoding", b"identity")
    }

    /// The headers of the answer.
    pub(super) fn begin(&mut self, host: &impl RequestHost) -> Result<Flow, Refusal> {
        let headers = host.response_headers().map_err(failed)?;
        match headers.get(b":status") {
            Some(b"200") => {}
            // A piece of a list that the client asked for by range, or something unheard of.
            Some([b'2', ..]) | None => return Err(Refusal::UnreadableList),
            Some(_) => {
                self.passes = true;
                return Ok(Flow::Continue);
            }
        }
        let encoded = headers
            .get(b"content-encoding")
            .is_some_and(|value| value != b"identity");
        if encoded {
            return Err(Refusal::UnreadableList);
        }
        host.remove_response_header(b"content-length")
            .map_err(failed)?;
        host.remove_response_header(b"etag").map_err(failed)?;
        Ok(Flow::Hold)
    }

    /// The body of the answer, all of it so far.
    pub(super) fn advance(
        &mut self,
        host: &impl RequestHost,
        size: usize,
        end_of_stream: bool,
    ) -> Result<Flow, Refusal> {
        if self.passes {
            return Ok(Flow::Continue);
        }
        if size > LIST_BYTES_MAX {
            return Err(Refusal::UnreadableList);
        }
        self.held_bytes = size;
        match end_of_stream {
            true => self.release(host),
            false => Ok(Flow::Hold),
        }
    }

    /// How much of it is held back, in bytes.
    pub(super) fn held_bytes(&self) -> usize {
        self.held_bytes
    }

    /// The trailers of the answer: its body is over. They speak of a list that the client does not
    /// get, a digest of it perhaps.
    pub(super) fn end(&mut self, host: &impl RequestHost) -> Result<Flow, Refusal> {
        if self.passes {
            return Ok(Flow::Continue);
        }
        let trailers = host.response_trailers().map_err(failed)?;
        for (name, _) in trailers.iter() {
            host.remove_response_trailer(name).map_err(failed)?;
        }
        self.release(host)
    }

    /// Cuts down what is held, which is all of it.
    fn release(&mut self, host: &impl RequestHost) -> Result<Flow, Refusal> {
        let size = self.held_bytes;
        let body = host.response_body(0, size).map_err(failed)?;
        let view = self.record.view()?;
        // `models/` begins a name in Gemini's lists alone, whatever rule they were asked by.
        let norm_of = |name: &str| match name.starts_with("models/") {
            true => Norm::Gemini,
            false => self.norm,
        };
        let covers = |name: &str| view.covers(name.as_bytes(), norm_of(name));
        let list = filtered(&body, covers).ok_or(Refusal::UnreadableList)?;
        host.replace_response_body(size, &list).map_err(failed)?;
        self.held_bytes = 0;
        Ok(Flow::Continue)
    }
}
