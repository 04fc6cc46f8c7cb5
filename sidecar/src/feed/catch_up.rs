//! How one agent catches up with the newest generation: blocks on the store, does not wait or answer.
//!
//! Invariant: what is found is of one moment.

use actix_web::web::Bytes;
use keytable::{Epoch, FormatVersion, Generation};

use crate::compile;
use crate::domain::clock::UnixMillis;
use crate::domain::region::RegionId;
use crate::feed::position::{self, AgentPosition, Needs};
use crate::http::problem::Problem;
use crate::store::{News, Store};

/// What an agent asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct TableQuery {
    pub(super) region: RegionId,
    /// What it has in force.
    pub(super) position: Option<(Epoch, Generation)>,
    pub(super) format: FormatVersion,
}

/// How one agent catches up.
#[derive(Clone, Debug)]
pub(super) struct CatchUp {
    /// The newest generation.
    pub(super) newest: Generation,
    /// What the agent has of this history.
    pub(super) position: AgentPosition,
    /// What to answer.
    pub(super) next: NextAnswer,
}

/// What to answer the agent.
#[derive(Clone, Debug)]
pub(super) enum NextAnswer {
    /// It has the newest generation.
    Wait,
    /// This frame leads it there.
    Delta(Bytes),
    /// It needs the whole table.
    Snapshot,
}

/// Finds out how an agent that asks catches up.
pub(super) fn catch_up(
    store: &Store,
    asked: &TableQuery,
    now: UnixMillis,
) -> Result<CatchUp, Problem> {
    let (newest, changes) = match store.news(&asked.region, asked.position, now)? {
        News::Gap { newest } => (newest, None),
        News::Changes { newest, changes } => (newest, Some(changes)),
    };
    let epoch = store.epoch();
    let position = position::judge(asked.position, epoch, newest, changes.is_some());
    let next = match (position.needs, changes) {
        (Needs::Nothing, _) => NextAnswer::Wait,
        (Needs::Delta(from), Some(changes)) => {
            compile::delta(epoch, from, newest, &changes, asked.format)
                .map_err(|error| Problem::internal(&error))?
                .map_or(NextAnswer::Snapshot, |frame| {
                    NextAnswer::Delta(frame.into())
                })
        }
        (Needs::Delta(_) | Needs::Snapshot, _) => NextAnswer::Snapshot,
    };
    Ok(CatchUp {
        newest,
        position,
        next,
    })
}
