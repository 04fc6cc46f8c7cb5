//! What there is for one agent at one moment: blocks on the store, does not wait or answer.
//!
//! Invariant: what is found is of one moment.

use keytable::{Epoch, FormatVersion, Generation};

use crate::api::problem::Problem;
use crate::compile;
use crate::domain::region::RegionId;
use crate::feed::standing::{Needs, Standing, standing};
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
    let (newest, changes) = match store.news(region, position)? {
        News::Gap { newest } => (newest, None),
        News::Changes { newest, changes } => (newest, Some(changes)),
    };
    let epoch = store.epoch();
    let Standing {
        acknowledged,
        needs,
    } = standing(position, epoch, newest, changes.is_some());
    let step = match (needs, changes) {
        (Needs::Nothing, _) => Step::Wait,
        (Needs::Delta(from), Some(changes)) => {
            compile::delta(epoch, from, newest, &changes, format)
                .map_err(|error| Problem::internal(&error))?
                .map_or(Step::Snapshot, Step::Delta)
        }
        (Needs::Delta(_) | Needs::Snapshot, _) => Step::Snapshot,
    };
    Ok(Look {
        newest,
        acknowledged,
        step,
    })
}
