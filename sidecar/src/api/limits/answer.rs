//! What callers are told about limits.
//!
//! Does not work figures out. Invariant: a figure that nobody has is null, never 0.

use std::borrow::Cow;

use keytable::{ExpectedTokens, Limit, StartDay, Unit, Unmetered, WhenApart, WindowKind};
use schemars::{JsonSchema, Schema};
use serde::Serialize;

use crate::domain::clock::UnixMillis;
use crate::domain::limit::CountedLimits;
use crate::feed::propagation::Propagation;
use crate::http::shape::{Shape, Shown, words};
use crate::service::limits::{LimitFigures, LimitReport};

/// How much of a unit may be used in a window.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Limit")]
pub(crate) struct LimitAnswer {
    /// What is counted
    unit: Shown<Unit>,
    /// In which time
    window: Shown<WindowKind>,
    /// How much of it
    amount: u64,
    /// On which day a month begins; in a shorter month on its last day
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u8")]
    start_day: Option<u8>,
    /// Where the midnight of a day or month is, such as +08:00
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    utc_offset: Option<String>,
    /// How many tokens a request is expected to use besides those of its body
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "u32")]
    expected: Option<u32>,
    /// What becomes of what is used outside of an answer
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Shown<Unmetered>")]
    unmetered: Option<Shown<Unmetered>>,
    /// What an Envoy does that has not heard the sidecar for 10 s
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Shown<WhenApart>")]
    when_apart: Option<Shown<WhenApart>>,
}

/// The limits of a key or an account, and how they stand.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "LimitList")]
pub(crate) struct LimitsAnswer {
    /// Each limit; none: nothing is limited
    limits: Vec<StandingAnswer>,
    /// Envoys that were not heard for 2 s, and may have used what is not in the figures
    unheard: Vec<UnheardEnvoy>,
    /// Envoys of an earlier release: they cannot keep limits, and refuse every key that has some
    refusing: Vec<String>,
}

/// The limits of a key or an account after their counters began anew.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ResetLimits")]
pub(crate) struct ResetAnswer {
    #[serde(flatten)]
    limits: LimitsAnswer,
    /// How far the change has come
    propagation: Propagation,
}

/// How a limit stands.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "LimitStanding")]
pub(crate) struct StandingAnswer {
    /// The limit
    limit: LimitAnswer,
    /// What was used in this window, as far as Envoys have said; null: each Envoy counts alone
    used: Option<u64>,
    /// What running requests hold besides; null: each Envoy counts alone
    held: Option<u64>,
    /// What is left; null: each Envoy counts alone
    remaining: Option<u64>,
    /// The window of this moment; null: a minute refills evenly
    window: Option<WindowAnswer>,
    /// Whether what was used has reached the amount
    exhausted: bool,
    /// Whether each Envoy keeps it alone, so that so many Envoys let so many times as much pass
    per_envoy: bool,
}

/// When a window begins and ends.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "LimitWindow")]
struct WindowAnswer {
    /// Its first moment
    start: Shown<UnixMillis>,
    /// The first moment that is not in it; null: it does not end
    end: Option<Shown<UnixMillis>>,
}

/// An Envoy that was not heard lately.
#[derive(Debug, Serialize, JsonSchema)]
struct UnheardEnvoy {
    /// Its name
    envoy: String,
    /// Since when
    since: Shown<UnixMillis>,
}

impl LimitAnswer {
    fn new(limit: &Limit) -> Self {
        let of_tokens = limit.unit == Unit::Tokens;
        let in_ledger = limit.window.kind().is_in_ledger();
        Self {
            unit: Shown(limit.unit),
            window: Shown(limit.window.kind()),
            amount: limit.amount.get(),
            start_day: limit.window.start_day().map(StartDay::get),
            utc_offset: limit.window.utc_offset().map(|offset| offset.to_string()),
            expected: of_tokens.then(|| ExpectedTokens::get(limit.expected)),
            unmetered: of_tokens.then_some(Shown(limit.unmetered)),
            when_apart: in_ledger.then_some(Shown(limit.when_apart)),
        }
    }

    /// The limits of a key or an account.
    pub(crate) fn all(limits: &CountedLimits) -> Vec<Self> {
        limits.iter().map(|one| Self::new(&one.limit)).collect()
    }
}

impl LimitsAnswer {
    pub(crate) fn new(report: &LimitReport) -> Self {
        let unheard = report.unheard.iter().map(|silence| UnheardEnvoy {
            envoy: silence.node.to_string(),
            since: Shown(silence.since),
        });
        Self {
            limits: report.limits.iter().map(StandingAnswer::new).collect(),
            unheard: unheard.collect(),
            refusing: report.refusing.iter().map(ToString::to_string).collect(),
        }
    }
}

impl ResetAnswer {
    pub(crate) fn new(report: &LimitReport, propagation: Propagation) -> Self {
        Self {
            limits: LimitsAnswer::new(report),
            propagation,
        }
    }
}

impl StandingAnswer {
    pub(crate) fn new(figures: &LimitFigures) -> Self {
        let limit = &figures.recorded.limit;
        let in_ledger = limit.window.kind().is_in_ledger();
        Self {
            limit: LimitAnswer::new(limit),
            used: in_ledger.then_some(figures.recorded.used),
            held: in_ledger.then_some(figures.held),
            remaining: in_ledger.then(|| figures.remaining()),
            window: in_ledger.then(|| WindowAnswer {
                start: Shown(figures.start),
                end: figures.end.map(Shown),
            }),
            exhausted: figures.is_exhausted(),
            per_envoy: !in_ledger,
        }
    }
}

/// The words of an enumeration of the contract.
macro_rules! enumerations {
    ($($value:ty: $name:literal, $all:expr, $about:literal;)*) => {$(
        impl Shape for $value {
            const NAME: Option<&'static str> = Some($name);

            fn text(&self) -> Cow<'_, str> {
                self.as_str().into()
            }

            fn schema() -> Schema {
                words($all.map(Self::as_str), $about)
            }
        }
    )*};
}

enumerations! {
    Unit: "LimitUnit", Self::ALL, "tokens: of prompts and answers together; requests: those permitted";
    WindowKind: "LimitWindowKind", Self::ALL, "In which time a limit counts";
    WhenApart: "WhenApart", [Self::Serve, Self::Refuse], "serve: on what it knows; refuse: not at all";
    Unmetered: "Unmetered", [Self::Refuse, Self::Charge],
        "refuse: such a request is refused; charge: it pays what it held";
}
