//! Many agents without Envoys: each keeps a hanging request open, takes a whole table if it has none,
//! acknowledges what it is given by its next request, and notes when it was told.
//!
//! One thread and one epoll for all, so that the machine belongs to the sidecar. Does not keep what it
//! is given. Invariants: a watcher asks as an agent does, and an answer that no agent would accept ends
//! the run; as behind an Envoy, a connection that the sidecar has answered on may be gone when a watcher
//! that had no time asks again, and a new one may not.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use keytable::limits::BUCKETS;
use keytable::{Epoch, Frame, Page};
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};

use crate::raw::address_of;

/// As long as an agent may wait: nobody is answered for nothing during a run.
const WAIT_S: u64 = 60;
/// How long a table or a change may take to reach all.
const PATIENCE: Duration = Duration::from_secs(60);

/// What a watcher has in force: of which history, and which generation.
pub type Position = (Epoch, u64);

/// All watchers of one run.
#[derive(Debug)]
pub struct Watchers {
    epoll: OwnedFd,
    address: String,
    token: String,
    watchers: Vec<Watcher>,
    /// How many whole tables were begun.
    snapshots: usize,
}

#[derive(Debug)]
struct Watcher {
    stream: TcpStream,
    position: Option<Position>,
    /// The further page that it wants: of which generation, from which bucket on.
    page: Option<(u64, u32)>,
    received: Vec<u8>,
    /// Whether this connection has been answered on: the sidecar keeps an idle one for a while.
    is_used: bool,
}

/// What may follow what was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    /// More.
    Open,
    /// Nothing: the sidecar has closed the connection.
    Ended,
}

impl Watchers {
    /// So many watchers that have `position`, and have asked on. `token`: the header value of the feed.
    pub fn open(feed_url: &str, token: &str, count: usize, position: Option<Position>) -> Self {
        let mut all = Self {
            epoll: epoll::create(CreateFlags::CLOEXEC).unwrap(),
            address: address_of(feed_url).to_owned(),
            token: token.to_owned(),
            watchers: Vec::with_capacity(count),
            snapshots: 0,
        };
        for number in 0..count {
            let stream = all.connect(number);
            all.watchers.push(Watcher {
                stream,
                position,
                page: None,
                received: Vec::new(),
                is_used: false,
            });
            all.ask(number);
        }
        all
    }

    /// All connect and ask again at once; those of which `forgets` says so have started anew and
    /// have no table.
    pub fn reconnect(&mut self, forgets: impl Fn(usize) -> bool) {
        for number in 0..self.watchers.len() {
            let stream = self.connect(number);
            let watcher = &mut self.watchers[number];
            let position = watcher.position.filter(|_| !forgets(number));
            *watcher = Watcher {
                stream,
                position,
                page: None,
                received: Vec::new(),
                is_used: false,
            };
            self.ask(number);
        }
    }

    /// How many whole tables were begun so far.
    pub fn snapshots(&self) -> usize {
        self.snapshots
    }

    /// Waits until every watcher has `generation` and has asked on; when those were told that did
    /// not have it, since `begin`, in milliseconds.
    pub fn wait_for(&mut self, generation: u64, begin: Instant) -> Vec<f64> {
        let has_it = |watcher: &Watcher| watcher.generation() >= Some(generation);
        let mut left = self.watchers.iter().filter(|one| !has_it(one)).count();
        let mut told_ms = Vec::with_capacity(left);
        let mut events: Vec<Event> = Vec::with_capacity(1024);
        while left > 0 {
            assert!(begin.elapsed() < PATIENCE, "{left} were not told");
            events.clear();
            let second = Duration::from_secs(1).try_into().unwrap();
            let room = rustix::buffer::spare_capacity(&mut events);
            epoll::wait(&self.epoll, room, Some(&second)).unwrap();
            for event in &events {
                let number = usize::try_from(event.data.u64()).unwrap();
                let had_it = has_it(&self.watchers[number]);
                self.follow(number);
                if !had_it && has_it(&self.watchers[number]) {
                    told_ms.push(begin.elapsed().as_secs_f64() * 1e3);
                    left -= 1;
                }
            }
        }
        told_ms
    }

    fn connect(&self, number: usize) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_nonblocking(true).unwrap();
        let data = EventData::new_u64(number as u64);
        epoll::add(&self.epoll, &stream, data, EventFlags::IN).unwrap();
        stream
    }

    /// Reads what has come; takes what is whole, and asks on.
    fn follow(&mut self, number: usize) {
        let watcher = &mut self.watchers[number];
        let has_ended = watcher.read() == Reading::Ended;
        let received = std::mem::take(&mut watcher.received);
        let Some(body) = body_of(&received) else {
            watcher.received = received;
            if has_ended {
                self.ask_anew(number);
            }
            return;
        };
        match Frame::decode(body) {
            Ok(Frame::Delta(delta)) => {
                let from = Some((delta.epoch, delta.from.get()));
                assert_eq!(watcher.position, from, "a change of another table");
                watcher.position = Some((delta.epoch, delta.to.get()));
            }
            Ok(Frame::Page(page)) => {
                self.snapshots += usize::from(page.first_bucket == 0);
                watcher.turn(&page);
            }
            Err(error) => panic!("no frame: {error:?}: {}", body.escape_ascii()),
        }
        watcher.is_used = true;
        match has_ended {
            true => self.ask_anew(number),
            false => self.ask(number),
        }
    }

    /// Asks on a new connection what could not be asked on one that has ended.
    fn ask_anew(&mut self, number: usize) {
        let watcher = &self.watchers[number];
        let lost = watcher.received.len();
        assert!(watcher.is_used, "the sidecar closed a new connection");
        assert_eq!(lost, 0, "the sidecar closed it within an answer");
        let stream = self.connect(number);
        let watcher = &mut self.watchers[number];
        (watcher.stream, watcher.is_used) = (stream, false);
        self.ask(number);
    }

    fn ask(&mut self, number: usize) {
        let watcher = &mut self.watchers[number];
        let mut query = format!(
            "region=local&agent={number:032x}&node=watcher-{number}&lease_s=3600&wait_s={WAIT_S}"
        );
        if let Some((epoch, generation)) = watcher.position {
            query += &format!("&epoch={epoch}&generation={generation}");
        }
        if let Some((generation, bucket)) = watcher.page {
            query += &format!("&snapshot={generation}&bucket={bucket}");
        }
        let request = format!(
            "GET /feed/v1/table?{query} HTTP/1.1\r\nhost: feed\r\nauthorization: {}\r\n\r\n",
            self.token
        );
        // One that is closed says so when it is read.
        let asked = watcher.stream.write_all(request.as_bytes());
        assert!(asked.is_ok() || watcher.is_used, "{asked:?}");
    }
}

impl Watcher {
    fn generation(&self) -> Option<u64> {
        self.position.map(|(_, generation)| generation)
    }

    /// Takes a page; with the last one the table is in force.
    fn turn(&mut self, page: &Page<'_>) {
        let (generation, end) = (page.generation.get(), page.end_bucket());
        let wanted = self.page.unwrap_or((generation, 0));
        assert_eq!((generation, page.first_bucket), wanted, "out of turn");
        (self.position, self.page) = match end < BUCKETS {
            true => (None, Some((generation, end))),
            false => (Some((page.epoch, generation)), None),
        };
    }

    fn read(&mut self) -> Reading {
        let mut buffer = [0; 16 * 1024];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => return Reading::Ended,
                Ok(read) => self.received.extend_from_slice(&buffer[..read]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Reading::Open,
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return Reading::Ended,
                Err(error) => panic!("{error}"),
            }
        }
    }
}

/// The body of an answer that is whole and has status 200.
fn body_of(answer: &[u8]) -> Option<&[u8]> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    assert!(head.starts_with("http/1.1 200"), "{head}");
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))?;
    let body = &answer[end + 4..];
    (body.len() == length.trim().parse::<usize>().unwrap()).then_some(body)
}

/// The history and generation of the newest table.
pub fn newest(feed_url: &str, token: &str) -> Position {
    let agent = "f".repeat(32);
    let url = format!(
        "{feed_url}/feed/v1/table?region=local&agent={agent}&node=probe&lease_s=0&wait_s=1"
    );
    let mut answer = ureq::get(&url)
        .header("authorization", token)
        .call()
        .unwrap();
    let body = answer
        .body_mut()
        .with_config()
        .limit(1 << 26)
        .read_to_vec()
        .unwrap();
    match Frame::decode(&body) {
        Ok(Frame::Page(page)) => (page.epoch, page.generation.get()),
        other => panic!("no snapshot: {other:?}"),
    }
}
