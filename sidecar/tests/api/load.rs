//! A thousand clients that hold on to the feed: the admin's port goes on. Case A-28.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::thread;
use std::time::Duration;

use rustix::process::{Resource, getrlimit, setrlimit};
use serde_json::Value;

use crate::support::{FEED_TOKEN, Scratch, Sidecar};

const CLIENTS: usize = 1_000;

/// Both ends of each connection are in this process.
fn allow_files(count: u64) {
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < count) {
        limit.current = Some(limit.maximum.map_or(count, |maximum| maximum.min(count)));
        setrlimit(Resource::Nofile, limit).unwrap();
    }
}

/// Sends a request for news, and does not wait for the answer.
fn follow(sidecar: &Sidecar, number: usize, epoch: &str, token: &str) -> TcpStream {
    let address = sidecar.feed().strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!(
        "GET /feed/v1/table?region=local&node=n-{number}&agent={number:032x}&epoch={epoch}\
         &generation=0&wait_s=60 HTTP/1.1\r\nHost: feed\r\nAuthorization: {token}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    stream
}

fn status(stream: &mut TcpStream) -> String {
    let mut line = [0; 12];
    stream.read_exact(&mut line).unwrap();
    String::from_utf8_lossy(&line[9..]).into_owned()
}

/// Whether nothing was answered yet.
fn is_held(stream: &TcpStream) -> bool {
    stream.set_nonblocking(true).unwrap();
    let held = matches!(stream.peek(&mut [0]), Err(error) if error.kind() == ErrorKind::WouldBlock);
    stream.set_nonblocking(false).unwrap();
    held
}

fn live(sidecar: &Sidecar) -> usize {
    let envoys = sidecar.get("/v1/envoys").json();
    let envoys = envoys["envoys"].as_array().unwrap();
    envoys
        .iter()
        .filter(|envoy| envoy["live"] == Value::Bool(true))
        .count()
}

/// The history of the database, from the head of a frame.
fn epoch(sidecar: &Sidecar) -> String {
    let mut agent = crate::support::agent::Agent::new(sidecar, 'f', "first", "local");
    agent.catch_up();
    let (epoch, _) = agent.position.unwrap();
    epoch.to_string()
}

#[test]
fn a_thousand_that_wait_for_news_slow_nobody_down_and_get_it() {
    allow_files(8_192);
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let epoch = epoch(&sidecar);
    let mut followers: Vec<_> = (0..CLIENTS)
        .map(|number| follow(&sidecar, number, &epoch, FEED_TOKEN))
        .collect();
    while live(&sidecar) < CLIENTS {
        thread::sleep(Duration::from_millis(20));
    }
    for _ in 0..20 {
        assert_eq!(sidecar.get("/v1/keys?account=demo").status, 200);
    }
    assert!(
        followers.iter().all(is_held),
        "the admin was answered while all of them waited"
    );
    sidecar.make("news", "local");
    for follower in &mut followers {
        assert_eq!(status(follower), "200");
    }
}

#[test]
fn a_thousand_without_a_token_hold_nothing() {
    allow_files(8_192);
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let epoch = epoch(&sidecar);
    let mut strangers: Vec<_> = (0..CLIENTS)
        .map(|number| follow(&sidecar, number, &epoch, "Bearer wrong"))
        .collect();
    for stranger in &mut strangers {
        assert_eq!(status(stranger), "401");
    }
    assert!(live(&sidecar) <= 1, "no Envoy was made of them");
    assert_eq!(sidecar.get("/v1/keys?account=demo").status, 200);
}

#[test]
fn a_thousand_that_say_nothing_are_sent_away() {
    allow_files(8_192);
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    for port in [sidecar.admin(), sidecar.feed()] {
        let address = port.strip_prefix("http://").unwrap();
        let connect = |_| TcpStream::connect(address).unwrap();
        let mut silent: Vec<_> = (0..CLIENTS / 2).map(connect).collect();
        // Half a request is no more than none.
        silent.iter_mut().step_by(2).for_each(|stream| {
            stream
                .write_all(b"GET /v1/keys HTTP/1.1\r\nHost: ")
                .unwrap();
        });
        assert_eq!(sidecar.get("/v1/keys?account=demo").status, 200);
        for stream in &mut silent {
            // However it is put, it is over.
            let _ = stream.read_to_end(&mut Vec::new());
        }
    }
}
