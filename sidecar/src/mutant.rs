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

    static ON: AtomicUsize = AtomicUsize::new(0);

    impl Mutant {
        /// Every fault.
        pub const ALL: [Self; 13] = [
            Self::TrustAnyEpoch,
            Self::ForgetWhoIsLost,
            Self::LeaseWithoutSpare,
            Self::LeaseFromTheFirst,
            Self::ForgetOnRestart,
            Self::CountTheOneBefore,
            Self::TrustTheNew,
            Self::TrustTheRemembered,
            Self::CountWhatIsSent,
            Self::AnyOneIsAll,
            Self::ReplaceAnyNode,
            Self::WriteNobodyDown,
            Self::StrikeTheLiving,
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
