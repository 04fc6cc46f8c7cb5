//! A feed without a sidecar: serves one table, changes it when told to, and notes what an agent
//! acknowledges.
//!
//! So that a million keys are there in seconds and nothing but Envoy is measured. Does not check
//! credentials. Invariant: an answer is one that the real feed could give.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use keytable::{Epoch, FormatVersion};
use tests::stand_in::{answer_all, epoch_of};

use crate::table::{FIRST, Pages, Table};

/// A running feed; ends when it is dropped.
#[derive(Debug)]
pub(crate) struct Feed {
    address: SocketAddr,
    shared: Arc<Shared>,
    acceptor: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    table: Arc<Table>,
    state: Mutex<State>,
    moved: Condvar,
    over: AtomicBool,
}

#[derive(Debug)]
struct State {
    epoch: u8,
    generation: u64,
    /// In the format that was asked for last.
    pages: Pages,
    format: FormatVersion,
    acknowledged: Option<(u8, u64)>,
    /// When the first page of the epoch was asked for.
    asked_at: Option<Instant>,
}

/// What an agent asks for.
#[derive(Debug, Default)]
struct Asked {
    epoch: Option<Epoch>,
    generation: Option<u64>,
    bucket: Option<u32>,
    wait_s: u64,
    format: Option<FormatVersion>,
}

impl Feed {
    /// Serves a table.
    pub(crate) fn serve(table: Arc<Table>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let format = FormatVersion::NEWEST;
        let pages = table.pages(epoch_of(1), format);
        let shared = Arc::new(Shared {
            table,
            state: Mutex::new(State {
                epoch: 1,
                generation: FIRST,
                pages,
                format,
                acknowledged: None,
                asked_at: None,
            }),
            moved: Condvar::new(),
            over: AtomicBool::new(false),
        });
        let serving = Arc::clone(&shared);
        let acceptor = thread::spawn(move || {
            for stream in listener.incoming() {
                if serving.over.load(Ordering::SeqCst) {
                    break;
                }
                let serving = Arc::clone(&serving);
                thread::spawn(move || {
                    answer_all(stream.unwrap(), |path| serving.answer(&Asked::parse(path)))
                });
            }
        });
        Self {
            address,
            shared,
            acceptor: Some(acceptor),
        }
    }

    /// Where it listens.
    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// Puts one key anew; gives the time from publishing to the acknowledgement.
    pub(crate) fn change(&self, patience: Duration) -> Duration {
        let begin = Instant::now();
        let mut state = self.shared.state.lock().unwrap();
        state.generation += 1;
        let wanted = (state.epoch, state.generation);
        drop(state);
        self.shared.moved.notify_all();
        self.wait_for(wanted, patience);
        begin.elapsed()
    }

    /// Begins a new history: the agent has to load the whole table anew.
    pub(crate) fn restart(&self) {
        let state = self.shared.state.lock().unwrap();
        let (epoch, format) = (state.epoch + 1, state.format);
        drop(state);
        let pages = self.shared.table.pages(epoch_of(epoch), format);
        let mut state = self.shared.state.lock().unwrap();
        (state.epoch, state.generation) = (epoch, FIRST);
        state.pages = pages;
        state.asked_at = None;
        drop(state);
        self.shared.moved.notify_all();
    }

    /// Waits until the newest table is in force; gives the time since its first page was asked for.
    pub(crate) fn wait_until_loaded(&self, patience: Duration) -> Duration {
        let state = self.shared.state.lock().unwrap();
        let wanted = (state.epoch, state.generation);
        drop(state);
        self.wait_for(wanted, patience);
        let state = self.shared.state.lock().unwrap();
        state.asked_at.map_or(Duration::ZERO, |at| at.elapsed())
    }

    fn wait_for(&self, wanted: (u8, u64), patience: Duration) {
        let state = self.shared.state.lock().unwrap();
        let missing = |state: &mut State| state.acknowledged < Some(wanted);
        let waited = self
            .shared
            .moved
            .wait_timeout_while(state, patience, missing);
        let (state, timeout) = waited.unwrap();
        drop(state);
        assert!(!timeout.timed_out(), "no Envoy acknowledged {wanted:?}");
    }
}

impl Shared {
    fn answer(&self, asked: &Asked) -> Arc<Vec<u8>> {
        let mut state = self.state.lock().unwrap();
        let here = state.epoch;
        let format = asked.format.unwrap_or(FormatVersion::OLDEST);
        if format != state.format {
            state.format = format;
            state.pages = self.table.pages(epoch_of(here), format);
        }
        let theirs = (asked.epoch, asked.generation, asked.bucket);
        let (Some(epoch), Some(generation), None) = theirs else {
            return state.page(asked.bucket.unwrap_or(0));
        };
        if epoch != epoch_of(here) {
            return state.page(0);
        }
        state.acknowledged = Some((here, generation));
        self.moved.notify_all();
        let nothing_new = |state: &mut State| {
            (state.epoch, state.generation) == (here, generation)
                && !self.over.load(Ordering::SeqCst)
        };
        let wait = Duration::from_secs(asked.wait_s);
        let waited = self.moved.wait_timeout_while(state, wait, nothing_new);
        let (mut state, _) = waited.unwrap();
        match state.epoch == here {
            true => Arc::new(
                self.table
                    .delta(epoch, format, generation, state.generation),
            ),
            false => state.page(0),
        }
    }
}

impl State {
    fn page(&mut self, bucket: u32) -> Arc<Vec<u8>> {
        if bucket == 0 {
            self.asked_at = Some(Instant::now());
        }
        let page = self.pages.iter().find(|(first, _)| *first == bucket);
        Arc::clone(&page.unwrap().1)
    }
}

impl Asked {
    fn parse(path: &str) -> Self {
        let mut asked = Self::default();
        let query = path.split_once('?').map_or("", |(_, query)| query);
        for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            match name {
                "epoch" => asked.epoch = Epoch::parse(value),
                "generation" => asked.generation = value.parse().ok(),
                "bucket" => asked.bucket = value.parse().ok(),
                "format" => {
                    let number = value.parse().unwrap_or(0);
                    asked.format = FormatVersion::shared_with(number);
                }
                "wait_s" => asked.wait_s = value.parse().unwrap_or(0),
                _ => {}
            }
        }
        asked
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.shared.over.store(true, Ordering::SeqCst);
        self.shared.moved.notify_all();
        // Wakes the acceptor.
        let _ = TcpStream::connect(self.address);
        if let Some(acceptor) = self.acceptor.take() {
            let _ = acceptor.join();
        }
    }
}
