//! Loopback ports that stay ours while a process restarts.
//!
//! It reserves nothing in the kernel. Invariant: no port is given out twice by one process.

use std::collections::BTreeSet;
use std::fs;
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::wait;

/// Where the search begins.
const LOWEST: u16 = 10_000;
/// Draws before the search gives up and lets the kernel choose.
const DRAWS_MAX: usize = 1_000;
/// How long a port that was given out may still be held by the search for it.
const HELD_MAX: Duration = Duration::from_secs(2);

static GIVEN_OUT: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());

/// A loopback port on which nobody listens.
///
/// It lies below the range from which the kernel takes the ports of outgoing connections: between
/// two starts of a server such a connection could otherwise sit on its port and keep it from
/// listening.
pub fn free() -> io::Result<u16> {
    let mut given_out = GIVEN_OUT.lock().unwrap_or_else(PoisonError::into_inner);
    let outgoing = lowest_outgoing();
    for _ in 0..DRAWS_MAX {
        let Some(port) = draw(LOWEST, outgoing) else {
            break;
        };
        if !given_out.contains(&port) && listens(port).is_ok() {
            given_out.insert(port);
            return Ok(port);
        }
    }
    let port = listens(0)?;
    given_out.insert(port);
    Ok(port)
}

/// The first loopback port from `lowest` on that is free.
pub fn free_from(lowest: u16) -> io::Result<u16> {
    let mut given_out = GIVEN_OUT.lock().unwrap_or_else(PoisonError::into_inner);
    let is_free = |port: &u16| !given_out.contains(port) && listens(*port).is_ok();
    let found = (lowest..=u16::MAX).find(is_free);
    let port = found.ok_or(io::ErrorKind::AddrInUse)?;
    given_out.insert(port);
    Ok(port)
}

/// Listens on a port that was given out. A process that another thread is just starting may hold on
/// to the socket of the search for an instant; that is waited out.
pub fn listen(port: u16) -> io::Result<TcpListener> {
    let mut last = io::ErrorKind::AddrInUse.into();
    let listening = wait::until(HELD_MAX, || {
        match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {
                last = error;
                None
            }
            bound => Some(bound),
        }
    });
    listening.unwrap_or(Err(last))
}

/// Listens for a moment; the port that it was.
fn listens(port: u16) -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, port))?
        .local_addr()?
        .port())
}

/// A random port in `lowest..end`, none if that is empty.
fn draw(lowest: u16, end: u16) -> Option<u16> {
    let random = RandomState::new().hash_one(0_u8);
    let offset = random.checked_rem(u64::from(end.checked_sub(lowest)?))?;
    lowest.checked_add(u16::try_from(offset).ok()?)
}

/// The first port of outgoing connections; Linux's own default if the kernel does not tell.
fn lowest_outgoing() -> u16 {
    fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range")
        .ok()
        .and_then(|range| {
            range
                .split_whitespace()
                .next()
                .and_then(|port| port.parse().ok())
        })
        .unwrap_or(32_768)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_differ_and_can_be_listened_on() {
        let ports: BTreeSet<u16> = (0..20).map(|_| free().unwrap()).collect();
        assert_eq!(ports.len(), 20);
        assert!(ports.iter().all(|port| *port < lowest_outgoing()));
    }

    #[test]
    fn in_place_of_a_taken_port_is_the_next_one() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        let found = free_from(port).unwrap();
        assert!(found > port, "{found}");
        assert!(free_from(found).unwrap() > found, "it is given out once");
    }

    #[test]
    fn a_port_that_is_held_for_an_instant_is_waited_for() {
        let held = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = held.local_addr().unwrap().port();
        let listening = std::thread::spawn(move || listen(port));
        std::thread::sleep(Duration::from_millis(50));
        drop(held);
        let listener = listening.join().unwrap().unwrap();
        assert_eq!(listener.local_addr().unwrap().port(), port);
        let refused = listen(port).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::AddrInUse);
    }

    #[test]
    fn an_empty_range_has_no_port() {
        assert_eq!(draw(10_000, 10_000), None);
        assert_eq!(draw(10_000, 1_024), None);
        assert_eq!(draw(10_000, 10_001), Some(10_000));
    }
}
