//! Limits of a request: it is admitted to those of its key and its account, and settled when it is over.
//!
//! Does not decide what is left (`keytable` does) or read answers. Invariants: a request that was admitted is
//! settled once, however it ends; one that is refused holds nothing; a limit that cannot be judged refuses.

mod allowance;
mod charging;
mod limit_time;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::hash::Hasher;
use std::mem;

use keytable::cell::{Admission, Ask, Cell, GateHolds, LimitRefusal, LimitStanding, Spent};
use keytable::{AccountId, LimitSubject, RecordedLimit};
use siphasher::sip::SipHasher24;

use crate::cells;
use crate::gate_news::GateNews;
use crate::host::Host;
use crate::ledger_clock::LedgerClock;
use crate::locator::Family;
use crate::reply::{LimitReached, Refusal, limit_headers};
use crate::table::{CheckedRecord, TableReader};

pub(super) use allowance::Allowance;
pub(super) use charging::Charging;
use limit_time::LimitTime;

/// How often a gate says that it lives.
const TELL_NS: u64 = 1_000_000_000;

/// A subject and its limits.
pub(super) type Limited = (LimitSubject, Vec<RecordedLimit>);

/// What is known of a request when it is admitted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    /// Of its body, in bytes.
    pub(super) body_bytes: u64,
    /// It may still be refused for another reason.
    pub(super) is_provisional: bool,
}

/// What one gate holds of limits. Nothing that it does calls it again, so that it is always free; if it
/// were not, a request would be refused, and what is to be settled would stay held.
#[derive(Debug)]
pub struct LimitKeeper(RefCell<Keeping>);

#[derive(Debug)]
struct Keeping {
    seed: [u8; 16],
    holds: GateHolds,
    /// How many numbers were drawn.
    drawn: u64,
    touched: BTreeSet<u16>,
    is_urgent: bool,
    told_ns: u64,
    clock: Option<LedgerClock>,
    /// What could not be settled yet.
    unsettled: Vec<(Admission, Spent)>,
}

/// The limits of a key and of its account; none if it has none.
pub(super) fn of_record(
    host: &impl Host,
    table: &TableReader,
    record: &CheckedRecord,
) -> Result<Vec<Limited>, Refusal> {
    let view = record.view()?;
    let mut limited: Vec<Limited> = view.limits().into_iter().collect();
    if view.is_account_limited() {
        let account = AccountId::parse(view.account()).ok();
        let known = account.map(|account| table.find_account(host, &account));
        let known = known.transpose()?.flatten();
        let of_account = known.and_then(|known| known.record.view().ok()?.limits());
        limited.push(of_account.ok_or(Refusal::LimitsUnavailable)?);
    }
    Ok(limited)
}

impl LimitKeeper {
    /// A gate that holds nothing. `seed` is drawn now and told to nobody.
    pub(super) fn new(seed: [u8; 16]) -> Self {
        let mut keeping = Keeping {
            seed,
            holds: GateHolds::default(),
            drawn: 0,
            touched: BTreeSet::new(),
            is_urgent: false,
            told_ns: 0,
            clock: None,
            unsettled: Vec::new(),
        };
        keeping.begin_anew();
        Self(RefCell::new(keeping))
    }

    /// Admits a request to all of these limits, or to none.
    pub(super) fn admit(
        &self,
        host: &impl Host,
        limited: &[Limited],
        size: Size,
    ) -> Result<Allowance, Refusal> {
        let keeping = self.0.try_borrow_mut();
        let mut keeping = keeping.map_err(|_| Refusal::LimitsUnavailable)?;
        keeping.admit(host, limited, size)
    }

    /// Settles a request, once. What cannot be settled now is tried again at the tick.
    pub(super) fn settle(&self, host: &impl Host, allowance: Allowance, spent: Spent) {
        if let Ok(mut keeping) = self.0.try_borrow_mut() {
            keeping.settle(host, allowance.admissions, spent);
        }
    }

    /// Headers that tell how the limits of an admitted request stand; none if the time is not known.
    pub(super) fn headers(
        &self,
        host: &impl Host,
        allowance: &Allowance,
        family: Family,
    ) -> Vec<(&'static str, String)> {
        let keeping = self.0.try_borrow_mut().ok();
        let now = keeping.and_then(|mut keeping| keeping.now(host).ok());
        now.map_or_else(Vec::new, |now| {
            limit_headers(family, &allowance.standings(), now.unix_ms)
        })
    }

    /// At the tick: settles what could not be settled, and tells the agent that this gate lives and which
    /// cells it touched.
    pub fn tell(&self, host: &impl Host, now_ns: u64) {
        if let Ok(mut keeping) = self.0.try_borrow_mut() {
            keeping.settle_late(host);
            keeping.tell(host, now_ns);
        }
    }
}

impl Keeping {
    /// Holds nothing any more, under a number that no other gate of this process is likely to have.
    fn begin_anew(&mut self) {
        self.drawn = self.drawn.wrapping_add(1);
        let mut hasher = SipHasher24::new_with_key(&self.seed);
        hasher.write(b"gate");
        hasher.write_u64(self.drawn);
        let number = u32::try_from(hasher.finish() >> 32).unwrap_or(u32::MAX);
        self.holds = GateHolds::new(number);
    }

    fn admit(
        &mut self,
        host: &impl Host,
        limited: &[Limited],
        size: Size,
    ) -> Result<Allowance, Refusal> {
        let mut admissions = Vec::new();
        for (at, (subject, limits)) in limited.iter().enumerate() {
            let is_last = at + 1 == limited.len();
            let is_provisional = size.is_provisional || !is_last;
            let size = Size {
                is_provisional,
                ..size
            };
            match self.admit_one(host, subject, limits, size) {
                Ok(admission) => admissions.push(admission),
                Err(refusal) if mutant!(KeepTheKeys) => return Err(refusal),
                Err(refusal) => {
                    self.settle(host, admissions, Spent::Nothing);
                    return Err(refusal);
                }
            }
        }
        Ok(Allowance { admissions })
    }

    fn admit_one(
        &mut self,
        host: &impl Host,
        subject: &LimitSubject,
        limits: &[RecordedLimit],
        size: Size,
    ) -> Result<Admission, Refusal> {
        let now = self.now(host)?;
        let now_unix_ms = now.among(limits);
        let index = Cell::index_of(subject);
        let unavailable = |_| Refusal::LimitsUnavailable;
        let admitted = cells::change(host, index, |cell| {
            let gate = self.number_for(cell, subject);
            let ask = Ask {
                gate,
                now_unix_ms,
                is_apart: now.is_apart,
                body_bytes: size.body_bytes,
                is_provisional: size.is_provisional,
            };
            let is_new = cell.entries().iter().all(|entry| entry.subject != *subject);
            let admitted = cell.admit(subject, limits, &ask);
            let is_admitted = admitted.is_ok();
            let admitted = admitted.map_err(|refusal| LimitReached {
                refusal,
                standings: cell.standings(subject, limits, &ask),
                now_unix_ms,
            });
            ((admitted, is_new), is_admitted)
        });
        let (admitted, is_new) = admitted.map_err(unavailable)?;
        self.touch(index, is_new || is_near(&admitted));
        match admitted {
            Ok(admission) => {
                self.holds.took(&admission);
                Ok(admission)
            }
            Err(reached) if reached.refusal == LimitRefusal::Apart => {
                Err(Refusal::LimitsUnavailable)
            }
            Err(reached) => Err(Refusal::Limit(Box::new(reached))),
        }
    }

    /// The number under which this gate holds; a new one if it was given up.
    fn number_for(&mut self, cell: &Cell, subject: &LimitSubject) -> u32 {
        if !self.holds.is_known_in(cell, subject) {
            self.begin_anew();
        }
        self.holds.number()
    }

    /// The ledger's time, or before it was heard Envoy's own.
    fn now(&mut self, host: &impl Host) -> Result<LimitTime, Refusal> {
        let failed = |_| Refusal::LimitsUnavailable;
        let now_ms = host.monotonic_ns().map_err(failed)? / 1_000_000;
        if self.clock.is_none_or(|clock| clock.is_apart(now_ms)) {
            self.clock = LedgerClock::read(host).map_err(failed)?;
        }
        match self.clock {
            Some(_) if mutant!(TrustTheWallClock) => {
                Ok(LimitTime::of_envoy(host.unix_ms().map_err(failed)?))
            }
            Some(clock) => Ok(LimitTime::of_ledger(clock, now_ms)),
            None => Ok(LimitTime::of_envoy(host.unix_ms().map_err(failed)?)),
        }
    }

    fn settle(&mut self, host: &impl Host, admissions: Vec<Admission>, spent: Spent) {
        for admission in admissions {
            let is_settled = admission.taken.is_empty() || self.settle_one(host, &admission, spent);
            if !is_settled && !mutant!(ForgetTheUnsettled) {
                self.unsettled.push((admission, spent));
            }
        }
    }

    fn settle_one(&mut self, host: &impl Host, admission: &Admission, spent: Spent) -> bool {
        let index = Cell::index_of(&admission.subject);
        let Ok(now) = self.now(host) else {
            return false;
        };
        let settled = cells::change(host, index, |cell| {
            cell.settle(admission, spent, now.unix_ms);
            ((), true)
        });
        if settled.is_ok() {
            self.holds.gave_back(admission);
            self.touch(index, false);
        }
        settled.is_ok()
    }

    fn settle_late(&mut self, host: &impl Host) {
        for (admission, spent) in mem::take(&mut self.unsettled) {
            self.settle(host, vec![admission], spent);
        }
    }

    fn touch(&mut self, index: u16, is_urgent: bool) {
        self.touched.insert(index);
        self.is_urgent |= is_urgent && !mutant!(TakeYourTime);
    }

    fn tell(&mut self, host: &impl Host, now_ns: u64) {
        let is_due = now_ns.saturating_sub(self.told_ns) >= TELL_NS;
        let is_idle = self.touched.is_empty() && self.holds.is_empty();
        if is_idle || !(is_due || self.is_urgent) {
            return;
        }
        let news = GateNews {
            gate: self.holds.number(),
            is_urgent: self.is_urgent,
            cells: self.touched.iter().copied().collect(),
        };
        if host.hand_over(&news.encode()).is_ok() {
            self.touched.clear();
            self.is_urgent = false;
            self.told_ns = now_ns;
        }
        self.clock = LedgerClock::read(host).ok().flatten();
    }
}

/// Whether a tenth or less is left of some limit, or it was refused.
fn is_near(admitted: &Result<Admission, LimitReached>) -> bool {
    let is_near = |one: &LimitStanding| one.left.saturating_mul(10) <= one.amount;
    match admitted {
        Ok(admission) => admission.standings.iter().any(is_near),
        Err(_) => true,
    }
}
