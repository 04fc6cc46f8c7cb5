//! What is done with limits besides writing them.
//!
//! Does not charge anything. Invariant: what is told as held is what Envoys have said and the ledger does not
//! have yet.

use std::time::Duration;

use keytable::{CounterId, LimitSubject, RecordedLimit};

use crate::domain::clock::UnixMillis;
use crate::domain::envoy::NodeName;
use crate::feed::fleet::Silence;
use crate::feed::propagation::Propagation;
use crate::feed::shared_fleet::Wait;
use crate::http::problem::Problem;
use crate::service::App;
use crate::service::caller::Caller;
use crate::store::{LimitOwner, SubjectLimits};

/// From when on an Envoy is named as silent.
const SILENT_FOR: Duration = Duration::from_secs(2);

/// The limits of a key or an account, and how they stand.
#[derive(Debug)]
pub(crate) struct LimitReport {
    /// Each limit.
    pub(crate) limits: Vec<LimitFigures>,
    /// Envoys that may have used what is not told.
    pub(crate) unheard: Vec<Silence>,
    /// Envoys that cannot keep limits.
    pub(crate) refusing: Vec<NodeName>,
}

/// How a limit stands.
#[derive(Debug)]
pub(crate) struct LimitFigures {
    /// The limit, and what was used of it.
    pub(crate) recorded: RecordedLimit,
    /// What is held besides.
    pub(crate) held: u64,
    /// When its window began; a lifetime, when the limit was made.
    pub(crate) start: UnixMillis,
    /// When it ends; `None`: never.
    pub(crate) end: Option<UnixMillis>,
}

impl LimitFigures {
    /// What is left.
    pub(crate) fn remaining(&self) -> u64 {
        let taken = self.recorded.used.saturating_add(self.held);
        self.recorded.limit.amount.get().saturating_sub(taken)
    }

    /// Whether what was used has reached the amount.
    pub(crate) fn is_exhausted(&self) -> bool {
        self.recorded.used >= self.recorded.limit.amount.get()
    }
}

impl App {
    /// How the limits of a key or an account stand.
    pub(crate) async fn limits(&self, owner: LimitOwner) -> Result<LimitReport, Problem> {
        let (_, report) = self.limits_at(owner, self.clock.now()).await?;
        Ok(report)
    }

    /// How the limits of a key or an account stand at a time, and whose they are.
    pub(crate) async fn limits_at(
        &self,
        owner: LimitOwner,
        at: UnixMillis,
    ) -> Result<(LimitSubject, LimitReport), Problem> {
        let standing = self.store(move |store| store.limits(&owner, at)).await?;
        let report = self.report(&standing, at);
        Ok((standing.subject, report))
    }

    /// Begins new counters for the limits of a key or an account.
    pub(crate) async fn reset_limits(
        &self,
        caller: &Caller,
        owner: LimitOwner,
        wait: Wait,
    ) -> Result<(LimitReport, Propagation), Problem> {
        let act = caller.act(self.clock.now());
        let now = act.at;
        let stored = self
            .store(move |store| store.reset_limits(&owner, &act))
            .await?;
        let (standing, generation) = (&stored.value, stored.generation);
        let propagation = match &standing.region {
            Some(region) => self.propagation(region, generation, wait).await,
            None => self.propagation_everywhere(generation, wait).await?,
        };
        Ok((self.report(standing, now), propagation))
    }

    fn report(&self, standing: &SubjectLimits, now: UnixMillis) -> LimitReport {
        let subject = &standing.subject;
        let recorded = standing.recorded.iter();
        let counters: Vec<CounterId> = recorded
            .map(|limit| limit.counter_at(subject.clone(), now.get()))
            .collect();
        let held = self.ledger.held(&counters);
        let limits = standing.limits.iter().zip(&standing.recorded).zip(held);
        let limits = limits.map(|((counted, recorded), held)| {
            let span = recorded.span_at(now.get());
            LimitFigures {
                recorded: *recorded,
                held,
                start: match span.end_unix_ms {
                    Some(_) => UnixMillis::new(span.start_unix_ms),
                    None => counted.since,
                },
                end: span.end_unix_ms.map(UnixMillis::new),
            }
        });
        let region = standing.region.as_ref();
        LimitReport {
            limits: limits.collect(),
            unheard: self.fleet.unheard(region, SILENT_FOR),
            refusing: self.fleet.without_limits(region),
        }
    }
}
