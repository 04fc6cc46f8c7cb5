//! Streams that would state nothing of what they use are asked to, and their answer to that is taken out
//! again: the client sees what it would have seen.
//!
//! Does not read figures. Invariants: no other byte of body or answer changes; a request that is signed, one
//! that speaks of it itself, and one of a key without a limit of tokens, stays as it is.

use meter::Format;

use super::usage_chunks::UsageChunks;
use super::{format_of, is_compressed};
use crate::config::StreamUsage;
use crate::gate::arrival::Arrival;
use crate::headers::HeaderMap;
use crate::host::{HostError, RequestHost};
use crate::json::{StreamOptions, UsagePlace};

/// How much of a body is read at a time.
const PIECE_BYTES: usize = 64 * 1024;
/// Most that Envoy may have in hand of a body that is changed: all of it is replaced, and the memory of a VM
/// never shrinks.
const REPLACED_BYTES_MAX: usize = 8 * 1024 * 1024;

const USAGE: &str = r#""include_usage":true"#;
const CONTINUOUS_USAGE: &str = r#""include_usage":true,"continuous_usage_stats":true"#;

/// Headers that speak for the bytes of a body.
const SIGNATURES: [&[u8]; 6] = [
    b"content-digest",
    b"content-md5",
    b"digest",
    b"signature",
    b"signature-input",
    b"x-amz-content-sha256",
];
/// How an `authorization` begins that does so.
const SIGNING_SCHEMES: [&[u8]; 2] = [b"AWS4-", b"TC3-"];
/// The query's word for it.
const SIGNED_QUERY: &[u8] = b"x-amz-signature=";

/// A request that may be asked.
#[derive(Debug)]
pub(super) struct Asking {
    word: &'static str,
    options: StreamOptions,
    /// Its body has the word.
    is_asked: bool,
    /// Takes out what it states of it.
    chunks: Option<UsageChunks>,
}

impl Asking {
    /// Begins, if this request may be asked: its length is not known any more then.
    pub(super) fn begin(
        host: &impl RequestHost,
        setting: StreamUsage,
        arrival: &Arrival<'_>,
    ) -> Result<Option<Self>, HostError> {
        let word = match setting {
            StreamUsage::Ask => USAGE,
            StreamUsage::Continuous => CONTINUOUS_USAGE,
            StreamUsage::Estimate => return Ok(None),
        };
        if !may_ask(arrival) {
            return Ok(None);
        }
        host.remove_request_header(b"content-length")?;
        Ok(Some(Self {
            word,
            options: StreamOptions::default(),
            is_asked: false,
            chunks: None,
        }))
    }

    /// So many bytes of the body go on, all that Envoy has in hand.
    pub(super) fn pass_body(
        &mut self,
        host: &impl RequestHost,
        size: usize,
    ) -> Result<(), HostError> {
        if self.is_asked {
            return Ok(());
        }
        let place = self.find(host, size)?;
        if let Some((at, place)) = place.filter(|_| size <= REPLACED_BYTES_MAX) {
            let mut body = host.request_body(0, size)?;
            body.splice(at..at, self.text(place).into_bytes());
            host.replace_request_body(size, &body)?;
            self.is_asked = true;
        }
        Ok(())
    }

    fn find(
        &mut self,
        host: &impl RequestHost,
        size: usize,
    ) -> Result<Option<(usize, UsagePlace)>, HostError> {
        for start in (0..size).step_by(PIECE_BYTES) {
            let piece = host.request_body(start, PIECE_BYTES.min(size - start))?;
            if let Some((at, place)) = self.options.feed(&piece) {
                return Ok(Some((start + at, place)));
            }
        }
        Ok(None)
    }

    fn text(&self, place: UsagePlace) -> String {
        let word = self.word;
        match place {
            UsagePlace::Body => format!(r#","stream_options":{{{word}}}"#),
            UsagePlace::Options { is_empty: false } => format!(",{word}"),
            UsagePlace::Options { is_empty: true } => word.to_owned(),
        }
    }

    /// The head of the answer.
    pub(super) fn begin_answer(
        &mut self,
        host: &impl RequestHost,
        headers: &HeaderMap,
    ) -> Result<(), HostError> {
        if !self.is_asked {
            return Ok(());
        }
        if let Some(b"400" | b"422") = headers.get(b":status") {
            host.count_refused_question();
        }
        if format_of(headers) == Some(Format::Sse) && !is_compressed(headers) {
            host.remove_response_header(b"content-length")?;
            self.chunks = Some(UsageChunks::default());
        }
        Ok(())
    }

    /// So many bytes of the answer's body go on, its last if `is_last`.
    pub(super) fn pass_answer(
        &mut self,
        host: &impl RequestHost,
        size: usize,
        is_last: bool,
    ) -> Result<(), HostError> {
        let Some(chunks) = &mut self.chunks else {
            return Ok(());
        };
        let piece = match size {
            0 => Vec::new(),
            _ => host.response_body(0, size)?,
        };
        let mut left = chunks.feed(&piece);
        if is_last {
            left.append(&mut chunks.finish());
        }
        match left == piece {
            true => Ok(()),
            false => host.replace_response_body(size, &left),
        }
    }
}

fn may_ask(arrival: &Arrival<'_>) -> bool {
    let headers = arrival.headers;
    let has_rule = arrival
        .located
        .is_some_and(|located| located.rule.stream_usage);
    has_rule
        && !arrival.end_of_stream
        && format_of(headers) == Some(Format::Json)
        && !is_compressed(headers)
        && !is_signed(headers)
}

fn is_signed(headers: &HeaderMap) -> bool {
    let authorization = headers.get(b"authorization").unwrap_or_default();
    let begins = |scheme: &[u8]| {
        let front = authorization.get(..scheme.len());
        front.is_some_and(|front| front.eq_ignore_ascii_case(scheme))
    };
    let path = headers.get(b":path").unwrap_or_default();
    let mut places = path.windows(SIGNED_QUERY.len());
    SIGNATURES.iter().any(|name| headers.get(name).is_some())
        || SIGNING_SCHEMES.into_iter().any(begins)
        || places.any(|place| place.eq_ignore_ascii_case(SIGNED_QUERY))
}
