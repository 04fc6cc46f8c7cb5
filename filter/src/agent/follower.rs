//! The agent's side of the feed protocol as a state machine: what to ask next, and what an answer
//! means.
//!
//! Plain Rust without I/O or clock: time comes in as an argument, requests go out as values. Does
//! not touch slots; the agent applies what a [`Step`] holds and then confirms it.
//!
//! Invariants: only a whole, valid frame that fits the position is ever applied; a position is
//! acknowledged only after it was confirmed; once a snapshot's first page was handed out, no delta
//! is accepted until a snapshot is complete, because the slots hold a mixture until then.

use keytable::limits::BUCKETS;
use keytable::{Delta, Epoch, FormatVersion, Frame, FrameError, Generation, Page};

use super::open::Open;
use super::pace::Pace;

pub use super::rejection::Rejection;

/// What this filter calls itself.
const VERSION: &str = env!("CARGO_PKG_VERSION");
const BACKOFF_MS_FIRST: u64 = 100;
const BACKOFF_MS_MAX: u64 = 5_000;

/// Who this agent is, towards the sidecar.
#[derive(Clone, Debug)]
pub struct Identity {
    /// Whose keys it wants.
    pub region: String,
    /// The Envoy's node id: names it to people.
    pub node: String,
    /// Drawn at each start, 32 hexadecimal digits: tells restarts apart.
    pub instance: String,
    /// How long this Envoy serves without an answer, in seconds; `None` = without end.
    pub lease_s: Option<u64>,
}

/// A table in force: which history, and where in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Position {
    /// Which history.
    pub epoch: Epoch,
    /// Where in it.
    pub generation: Generation,
}

/// The next request to send.
#[derive(Debug, PartialEq, Eq)]
pub struct Request {
    /// Path and query.
    pub path: String,
    /// After which the request counts as failed.
    pub timeout_ms: u64,
}

/// What came back for a request.
#[derive(Clone, Copy, Debug)]
pub enum Answer<'a> {
    /// No answer: the call failed or was cut, or the answer is larger than Envoy takes.
    Failed,
    /// An HTTP answer.
    Http {
        /// Its status; 0 if it cannot be read.
        status: u16,
        /// Its body.
        body: &'a [u8],
    },
    /// One that says that it is the answer to another request.
    Replayed,
    /// One of so many bytes, more than was asked for: it was not copied.
    TooLarge(usize),
}

/// What the agent has to do with an accepted answer, before it confirms.
#[derive(Debug)]
pub enum Step<'a> {
    /// Apply these changes in order; none means that the table is current.
    Apply(Delta<'a>),
    /// Write these buckets. `last` completes the snapshot.
    Load {
        /// The buckets.
        page: Page<'a>,
        /// Whether it is the first of its snapshot.
        first: bool,
        /// Whether it is the last.
        last: bool,
    },
}

/// The state machine.
#[derive(Clone, Debug)]
pub struct Follower {
    identity: Identity,
    wait_s: u64,
    timeout_ms: u64,
    progress: Progress,
    failures: u32,
    not_before_ns: u64,
    pace: Pace,
    /// Requests so far: no two have the same URL, so no cache can answer one with another's answer.
    requests: u64,
    /// What the sidecar has not heard yet: why an answer was not accepted.
    trouble: Option<String>,
}

/// What decides about the next answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Progress {
    position: Option<Position>,
    loading: Option<Loading>,
    /// The slots or the history are not what a delta could build on.
    snapshot_due: bool,
    open: Option<Open>,
}

/// A snapshot of which some pages were handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Loading {
    position: Position,
    next_bucket: u32,
    first_sent_ns: u64,
}

impl Follower {
    /// A follower that has no table yet. `wait_s` is what it asks the sidecar to hold a request,
    /// `timeout_ms` is after which an answer is not waited for any more.
    pub fn new(identity: Identity, wait_s: u64, timeout_ms: u64) -> Self {
        Self {
            identity,
            wait_s,
            timeout_ms,
            progress: Progress {
                position: None,
                loading: None,
                snapshot_due: true,
                open: None,
            },
            failures: 0,
            not_before_ns: 0,
            pace: Pace::default(),
            requests: 0,
            trouble: None,
        }
    }

    /// The table in force.
    pub fn position(&self) -> Option<Position> {
        self.progress.position
    }

    /// What decides about the next answer.
    pub fn progress(&self) -> &Progress {
        &self.progress
    }

    /// Whether it has asked in vain and has nothing to offer yet.
    pub fn is_stranded(&self) -> bool {
        self.position().is_none() && self.failures > 0
    }

    /// A whole table was put in force that did not come from the sidecar: goes on from there.
    pub fn adopt(&mut self, position: Position) {
        self.progress.position = Some(position);
        self.progress.loading = None;
        self.progress.snapshot_due = false;
    }

    /// The request to send now, if one is due. A request whose answer never came is given up
    /// well after its timeout.
    pub fn due(&mut self, now_ns: u64) -> Option<Request> {
        let timeout_ms = self.timeout_ms;
        self.progress
            .open
            .take_if(|open| open.is_hung(now_ns, timeout_ms) && !mutant!(NeverGiveUp));
        if self.progress.open.is_some() || now_ns < self.not_before_ns || !self.pace.allows(now_ns)
        {
            return None;
        }
        self.requests = self.requests.saturating_add(1);
        Some(Request {
            path: self.path(),
            timeout_ms: self.timeout_ms,
        })
    }

    /// The request was sent; its answer will carry `token`.
    pub fn sent(&mut self, token: u32, now_ns: u64) {
        self.progress.open = Some(Open::new(token, now_ns));
    }

    /// Whether an answer says that it is of another request than the one that is open. What a proxy gives
    /// twice proves nothing of now. The first sidecars do not say.
    pub fn is_replayed(&self, token: u32, answers: Option<&[u8]>) -> bool {
        let name = || format!("{}-{}", self.identity.instance, self.requests);
        self.progress.open.is_some_and(|open| open.has(token))
            && answers.is_some_and(|answers| answers != name().as_bytes())
    }

    /// Judges an answer. On `Ok` the agent applies the step and calls [`Self::confirm`] or
    /// [`Self::fail`]; on `Err` the next request is already backed off.
    pub fn receive<'a>(
        &mut self,
        token: u32,
        answer: Answer<'a>,
        now_ns: u64,
    ) -> Result<(Step<'a>, Confirmation), Rejection> {
        let open = self
            .progress
            .open
            .filter(|open| open.has(token) || mutant!(TakeAnyAnswer))
            .ok_or(Rejection::Unasked)?;
        self.progress.open = None;
        let sent_ns = match mutant!(RenewFromReceipt) {
            true => now_ns,
            false => open.sent_ns(),
        };
        let judged = read(answer).and_then(|frame| match frame {
            Frame::Delta(delta) => self.judge_delta(delta, sent_ns),
            Frame::Page(page) => self.judge_page(page, sent_ns),
        });
        judged.inspect_err(|rejection| self.reject(*rejection, now_ns))
    }

    /// The step was applied whole.
    pub fn confirm(&mut self, confirmation: Confirmation) {
        self.failures = 0;
        self.not_before_ns = 0;
        self.trouble = None;
        match confirmation.0 {
            Confirmed::Position(position, _) => {
                self.pace.spend(self.progress.position == Some(position));
                self.progress.position = Some(position);
                self.progress.loading = None;
                self.progress.snapshot_due = false;
            }
            Confirmed::Loading(loading) => {
                self.pace.spend(false);
                self.progress.loading = Some(loading);
            }
        }
    }

    /// The step could not be applied: the slots may be a mixture, so start over, later.
    pub fn fail(&mut self, now_ns: u64) {
        self.progress.loading = None;
        self.progress.snapshot_due = true;
        self.trouble = Some("slots".to_owned());
        self.back_off(now_ns);
    }

    /// The slots are not what was written: start over, and wait for no answer that builds on them.
    pub fn distrust(&mut self, now_ns: u64) {
        self.progress.open = None;
        self.fail(now_ns);
    }

    /// A request could not be sent: try again, later. The table is untouched.
    pub fn unsent(&mut self, now_ns: u64) {
        self.back_off(now_ns);
    }

    fn judge_delta<'a>(
        &self,
        delta: Delta<'a>,
        sent_ns: u64,
    ) -> Result<(Step<'a>, Confirmation), Rejection> {
        let position = self
            .progress
            .position
            .filter(|_| !self.progress.snapshot_due || mutant!(BuildOnAMixture))
            .ok_or(Rejection::SnapshotDue)?;
        if delta.epoch != position.epoch && !mutant!(AcceptOtherEpochs) {
            return Err(Rejection::OtherEpoch);
        }
        if delta.from != position.generation && !mutant!(AcceptGaps) {
            return Err(Rejection::Gap);
        }
        let reached = Position {
            epoch: delta.epoch,
            generation: delta.to,
        };
        Ok((
            Step::Apply(delta),
            Confirmation(Confirmed::Position(reached, sent_ns)),
        ))
    }

    fn judge_page<'a>(
        &mut self,
        page: Page<'a>,
        sent_ns: u64,
    ) -> Result<(Step<'a>, Confirmation), Rejection> {
        let position = Position {
            epoch: page.epoch,
            generation: page.generation,
        };
        let first = page.first_bucket == 0;
        let first_sent_ns = match self.progress.loading {
            _ if first || mutant!(PagesInAnyOrder) => sent_ns,
            Some(_) if mutant!(RenewFromLastPage) => sent_ns,
            Some(l) if mutant!(MixSnapshots) && l.next_bucket == page.first_bucket => {
                l.first_sent_ns
            }
            Some(l) if l.position == position && l.next_bucket == page.first_bucket => {
                l.first_sent_ns
            }
            _ => return Err(Rejection::PageOutOfTurn),
        };
        let older = |p: Position| p.epoch == position.epoch && position.generation < p.generation;
        if self.progress.position.is_some_and(older) && !mutant!(AcceptOlder) {
            return Err(Rejection::Older);
        }
        self.progress.snapshot_due = true;
        let next_bucket = page.end_bucket();
        let last = next_bucket == BUCKETS || mutant!(OnePageIsAll);
        let confirmed = if last {
            Confirmed::Position(position, first_sent_ns)
        } else {
            Confirmed::Loading(Loading {
                position,
                next_bucket,
                first_sent_ns,
            })
        };
        Ok((Step::Load { page, first, last }, Confirmation(confirmed)))
    }

    fn reject(&mut self, rejection: Rejection, now_ns: u64) {
        match rejection {
            Rejection::Unasked | Rejection::Failed | Rejection::Status(_) => {}
            Rejection::Replayed => {}
            Rejection::Frame(_) | Rejection::Older | Rejection::SnapshotDue => {}
            Rejection::OtherEpoch | Rejection::Gap => self.progress.snapshot_due = true,
            Rejection::PageOutOfTurn => self.progress.loading = None,
        }
        self.trouble = Some(rejection.word());
        self.back_off(now_ns);
    }

    /// Exponential, a quarter more or less, which differs between instances: those that lost the
    /// sidecar together do not come back together.
    fn back_off(&mut self, now_ns: u64) {
        let doubled = BACKOFF_MS_FIRST << self.failures.min(6);
        let base_ms = doubled.min(BACKOFF_MS_MAX);
        let seed = self
            .identity
            .instance
            .bytes()
            .fold(u64::from(self.failures), |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
            });
        let jitter_ms = (seed >> 32) % (base_ms / 2).max(1);
        let delay_ms = base_ms - base_ms / 4 + jitter_ms;
        self.failures = self.failures.saturating_add(1);
        self.not_before_ns = now_ns.saturating_add(delay_ms * 1_000_000);
    }

    fn path(&self) -> String {
        let Identity {
            region,
            node,
            instance,
            lease_s,
        } = &self.identity;
        let lease_s = lease_s.map_or_else(|| "never".to_owned(), |seconds| seconds.to_string());
        let mut path = format!(
            "/feed/v1/table?region={}&agent={instance}&node={}&version={VERSION}&lease_s={lease_s}\
             &wait_s={}&format={}&request={}",
            percent_encode(region),
            percent_encode(node),
            self.wait_s,
            FormatVersion::NEWEST.number(),
            self.requests
        );
        if let Some(trouble) = &self.trouble {
            path.push_str(&format!("&trouble={trouble}"));
        }
        if let Some(loading) = &self.progress.loading {
            let Loading {
                position,
                next_bucket,
                ..
            } = loading;
            let Position { epoch, generation } = position;
            path.push_str(&format!(
                "&snapshot_epoch={epoch}&snapshot={generation}&bucket={next_bucket}"
            ));
        } else if let Some(position) = self
            .progress
            .position
            .filter(|_| !self.progress.snapshot_due && !mutant!(SkipTheAck))
        {
            let Position { epoch, generation } = position;
            path.push_str(&format!("&epoch={epoch}&generation={generation}"));
        }
        path
    }
}

/// What the follower learns when a step was applied. Made by it alone.
#[derive(Clone, Copy, Debug)]
pub struct Confirmation(Confirmed);

#[derive(Clone, Copy, Debug)]
enum Confirmed {
    /// A table is complete, as of a request sent at this time.
    Position(Position, u64),
    /// A snapshot has more pages.
    Loading(Loading),
}

impl Confirmation {
    /// The table that is complete after this step, and when the request was sent that proves it
    /// to be current. `None` while a snapshot has more pages.
    pub fn complete(&self) -> Option<(Position, u64)> {
        match self.0 {
            Confirmed::Position(position, sent_ns) => Some((position, sent_ns)),
            Confirmed::Loading(_) => None,
        }
    }
}

fn read(answer: Answer<'_>) -> Result<Frame<'_>, Rejection> {
    match answer {
        Answer::Failed => Err(Rejection::Failed),
        Answer::Replayed => Err(Rejection::Replayed),
        Answer::TooLarge(_) => Err(Rejection::Frame(FrameError::TooLarge)),
        Answer::Http { status: 200, body } => Frame::decode(body).map_err(Rejection::Frame),
        Answer::Http { status, .. } => Err(Rejection::Status(status)),
    }
}

/// Everything but unreserved characters as `%XX`.
fn percent_encode(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
        out
    })
}
