//! What has to hold: right after each request, and when all is calm.
//!
//! Knows what really was used, which the product does not. Invariant: a check changes nothing but by letting
//! everything end.

use filter::host::Gauge;
use keytable::{CounterId, LimitSubject};

use super::envoy::{Fault, Taken};
use super::world::{HOUR_MS, KEYS, World};

impl World {
    /// The bound: what was admitted here, and what was heard of others, is within each amount; and each
    /// counter is that of the ledger's time.
    pub(crate) fn check_admitted(
        &self,
        envoy: usize,
        subjects: &[LimitSubject],
        taken: &[Taken],
    ) -> Result<(), Fault> {
        let counters = self.counters(envoy, subjects);
        for (counter, amount, is_marked) in &counters {
            let known = self.known(envoy, counter);
            if known > *amount || *is_marked {
                return Err(format!("{known} of {amount} are taken of {counter:?}"));
            }
            if !taken.iter().any(|taken| taken.counter == *counter) {
                return Err(format!("nothing was taken of {counter:?}: {taken:?}"));
            }
        }
        Ok(())
    }

    /// No false refusal: nothing is left of some counter.
    pub(crate) fn check_refused(
        &self,
        envoy: usize,
        subjects: &[LimitSubject],
        status: u16,
        code: &str,
    ) -> Result<(), Fault> {
        let counters = self.counters(envoy, subjects);
        let is_over = |(counter, amount, is_marked): &(CounterId, u64, bool)| {
            *is_marked || self.known(envoy, counter) >= *amount
        };
        if status == 429 && counters.iter().any(is_over) {
            return Ok(());
        }
        let known = counters
            .iter()
            .map(|(counter, amount, _)| (self.known(envoy, counter), amount, counter));
        let known: Vec<_> = known.collect();
        let cells = self.envoys[envoy].counters(subjects);
        Err(format!(
            "{status} {code}, and there is something left: {known:?}; {cells:?}"
        ))
    }

    /// Whether each Envoy has what the feed has, and has heard the ledger of late.
    pub(crate) fn is_level(&self) -> bool {
        let newest = self.side.in_force.len() - 1;
        self.envoys.iter().all(|envoy| {
            let generation = envoy.host.read_gauge(Gauge::Generation);
            generation == newest as u64
                && envoy
                    .heard
                    .is_none_or(|(_, heard_ms)| self.now_ms - heard_ms < 6_000)
        })
    }

    /// When all is calm: each charge is in the ledger once, and what is left is admitted.
    pub(crate) fn check_calm(&mut self) -> Result<(), Fault> {
        self.check_sums()?;
        // One more each, of which nothing is told before it is over.
        for envoy in 0..self.envoys.len() {
            for key in KEYS {
                self.check_left(envoy, key)?;
            }
            self.calm()?;
        }
        // Marks are made.
        self.ticks(120, false);
        self.check_marks()?;
        self.check_sums()
    }

    fn check_sums(&self) -> Result<(), Fault> {
        for owner in [Some(1), None] {
            for (counter, recorded) in self.side.ledger(owner, self.now_ms) {
                let expected = self.side.expected(&counter);
                if recorded.used != expected {
                    let used = recorded.used;
                    return Err(format!(
                        "the ledger has {used}, not {expected} of {counter:?}"
                    ));
                }
                for envoy in &self.envoys {
                    let own = envoy.own.get(&counter).copied().unwrap_or(0);
                    let told = self.side.told_by(envoy.source, &counter);
                    if own != told {
                        return Err(format!("{own} were used, {told} told of {counter:?}"));
                    }
                }
            }
        }
        Ok(())
    }

    fn check_left(&mut self, envoy: usize, key: usize) -> Result<(), Fault> {
        let owners = match key {
            1 => vec![Some(1), None],
            _ => vec![None],
        };
        let limits: Vec<_> = owners
            .into_iter()
            .flat_map(|owner| self.side.ledger(owner, self.now_ms))
            .collect();
        let is_left = limits
            .iter()
            .all(|(_, recorded)| recorded.used < recorded.limit.amount.get());
        let admitted = self.ask_with(envoy, 0, key)?;
        // One that did nothing of late may not have heard yet that nothing is left.
        match admitted || !is_left {
            true => Ok(()),
            false => Err(format!("not admitted, by the ledger {limits:?}")),
        }
    }

    /// What is exhausted for an hour is told to those that never saw it: by a mark, or by what was used when the amount
    /// was lowered.
    fn check_marks(&self) -> Result<(), Fault> {
        for owner in [Some(1), None] {
            for (counter, recorded) in self.side.ledger(owner, self.now_ms) {
                let end_ms = recorded.span_at(self.now_ms).end_unix_ms;
                let is_long = end_ms.is_none_or(|end_ms| end_ms - self.now_ms > HOUR_MS + 60_000);
                let is_full = recorded.used >= recorded.limit.amount.get();
                let in_force = self.side.in_force.last().unwrap()[&counter.subject].iter();
                let mut told = in_force.filter(|one| one.resets == recorded.resets);
                let is_told = told.any(|one| {
                    let used = one.used_from(counter.start_unix_ms);
                    one.is_full_at(self.now_ms) || used >= one.limit.amount.get()
                });
                if is_full && is_long && !is_told {
                    return Err(format!("not marked: {counter:?}"));
                }
            }
        }
        Ok(())
    }
}
