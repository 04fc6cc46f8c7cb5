//! The cells in Envoy's shared data: how they are named, made and changed.
//!
//! Does not know what is in them (`keytable` does). Invariants: a cell is changed by comparing the number
//! that it was read with, never overwritten; one that is missing or damaged is an error, never empty.

use keytable::cell::Cell;

use crate::host::{FeedHost, Host, HostError};

/// How often a change is tried anew because somebody else was faster.
const TRIES: usize = 64;

/// Why a cell could not be changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CellError {
    /// Envoy failed the call, or the right to write is missing.
    Host(HostError),
    /// There is no such cell, or it is damaged.
    Damaged,
    /// Others changed it all the time.
    Contended,
}

/// The name of a cell.
pub fn name(index: u16) -> String {
    format!("latchkey.cell.{index:04x}")
}

/// Makes those that there are not yet. By the agent, before its first lease.
pub fn make(host: &impl FeedHost) -> Result<(), HostError> {
    host.make_cells(&Cell::default().encode())
}

/// A cell as it stands.
pub fn read(host: &impl Host, index: u16) -> Result<Cell, CellError> {
    numbered(host, index).map(|(cell, _)| cell)
}

/// Changes a cell; `work` may be done several times, each on what is there then. What says `false` to
/// have changed anything is not written.
pub fn change<T>(
    host: &impl Host,
    index: u16,
    mut work: impl FnMut(&mut Cell) -> (T, bool),
) -> Result<T, CellError> {
    let tries = match mutant!(TryForEver) {
        true => usize::MAX,
        false => TRIES,
    };
    for _ in 0..tries {
        let (mut cell, number) = numbered(host, index)?;
        let (done, is_changed) = work(&mut cell);
        let written = match is_changed {
            true => host.set_cell(index, &cell.encode(), number),
            false => Ok(true),
        };
        if written.map_err(CellError::Host)? || mutant!(IgnoreTheMismatch) {
            return Ok(done);
        }
    }
    Err(CellError::Contended)
}

fn numbered(host: &impl Host, index: u16) -> Result<(Cell, u32), CellError> {
    let (bytes, number) = host
        .cell(index)
        .map_err(CellError::Host)?
        .ok_or(CellError::Damaged)?;
    let cell = Cell::decode(&bytes).ok_or(CellError::Damaged)?;
    // Under number 0 Envoy compares nothing.
    match number {
        0 if !mutant!(WriteUnderZero) => Err(CellError::Damaged),
        _ => Ok((cell, number)),
    }
}
