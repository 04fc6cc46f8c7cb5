//! A way to the feed on which answers get lost: Envoy sends, the sidecar answers, nobody hears it.
//!
//! Passes everything else on as it is. Invariant: an answer that is lost was given: the sidecar has
//! done what it was asked for.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

/// How the reports of usage begin.
const REPORT: &[u8] = b"POST /feed/v1/usage";

/// A running way. It ends with the process.
#[derive(Clone, Debug)]
pub struct Lossy(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    to: SocketAddr,
    loses: AtomicBool,
    lost: AtomicUsize,
}

impl Lossy {
    /// Listens on a port of loopback and leads to another; loses nothing yet.
    pub fn start(port: u16, to_port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).expect("the port is free");
        let lossy = Self(Arc::new(Shared {
            to: SocketAddr::from(([127, 0, 0, 1], to_port)),
            loses: AtomicBool::new(false),
            lost: AtomicUsize::new(0),
        }));
        let shared = Arc::clone(&lossy.0);
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // Nobody is there: the client hears it by the end of its connection.
                if let Ok(server) = TcpStream::connect(shared.to) {
                    pass_on(&shared, client, server);
                }
            }
        });
        lossy
    }

    /// Whether answers to reports of usage get lost from now on.
    pub fn lose(&self, loses: bool) {
        self.0.loses.store(loses, Ordering::SeqCst);
    }

    /// How many answers were lost.
    pub fn lost(&self) -> usize {
        self.0.lost.load(Ordering::SeqCst)
    }
}

/// Copies in both directions until one side ends, or until an answer is to be lost.
fn pass_on(shared: &Arc<Shared>, client: TcpStream, server: TcpStream) {
    let reported = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&reported);
    let (from, to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    thread::spawn(move || {
        copy(from, to, |bytes| {
            asked.store(bytes.starts_with(REPORT), Ordering::SeqCst);
            true
        });
    });
    let shared = Arc::clone(shared);
    thread::spawn(move || {
        copy(server, client, |_| {
            let loses = shared.loses.load(Ordering::SeqCst) && reported.load(Ordering::SeqCst);
            if loses {
                shared.lost.fetch_add(1, Ordering::SeqCst);
            }
            !loses
        });
    });
}

/// Copies what `admit` lets through; ends both sides with the first that ends.
fn copy(mut from: TcpStream, mut to: TcpStream, mut admit: impl FnMut(&[u8]) -> bool) {
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(size @ 1..) = from.read(&mut buffer) {
        let bytes = &buffer[..size];
        if !admit(bytes) || to.write_all(bytes).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}
