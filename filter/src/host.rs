//! What the filter needs of Envoy, in the filter's own words.
//!
//! `wasm` implements these traits on Proxy-Wasm, the tests on plain memory. Does not know Proxy-
//! Wasm's status codes, types or call order.
//!
//! The ground floor: knows headers and outcomes and no other room of the filter.
//!
//! Invariant: every call may fail and says so in its type; no implementation panics.

use std::rc::Rc;

use crate::counts::Counter;
use crate::headers::HeaderMap;
use crate::outcome::Outcome;

/// Envoy refused or failed a call. The number is Proxy-Wasm's status, for the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostError(pub u32);

/// The gauges that the agent sets and every worker reads; a read costs no allocation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gauge {
    /// Rises with every table that is put in force; 0 = none yet.
    Edition,
    /// Until when the table may be used, in milliseconds of the monotonic clock; 0 = not at all.
    LeaseUntilMs,
    /// The generation in force, for people and monitoring.
    Generation,
    /// Records in the table, for people and monitoring.
    Records,
    /// How much of the lease is left, in seconds, for people and monitoring; 0 = over.
    LeaseLeftS,
}

/// How loud a log line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// A normal event worth a line.
    Info,
    /// Something is wrong and heals by itself or by an admin.
    Warn,
    /// A defect or a damaged table.
    Error,
}

/// An answer to a client.
#[derive(Debug, PartialEq, Eq)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// The reason in one word, for `%RESPONSE_CODE_DETAILS%`.
    pub details: &'static str,
    /// Headers besides the status.
    pub headers: Vec<(&'static str, &'static str)>,
    /// Headers whose values are made for this answer.
    pub made_headers: Vec<(&'static str, String)>,
    /// Headers that hold the id of the request, if it has one.
    pub id_headers: &'static [&'static str],
    /// The id of the request; empty if there is none to show.
    pub request_id: Rc<str>,
    /// The body, JSON.
    pub body: Vec<u8>,
}

impl Reply {
    /// All headers besides the status.
    pub fn pairs(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let ids = self
            .id_headers
            .iter()
            .filter(|_| !self.request_id.is_empty());
        let ids = ids.map(|name| (*name, &*self.request_id));
        let made = self.made_headers.iter();
        let made = made.map(|(name, value)| (*name, value.as_str()));
        self.headers.iter().copied().chain(made).chain(ids)
    }
}

/// What agent and gate both need: shared data, gauges, clocks, the log.
pub trait Host {
    /// The value of a slot; `None` if it was never written or is empty.
    fn slot(&self, name: &str) -> Result<Option<Vec<u8>>, HostError>;
    /// Replaces a slot.
    fn set_slot(&self, name: &str, value: &[u8]) -> Result<(), HostError>;
    /// A cell, with the number of its last write; `None` if it was never made.
    fn cell(&self, index: u16) -> Result<Option<(Vec<u8>, u32)>, HostError>;
    /// Replaces a cell that was last written under this number, which is not 0; false if somebody wrote
    /// it since.
    fn set_cell(&self, index: u16, value: &[u8], number: u32) -> Result<bool, HostError>;
    /// Reads a gauge.
    fn gauge(&self, gauge: Gauge) -> Result<u64, HostError>;
    /// Sets a gauge.
    fn set_gauge(&self, gauge: Gauge, value: u64) -> Result<(), HostError>;
    /// Counts a request.
    fn count(&self, outcome: Outcome);
    /// Counts a running request that was cut.
    fn count_cut(&self);
    /// Counts requests whose usage could not be kept.
    fn count_lost(&self, requests: u64);
    /// Counts an upstream's refusal of a request whose stream was asked to state what it uses.
    fn count_refused_question(&self);
    /// What was counted since the last time, as a message for the agent; `None` if nothing was.
    fn take_counts(&self) -> Option<Vec<u8>>;
    /// Hands a message to the agent.
    fn hand_over(&self, message: &[u8]) -> Result<(), HostError>;
    /// Counts a request header that was removed, under a word of a bounded set.
    fn count_removed_header(&self, word: &str);
    /// Monotonic time in nanoseconds, the same clock in every worker.
    fn monotonic_ns(&self) -> Result<u64, HostError>;
    /// Wall-clock time in milliseconds since 1970.
    fn unix_ms(&self) -> Result<u64, HostError>;
    /// Writes a log line.
    fn log(&self, level: Level, message: &str);
}

/// What the agent needs besides: calls to the sidecar, and metrics that only rise.
pub trait FeedHost: Host {
    /// Makes every cell that there is not yet, with this value.
    fn make_cells(&self, value: &[u8]) -> Result<(), HostError>;
    /// Adds to a counter.
    fn add(&self, counter: Counter<'_>, by: u64);
    /// Starts a GET on the feed; the answer comes by callback with the same number.
    fn get(&self, cluster: &str, path: &str, timeout_ms: u64) -> Result<u32, HostError>;
    /// Starts a POST on the feed; the answer comes by callback with the same number.
    fn post(
        &self,
        cluster: &str,
        path: &str,
        body: &[u8],
        timeout_ms: u64,
    ) -> Result<u32, HostError>;
}

/// What the gate needs besides: the request in hand.
pub trait RequestHost: Host {
    /// All request headers, as bytes, in one read.
    fn request_headers(&self) -> Result<HeaderMap, HostError>;
    /// Replaces or adds a request header.
    fn set_request_header(&self, name: &[u8], value: &[u8]) -> Result<(), HostError>;
    /// Removes every request header of this name.
    fn remove_request_header(&self, name: &[u8]) -> Result<(), HostError>;
    /// All request trailers, as bytes, in one read.
    fn request_trailers(&self) -> Result<HeaderMap, HostError>;
    /// Removes every request trailer of this name.
    fn remove_request_trailer(&self, name: &[u8]) -> Result<(), HostError>;
    /// A piece of the request body that this callback was told of.
    fn request_body(&self, start: usize, len: usize) -> Result<Vec<u8>, HostError>;
    /// Replaces the first `size` bytes of the body, all that Envoy has in hand of it.
    fn replace_request_body(&self, size: usize, body: &[u8]) -> Result<(), HostError>;
    /// All headers of the upstream's answer.
    fn response_headers(&self) -> Result<HeaderMap, HostError>;
    /// Replaces or adds a header of the answer.
    fn set_response_header(&self, name: &[u8], value: &[u8]) -> Result<(), HostError>;
    /// Removes every header of this name from the answer.
    fn remove_response_header(&self, name: &[u8]) -> Result<(), HostError>;
    /// All trailers of the answer.
    fn response_trailers(&self) -> Result<HeaderMap, HostError>;
    /// Removes every trailer of this name from the answer.
    fn remove_response_trailer(&self, name: &[u8]) -> Result<(), HostError>;
    /// A piece of the answer's body that this callback was told of.
    fn response_body(&self, start: usize, len: usize) -> Result<Vec<u8>, HostError>;
    /// Replaces the first `size` bytes of the held answer.
    fn replace_response_body(&self, size: usize, body: &[u8]) -> Result<(), HostError>;
    /// Envoy's downstream address, as `address:port`.
    fn source_address(&self) -> Result<Vec<u8>, HostError>;
    /// Leaves a value for access logs and other filters, as `wasm.<name>`.
    fn set_filter_state(&self, name: &str, value: &[u8]) -> Result<(), HostError>;
    /// Ends a request whose answer has begun.
    fn cut(&self) -> Result<(), HostError>;
    /// Answers the request; what has reached the upstream of it is reset.
    fn reply(&self, reply: &Reply) -> Result<(), HostError>;
}
