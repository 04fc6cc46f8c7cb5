//! What of an answer passes: the upstream's, Envoy's or the gate's own.
//!
//! Does not judge requests. Invariants: a part of an answer passes while its key has its right; what
//! is read of it for what was used is what passes.

use super::listing::Listing;
use super::metering::Metering;
use super::{Flow, Gate, State, failed};
use crate::host::{HostError, RequestHost};
use crate::reply::Refusal;
use crate::table::CheckedRecord;

impl Gate {
    /// The head of an answer has arrived: the upstream's, Envoy's or the gate's own.
    pub fn on_response_headers(&mut self, host: &impl RequestHost, end_of_stream: bool) -> Flow {
        let flow = self.pass_answer(host, |listing, _, host| match end_of_stream {
            true => Ok(Flow::Continue),
            false => listing.begin(host),
        });
        if flow == Flow::Continue {
            self.tell_limits(host);
        }
        let metered = self.metering.as_ref();
        let resource = metered.and_then(|_| self.shared.streams.resource(self.stream));
        self.meter_answer(flow, host, end_of_stream, |metering| {
            metering.begin(host, resource.unwrap_or_default())
        })
    }

    /// Body of the answer has arrived: `size` bytes in Envoy's buffer.
    pub fn on_response_body(
        &mut self,
        host: &impl RequestHost,
        size: usize,
        end_of_stream: bool,
    ) -> Flow {
        let flow = self.pass_answer(host, |listing, record, host| {
            listing.advance(host, record, size, end_of_stream)
        });
        self.meter_answer(flow, host, end_of_stream, |metering| {
            metering.pass_answer(host, size, end_of_stream)
        })
    }

    /// Trailers of the answer have arrived: its body is over.
    pub fn on_response_trailers(&mut self, host: &impl RequestHost) -> Flow {
        let flow = self.pass_answer(host, |listing, record, host| listing.end(host, record));
        self.meter_answer(flow, host, true, |metering| {
            metering.pass_answer(host, 0, true)
        })
    }

    /// Tells the client how its limits stand, if it is to be told; the answer stands without it.
    fn tell_limits(&self, host: &impl RequestHost) {
        let told = self.allowance.as_ref();
        let told = told.filter(|_| self.shared.config.limit_headers && !self.is_cut());
        let family = self.client.family;
        let headers = told.map(|allowance| self.shared.limits.headers(host, allowance, family));
        for (name, value) in headers.into_iter().flatten() {
            let _ = host.set_response_header(name.as_bytes(), value.as_bytes());
        }
    }

    /// Reads a part of the answer that passes for what was used; at its end that is counted.
    fn meter_answer(
        &mut self,
        flow: Flow,
        host: &impl RequestHost,
        end_of_stream: bool,
        step: impl FnOnce(&mut Metering) -> Result<(), HostError>,
    ) -> Flow {
        let is_open = self.metering.is_some() || self.allowance.is_some();
        if is_open && self.is_cut() {
            // The answer is the gate's own.
            self.settle(host, false);
        } else if flow == Flow::Continue && !matches!(self.state, State::Answered) {
            if let Some(Err(error)) = self.metering.as_mut().map(step) {
                return self.cut(host, &failed(error));
            }
            if end_of_stream {
                self.settle(host, true);
            }
        }
        flow
    }

    /// Passes a part of the answer on, if the key still has its right; what is a list by `step`.
    fn pass_answer<H: RequestHost>(
        &mut self,
        host: &H,
        step: impl FnOnce(&mut Listing, &CheckedRecord, &H) -> Result<Flow, Refusal>,
    ) -> Flow {
        if let Some(flow) = self.check_answer(host) {
            return flow;
        }
        let (passed, held_bytes) = match &mut self.state {
            State::Listing(listing) => {
                let record = self.shared.streams.record(self.stream);
                let passed = record.and_then(|record| step(listing, &record, host));
                (passed, listing.held_bytes())
            }
            State::Reading(reading) => {
                let passed = reading.check_answer(host, &self.shared);
                (passed.map(|()| Flow::Continue), 0)
            }
            _ => (Ok(Flow::Continue), 0),
        };
        match passed.and_then(|flow| self.hold(held_bytes).map(|()| flow)) {
            Ok(Flow::Hold) => Flow::Hold,
            Ok(Flow::Continue) => {
                self.shared.streams.set_answered(self.stream);
                Flow::Continue
            }
            Err(refusal) => {
                if let State::Reading(reading) = &self.state {
                    reading.count_refusal(host, &self.shared, &refusal);
                }
                self.refuse(host, &refusal)
            }
        }
    }

    /// What becomes of a part of the answer, unless the request is permitted still: the gate's own
    /// answer passes, and a request whose key has lost its right is cut.
    fn check_answer(&mut self, host: &impl RequestHost) -> Option<Flow> {
        match self.state {
            State::Closed => Some(Flow::Hold),
            State::Answered => Some(Flow::Continue),
            _ if self.is_cut() => Some(Flow::Continue),
            _ => self.check_right(host),
        }
    }
}
