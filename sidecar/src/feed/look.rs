//! What there is for one agent at one moment: blocks on the store, does not wait or answer.
//!
//! Invariant: a generation counts as the agent's own only if it is of this history and not from
//! the future of it.

use keytable::{Epoch, FormatVersion, Generation};

use crate::api::problem::Problem;
use crate::compile;
use crate::domain::region::RegionId;
use crate::store::{News, Store};

/// The findings of one look.
#[derive(Debug)]
pub(super) struct Look {
    /// The newest generation.
    pub(super) newest: Generation,
    /// What the agent has in force of this history.
    pub(super) acknowledged: Option<Generation>,
    /// What to do.
    pub(super) step: Step,
}

/// What to do for the agent.
#[derive(Debug)]
pub(super) enum Step {
    /// It has the newest generation.
    Wait,
    /// This frame leads it there.
    Delta(Vec<u8>),
    /// It needs the whole table.
    Snapshot,
}

/// Looks what there is for an agent that has `position` in force.
pub(super) fn look(
    store: &Store,
    region: &RegionId,
    position: Option<(Epoch, Generation)>,
    format: FormatVersion,
) -> Result<Look, Problem> {
    let ours = position
        .filter(|(epoch, _)| *epoch == store.epoch())
        .map(|(_, from)| from);
    let (newest, changes) = match store.news(region, position)? {
        News::Gap { newest } => (newest, None),
        News::Changes { newest, changes } => (newest, Some(changes)),
    };
    let acknowledged = ours.filter(|from| *from <= newest);
    let step = match (acknowledged, changes) {
        (Some(from), Some(_)) if from == newest => Step::Wait,
        (Some(from), Some(changes)) => {
            compile::delta(store.epoch(), from, newest, &changes, format)
                .map_err(|error| Problem::internal(&error))?
                .map_or(Step::Snapshot, Step::Delta)
        }
        _ => Step::Snapshot,
    };
    Ok(Look {
        newest,
        acknowledged,
        step,
    })
}
