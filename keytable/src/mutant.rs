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
    use core::sync::atomic::{AtomicUsize, Ordering};

    /// A fault.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Mutant {
        /// What running requests hold counts as left.
        IgnoreWhatIsHeld,
        /// A request holds what it is expected to use, whatever is left.
        HoldMoreThanIsLeft,
        /// A counter begins with nothing, whatever the record says.
        BeginWithNothing,
        /// What a silent gate held is not charged.
        ForgiveTheSilent,
        /// What a request held stays held.
        KeepTheHold,
        /// What was given up, and so charged, is charged again at the end.
        ChargeTheGivenUpAgain,
        /// A request is settled in whatever window there is.
        SettleInAnyWindow,
        /// What others used is not heard.
        IgnoreTheFigure,
        /// What was settled after a batch counts as told with it.
        AcknowledgeAll,
        /// A window goes of which the ledger does not have everything.
        TidyTheUnsent,
        /// A gate that was given up keeps its number.
        KeepTheNumber,
        /// Charges of a batch that nobody took are forgotten.
        ForgetTheDropped,
    }

    static ON: AtomicUsize = AtomicUsize::new(0);

    impl Mutant {
        /// Every fault.
        pub const ALL: [Self; 12] = [
            Self::IgnoreWhatIsHeld,
            Self::HoldMoreThanIsLeft,
            Self::BeginWithNothing,
            Self::ForgiveTheSilent,
            Self::KeepTheHold,
            Self::ChargeTheGivenUpAgain,
            Self::SettleInAnyWindow,
            Self::IgnoreTheFigure,
            Self::AcknowledgeAll,
            Self::TidyTheUnsent,
            Self::KeepTheNumber,
            Self::ForgetTheDropped,
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
