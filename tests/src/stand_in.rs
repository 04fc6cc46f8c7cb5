//! A feed without a sidecar: a table that is changed as fast as an agent follows.
//!
//! Takes the port of a feed that nobody listens on. Does not check credentials, does not count, and
//! serves one agent. Invariant: an answer is one that the real feed could give, and a change is
//! over when the agent has acknowledged it.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use keytable::limits::{BUCKETS, PAGE_BUCKETS_MAX, PAGE_BYTES_TARGET};
use keytable::{Change, Delta, Epoch, Generation, KeyHash, Page, RecordView};

use crate::acceptor::Acceptor;
use crate::made_keys::MadeKey;
use crate::raw::address_of;

/// How long an agent may take to follow one step.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long a request is held when there is nothing new: less than any agent asks for.
const HOLD: Duration = Duration::from_millis(500);

/// A running feed; ends when it is dropped.
#[derive(Debug)]
pub struct StandIn {
    shared: Arc<Shared>,
    _acceptor: Acceptor,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    moved: Condvar,
}

/// The encoded records by their hash, in the order of buckets.
type Records = BTreeMap<[u8; KeyHash::BYTES], Vec<u8>>;

#[derive(Debug)]
struct State {
    epoch: u8,
    generation: u64,
    records: Records,
    /// The newest step: the generation from which it leads, and its frame.
    step: (u64, Vec<u8>),
    acknowledged: Option<(u8, u64)>,
}

/// What an agent asks for.
#[derive(Debug, Default)]
struct Asked {
    epoch: Option<Epoch>,
    generation: Option<u64>,
    bucket: u32,
    is_page: bool,
}

impl StandIn {
    /// Listens where the feed would; serves a table of these keys.
    pub fn start(feed_url: &str, keys: impl Iterator<Item = MadeKey>) -> Self {
        let listener = TcpListener::bind(address_of(feed_url)).expect("the feed's port is free");
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                epoch: 1,
                generation: 1,
                records: keys.map(|key| (key.hash, key.record)).collect(),
                step: (1, Vec::new()),
                acknowledged: None,
            }),
            moved: Condvar::new(),
        });
        let serving = Arc::clone(&shared);
        let acceptor = Acceptor::start(listener, move |stream| {
            answer_all(stream, |path| serving.answer(&Asked::parse(path)));
        });
        Self {
            shared,
            _acceptor: acceptor,
        }
    }

    /// Begins a new history with a table of these keys; waits until it is in force.
    pub fn replace(&self, keys: impl Iterator<Item = MadeKey>) {
        let records = keys.map(|key| (key.hash, key.record)).collect();
        self.advance(|state| {
            state.records = records;
            (state.epoch, state.generation) = (state.epoch + 1, 1);
            state.step = (1, Vec::new());
        });
    }

    /// Creates and deletes keys in one step, each a generation; waits until it is in force.
    pub fn change(&self, created: &[MadeKey], deleted: &[MadeKey]) {
        self.advance(|state| {
            let from = state.generation;
            let puts = created
                .iter()
                .map(|key| Change::Put(RecordView::parse(&key.record).unwrap()));
            let removes = deleted
                .iter()
                .map(|key| Change::Remove(KeyHash::from_bytes(key.hash)));
            let changes: Vec<_> = puts.chain(removes).collect();
            state.generation += u64::try_from(changes.len()).unwrap();
            let frame = delta(state.epoch, from, state.generation, changes);
            for key in deleted {
                state.records.remove(&key.hash);
            }
            let records = created.iter().map(|key| (key.hash, key.record.clone()));
            state.records.extend(records);
            state.step = (from, frame);
        });
    }

    /// Waits until the table is in force.
    pub fn wait_until_applied(&self) {
        self.advance(|_| ());
    }

    fn advance(&self, step: impl FnOnce(&mut State)) {
        let mut state = self.shared.state.lock().unwrap();
        step(&mut state);
        let wanted = Some((state.epoch, state.generation));
        self.shared.moved.notify_all();
        let is_missing = |state: &mut State| state.acknowledged != wanted;
        let waited = self
            .shared
            .moved
            .wait_timeout_while(state, PATIENCE, is_missing)
            .unwrap();
        assert!(!waited.1.timed_out(), "no agent acknowledged {wanted:?}");
    }
}

impl Shared {
    fn answer(&self, asked: &Asked) -> Vec<u8> {
        let mut state = self.state.lock().unwrap();
        let here = epoch_of(state.epoch);
        let Some(theirs) = asked.generation.filter(|_| asked.epoch == Some(here)) else {
            return state.page(asked.bucket);
        };
        if asked.is_page {
            return state.page(asked.bucket);
        }
        state.acknowledged = Some((state.epoch, theirs));
        self.moved.notify_all();
        let is_current =
            |state: &mut State| epoch_of(state.epoch) == here && state.generation == theirs;
        let (state, _) = self
            .moved
            .wait_timeout_while(state, HOLD, is_current)
            .unwrap();
        match state.step.0 == theirs && epoch_of(state.epoch) == here {
            true if state.generation > theirs => state.step.1.clone(),
            _ if epoch_of(state.epoch) != here => state.page(0),
            _ => delta(state.epoch, theirs, theirs, Vec::new()),
        }
    }
}

impl State {
    /// The page that begins with this bucket, cut as the sidecar cuts it.
    fn page(&self, first_bucket: u32) -> Vec<u8> {
        let mut first = [0; KeyHash::BYTES];
        first[..2].copy_from_slice(&u16::try_from(first_bucket).unwrap().to_be_bytes());
        let mut rest = self.records.range(first..).peekable();
        let (mut records, mut bytes, mut end) = (Vec::new(), 0, first_bucket);
        while end < BUCKETS && end - first_bucket < PAGE_BUCKETS_MAX && bytes < PAGE_BYTES_TARGET {
            while let Some((_, record)) = rest.next_if(|(hash, _)| bucket_of(hash) == end) {
                bytes += record.len();
                records.push(RecordView::parse(record).unwrap());
            }
            end += 1;
        }
        let page = Page {
            epoch: epoch_of(self.epoch),
            generation: Generation::new(self.generation),
            first_bucket,
            buckets: end - first_bucket,
            records,
        };
        page.encode()
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
                "bucket" => asked.bucket = value.parse().unwrap(),
                "snapshot" => asked.is_page = true,
                _ => {}
            }
        }
        asked
    }
}

fn bucket_of(hash: &[u8; KeyHash::BYTES]) -> u32 {
    u32::from(KeyHash::from_bytes(*hash).bucket())
}

/// The epoch of a history's number.
pub fn epoch_of(number: u8) -> Epoch {
    Epoch::from_bytes([number; 16])
}

fn delta(epoch: u8, from: u64, to: u64, changes: Vec<Change<'_>>) -> Vec<u8> {
    let delta = Delta {
        epoch: epoch_of(epoch),
        from: Generation::new(from),
        to: Generation::new(to),
        changes,
    };
    delta.encode()
}

/// Answers what is asked on one connection to a feed; a report of usage with nothing.
pub fn answer_all<B: Borrow<Vec<u8>>>(mut stream: TcpStream, table: impl Fn(&str) -> B) {
    stream.set_nodelay(true).unwrap();
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    while let Some(path) = read_request(&mut reader) {
        let answer = path.starts_with("/feed/v1/table").then(|| table(&path));
        let body = answer.as_ref().map_or(&[][..], |answer| answer.borrow());
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
        let sent = stream
            .write_all(head.as_bytes())
            .and_then(|()| stream.write_all(body));
        if sent.is_err() {
            return;
        }
    }
}

/// The target of the next request; its body is read and dropped.
fn read_request(reader: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let path = line.split(' ').nth(1)?.to_owned();
    let mut body = 0;
    while line != "\r\n" {
        line.clear();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let header = line.to_ascii_lowercase();
        if let Some(length) = header.strip_prefix("content-length:") {
            body = length.trim().parse().ok()?;
        }
    }
    std::io::copy(&mut reader.take(body), &mut std::io::sink()).ok()?;
    Some(path)
}
