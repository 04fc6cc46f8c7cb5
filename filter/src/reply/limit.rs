//! Nothing is left of a limit: code, message and headers.
//!
//! Does not decide. Invariant: no client is told to wait longer than a minute: SDKs sleep as long as they
//! are told.

use keytable::cell::{LimitRefusal, LimitStanding};
use keytable::limit::utc_text;
use keytable::{Unit, WindowKind};

use crate::locator::Family;

/// What is known when nothing is left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitReached {
    /// Of which limit, and for how long.
    pub refusal: LimitRefusal,
    /// How each limit of its subject stands.
    pub standings: Vec<LimitStanding>,
    /// The ledger's time, in milliseconds since 1970.
    pub now_unix_ms: u64,
}

impl LimitReached {
    /// Whether it is of no use to try again within a minute.
    pub(super) fn is_exhausted(&self) -> bool {
        matches!(self.refusal, LimitRefusal::Exhausted(_))
    }

    /// Code and message.
    pub(super) fn explain(&self) -> (&'static str, String) {
        match &self.refusal {
            LimitRefusal::Exhausted(standing) => {
                let again = match standing.resets_at_unix_ms {
                    Some(at) => format!("There will be more from {} on", utc_text(at)),
                    None => "It does not renew itself".to_owned(),
                };
                let message = format!(
                    "This API key has used up its limit of {}. {again}; ask its owner to raise it.",
                    words(standing)
                );
                ("insufficient_quota", message)
            }
            LimitRefusal::Wait(standing, wait_ms) => {
                let message = format!(
                    "Rate limit reached: {}. Try again in {} s.",
                    words(standing),
                    seconds(*wait_ms)
                );
                ("rate_limit_exceeded", message)
            }
            LimitRefusal::Running(standing) => {
                let message = format!(
                    "The requests that run hold what is left of this API key's limit of {}. Try again \
                     shortly.",
                    words(standing)
                );
                ("rate_limit_exceeded", message)
            }
            LimitRefusal::Apart => ("limits_unavailable", String::new()),
        }
    }

    /// Headers with a value of a few.
    pub(super) fn fixed_headers(&self) -> Option<(&'static str, &'static str)> {
        self.is_exhausted().then_some(("x-should-retry", "false"))
    }

    /// Headers with figures.
    pub(super) fn headers(&self, family: Family) -> Vec<(&'static str, String)> {
        let mut headers = Vec::new();
        match &self.refusal {
            LimitRefusal::Wait(_, wait_ms) => {
                headers.push(("retry-after", seconds(*wait_ms).to_string()));
            }
            LimitRefusal::Running(_) => headers.push(("retry-after", "1".to_owned())),
            LimitRefusal::Exhausted(_) | LimitRefusal::Apart => {}
        }
        headers.extend(limit_headers(family, &self.standings, self.now_unix_ms));
        headers
    }
}

/// Headers that tell how the tightest limit of each unit stands.
pub fn limit_headers(
    family: Family,
    standings: &[LimitStanding],
    now_unix_ms: u64,
) -> Vec<(&'static str, String)> {
    let tightest = Unit::ALL.into_iter().filter_map(|unit| {
        let of_unit = standings.iter().filter(|one| one.unit == unit);
        of_unit.min_by_key(|one| one.left)
    });
    let headers = tightest.flat_map(|one| of_standing(family, one, now_unix_ms));
    headers.collect()
}

fn of_standing(
    family: Family,
    standing: &LimitStanding,
    now_unix_ms: u64,
) -> impl Iterator<Item = (&'static str, String)> {
    let is_anthropic = family == Family::Anthropic;
    let names = match (is_anthropic, standing.unit) {
        (false, Unit::Requests) => [
            "x-ratelimit-limit-requests",
            "x-ratelimit-remaining-requests",
            "x-ratelimit-reset-requests",
        ],
        (false, Unit::Tokens) => [
            "x-ratelimit-limit-tokens",
            "x-ratelimit-remaining-tokens",
            "x-ratelimit-reset-tokens",
        ],
        (true, Unit::Requests) => [
            "anthropic-ratelimit-requests-limit",
            "anthropic-ratelimit-requests-remaining",
            "anthropic-ratelimit-requests-reset",
        ],
        (true, Unit::Tokens) => [
            "anthropic-ratelimit-tokens-limit",
            "anthropic-ratelimit-tokens-remaining",
            "anthropic-ratelimit-tokens-reset",
        ],
    };
    let reset = standing.resets_at_unix_ms.map(|at| match is_anthropic {
        true => utc_text(at),
        false => duration(at.saturating_sub(now_unix_ms)),
    });
    let [limit, remaining, resets] = names;
    let figures = [
        Some((limit, standing.amount.to_string())),
        Some((remaining, standing.left.to_string())),
        reset.map(|reset| (resets, reset)),
    ];
    figures.into_iter().flatten()
}

fn words(standing: &LimitStanding) -> String {
    let within = match standing.window {
        WindowKind::Minute => "in a minute",
        WindowKind::Day => "in a day",
        WindowKind::Month => "in a month",
        WindowKind::Lifetime => "in all",
    };
    format!("{} {} {within}", standing.amount, standing.unit.as_str())
}

/// Whole seconds, one at least.
fn seconds(wait_ms: u64) -> u64 {
    wait_ms.div_ceil(1_000).max(1)
}

/// A duration as OpenAI writes it: `6m0s`.
fn duration(ms: u64) -> String {
    let all_s = ms.div_ceil(1_000);
    let (hours, minutes, left_s) = (all_s / 3_600, all_s / 60 % 60, all_s % 60);
    match (hours, minutes) {
        (0, 0) => format!("{left_s}s"),
        (0, minutes) => format!("{minutes}m{left_s}s"),
        (hours, minutes) => format!("{hours}h{minutes}m{left_s}s"),
    }
}
