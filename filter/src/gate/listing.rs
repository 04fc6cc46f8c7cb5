//! The answer to a list-scoped key's request for a list of models.
//!
//! The whole answer is held, cut down to what is in scope when its end is there, and passed on; one that
//! cannot be read is withheld. It is held here and not in Envoy, whose buffer may be smaller than a list.
//! Does not know list shapes (that is [`super::models_list`]).
//!
//! Invariant: no byte of an answer with status 200 reaches the client but what is left of the list. An error of
//! the upstream's, or a redirection, passes as it is.

use super::models_list::{LIST_BYTES_MAX, filtered};
use keytable::Norm;

use super::{Flow, failed};
use crate::host::{HostError, RequestHost};
use crate::locator::Family;
use crate::locator::path_only;
use crate::reply::Refusal;
use crate::table::CheckedRecord;

/// The largest page of Anthropic's lists.
const LARGEST_PAGE: &[u8] = b"limit=1000";

/// A list that was asked for.
#[derive(Debug)]
pub(super) struct Listing {
    norm: Norm,
    /// The upstream's list so far.
    body: Vec<u8>,
    /// The answer is no list: an error of the upstream's, or a redirection.
    passes: bool,
}

impl Listing {
    pub(super) fn new(norm: Norm) -> Self {
        Self {
            norm,
            body: Vec::new(),
            passes: false,
        }
    }

    /// Asks the upstream for an answer that can be read: also for its largest page where lists come in
    /// pages, since clients stop at one of which nothing is left.
    pub(super) fn ask(host: &impl RequestHost, family: Family) -> Result<(), HostError> {
        if family == Family::Anthropic {
            let headers = host.request_headers()?;
            let path = headers.get(b":path").unwrap_or_default();
            host.set_request_header(b":path", &with_largest_page(path))?;
        }
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

    /// More of the body of the answer. `record` is what the key may use now.
    pub(super) fn advance(
        &mut self,
        host: &impl RequestHost,
        record: &CheckedRecord,
        size: usize,
        end_of_stream: bool,
    ) -> Result<Flow, Refusal> {
        if self.passes {
            return Ok(Flow::Continue);
        }
        if self.body.len().saturating_add(size) > LIST_BYTES_MAX {
            return Err(Refusal::UnreadableList);
        }
        if size > 0 {
            let more = host.response_body(0, size).map_err(failed)?;
            self.body.extend_from_slice(&more);
        }
        match end_of_stream {
            true => self.release(host, record, size),
            false => {
                host.replace_response_body(size, b"").map_err(failed)?;
                Ok(Flow::Hold)
            }
        }
    }

    /// How much of it is held back, in bytes.
    pub(super) fn held_bytes(&self) -> usize {
        self.body.len()
    }

    /// The trailers of the answer: its body is over. They speak of a list that the client does not
    /// get, a digest of it perhaps.
    pub(super) fn end(
        &mut self,
        host: &impl RequestHost,
        record: &CheckedRecord,
    ) -> Result<Flow, Refusal> {
        if self.passes {
            return Ok(Flow::Continue);
        }
        let trailers = host.response_trailers().map_err(failed)?;
        for (name, _) in trailers.iter() {
            host.remove_response_trailer(name).map_err(failed)?;
        }
        self.release(host, record, 0)
    }

    /// Cuts down what is held, which is all of it; the last `size` bytes still stand in Envoy.
    fn release(
        &mut self,
        host: &impl RequestHost,
        record: &CheckedRecord,
        size: usize,
    ) -> Result<Flow, Refusal> {
        let body = std::mem::take(&mut self.body);
        let view = record.view()?;
        // `models/` begins a name in Gemini's lists alone, whatever rule they were asked by.
        let norm_of = |name: &str| match name.starts_with("models/") {
            true => Norm::Gemini,
            false => self.norm,
        };
        let covers = |name: &str| view.covers(name.as_bytes(), norm_of(name));
        let list = filtered(&body, covers).ok_or(Refusal::UnreadableList)?;
        host.replace_response_body(size, &list).map_err(failed)?;
        Ok(Flow::Continue)
    }
}

/// The path, with a query that asks for the largest page.
fn with_largest_page(path: &[u8]) -> Vec<u8> {
    let bare = path_only(path);
    let query = path.get(bare.len() + 1..).unwrap_or_default();
    let others = query.split(|byte| *byte == b'&');
    let others = others.filter(|pair| !pair.is_empty() && !pair.starts_with(b"limit="));
    let pairs: Vec<&[u8]> = others.chain([LARGEST_PAGE]).collect();
    [bare, b"?", &pairs.join(b"&".as_slice())].concat()
}
