//! What may happen next in the world, and which of it is a fault.
//!
//! Does not do it. Invariant: what is no fault happens in the product without anybody's harm.

/// Where a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A request on its way to the sidecar.
    Request,
    /// A request that the sidecar holds.
    Held,
    /// An answer on its way back.
    Answer,
}

/// What may happen next. `e`, the first number: an Envoy; the second: which of its messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A key loses its right or gets it back.
    Change(usize),
    /// A request arrives.
    Arrive(usize, usize),
    /// The wait of a held request is over.
    Heartbeat(usize, usize),
    /// An answer arrives.
    Take(usize, usize),
    /// A lease's time passes, in which nothing arrives: what was under way is lost.
    Tick,
    /// A request arrives, and will arrive once more.
    ArriveTwice(usize, usize),
    /// An answer arrives, and will arrive once more.
    TakeTwice(usize, usize),
    /// A message is lost with its connection, and both sides notice.
    Lose(Place, usize, usize),
    /// The agent waits no longer; what is under way will still arrive, late.
    GiveUp(usize),
    /// A lease's time passes, and one message outlives it.
    Outlive(Place, usize, usize),
    /// The sidecar is killed and started again.
    KillSidecar,
    /// The sidecar is stopped and started again.
    RestartSidecar,
    /// The sidecar is killed and started again from a copy from before the last change.
    Restore,
    /// An Envoy is killed and started again.
    KillEnvoy(usize),
}

impl Step {
    /// Whether it counts as a fault.
    pub fn is_fault(self) -> bool {
        match self {
            Self::Change(_) | Self::Arrive(..) | Self::Heartbeat(..) => false,
            Self::Take(..) | Self::Tick => false,
            Self::ArriveTwice(..) | Self::TakeTwice(..) | Self::Lose(..) => true,
            Self::GiveUp(_) | Self::Outlive(..) | Self::KillEnvoy(_) => true,
            Self::KillSidecar | Self::RestartSidecar | Self::Restore => true,
        }
    }

    /// Whether it is a fault of one Envoy and not of the other.
    pub fn singles_out(self) -> bool {
        let of_both = matches!(
            self,
            Self::KillSidecar | Self::RestartSidecar | Self::Restore
        );
        self.is_fault() && !of_both
    }
}
