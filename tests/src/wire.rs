//! A wire between Envoy and the feed that fails as networks do: keeps back, drips, cuts, damages,
//! repeats, and answers in the place of the sidecar.
//!
//! Real sockets on both sides. Requests pass as they come, answers one by one and whole. Invariant:
//! without a fault nothing is changed, and what is kept back passes, in its order, when the fault
//! is over.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use envoy::{Stack, StackOptions, ports};

use crate::{Admin, raw};

/// How requests for the table begin, and reports of usage.
const TABLE: &[u8] = b"GET /feed/v1/table";
const REPORT: &[u8] = b"POST /feed/v1/usage";
/// Where a frame says that it is a page of a snapshot.
const KIND_AT: usize = 6;
const KIND_PAGE: u8 = 2;

/// What happens on the wire. All but the stalls are done to answers about the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// Nothing passes in either direction, and no connection ends.
    Stall,
    /// Requests arrive, answers are kept back.
    StallAnswers,
    /// So many answers pass, later ones are kept back.
    StallAfter(usize),
    /// A byte of an answer passes in each such time.
    Drip(Duration),
    /// The connection ends after so many bytes of an answer.
    Cut(usize),
    /// The lowest bit of the byte at this place is turned, then the connection ends.
    Flip(usize),
    /// The answer before this one is given in its place.
    Repeat,
    /// An answer is given twice.
    Twice,
    /// These bytes are given in its place, then the connection ends.
    Say(Vec<u8>),
    /// An answer to a report of usage never arrives: the connection ends.
    LoseReports,
}

/// A running wire. It ends with the process.
#[derive(Clone, Debug)]
pub struct Wire(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    to: SocketAddr,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    fault: Fault,
    /// What comes after one answer that it was done to; it lasts if there is none.
    then: Option<Fault>,
    faulted: usize,
    asked: Vec<Instant>,
    /// Requests for the table that the sidecar has and has not answered.
    open: usize,
    pages: usize,
    held: usize,
    before: Vec<u8>,
}

/// Whose answer comes next on a connection.
#[derive(Debug, Default)]
struct Call {
    is_table: AtomicBool,
    is_report: AtomicBool,
    is_open: AtomicBool,
}

/// What becomes of a connection.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    GoOn,
    End,
}

// === impl Wire ===

impl Wire {
    /// A running stack whose feed goes over a wire.
    pub fn stack(options: StackOptions) -> (Stack, Admin, Self) {
        let mut stack = Stack::prepare(options).unwrap();
        let wire = Self::in_front_of(&mut stack);
        stack.start_sidecar().unwrap();
        stack.start_envoy().unwrap();
        stack.wait_for_table().unwrap();
        let admin = Admin::of(&stack);
        (stack, admin, wire)
    }

    /// Takes the port at which Envoy looks for the feed and moves the sidecar, which must not run
    /// yet, to another one.
    pub fn in_front_of(stack: &mut Stack) -> Self {
        let settings = stack.sidecar_settings();
        let (envoys_port, feed_port) = (settings.feed_port, ports::free().unwrap());
        settings.feed_port = feed_port;
        Self::start(envoys_port, feed_port)
    }

    fn start(port: u16, to_port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).expect("the port is free");
        let wire = Self(Arc::new(Shared {
            to: SocketAddr::from(([127, 0, 0, 1], to_port)),
            state: Mutex::new(State {
                fault: Fault::None,
                then: None,
                faulted: 0,
                asked: Vec::new(),
                open: 0,
                pages: 0,
                held: 0,
                before: Vec::new(),
            }),
            changed: Condvar::new(),
        }));
        let shared = Arc::clone(&wire.0);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let shared = Arc::clone(&shared);
                thread::spawn(move || shared.connect(client));
            }
        });
        wire
    }

    /// Has this fault from now on.
    pub fn set(&self, fault: Fault) {
        self.change(fault, None);
    }

    /// Does this to the next answer about the table, and to no other.
    pub fn once(&self, fault: Fault) {
        self.once_then(fault, Fault::None);
    }

    /// Does this to the next answer about the table, and that from then on.
    pub fn once_then(&self, fault: Fault, then: Fault) {
        self.change(fault, Some(then));
    }

    fn change(&self, fault: Fault, then: Option<Fault>) {
        let mut state = self.0.state.lock().unwrap();
        (state.fault, state.then) = (fault, then);
        self.0.changed.notify_all();
    }

    /// To how many answers a fault was done.
    pub fn faulted(&self) -> usize {
        self.0.state.lock().unwrap().faulted
    }

    /// When each request for the table passed.
    pub fn asked(&self) -> Vec<Instant> {
        self.0.state.lock().unwrap().asked.clone()
    }

    /// How many requests for the table the sidecar has and has not answered.
    pub fn open(&self) -> usize {
        self.0.state.lock().unwrap().open
    }

    /// The answer about the table that passed last.
    pub fn before(&self) -> Vec<u8> {
        self.0.state.lock().unwrap().before.clone()
    }

    /// How many pages of snapshots were passed on.
    pub fn pages(&self) -> usize {
        self.0.state.lock().unwrap().pages
    }

    /// How many answers about the table are kept back.
    pub fn held(&self) -> usize {
        self.0.state.lock().unwrap().held
    }
}

// === impl Shared ===

impl Shared {
    /// Copies in both directions until one side ends, or a fault ends it.
    fn connect(self: Arc<Self>, mut client: TcpStream) {
        self.wait_while(Fault::stalls_requests);
        // Nobody is there: the client hears it by the end of its connection.
        let Ok(mut server) = TcpStream::connect(self.to) else {
            return;
        };
        for stream in [&client, &server] {
            let _ = stream.set_nodelay(true);
        }
        let (mut from, mut to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
        let (shared, call) = (Arc::clone(&self), Arc::new(Call::default()));
        let asked = Arc::clone(&call);
        thread::spawn(move || {
            shared.pass_requests(&mut from, &mut to, &asked);
            end(&from, &to);
        });
        while let Some(answer) = raw::read_whole(&mut server) {
            self.close(&call);
            if self.answer(&answer, &call, &mut client) == Then::End {
                break;
            }
        }
        self.close(&call);
        self.wait_while(Fault::stalls_answers);
        end(&client, &server);
    }

    fn pass_requests(&self, from: &mut TcpStream, to: &mut TcpStream, call: &Call) {
        let mut buffer = vec![0; 64 * 1024];
        while let Ok(size @ 1..) = from.read(&mut buffer) {
            let bytes = &buffer[..size];
            self.wait_while(Fault::stalls_requests);
            let is_table = bytes.starts_with(TABLE);
            if is_table || bytes.starts_with(REPORT) {
                call.is_table.store(is_table, Ordering::SeqCst);
                call.is_report.store(!is_table, Ordering::SeqCst);
            }
            if is_table {
                self.open(call);
            }
            if to.write_all(bytes).is_err() {
                return;
            }
        }
        // The end of a connection is news, too.
        self.wait_while(Fault::stalls_requests);
    }

    fn open(&self, call: &Call) {
        let mut state = self.state.lock().unwrap();
        state.asked.push(Instant::now());
        state.open += usize::from(!call.is_open.swap(true, Ordering::SeqCst));
    }

    fn close(&self, call: &Call) {
        let was_open = call.is_open.swap(false, Ordering::SeqCst);
        self.state.lock().unwrap().open -= usize::from(was_open);
    }

    fn wait_while(&self, stalls: impl Fn(&Fault) -> bool) {
        let state = self.state.lock().unwrap();
        drop(self.changed.wait_while(state, |state| stalls(&state.fault)));
    }

    /// Passes an answer on as the fault of the moment has it.
    fn answer(&self, answer: &[u8], call: &Call, to: &mut TcpStream) -> Then {
        if !call.is_table.load(Ordering::SeqCst) {
            self.wait_while(Fault::stalls_answers);
            return self.report(answer, call, to);
        }
        match self.fault_of() {
            Fault::Drip(every) => self.drip(answer, every, to),
            Fault::Cut(at) => then_end(to, &answer[..at.min(answer.len())]),
            Fault::Flip(at) => {
                let mut damaged = answer.to_vec();
                damaged[at % answer.len()] ^= 1;
                then_end(to, &damaged)
            }
            Fault::Repeat => {
                let before = self.state.lock().unwrap().before.clone();
                then_go_on(to, &before)
            }
            Fault::Twice => then_go_on(to, &[answer, answer].concat()),
            Fault::Say(bytes) => then_end(to, &bytes),
            _ => {
                let mut state = self.state.lock().unwrap();
                state.pages += usize::from(is_page(answer));
                state.before = answer.to_vec();
                drop(state);
                then_go_on(to, answer)
            }
        }
    }

    fn report(&self, answer: &[u8], call: &Call, to: &mut TcpStream) -> Then {
        let mut state = self.state.lock().unwrap();
        let is_lost = state.fault == Fault::LoseReports && call.is_report.load(Ordering::SeqCst);
        state.faulted += usize::from(is_lost);
        drop(state);
        match is_lost {
            true => Then::End,
            false => then_go_on(to, answer),
        }
    }

    /// What is to be done to the next answer about the table, as soon as it may go on.
    fn fault_of(&self) -> Fault {
        let mut state = self.state.lock().unwrap();
        if let Fault::StallAfter(more) = state.fault {
            state.fault = match more.checked_sub(1) {
                Some(more) => Fault::StallAfter(more),
                None => Fault::StallAnswers,
            };
        }
        state.held += 1;
        let stalls = |state: &mut State| state.fault.stalls_answers();
        let mut state = self.changed.wait_while(state, stalls).unwrap();
        state.held -= 1;
        let fault = match state.then.take() {
            Some(then) => std::mem::replace(&mut state.fault, then),
            None => state.fault.clone(),
        };
        let passes = [Fault::None, Fault::LoseReports].contains(&fault);
        state.faulted += usize::from(!passes && !matches!(fault, Fault::StallAfter(_)));
        fault
    }

    /// Byte by byte for as long as the fault lasts, the rest at once.
    fn drip(&self, answer: &[u8], every: Duration, to: &mut TcpStream) -> Then {
        let mut rest = answer;
        while let Some((byte, later)) = rest.split_first() {
            let state = self.state.lock().unwrap();
            let drips = |state: &mut State| matches!(state.fault, Fault::Drip(_));
            let waited = self.changed.wait_timeout_while(state, every, drips);
            if !waited.unwrap().1.timed_out() {
                break;
            }
            if to.write_all(&[*byte]).is_err() {
                return Then::End;
            }
            rest = later;
        }
        then_go_on(to, rest)
    }
}

// === impl Fault ===

impl Fault {
    fn stalls_requests(&self) -> bool {
        *self == Self::Stall
    }

    fn stalls_answers(&self) -> bool {
        [Self::Stall, Self::StallAnswers].contains(self)
    }
}

/// An answer with this status, as `200 OK`, and this body.
pub fn answer(status: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

fn is_page(answer: &[u8]) -> bool {
    let head = answer.windows(4).position(|four| four == b"\r\n\r\n");
    head.is_some_and(|at| answer.get(at + 4 + KIND_AT) == Some(&KIND_PAGE))
}

fn then_go_on(to: &mut TcpStream, bytes: &[u8]) -> Then {
    match to.write_all(bytes) {
        Ok(()) => Then::GoOn,
        Err(_) => Then::End,
    }
}

fn then_end(to: &mut TcpStream, bytes: &[u8]) -> Then {
    let _ = to.write_all(bytes);
    Then::End
}

fn end(client: &TcpStream, server: &TcpStream) {
    for stream in [client, server] {
        let _ = stream.shutdown(Shutdown::Both);
    }
}
