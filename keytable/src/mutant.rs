//! Faults that can be put in on purpose, to see that a check finds them: the one switch of all rooms, and the
//! faults of this one.
//!
//! Compiled in with the feature `mutants`, which only the checks ask for; otherwise `mutant!` is
//! `false`. A room names its own faults with [`faults!`](crate::faults) in its own module `mutant`. Invariant:
//! without a switch that is set, nothing behaves differently; one fault at most is put in.

/// Whether a fault of the crate that asks is put in.
#[cfg(feature = "mutants")]
#[macro_export]
#[allow(
    clippy::crate_in_macro_def,
    reason = "the fault is one of the crate that asks"
)]
macro_rules! mutant {
    ($name:ident) => {
        $crate::mutant::is_on(crate::mutant::Mutant::$name.number())
    };
}

/// Whether a fault of the crate that asks is put in: never.
#[cfg(not(feature = "mutants"))]
#[macro_export]
macro_rules! mutant {
    ($name:ident) => {
        false
    };
}

/// The faults of a crate, in groups that are checked together. The number is that before the first one: no two
/// crates share any.
#[macro_export]
macro_rules! faults {
    ($before:literal: $($(#[$group_meta:meta])* $group:ident {
        $($(#[$meta:meta])* $name:ident,)+
    })+) => {
        /// A fault.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Mutant {
            $($($(#[$meta])* $name,)+)+
        }

        impl Mutant {
            $($(#[$group_meta])*
            pub const $group: &'static [Self] = &[$(Self::$name),+];)+

            /// Its number among the faults of all crates.
            pub const fn number(self) -> usize {
                self as usize + 1 + $before
            }
        }
    };
}

#[cfg(feature = "mutants")]
pub use switch::{is_on, set};

#[cfg(feature = "mutants")]
mod switch {
    use core::sync::atomic::{AtomicUsize, Ordering};

    static ON: AtomicUsize = AtomicUsize::new(0);

    /// Puts the fault of this number in, and takes any other out.
    pub fn set(number: Option<usize>) {
        ON.store(number.unwrap_or(0), Ordering::SeqCst);
    }

    /// Whether it is put in.
    pub fn is_on(number: usize) -> bool {
        ON.load(Ordering::Relaxed) == number
    }
}

faults! {
    0:
    /// Of limits.
    OF_LIMITS {
        /// What running requests hold counts as left.
        IgnoreWhatIsHeld,
        /// A request holds what it is expected to use, whatever is left.
        HoldMoreThanIsLeft,
        /// A counter begins with nothing, whatever the record says.
        BeginWithNothing,
        /// A request's own unit is charged at its end.
        ChargeRequestsAtTheEnd,
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
        /// What is held is told once, not with each batch.
        TellHoldsOnce,
        /// A mark is taken for good.
        KeepTheMark,
        /// A mark is not read.
        IgnoreTheMark,
        /// A mark counts in windows before its own, too.
        MarkTheDayBefore,
    }
}
