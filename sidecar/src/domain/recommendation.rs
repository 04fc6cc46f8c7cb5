//! Advice: which keys are wider or older than what they are used for, in numbers, and what to do.
//!
//! Reads what was counted; does not change anything. Invariant: a piece of advice has one remedy,
//! and one that narrows a scope leaves everything that was used in the time that was looked at.
//! (Addresses are a sample: of many requests the newest one's is known.)

use std::net::IpAddr;

use keytable::{AddressList, Axis, AxisKind, Network, Scope, ScopeEntry, Status};

use crate::domain::clock::UnixMillis;
use crate::domain::key::Key;
use crate::domain::origin::Origin;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
/// How far back usage is looked at, in days.
pub const WINDOW_DAYS: u64 = 30;
/// Days without a request after which a key is idle.
const IDLE_DAYS: u64 = 30;
/// Days after which a key that was never used is no longer new.
const NEVER_USED_DAYS: u64 = 7;
/// Days after which a value is old.
const OLD_DAYS: u64 = 90;
/// Days after which a key that is off could go.
const OFF_DAYS: u64 = 30;
/// Requests from which on usage says what a key is for.
const REQUESTS_MIN: u64 = 100;
/// Days of use from which on usage says what a key is for.
const USED_DAYS_MIN: u64 = 7;
/// So many models are few.
const FEW_MODELS: usize = 5;
/// So many addresses are few.
const FEW_ADDRESSES: usize = 5;

/// What was counted of a key in the last [`WINDOW_DAYS`] days.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// Requests that were passed on.
    pub requests: u64,
    /// When the first request of the key came, as far as is remembered.
    pub first_used_at: Option<UnixMillis>,
    /// What they named; `None` if that is not known of all of them.
    pub resources: Option<Vec<String>>,
    /// Where they came from; `None` if that is not known of all of them.
    pub addresses: Option<Vec<IpAddr>>,
}

/// One piece of advice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recommendation {
    /// What was found.
    pub kind: RecommendationKind,
    /// The numbers that it rests on, by name.
    pub numbers: Vec<(&'static str, u64)>,
    /// What to do.
    pub remedy: Remedy,
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecommendationKind {
    /// Enabled, and not used for long.
    Idle,
    /// Enabled, and never used.
    NeverUsed,
    /// The value is old.
    NeverRotated,
    /// May call everything, and calls little.
    WideScope,
    /// May be used from everywhere, and is used from few addresses.
    NoAddressList,
    /// Disabled for long.
    DisabledForLong,
    /// Expired for long.
    ExpiredForLong,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Disable the key.
    Disable,
    /// Delete the key.
    Delete,
    /// Give it a successor.
    Rotate,
    /// Give it a new value.
    Reset,
    /// Set this scope.
    LimitScope(Scope),
    /// Set this list.
    LimitAddresses(AddressList),
}

impl RecommendationKind {
    /// Every kind.
    pub const ALL: [Self; 7] = [
        Self::Idle,
        Self::NeverUsed,
        Self::NeverRotated,
        Self::WideScope,
        Self::NoAddressList,
        Self::DisabledForLong,
        Self::ExpiredForLong,
    ];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::NeverUsed => "never_used",
            Self::NeverRotated => "never_rotated",
            Self::WideScope => "wide_scope",
            Self::NoAddressList => "no_ip_allowlist",
            Self::DisabledForLong => "disabled_for_long",
            Self::ExpiredForLong => "expired_for_long",
        }
    }
}

/// All advice on one key.
pub fn recommend(key: &Key, observed: &Observed, now: UnixMillis) -> Vec<Recommendation> {
    if let Some(off) = off_for_long(key, now) {
        return vec![off];
    }
    if key.policy.status == Status::Disabled || key.has_expired(now) {
        return Vec::new();
    }
    let advice = [
        idle(key, now),
        never_rotated(key, now),
        wide_scope(key, observed, now),
        no_address_list(key, observed, now),
    ];
    advice.into_iter().flatten().collect()
}

fn off_for_long(key: &Key, now: UnixMillis) -> Option<Recommendation> {
    let (kind, since) = match key.policy.expires_at {
        Some(at) if at <= now => (RecommendationKind::ExpiredForLong, at),
        _ if key.policy.status == Status::Disabled => {
            (RecommendationKind::DisabledForLong, key.updated_at)
        }
        _ => return None,
    };
    let days = days_since(since, now);
    (days >= OFF_DAYS).then(|| Recommendation {
        kind,
        numbers: vec![("days", days)],
        remedy: Remedy::Delete,
    })
}

fn idle(key: &Key, now: UnixMillis) -> Option<Recommendation> {
    let (kind, since, least) = match key.last_used_at {
        Some(at) => (RecommendationKind::Idle, at, IDLE_DAYS),
        None => (
            RecommendationKind::NeverUsed,
            key.created_at,
            NEVER_USED_DAYS,
        ),
    };
    let days = days_since(since, now);
    (days >= least).then(|| Recommendation {
        kind,
        numbers: vec![("days", days)],
        remedy: Remedy::Disable,
    })
}

fn never_rotated(key: &Key, now: UnixMillis) -> Option<Recommendation> {
    let days = days_since(key.value_set_at, now);
    let retires = key.successor.is_some();
    (days >= OLD_DAYS && !retires).then(|| Recommendation {
        kind: RecommendationKind::NeverRotated,
        numbers: vec![("days", days)],
        remedy: match key.origin {
            Origin::Standard => Remedy::Rotate,
            Origin::CodingPlan | Origin::TokenPlan => Remedy::Reset,
        },
    })
}

fn wide_scope(key: &Key, observed: &Observed, now: UnixMillis) -> Option<Recommendation> {
    let resources = observed.resources.as_ref()?;
    let count = resources.len();
    let few = (1..=FEW_MODELS).contains(&count);
    if key.policy.scope != Scope::ALL || !few || !says_enough(observed, now) {
        return None;
    }
    let scope = scope_of(resources)?;
    Some(Recommendation {
        kind: RecommendationKind::WideScope,
        numbers: vec![
            ("requests", observed.requests),
            ("resources", u64::try_from(count).unwrap_or(u64::MAX)),
            ("days", WINDOW_DAYS),
        ],
        remedy: Remedy::LimitScope(scope),
    })
}

fn no_address_list(key: &Key, observed: &Observed, now: UnixMillis) -> Option<Recommendation> {
    let addresses = observed.addresses.as_ref()?;
    let count = addresses.len();
    let few = (1..=FEW_ADDRESSES).contains(&count);
    if !key.policy.addresses.networks().is_empty() || !few || !says_enough(observed, now) {
        return None;
    }
    let networks = addresses
        .iter()
        .map(|address| Network::parse(&address.to_string()).ok())
        .collect::<Option<Vec<_>>>()?;
    Some(Recommendation {
        kind: RecommendationKind::NoAddressList,
        numbers: vec![
            ("requests", observed.requests),
            ("addresses", u64::try_from(count).unwrap_or(u64::MAX)),
            ("days", WINDOW_DAYS),
        ],
        remedy: Remedy::LimitAddresses(AddressList::new(networks).ok()?),
    })
}

/// Exactly these names, each on its axis.
fn scope_of(resources: &[String]) -> Option<Scope> {
    let (mut models, mut services) = (Vec::new(), Vec::new());
    for name in resources {
        let entry = ScopeEntry::parse(name).ok()?;
        match AxisKind::of(name.as_bytes()) {
            AxisKind::Models => models.push(entry),
            AxisKind::Services => services.push(entry),
        }
    }
    Some(Scope {
        models: Axis::Listed(models),
        services: Axis::Listed(services),
    })
}

/// Whether the usage is large and old enough to tell what a key is for.
fn says_enough(observed: &Observed, now: UnixMillis) -> bool {
    let used_days = observed.first_used_at.map_or(0, |at| days_since(at, now));
    observed.requests >= REQUESTS_MIN && used_days >= USED_DAYS_MIN
}

const fn days_since(at: UnixMillis, now: UnixMillis) -> u64 {
    now.get().saturating_sub(at.get()) / DAY_MS
}

#[cfg(test)]
mod tests;
