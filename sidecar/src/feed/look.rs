//! What there is for one agent at one moment: blocks on the store, does not wait or answer.
//!
//! Invariant: what is found is of one moment.

use actix_web::web::Bytes;
use keytable::Generation;

use crate::compile;
use crate::feed::looks::Asked;
use crate::feed::standing::{Needs, Standing, standing};
use crate::http::problem::Problem;
use crate::store::{News, Store};

/// The findings of one look.
#[derive(Clone, Debug)]
pub(super) struct Look {
    /// The newest generation.
    pub(super) newest: Generation,
    /// How the agent stands to this history.
    pub(super) standing: Standing,
    /// What to do.
    pub(super) step: Step,
}

/// What to do for the agent.
#[derive(Clone, Debug)]
pub(super) enum Step {
    /// It has the newest generation.
    Wait,
    /// This frame leads it there.
    Delta(Bytes),
    /// It needs the whole table.
    Snapshot,
}

/// Looks what there is for an agent that asks.
pub(super) fn look(store: &Store, asked: &Asked) -> Result<Look, Problem> {
    let (newest, changes) = match store.news(&asked.region, asked.position)? {
        News::Gap { newest } => (newest, None),
        News::Changes { newest, changes } => (newest, Some(changes)),
    };
    let epoch = store.epoch();
    let standing = standing(asked.position, epoch, newest, changes.is_some());
    let step = match (standing.needs, changes) {
        (Needs::Nothing, _) => Step::Wait,
        (Needs::Delta(from), Some(changes)) => {
            compile::delta(epoch, from, newest, &changes, asked.format)
                .map_err(|error| Problem::internal(&error))?
                .map_or(Step::Snapshot, |frame| Step::Delta(frame.into()))
        }
        (Needs::Delta(_) | Needs::Snapshot, _) => Step::Snapshot,
    };
    Ok(Look {
        newest,
        standing,
        step,
    })
}
