//! A limit: how much of a unit a subject may use in a window.
//!
//! [`Limit`] is what an admin writes, [`RecordedLimit`] what a record holds of it, [`CounterId`] the one
//! sum that it is compared with. Does not know what was used, and reads no clock: a time is an argument.
//!
//! Invariant: a value of these types is valid; what is not, was refused when it was read.

mod amount;
mod calendar;
mod counter;
mod recorded;
mod refill;
mod set;
mod window;

pub use amount::{Amount, ExpectedTokens};
pub use calendar::utc_text;
pub use counter::{CounterId, LimitSubject};
pub use recorded::{RecordedLimit, RecordedLimits};
pub use refill::MinuteLevel;
pub use set::{Limits, LimitsError};
pub use window::{StartDay, UtcOffset, Window, WindowKind, WindowSpan};

pub(crate) use recorded::{put_limits, read_limits};

/// How much of a unit may be used in a window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// What is counted.
    pub unit: Unit,
    /// In which time.
    pub window: Window,
    /// How much of it.
    pub amount: Amount,
    /// What a request is expected to use besides its body; of requests it means nothing.
    pub expected: ExpectedTokens,
    /// What an Envoy does that has not heard the ledger for 10 s.
    pub when_apart: WhenApart,
    /// What becomes of what is used outside of an answer; of requests it means nothing.
    pub unmetered: Unmetered,
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Unit {
    /// Tokens, those of the prompt and those of the answer together.
    Tokens = 1,
    /// Requests that were permitted.
    Requests = 2,
}

/// What an Envoy does that has not heard the ledger for 10 s.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenApart {
    /// It goes on with what it knows, until its lease ends.
    #[default]
    Serve,
    /// It refuses.
    Refuse,
}

/// What becomes of a request whose use its answer cannot state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Unmetered {
    /// It is refused.
    #[default]
    Refuse,
    /// It is charged what it held.
    Charge,
}

impl Unit {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Tokens, Self::Requests];

    /// The word in an API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tokens => "tokens",
            Self::Requests => "requests",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|unit| unit.as_str() == text)
    }

    /// The code in a format.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// Reads the code.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|unit| unit.code() == code)
    }
}

impl WhenApart {
    /// The word in an API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Serve => "serve",
            Self::Refuse => "refuse",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<Self> {
        let both = [Self::Serve, Self::Refuse];
        both.into_iter().find(|word| word.as_str() == text)
    }
}

impl Unmetered {
    /// The word in an API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refuse => "refuse",
            Self::Charge => "charge",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Option<Self> {
        let both = [Self::Refuse, Self::Charge];
        both.into_iter().find(|word| word.as_str() == text)
    }
}

#[cfg(test)]
mod tests;
