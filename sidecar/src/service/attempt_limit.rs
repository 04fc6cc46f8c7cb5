//! How often somebody may try to prove who they are: per user and per address.
//!
//! Does not check passwords. Invariant: attempts from where a user has logged in before are
//! counted apart, so that nobody else can keep the user out; what is counted is bounded, and
//! nothing is shut for longer than it takes to refill.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use crate::domain::identity::user::UserName;
use crate::http::problem::Problem;

/// Attempts that are counted at a time; the fullest buckets go first.
const COUNTED_MAX: usize = 50_000;
/// Passwords that are hashed at a time: each takes 19 MiB and most of a processor.
const HASHINGS_MAX: usize = 2;
/// How long an attempt may wait for its turn.
const TURN_TIMEOUT: Duration = Duration::from_secs(5);

/// What may be tried at once, and how fast it comes back.
struct Allowance {
    burst: f64,
    refill_s: f64,
}

const PER_USER: Allowance = Allowance {
    burst: 10.0,
    refill_s: 30.0,
};
const PER_ADDRESS: Allowance = Allowance {
    burst: 30.0,
    refill_s: 6.0,
};

/// The counts. Clones share them.
#[derive(Clone, Debug)]
pub struct AttemptLimit {
    counts: Arc<Mutex<HashMap<Counted, Bucket>>>,
    turns: Arc<Semaphore>,
}

/// Whose attempts are counted together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Counted {
    /// Those for a user, from wherever nobody knows them.
    User(UserName),
    /// Those for a user from an address where the user has logged in before.
    Known(UserName, IpAddr),
    /// Those from an address, whoever for.
    Address(IpAddr),
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    left: f64,
    at: Instant,
}

/// Somebody tries to prove who they are.
#[derive(Clone, Debug)]
pub(crate) struct Attempt {
    /// Who they say they are, if that can be anybody.
    pub(crate) user: Option<UserName>,
    /// From where.
    pub(crate) address: Option<IpAddr>,
    /// Whether that user has logged in from there before.
    pub(crate) known: bool,
}

impl AttemptLimit {
    /// Counts an attempt; refuses it if there were too many.
    pub(crate) fn count(&self, attempt: &Attempt) -> Result<(), Problem> {
        let now = Instant::now();
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        tidy(&mut counts);
        let counted: Vec<_> = attempt.counted().collect();
        let wait_s = counted.iter().map(|counted| wait_s(&counts, counted, now));
        match wait_s.max() {
            Some(wait_s) if wait_s > 0 => Err(Problem::too_many_attempts(wait_s)),
            _ => {
                for counted in counted {
                    take(&mut counts, counted, now);
                }
                Ok(())
            }
        }
    }

    /// Forgets the attempts of somebody who has proved who they are; those of the address stay,
    /// so that one good account is no licence to try others.
    pub(crate) fn clear(&self, attempt: &Attempt) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        for counted in attempt.counted() {
            if !matches!(counted, Counted::Address(_)) {
                counts.remove(&counted);
            }
        }
    }

    /// Waits for a turn to hash a password.
    pub(crate) async fn turn(&self) -> Result<SemaphorePermit<'_>, Problem> {
        match timeout(TURN_TIMEOUT, self.turns.acquire()).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(Problem::too_many_attempts(TURN_TIMEOUT.as_secs())),
        }
    }
}

impl Attempt {
    fn counted(&self) -> impl Iterator<Item = Counted> {
        let address = self.address.map(network);
        let user = self.user.clone().map(|user| match (self.known, address) {
            (true, Some(address)) => Counted::Known(user, address),
            _ => Counted::User(user),
        });
        user.into_iter().chain(address.map(Counted::Address))
    }
}

impl Counted {
    const fn allowance(&self) -> &'static Allowance {
        match self {
            Self::User(_) | Self::Known(..) => &PER_USER,
            Self::Address(_) => &PER_ADDRESS,
        }
    }
}

/// Whoever has one IPv6 address has the 64 bits behind its network.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            let bits = u128::from(address) >> 64 << 64;
            IpAddr::V6(Ipv6Addr::from(bits))
        }
    }
}

fn bucket(counts: &HashMap<Counted, Bucket>, counted: &Counted, now: Instant) -> Bucket {
    let allowance = counted.allowance();
    let left = counts.get(counted).map_or(allowance.burst, |bucket| {
        let passed_s = now.saturating_duration_since(bucket.at).as_secs_f64();
        (bucket.left + passed_s / allowance.refill_s).min(allowance.burst)
    });
    Bucket { left, at: now }
}

/// How long until the next attempt is allowed; 0: now.
fn wait_s(counts: &HashMap<Counted, Bucket>, counted: &Counted, now: Instant) -> u64 {
    let missing = 1.0 - bucket(counts, counted, now).left;
    if missing <= 0.0 {
        return 0;
    }
    let wait = Duration::from_secs_f64(missing * counted.allowance().refill_s);
    wait.as_secs().saturating_add(1)
}

fn take(counts: &mut HashMap<Counted, Bucket>, counted: Counted, now: Instant) {
    let mut bucket = bucket(counts, &counted, now);
    bucket.left -= 1.0;
    counts.insert(counted, bucket);
}

/// Makes room when there are too many: first what has refilled, then what is nearest to it.
fn tidy(counts: &mut HashMap<Counted, Bucket>) {
    if counts.len() < COUNTED_MAX {
        return;
    }
    let now = Instant::now();
    let mut shares: Vec<f64> = counts
        .keys()
        .map(|counted| bucket(counts, counted, now).left / counted.allowance().burst)
        .collect();
    shares.sort_by(f64::total_cmp);
    let middle = shares.get(shares.len() / 2).copied().unwrap_or(0.0);
    let emptier: HashMap<_, _> = counts
        .iter()
        .filter(|(counted, _)| {
            bucket(counts, counted, now).left / counted.allowance().burst < middle
        })
        .map(|(counted, bucket)| (counted.clone(), *bucket))
        .collect();
    *counts = emptier;
}

// === impl AttemptLimit ===

impl Default for AttemptLimit {
    fn default() -> Self {
        Self {
            counts: Arc::default(),
            turns: Arc::new(Semaphore::new(HASHINGS_MAX)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(user: &str, address: &str, known: bool) -> Attempt {
        Attempt {
            user: UserName::parse(user).ok(),
            address: address.parse().ok(),
            known,
        }
    }

    #[test]
    fn attempts_for_one_user_run_out_wherever_they_come_from() {
        let attempts = AttemptLimit::default();
        let allowed = (0..100).filter(|number| {
            let address = format!("192.0.2.{number}");
            attempts.count(&attempt("admin", &address, false)).is_ok()
        });
        assert_eq!(allowed.count(), 10);
    }

    #[test]
    fn a_flood_from_elsewhere_does_not_keep_the_owner_out() {
        let attempts = AttemptLimit::default();
        for number in 0..200 {
            let address = format!("192.0.2.{number}");
            let _ = attempts.count(&attempt("admin", &address, false));
        }
        assert!(
            attempts
                .count(&attempt("admin", "198.51.100.7", false))
                .is_err()
        );
        assert!(
            attempts
                .count(&attempt("admin", "198.51.100.7", true))
                .is_ok()
        );
    }

    #[test]
    fn attempts_from_one_address_run_out_whoever_they_are_for() {
        let attempts = AttemptLimit::default();
        let allowed = (0..200).filter(|number| {
            let user = format!("user{number}");
            let address = format!("2001:db8::{number}");
            attempts.count(&attempt(&user, &address, false)).is_ok()
        });
        assert_eq!(allowed.count(), 30);
    }

    #[test]
    fn whoever_proves_it_may_try_again_at_once() {
        let attempts = AttemptLimit::default();
        let one = attempt("admin", "192.0.2.1", false);
        for _ in 0..10 {
            attempts.count(&one).unwrap();
        }
        assert!(attempts.count(&one).is_err());
        attempts.clear(&one);
        assert!(attempts.count(&one).is_ok());
    }

    #[test]
    fn what_is_counted_is_bounded_and_the_emptiest_buckets_stay() {
        let attempts = AttemptLimit::default();
        let victim = attempt("victim", "192.0.2.1", false);
        for _ in 0..10 {
            attempts.count(&victim).unwrap();
        }
        for number in 0..60_000u32 {
            let user = format!("u{number}");
            let address = Ipv6Addr::from(u128::from(number) << 64);
            let one = attempt(&user, &address.to_string(), false);
            let _ = attempts.count(&one);
        }
        assert!(attempts.counts.lock().unwrap().len() <= COUNTED_MAX + 2);
        assert!(attempts.count(&victim).is_err());
    }
}
