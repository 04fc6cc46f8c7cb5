//! Faults that can be put in on purpose, to see that a check finds them.
//!
//! Compiled in with the feature `mutants`, which only the checks ask for; otherwise `mutant!` is
//! `false`. Invariant: without a switch that is set, nothing behaves differently.

/// Whether a fault is put in.
#[cfg(feature = "mutants")]
macro_rules! mutant {
    ($name:ident) => {
        $crate::mutant::is_on($crate::mutant::Mutant::$name)
    };
}

/// Whether a fault is put in: never.
#[cfg(not(feature = "mutants"))]
macro_rules! mutant {
    ($name:ident) => {
        false
    };
}

#[cfg(feature = "mutants")]
pub use switch::{Mutant, is_on, set};

#[cfg(feature = "mutants")]
mod switch {
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// A fault.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Mutant {
        /// An answer to another request counts.
        TakeAnyAnswer,
        /// A lease is counted from when the answer came.
        RenewFromReceipt,
        /// A page is taken that does not follow.
        PagesInAnyOrder,
        /// A snapshot's lease is counted from its last page.
        RenewFromLastPage,
        /// Pages of several snapshots make one.
        MixSnapshots,
        /// A snapshot is complete with any page.
        OnePageIsAll,
        /// Buckets that a snapshot leaves empty keep their records.
        KeepOldBuckets,
        /// Workers are not told of a new table.
        KeepTheEdition,
        /// What a delta removes stays.
        SkipRemovals,
        /// A snapshot older than the table is taken.
        AcceptOlder,
        /// A delta is taken that begins elsewhere.
        AcceptGaps,
        /// A delta of another history is taken.
        AcceptOtherEpochs,
        /// A delta is taken on a snapshot half loaded.
        BuildOnAMixture,
        /// What is in force is never told.
        SkipTheAck,
        /// A request whose answer never comes is waited for, for ever.
        NeverGiveUp,
        /// The head is written before the slots.
        HeadFirst,
        /// What Envoy did not take is acknowledged.
        AckTheUnwritten,
        /// Workers do not learn which buckets have changed.
        NoteNoChange,
    }

    static ON: AtomicUsize = AtomicUsize::new(0);

    impl Mutant {
        /// Every fault.
        pub const ALL: [Self; 18] = [
            Self::TakeAnyAnswer,
            Self::RenewFromReceipt,
            Self::PagesInAnyOrder,
            Self::RenewFromLastPage,
            Self::MixSnapshots,
            Self::OnePageIsAll,
            Self::KeepOldBuckets,
            Self::KeepTheEdition,
            Self::SkipRemovals,
            Self::AcceptOlder,
            Self::AcceptGaps,
            Self::AcceptOtherEpochs,
            Self::BuildOnAMixture,
            Self::SkipTheAck,
            Self::NeverGiveUp,
            Self::HeadFirst,
            Self::AckTheUnwritten,
            Self::NoteNoChange,
        ];
    }

    /// Puts one fault in, and takes any other out.
    pub fn set(mutant: Option<Mutant>) {
        ON.store(
            mutant.map_or(0, |mutant| mutant as usize + 1),
            Ordering::SeqCst,
        );
    }

    /// Whether it is put in.
    pub fn is_on(mutant: Mutant) -> bool {
        ON.load(Ordering::Relaxed) == mutant as usize + 1
    }
}
