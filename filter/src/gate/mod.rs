//! The gate: decides one request, from its headers and, for a list-scoped key, from its body.
//!
//! The order is that of the checks: table, credential, key, status, expiry, address, scope. Does
//! not read bodies, know reasons' texts or touch slots; it is the line that joins those who do.
//!
//! Invariant: nothing of a request reaches the upstream before there is a [`Permit`] in hand, unless
//! bodies that are too large to be held flow, which then have no end without one; and every path that
//! ends without one ends in an answer.

mod admission;
mod answering;
mod arrival;
mod body;
mod discovery;
mod header_allowlist;
mod held;
mod holder;
mod identity;
mod judge;
mod limiting;
mod listing;
mod logged;
mod metering;
pub mod models_list;
mod named;
mod observing;
mod readiness;
mod running;
mod shared;
pub mod tally;

use std::rc::Rc;

use crate::config::MeterSetting;
use crate::host::{Gauge, HostError, RequestHost};
use crate::reply::{Client, Refusal};
use crate::table::Unavailable;
use arrival::Arrival;
use body::Reading;
use header_allowlist::Caller;
use held::Held;
use keytable::cell::Spent;
use limiting::Allowance;
use listing::Listing;
use metering::Metering;
use observing::Observing;
use running::Judged;

pub use limiting::LimitKeeper;
pub use shared::GateShared;

/// One request.
#[derive(Debug)]
pub struct Gate {
    shared: Rc<GateShared>,
    /// Envoy's number for this request.
    stream: u32,
    state: State,
    /// Whom an answer is for.
    client: Client,
    /// Whose request it is.
    caller: Caller,
    /// What it uses; `None` if its answer states nothing, or was settled.
    metering: Option<Metering>,
    /// What it holds of limits; `None` if there are none, or it was settled.
    allowance: Option<Allowance>,
    /// What Envoy holds back of it; `None` as long as that can be nothing.
    held: Option<Held>,
}

/// What Envoy shall do with what it has in hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// Pass it on.
    Continue,
    /// Hold it; there is more to come, or it was answered.
    Hold,
}

#[derive(Debug)]
enum State {
    /// Not decided, or decided against and not answered: nothing passes, in either direction.
    Closed,
    /// Decided against; the answer on its way to the client is the gate's own.
    Answered,
    /// The body is being read.
    Reading(Box<Reading>),
    /// Permitted; the answer is a list that has to be cut down.
    Listing(Box<Listing>),
    /// Permitted and going on; what it calls is counted when the body has told it.
    Observing(Box<Observing>),
    /// Permitted; nothing more to look at.
    Open,
}

impl Gate {
    /// A gate for a new request, which no other running request of this worker has the number of.
    pub fn new(shared: Rc<GateShared>, stream: u32) -> Self {
        Self {
            shared,
            stream,
            state: State::Closed,
            client: Client::default(),
            caller: Caller::default(),
            metering: None,
            allowance: None,
            held: None,
        }
    }

    /// The headers have arrived. `end_of_stream`: there is no body.
    pub fn on_headers(&mut self, host: &impl RequestHost, end_of_stream: bool) -> Flow {
        match self.judge_headers(host, end_of_stream) {
            Ok(state) => self.enter(state),
            Err(refusal) => self.refuse(host, &refusal),
        }
    }

    /// Body has arrived: `size` bytes in Envoy's buffer, all of the held body while it is held,
    /// else the new piece.
    pub fn on_body(&mut self, host: &impl RequestHost, size: usize, end_of_stream: bool) -> Flow {
        let flow = self.judge_body(host, size, end_of_stream);
        match &mut self.metering {
            Some(metering) if flow == Flow::Continue => metering.pass_body(host, size),
            _ => {}
        }
        flow
    }

    fn judge_body(&mut self, host: &impl RequestHost, size: usize, end_of_stream: bool) -> Flow {
        let is_held = matches!(&self.state, State::Reading(reading) if reading.is_held());
        if let Some(metering) = &mut self.metering {
            metering.saw_body(size, is_held);
        }
        match std::mem::replace(&mut self.state, State::Closed) {
            closed @ (State::Closed | State::Answered) => self.enter(closed),
            State::Reading(mut reading) if !self.is_cut() => {
                match reading.advance(host, &self.shared, size, end_of_stream) {
                    Ok(Some(permit)) => {
                        reading.count_permit(host, &self.shared, &permit);
                        self.shared
                            .streams
                            .set_judged(self.stream, reading.judged());
                        self.enter(admission::open(permit))
                    }
                    Ok(None) => {
                        if reading.take_news() {
                            self.shared
                                .streams
                                .set_judged(self.stream, reading.judged());
                        }
                        match self.hold(reading.held_bytes()) {
                            Ok(()) => self.enter(State::Reading(reading)),
                            Err(refusal) => self.refuse(host, &refusal),
                        }
                    }
                    Err(refusal) => {
                        reading.count_refusal(host, &self.shared, &refusal);
                        self.refuse(host, &refusal)
                    }
                }
            }
            State::Observing(observing) if !self.is_cut() => {
                let seen = observing.count_with(host, &self.shared, size);
                self.shared
                    .streams
                    .set_judged(self.stream, Judged::Everything(seen));
                self.go_on(host, State::Open)
            }
            open => self.go_on(host, open),
        }
    }

    /// Trailers have arrived: the body is over.
    pub fn on_trailers(&mut self, host: &impl RequestHost) -> Flow {
        let flow = match std::mem::replace(&mut self.state, State::Closed) {
            State::Reading(reading) => {
                let held = reading.held_bytes();
                self.state = State::Reading(reading);
                self.on_body(host, held, true)
            }
            closed @ (State::Closed | State::Answered) => self.enter(closed),
            open => self.go_on(host, open),
        };
        match flow {
            Flow::Continue => match identity::clean_trailers(&self.shared, host, self.caller) {
                Ok(()) => Flow::Continue,
                Err(error) => self.refuse(host, &failed(error)),
            },
            Flow::Hold => Flow::Hold,
        }
    }

    /// Counts what was used, once; a request that the upstream neither had whole nor answered has run
    /// nothing.
    fn settle(&mut self, host: &impl RequestHost, is_whole: bool) {
        let had_whole = matches!(
            self.state,
            State::Open | State::Observing(_) | State::Listing(_)
        );
        let metering = self.metering.take();
        let is_answered = metering.as_ref().is_some_and(Metering::is_answered);
        let has_run = had_whole || is_whole || is_answered;
        let used = metering.filter(|_| has_run).map(|metering| {
            let resource = self.shared.streams.resource(self.stream);
            metering.settle(host, &self.shared, resource, is_whole)
        });
        if let Some(allowance) = self.allowance.take() {
            let spent = match (has_run, used) {
                (false, _) => Spent::Nothing,
                (true, Some(tokens)) => Spent::Tokens(tokens),
                (true, None) => Spent::Held,
            };
            self.shared.limits.settle(host, allowance, spent);
        }
    }

    /// The request is over, however it ended: what was passed on and not counted yet is.
    pub fn on_end(&mut self, host: &impl RequestHost) {
        self.settle(host, false);
        match std::mem::replace(&mut self.state, State::Closed) {
            State::Observing(observing) => observing.count(host, &self.shared),
            State::Reading(reading) => {
                let standing = self.check(host);
                reading.count_unfinished(host, &self.shared, standing);
            }
            State::Closed | State::Answered | State::Listing(_) | State::Open => {}
        }
    }

    /// Cuts a request whose key has lost its right. One call as long as no table has come: whether
    /// the lease is over is left to the sweep.
    fn check_right(&mut self, host: &impl RequestHost) -> Option<Flow> {
        let is_current = |edition| host.gauge(Gauge::Edition) == Ok(edition);
        if self.lasts_under().is_some_and(is_current) {
            return None;
        }
        let refusal = self.check(host).err()?;
        Some(self.cut(host, &refusal))
    }

    /// More of a permitted body passes, unless its key has lost its right since.
    fn go_on(&mut self, host: &impl RequestHost, state: State) -> Flow {
        let flow = self.enter(state);
        match self.is_cut() {
            true => Flow::Hold,
            false => self.check_right(host).unwrap_or(flow),
        }
    }

    /// Whether the sweep has cut and answered it.
    fn is_cut(&self) -> bool {
        self.shared.streams.is_cut(self.stream)
    }

    fn check(&self, host: &impl RequestHost) -> Result<(), Refusal> {
        self.shared.streams.check(self.stream, host, &self.shared)
    }

    fn lasts_under(&self) -> Option<u64> {
        self.shared.streams.lasts_under(self.stream)
    }

    fn cut(&mut self, host: &impl RequestHost, refusal: &Refusal) -> Flow {
        self.settle(host, false);
        let answers = self.shared.cut(self.stream, host, refusal);
        self.on_end(host);
        self.held = None;
        self.state = match answers {
            true => State::Answered,
            false => State::Closed,
        };
        Flow::Hold
    }

    fn judge_headers(
        &mut self,
        host: &impl RequestHost,
        end_of_stream: bool,
    ) -> Result<State, Refusal> {
        let shared = Rc::clone(&self.shared);
        let headers = host.request_headers().map_err(failed)?;
        let request_id = logged::leave(host, &headers);
        if readiness::is_asked(&shared.config, &headers) {
            readiness::answer(host, shared.table.open(host)).map_err(failed)?;
            return Ok(State::Answered);
        }
        if discovery::is_asked(&shared.config, &headers) {
            discovery::answer(&shared.config, host).map_err(failed)?;
            return Ok(State::Answered);
        }
        let arrival = Arrival::read(&shared, &headers, request_id, end_of_stream);
        self.client = arrival.client.clone();
        let edition = shared.table.open(host)?;
        let (state, running, allowance) = admission::judge(&shared, host, &arrival, edition)?;
        self.caller = running.caller();
        let has_tokens = allowance.as_ref().is_some_and(Allowance::has_tokens);
        self.allowance = allowance;
        self.metering = match (&state, shared.config.meter) {
            (State::Listing(_), _) => None,
            (_, MeterSetting::Off) if !has_tokens => None,
            _ => running.metering(&arrival),
        };
        if let Some(metering) = self.metering.as_mut().filter(|_| has_tokens) {
            let asked = metering.ask(host, shared.config.stream_usage, &arrival);
            asked.map_err(failed)?;
        }
        let of_key = |head_bytes| Held::new(&shared.held, running.key_hash(), head_bytes);
        self.held = match &state {
            State::Reading(_) => Some(of_key(headers.as_bytes().len())),
            State::Listing(_) => Some(of_key(0)),
            _ => None,
        };
        self.hold(0)?;
        shared.streams.enter(self.stream, running);
        Ok(state)
    }

    /// Envoy holds back so much of its body, or of its answer's.
    fn hold(&mut self, bytes: usize) -> Result<(), Refusal> {
        match &mut self.held {
            Some(held) => held.set(bytes),
            None => Ok(()),
        }
    }

    fn enter(&mut self, state: State) -> Flow {
        let flow = match &state {
            State::Closed | State::Answered => Flow::Hold,
            State::Open | State::Observing(_) | State::Listing(_) => Flow::Continue,
            State::Reading(reading) if reading.is_held() => Flow::Hold,
            State::Reading(_) => Flow::Continue,
        };
        let holds = match &state {
            State::Reading(reading) => reading.is_held(),
            State::Listing(_) => true,
            _ => false,
        };
        self.held = self.held.take().filter(|_| holds);
        self.state = state;
        flow
    }

    fn refuse(&mut self, host: &impl RequestHost, refusal: &Refusal) -> Flow {
        self.settle(host, false);
        self.shared.streams.leave(self.stream);
        self.held = None;
        host.count(refusal.outcome());
        self.state = match self.shared.answer(host, refusal, &self.client) {
            true => State::Answered,
            false => State::Closed,
        };
        Flow::Hold
    }
}

// === impl Gate ===

impl Drop for Gate {
    fn drop(&mut self) {
        self.shared.streams.leave(self.stream);
    }
}

fn failed(_: HostError) -> Refusal {
    Refusal::Unavailable(Unavailable::Damaged)
}
