//! Many agents without Envoys: each keeps a hanging request open, acknowledges what it is given by
//! its next one, and notes when it was told.
//!
//! One thread and one epoll for all, so that the machine belongs to the sidecar. Does not apply what
//! it is given. Invariant: a watcher asks as an agent does, and an answer that no agent would accept
//! ends the benchmark.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use keytable::{Epoch, Frame};
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};
use tests::raw::address_of;

/// Longer than a round: nobody is answered for nothing.
const WAIT_S: u64 = 60;
/// How long a change may take to reach all.
const PATIENCE: Duration = Duration::from_secs(60);

/// All watchers of one round.
#[derive(Debug)]
pub(crate) struct Watchers {
    epoll: OwnedFd,
    token: String,
    epoch: Epoch,
    watchers: Vec<Watcher>,
}

#[derive(Debug)]
struct Watcher {
    stream: TcpStream,
    generation: u64,
    received: Vec<u8>,
}

impl Watchers {
    /// So many watchers that have the newest table. `token`: the header value of the feed.
    pub(crate) fn open(feed_url: &str, token: &str, count: usize) -> Self {
        let (epoch, generation) = newest(feed_url, token);
        let epoll = epoll::create(CreateFlags::CLOEXEC).unwrap();
        let mut all = Self {
            epoll,
            token: token.to_owned(),
            epoch,
            watchers: Vec::with_capacity(count),
        };
        for number in 0..count {
            let stream = TcpStream::connect(address_of(feed_url)).unwrap();
            stream.set_nodelay(true).unwrap();
            stream.set_nonblocking(true).unwrap();
            let data = EventData::new_u64(number as u64);
            epoll::add(&all.epoll, &stream, data, EventFlags::IN).unwrap();
            all.watchers.push(Watcher {
                stream,
                generation,
                received: Vec::new(),
            });
            all.ask(number);
        }
        all
    }

    /// Waits until every watcher was given `generation` and has asked on; the times since `begin`,
    /// in milliseconds.
    pub(crate) fn wait_for(&mut self, generation: u64, begin: Instant) -> Vec<f64> {
        let mut told_ms = Vec::with_capacity(self.watchers.len());
        let mut events: Vec<Event> = Vec::with_capacity(1024);
        while told_ms.len() < self.watchers.len() {
            assert!(begin.elapsed() < PATIENCE, "{} were told", told_ms.len());
            events.clear();
            let second = Duration::from_secs(1).try_into().unwrap();
            let room = rustix::buffer::spare_capacity(&mut events);
            epoll::wait(&self.epoll, room, Some(&second)).unwrap();
            for event in &events {
                let number = usize::try_from(event.data.u64()).unwrap();
                if self.is_told(number, generation) {
                    told_ms.push(begin.elapsed().as_secs_f64() * 1e3);
                }
            }
        }
        told_ms
    }

    /// Reads what has come; whether that was the awaited generation.
    fn is_told(&mut self, number: usize, generation: u64) -> bool {
        let watcher = &mut self.watchers[number];
        watcher.read();
        let Some(body) = body_of(&watcher.received) else {
            return false;
        };
        let Ok(Frame::Delta(delta)) = Frame::decode(body) else {
            panic!("an answer that leads nowhere: {}", body.escape_ascii());
        };
        assert_eq!(delta.from.get(), watcher.generation);
        let was_told = watcher.generation >= generation;
        watcher.generation = delta.to.get();
        watcher.received.clear();
        let is_told = watcher.generation >= generation;
        self.ask(number);
        is_told && !was_told
    }

    fn ask(&mut self, number: usize) {
        let watcher = &mut self.watchers[number];
        let (epoch, generation) = (self.epoch, watcher.generation);
        let request = format!(
            "GET /feed/v1/table?region=local&agent={number:032x}&node=watcher-{number}&wait_s={WAIT_S}\
             &epoch={epoch}&generation={generation} HTTP/1.1\r\nhost: feed\r\nauthorization: {}\r\n\r\n",
            self.token
        );
        watcher.stream.write_all(request.as_bytes()).unwrap();
    }
}

impl Watcher {
    fn read(&mut self) {
        let mut buffer = [0; 16 * 1024];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => panic!("the sidecar closed a watcher's connection"),
                Ok(read) => self.received.extend_from_slice(&buffer[..read]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
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
fn newest(feed_url: &str, token: &str) -> (Epoch, u64) {
    let agent = "f".repeat(32);
    let url = format!("{feed_url}/feed/v1/table?region=local&agent={agent}&node=probe&wait_s=1");
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
