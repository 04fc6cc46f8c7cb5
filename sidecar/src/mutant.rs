//! Faults of the sidecar that can be put in on purpose, to see that a check finds them.
//!
//! The switch is keytable's. Invariant: without it nothing behaves differently.

keytable::faults! {
    2_000:
    /// Of the feed's protocol.
    OF_THE_FEED {
        /// A generation of another history counts.
        TrustAnyEpoch,
        /// An Envoy counts only while a request of it is open.
        ForgetWhoIsLost,
        /// A lease is taken for shorter than it may last.
        LeaseWithoutSpare,
        /// A lease is counted from the first request.
        LeaseFromTheFirst,
        /// After a restart no Envoy is known.
        ForgetOnRestart,
        /// An Envoy that is one generation behind has it in force.
        CountTheOneBefore,
        /// An Envoy that has said nothing yet has everything in force.
        TrustTheNew,
        /// One that an earlier process knew has everything in force.
        TrustTheRemembered,
        /// An Envoy has in force what it is sent.
        CountWhatIsSent,
        /// A change is settled as soon as any Envoy has it.
        AnyOneIsAll,
        /// A new agent takes the place of whichever Envoy.
        ReplaceAnyNode,
        /// Nobody is written down.
        WriteNobodyDown,
        /// Whoever has no request open is struck off the disk by the next newcomer.
        StrikeTheLiving,
    }
    /// Of limits.
    OF_LIMITS {
        /// A batch is charged as often as it comes.
        ChargeEachTime,
        /// Of batches that come together one is charged.
        ChargeTheLastAlone,
        /// A window that begins later than now is charged as today's, though it was begun already.
        ChargeTomorrowAsToday,
        /// What others hold is not told.
        TellTheSumAlone,
        /// A process that has just started tells figures that are lower.
        LowerWhenYoung,
        /// What a source that is gone held is forgotten.
        ForgetTheGone,
        /// What was charged for a source that was gone is charged again when it comes back.
        ChargeTheGoneAgain,
        /// A counter is marked whatever its amount is by then.
        MarkWhatWasFull,
        /// No counter is marked.
        MarkNothing,
    }
}
