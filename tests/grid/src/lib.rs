//! The decision grid: every combination of a key's policy and what a request brings.
//!
//! Compiled natively and to wasm, so that both can be held against each other; the native tests
//! also hold every cell against an oracle of their own. Does not say what the right outcome is:
//! that would be the code under test judging itself.
//!
//! Invariant: [`cells`] gives the same cells in the same order on every machine.

pub mod policy;
pub mod resources;

use keytable::{Denial, Found, Norm, RecordView, RequestFacts, Resources, decide};

pub use policy::{AddressCase, AxisCase, Expiry, Policy};
pub use resources::ResourceCase;

/// The time of every request of the grid, in milliseconds since 1970.
pub const NOW_UNIX_MS: u64 = 1_798_761_600_000;

/// One combination.
#[derive(Clone, Copy, Debug)]
pub struct Cell {
    /// The key, and where the request comes from.
    pub policy: Policy,
    /// What the request names.
    pub resources: ResourceCase,
}

/// What was decided.
pub type Outcome = Result<(), Denial>;

/// All cells, in their order.
pub fn cells() -> impl Iterator<Item = Cell> {
    Policy::all().flat_map(|policy| {
        ResourceCase::ALL
            .into_iter()
            .map(move |resources| Cell { policy, resources })
    })
}

/// FNV-1a over the outcomes of all cells, in their order.
pub fn digest() -> u64 {
    Policy::all().fold(0xcbf2_9ce4_8422_2325, |hash, policy| {
        // The record is the same for every request; making it once keeps an interpreter quick.
        let record = policy.record();
        let outcome = |resources| Cell { policy, resources }.outcome_by(record.as_deref()?);
        ResourceCase::ALL
            .into_iter()
            .map(outcome)
            .fold(hash, absorb)
    })
}

fn absorb(hash: u64, outcome: Option<Outcome>) -> u64 {
    let bytes = outcome.map_or(u64::MAX, number).to_le_bytes();
    bytes.into_iter().fold(hash, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// [`digest`], for a host that runs this crate as a wasm module.
#[allow(
    unsafe_code,
    reason = "an export needs its plain name; no other `grid_digest` is linked"
)]
#[unsafe(no_mangle)]
pub extern "C" fn grid_digest() -> u64 {
    digest()
}

/// An outcome with all it carries as one number, different for different outcomes of the grid.
fn number(outcome: Outcome) -> u64 {
    let (tag, carried) = match outcome {
        Ok(()) => (0, 0),
        Err(Denial::Disabled) => (1, 0),
        Err(Denial::Expired { at_unix_ms }) => (2, at_unix_ms),
        Err(Denial::AddressNotAllowed) => (3, 0),
        Err(Denial::OutOfScope { index, axis }) => (4 + axis as u64, index as u64),
        Err(Denial::EndpointNotAllowed) => (6, 0),
    };
    carried << 8 | tag
}

impl Cell {
    /// What keytable decides, through the bytes of the policy's record; `None` if there are none.
    pub fn outcome(&self) -> Option<Outcome> {
        self.outcome_by(&self.policy.record()?)
    }

    /// The outcome by a record that was made from the cell's policy.
    fn outcome_by(&self, bytes: &[u8]) -> Option<Outcome> {
        let record = RecordView::parse(bytes).ok()?;
        let facts = RequestFacts {
            now_unix_ms: NOW_UNIX_MS,
            address: self.policy.address.client(),
        };
        let norm = Norm::Plain;
        let names = self.resources.names();
        let found: Option<Vec<Found<'_>>> =
            names.map(|names| names.iter().map(|name| Found { name, norm }).collect());
        let resources = match &found {
            Some(found) => Resources::Named(found),
            None => Resources::Unlocated,
        };
        Some(decide(&record, &facts, resources).map(|_| ()))
    }
}
