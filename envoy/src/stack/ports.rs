//! The five ports of a stack.
//!
//! It listens on none of them. Invariant: the ports of a stack differ from each other.

use std::io;

use crate::command::say;
use crate::error::StackError;
use crate::ports;

/// Which ports a stack uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PortChoice {
    /// Any free ones.
    #[default]
    Free,
    /// Five in a row from this one: Envoy, Envoy's admin, sidecar, feed, upstream.
    From(u16),
    /// Those that the documentation names; the next free one in place of one that is taken.
    Usual,
}

/// The ports of one stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ports {
    pub(super) listener: u16,
    pub(super) envoy_admin: u16,
    pub(super) sidecar_admin: u16,
    pub(super) feed: u16,
    pub(super) upstream: u16,
}

/// The ports that the documentation names, and whose they are.
const USUAL: [(u16, &str); 5] = [
    (10_000, "Envoy"),
    (9901, "Envoy's admin interface"),
    (9301, "the console"),
    (9302, "the feed"),
    (9400, "the demo upstream"),
];

// === impl Ports ===

impl Ports {
    pub(super) fn choose(choice: PortChoice) -> Result<Self, StackError> {
        match choice {
            PortChoice::Free => Self::of_each(|_| free_port()),
            PortChoice::Usual => Self::of_each(usual),
            PortChoice::From(base) => Self::in_a_row(base),
        }
    }

    fn of_each(
        mut find: impl FnMut((u16, &str)) -> Result<u16, StackError>,
    ) -> Result<Self, StackError> {
        let [listener, envoy_admin, sidecar_admin, feed, upstream] = USUAL;
        Ok(Self {
            listener: find(listener)?,
            envoy_admin: find(envoy_admin)?,
            sidecar_admin: find(sidecar_admin)?,
            feed: find(feed)?,
            upstream: find(upstream)?,
        })
    }

    fn in_a_row(base: u16) -> Result<Self, StackError> {
        let has_room = base > 0 && base.checked_add(4).is_some();
        if !has_room {
            return Err(StackError::PortBase { base });
        }
        let mut next = base..=u16::MAX;
        let mut take = |_: (u16, &str)| next.next().ok_or(StackError::PortBase { base });
        Self::of_each(&mut take)
    }
}

pub(super) fn free_port() -> Result<u16, StackError> {
    ports::free().map_err(failed)
}

/// The usual port of a part, or the next one that is free.
fn usual((port, part): (u16, &str)) -> Result<u16, StackError> {
    let found = ports::free_from(port).map_err(failed)?;
    if found != port {
        say(&format!("port {port} is taken: {part} is on {found}"));
    }
    Ok(found)
}

fn failed(source: io::Error) -> StackError {
    StackError::io("find", "a free port")(source)
}
