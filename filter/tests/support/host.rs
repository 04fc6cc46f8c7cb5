//! Envoy in memory: shared data, gauges, clocks, callouts; and one request per [`FakeHost`].
//!
//! Does not know what the filter does with it. Invariants: a call that was told to fail fails, and
//! leaves everything as it was; headers that were passed on can be neither read nor changed.

use std::cell::{Cell, RefCell, RefMut};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::LazyLock;

use filter::counts::Counter;
use filter::host::{FeedHost, Gauge, Host, HostError, Level};
use filter::outcome::Outcome;
use filter::reply::Reply;

use super::pairs::{Pairs, pairs_of};

/// What Envoy says of headers that are not there yet, or any more.
const NO_SUCH_MAP: HostError = HostError(2);

/// A kind of call, to make it fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    Slot,
    SetSlot,
    Cell,
    SetCell,
    Gauge,
    SetGauge,
    Monotonic,
    Unix,
    Get,
    Headers,
    Trailers,
    SetHeader,
    RemoveHeader,
    Body,
    SetBody,
    ResponseHeaders,
    ResponseBody,
    SourceAddress,
    HandOver,
    FilterState,
    Reply,
}

const PULSE: &str = "latchkey.pulse";

/// What the agent did, in its order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Write {
    Slot(String),
    Gauge(Gauge, u64),
    Get(String),
}

/// A request to the sidecar that was not answered yet.
#[derive(Clone, Debug)]
pub(crate) struct Callout {
    pub(crate) cluster: String,
    pub(crate) token: u32,
    pub(crate) path: String,
    pub(crate) timeout_ms: u64,
}

/// What a cell holds that nobody changed.
static EMPTY_CELL: LazyLock<Vec<u8>> = LazyLock::new(|| keytable::cell::Cell::default().encode());

/// A worker that looks at the table while the agent writes.
pub(crate) type Onlooker = Box<dyn Fn(&FakeHost)>;

/// A worker that changes a cell just before another does; false: for the last time.
pub(crate) type Intruder = Box<dyn FnMut(&FakeHost) -> bool>;

/// What all requests and the agent of one Envoy share.
#[derive(Default)]
pub(crate) struct Shared {
    pub(crate) slots: RefCell<BTreeMap<String, Vec<u8>>>,
    /// Cells that were written since they were made, and the number of their last write.
    pub(crate) cells: RefCell<BTreeMap<u16, (Vec<u8>, u32)>>,
    has_cells: Cell<bool>,
    pub(crate) gauges: RefCell<[u64; 4]>,
    /// What a process that is taken over from adds to the edition and to the lease.
    pub(crate) share: Cell<[u64; 2]>,
    /// The gauge that says of the clock, not of the table.
    pub(crate) lease_left_s: Cell<u64>,
    pub(crate) monotonic_ns: Cell<u64>,
    pub(crate) unix_ms: Cell<u64>,
    pub(crate) writes: RefCell<Vec<Write>>,
    pub(crate) callouts: RefCell<Vec<Callout>>,
    pub(crate) posts: RefCell<Vec<(String, Vec<u8>)>>,
    pub(crate) log: RefCell<Vec<String>>,
    /// The slot that says of the clock, not of the table.
    pulse: RefCell<Option<Vec<u8>>>,
    /// What workers have handed over and nobody has taken.
    pub(crate) queue: RefCell<Vec<Vec<u8>>>,
    /// What the agent has added to counters.
    pub(crate) added: RefCell<Vec<(String, u64)>>,
    /// What a worker does after each write of the agent.
    pub(crate) onlooker: RefCell<Option<Onlooker>>,
    pub(crate) intruder: RefCell<Option<Intruder>>,
    tokens: Cell<u32>,
    /// The calls that may fail, in their order.
    pub(crate) calls: RefCell<Vec<Call>>,
    /// After how many more of them the table is this one, whoever reads it meanwhile.
    pub(crate) later: RefCell<Option<(usize, Table)>>,
    /// Which kind of call fails, and how often it succeeds before.
    failing: Cell<Option<(Call, usize)>>,
}

/// All that a gate can see of the table: slots and gauges.
pub(crate) type Table = (BTreeMap<String, Vec<u8>>, [u64; 4]);

/// One request, or the agent, of an Envoy.
#[derive(Default)]
pub(crate) struct FakeHost {
    pub(crate) shared: Rc<Shared>,
    pub(crate) headers: RefCell<Pairs>,
    /// Whether the request headers were passed on.
    pub(crate) headers_gone: Cell<bool>,
    pub(crate) trailers: RefCell<Pairs>,
    pub(crate) body: RefCell<Vec<u8>>,
    pub(crate) body_reads: Cell<usize>,
    pub(crate) outcomes: RefCell<Vec<Outcome>>,
    pub(crate) response_headers: RefCell<Pairs>,
    /// Whether there are response headers that were not passed on.
    pub(crate) has_response_headers: Cell<bool>,
    pub(crate) response_trailers: RefCell<Pairs>,
    pub(crate) response_body: RefCell<Vec<u8>>,
    pub(crate) source_address: RefCell<Vec<u8>>,
    pub(crate) filter_state: RefCell<BTreeMap<String, Vec<u8>>>,
    pub(crate) replies: RefCell<Vec<Reply>>,
    /// Requests whose usage could not be kept.
    pub(crate) lost: Cell<u64>,
    /// How often the upstream refused it after its stream was asked.
    pub(crate) refused_questions: Cell<usize>,
    /// How often the request was counted as cut, and reset.
    pub(crate) cuts: Cell<(usize, usize)>,
    /// The words under which removed headers were counted.
    pub(crate) removed_headers: RefCell<Vec<String>>,
}

impl FakeHost {
    /// A further request of the same Envoy.
    pub(crate) fn sibling(&self) -> Self {
        Self {
            shared: Rc::clone(&self.shared),
            source_address: RefCell::new(b"192.0.2.1:4711".to_vec()),
            ..Self::default()
        }
    }

    /// From now on, calls of this kind fail.
    pub(crate) fn fail(&self, call: Call) {
        self.fail_after(call, 0);
    }

    /// Calls of this kind fail after `count` more of them.
    pub(crate) fn fail_after(&self, call: Call, count: usize) {
        self.shared.failing.set(Some((call, count)));
    }

    pub(crate) fn heal(&self) {
        self.shared.failing.set(None);
    }

    pub(crate) fn advance_ms(&self, ms: u64) {
        let shared = &self.shared;
        shared
            .monotonic_ns
            .set(shared.monotonic_ns.get() + ms * 1_000_000);
        shared.unix_ms.set(shared.unix_ms.get() + ms);
    }

    pub(crate) fn read_gauge(&self, gauge: Gauge) -> u64 {
        match index(gauge) {
            Some(at) => self.shared.gauges.borrow()[at],
            None => self.shared.lease_left_s.get(),
        }
    }

    /// All that a gate could see of the table.
    pub(crate) fn table(&self) -> Table {
        let slots = self.shared.slots.borrow().clone();
        (slots, *self.shared.gauges.borrow())
    }

    pub(crate) fn set_table(&self, (slots, gauges): Table) {
        *self.shared.slots.borrow_mut() = slots;
        *self.shared.gauges.borrow_mut() = gauges;
    }

    /// The head of an answer arrives.
    pub(crate) fn set_response_headers(&self, headers: &[(&str, &str)]) {
        *self.response_headers.borrow_mut() = pairs_of(headers);
        self.has_response_headers.set(true);
    }

    pub(super) fn request_map(&self) -> Result<RefMut<'_, Pairs>, HostError> {
        match self.headers_gone.get() {
            true => Err(NO_SUCH_MAP),
            false => Ok(self.headers.borrow_mut()),
        }
    }

    pub(super) fn response_map(&self) -> Result<RefMut<'_, Pairs>, HostError> {
        match self.has_response_headers.get() {
            true => Ok(self.response_headers.borrow_mut()),
            false => Err(NO_SUCH_MAP),
        }
    }

    fn wrote(&self, write: Write) {
        self.shared.writes.borrow_mut().push(write);
        if let Some(onlooker) = self.shared.onlooker.borrow().as_ref() {
            onlooker(self);
        }
    }

    pub(super) fn called(&self, call: Call) -> Result<(), HostError> {
        self.shared.calls.borrow_mut().push(call);
        let later = self.shared.later.take();
        match later {
            Some((0, table)) => self.set_table(table),
            Some((left, table)) => *self.shared.later.borrow_mut() = Some((left - 1, table)),
            None => {}
        }
        match self.shared.failing.get() {
            Some((failing, 0)) if failing == call => Err(HostError(10)),
            Some((failing, left)) if failing == call => {
                self.shared.failing.set(Some((failing, left - 1)));
                Ok(())
            }
            _ => Ok(()),
        }
    }
}

fn index(gauge: Gauge) -> Option<usize> {
    match gauge {
        Gauge::Edition => Some(0),
        Gauge::LeaseUntilMs => Some(1),
        Gauge::Generation => Some(2),
        Gauge::Records => Some(3),
        Gauge::LeaseLeftS => None,
    }
}

// === impl FakeHost ===

impl Host for FakeHost {
    fn slot(&self, name: &str) -> Result<Option<Vec<u8>>, HostError> {
        if name == PULSE {
            return Ok(self.shared.pulse.borrow().clone());
        }
        self.called(Call::Slot)?;
        let slots = self.shared.slots.borrow();
        Ok(slots.get(name).filter(|bytes| !bytes.is_empty()).cloned())
    }

    fn set_slot(&self, name: &str, value: &[u8]) -> Result<(), HostError> {
        if name == PULSE {
            *self.shared.pulse.borrow_mut() = Some(value.to_vec());
            return Ok(());
        }
        self.called(Call::SetSlot)?;
        let mut slots = self.shared.slots.borrow_mut();
        slots.insert(name.to_owned(), value.to_vec());
        drop(slots);
        self.wrote(Write::Slot(name.to_owned()));
        Ok(())
    }

    fn cell(&self, index: u16) -> Result<Option<(Vec<u8>, u32)>, HostError> {
        self.called(Call::Cell)?;
        let cells = self.shared.cells.borrow();
        let made = self.shared.has_cells.get();
        let empty = || made.then(|| (EMPTY_CELL.clone(), 1));
        Ok(cells.get(&index).cloned().or_else(empty))
    }

    fn set_cell(&self, index: u16, value: &[u8], number: u32) -> Result<bool, HostError> {
        self.called(Call::SetCell)?;
        let intruder = self.shared.intruder.take();
        *self.shared.intruder.borrow_mut() = intruder.and_then(|mut it| it(self).then_some(it));
        let mut cells = self.shared.cells.borrow_mut();
        let known = cells.get(&index).map_or(1, |(_, number)| *number);
        if known == number {
            cells.insert(index, (value.to_vec(), number + 1));
        }
        Ok(known == number)
    }

    fn gauge(&self, gauge: Gauge) -> Result<u64, HostError> {
        self.called(Call::Gauge)?;
        let share = index(gauge).and_then(|at| self.shared.share.get().get(at).copied());
        Ok(self.read_gauge(gauge).wrapping_add(share.unwrap_or(0)))
    }

    fn set_gauge(&self, gauge: Gauge, value: u64) -> Result<(), HostError> {
        let Some(at) = index(gauge) else {
            self.shared.lease_left_s.set(value);
            return Ok(());
        };
        self.called(Call::SetGauge)?;
        self.shared.gauges.borrow_mut()[at] = value;
        self.wrote(Write::Gauge(gauge, value));
        Ok(())
    }

    fn count(&self, outcome: Outcome) {
        self.outcomes.borrow_mut().push(outcome);
    }

    fn count_cut(&self) {
        let (counted, reset) = self.cuts.get();
        self.cuts.set((counted + 1, reset));
    }

    fn count_lost(&self, requests: u64) {
        self.lost.set(self.lost.get() + requests);
    }

    fn count_refused_question(&self) {
        self.refused_questions.set(self.refused_questions.get() + 1);
    }

    fn take_counts(&self) -> Option<Vec<u8>> {
        None
    }

    fn hand_over(&self, message: &[u8]) -> Result<(), HostError> {
        self.called(Call::HandOver)?;
        self.shared.queue.borrow_mut().push(message.to_vec());
        Ok(())
    }

    fn count_removed_header(&self, word: &str) {
        self.removed_headers.borrow_mut().push(word.to_owned());
    }

    fn monotonic_ns(&self) -> Result<u64, HostError> {
        self.called(Call::Monotonic)?;
        Ok(self.shared.monotonic_ns.get())
    }

    fn unix_ms(&self) -> Result<u64, HostError> {
        self.called(Call::Unix)?;
        Ok(self.shared.unix_ms.get())
    }

    fn log(&self, _: Level, message: &str) {
        self.shared.log.borrow_mut().push(message.to_owned());
    }
}

impl FeedHost for FakeHost {
    fn make_cells(&self, _: &[u8]) -> Result<(), HostError> {
        self.shared.has_cells.set(true);
        Ok(())
    }

    fn add(&self, counter: Counter<'_>, by: u64) {
        self.shared.added.borrow_mut().push((counter.name(), by));
    }

    fn post(
        &self,
        _cluster: &str,
        path: &str,
        body: &[u8],
        _timeout_ms: u64,
    ) -> Result<u32, HostError> {
        let mut posts = self.shared.posts.borrow_mut();
        posts.push((path.to_owned(), body.to_vec()));
        u32::try_from(posts.len())
            .map(|count| 1_000_000 + count)
            .map_err(|_| HostError(2))
    }

    fn get(&self, cluster: &str, path: &str, timeout_ms: u64) -> Result<u32, HostError> {
        self.called(Call::Get)?;
        let token = self.shared.tokens.get() + 1;
        self.shared.tokens.set(token);
        let mut writes = self.shared.writes.borrow_mut();
        writes.push(Write::Get(path.to_owned()));
        self.shared.callouts.borrow_mut().push(Callout {
            cluster: cluster.to_owned(),
            token,
            path: path.to_owned(),
            timeout_ms,
        });
        Ok(token)
    }
}
