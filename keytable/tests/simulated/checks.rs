//! What has to hold: right after each admission, and when all is quiet.
//!
//! Knows what really was used, which the product does not. Invariant: a check changes nothing but by letting
//! everything end.

use keytable::cell::Cell;

use crate::world::{ENVOYS, Envoy, Fault, GATES, World};

impl World {
    /// Right after an admission: what this Envoy admitted, and what it heard of others, is within each
    /// amount.
    pub(crate) fn check_bound(&self, envoy: usize, both: bool) -> Result<(), Fault> {
        let Envoy {
            source,
            gates,
            seen,
            cells,
            ..
        } = &self.envoys[envoy];
        let admitted = [&self.key, &self.account]
            .into_iter()
            .take(1 + usize::from(both));
        for limited in admitted {
            for one in &limited.limits {
                let counter = one.counter_at(limited.subject.clone(), self.now_ms);
                let settled = self
                    .truth
                    .get(&(*source, counter.clone()))
                    .copied()
                    .unwrap_or(0);
                let running = gates.iter().flat_map(|gate| gate.running.iter().flatten());
                let running = running.filter(|admission| admission.subject == limited.subject);
                let taken = running.flat_map(|one| one.taken.iter().map(|taken| (one.gate, taken)));
                let index = Cell::index_of(&limited.subject);
                let known = cells
                    .get(&index)
                    .into_iter()
                    .flat_map(|cell| cell.entries());
                let of_gate = |gate: u32| {
                    let counters = known
                        .clone()
                        .filter(|entry| entry.subject == limited.subject)
                        .flat_map(|entry| &entry.counters);
                    let mut same = counters.filter(|one| one.id(&limited.subject) == counter);
                    same.next().is_some_and(|one| one.held_by(gate) > 0)
                };
                let held: u64 = taken
                    .filter(|(gate, taken)| {
                        taken.counter(&limited.subject) == counter && of_gate(*gate)
                    })
                    .map(|(_, taken)| taken.held)
                    .sum();
                let others = seen.get(&counter).copied().unwrap_or(0);
                let amount = one.limit.amount.get();
                if settled + held + others > amount {
                    return Err(format!(
                        "{settled} settled + {held} held + {others} of others > {amount} of {counter:?}"
                    ));
                }
            }
        }
        Ok(())
    }

    /// Lets everything end: requests, batches, answers.
    pub(crate) fn quiet(&mut self) -> Result<(), Fault> {
        self.settle_all();
        self.flush();
        // One more, of which nothing is told before it is over, and whose first batch nobody takes.
        for envoy in 0..ENVOYS {
            self.admit(envoy, 0)?;
        }
        self.settle_all();
        (0..ENVOYS).for_each(|envoy| self.drop_batch(envoy));
        self.flush();
        self.check_quiet()
    }

    /// Whatever runs ends, and who died is given up.
    fn settle_all(&mut self) {
        for envoy in 0..ENVOYS {
            for gate in 0..GATES {
                while !self.envoys[envoy].gates[gate].running.is_empty() {
                    self.settle(envoy, gate);
                }
            }
            self.give_up(envoy);
        }
    }

    /// Everything that is told arrives.
    fn flush(&mut self) {
        for _ in 0..20 {
            (0..ENVOYS).for_each(|envoy| self.post(envoy));
            for message in std::mem::take(&mut self.network) {
                self.arrive(&message);
            }
            for message in std::mem::take(&mut self.network) {
                self.arrive(&message);
            }
        }
    }

    /// Each charge is in the ledger once, and nothing is held.
    fn check_quiet(&self) -> Result<(), Fault> {
        for envoy in &self.envoys {
            let counters = envoy
                .cells
                .values()
                .flat_map(|cell| cell.entries())
                .flat_map(|entry| &entry.counters);
            if let Some(counter) = counters
                .into_iter()
                .find(|one| one.held() > 0 || one.unsent() > 0)
            {
                return Err(format!("not quiet: {counter:?}"));
            }
        }
        if self.ledger.held() > 0 {
            return Err(format!(
                "the ledger takes {} to be held",
                self.ledger.held()
            ));
        }
        let charged = self
            .truth
            .iter()
            .filter(|((source, _), _)| !self.dead.contains(source));
        for ((source, counter), amount) in charged {
            let told = self.ledger.charged_to([*source; 16], counter);
            if told != *amount {
                return Err(format!(
                    "{amount} were used, {told} are charged of {counter:?}"
                ));
            }
        }
        Ok(())
    }
}
