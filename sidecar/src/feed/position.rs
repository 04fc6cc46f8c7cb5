//! The position of an agent in the history: what it has of it, and what it needs next.
//!
//! Plain decisions without I/O. Invariant: a generation counts as the agent's own only if it is of
//! this history and not from the future of it.

use keytable::{Epoch, Generation};

/// The position of an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AgentPosition {
    /// What it has in force of this history.
    pub acknowledged: Option<Generation>,
    /// Whether it has something in force that this history never had.
    pub is_foreign: bool,
    /// What leads it to the newest generation.
    pub needs: Needs,
}

/// What leads an agent to the newest generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// It is there.
    Nothing,
    /// What has changed since this generation.
    Delta(Generation),
    /// The whole table.
    Snapshot,
}

/// Judges the `position` that an agent claims in the history `epoch`, which is at `newest`.
/// `reaches_back`: what has changed since then is known.
pub fn judge(
    position: Option<(Epoch, Generation)>,
    epoch: Epoch,
    newest: Generation,
    reaches_back: bool,
) -> AgentPosition {
    let ours = position.filter(|(claimed, _)| *claimed == epoch || mutant!(TrustAnyEpoch));
    let acknowledged = ours.map(|(_, from)| from).filter(|from| *from <= newest);
    let needs = match acknowledged {
        Some(from) if from == newest => Needs::Nothing,
        Some(from) if reaches_back => Needs::Delta(from),
        _ => Needs::Snapshot,
    };
    AgentPosition {
        acknowledged: acknowledged.map(|from| match mutant!(CountWhatIsSent) {
            true => newest,
            false => from,
        }),
        is_foreign: position.is_some() && acknowledged.is_none(),
        needs,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_past_of_this_history_counts() {
        let ours = Epoch::from_bytes([1; 16]);
        let at = |epoch: u8, from: u64, reaches_back| {
            let position = Some((Epoch::from_bytes([epoch; 16]), Generation::new(from)));
            judge(position, ours, Generation::new(7), reaches_back)
        };
        let known = |from, needs| AgentPosition {
            acknowledged: Some(Generation::new(from)),
            is_foreign: false,
            needs,
        };
        let unknown = AgentPosition {
            acknowledged: None,
            is_foreign: true,
            needs: Needs::Snapshot,
        };
        assert_eq!(at(1, 7, true), known(7, Needs::Nothing));
        assert_eq!(at(1, 5, true), known(5, Needs::Delta(Generation::new(5))));
        assert_eq!(at(1, 5, false), known(5, Needs::Snapshot));
        assert_eq!(at(1, 8, true), unknown, "from the future");
        assert_eq!(at(2, 7, true), unknown, "of another history");
        let empty = AgentPosition {
            is_foreign: false,
            ..unknown
        };
        assert_eq!(judge(None, ours, Generation::new(7), true), empty);
    }
}
