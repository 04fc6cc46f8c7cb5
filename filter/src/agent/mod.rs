//! The agent: one per Envoy process; follows the sidecar and puts each table in force.
//!
//! The order is the promise: slots, change log, head, edition gauge, lease, and only then the next
//! request, which acknowledges. Does not know the protocol (that is [`follower`]) or Proxy-Wasm.
//!
//! Invariant: whatever the sidecar answers, the table is either left alone or moved to a whole
//! newer one; the lease is renewed only by an answer that proves the table current, and from the
//! moment its request was sent.

mod earliest_time;
pub mod follower;
mod ledger;
mod open;
mod pace;
mod rejection;
pub mod reporter;
pub mod starter;

use keytable::limits::{FRAME_BYTES_MAX, SIGNED_TABLE_BYTES_MAX};
use keytable::{Change, Delta, Epoch, Frame, Page, SignedTable, TableHead};

use crate::cells;
use crate::config::{AgentConfig, MaxStaleness};
use crate::counts::{Counter, Counts};
use crate::host::{FeedHost, Gauge, Host, HostError, Level};
use crate::table::changes::ChangeLog;
use crate::table::checksums::Checksums;
use crate::table::pulse;
use crate::table::slots::{self, SlotError};
use follower::{Answer, Confirmation, Follower, Identity, Position, Rejection, Step};
use ledger::LedgerLink;
use reporter::{Reported, Reporter};
use starter::{Now, Starter, Unusable};

/// Buckets that are looked at in one tick: all of them within four minutes.
const INSPECTED: usize = 16;

/// The agent of this Envoy.
#[derive(Debug)]
pub struct Agent {
    cluster: String,
    max_staleness: MaxStaleness,
    follower: Follower,
    reporter: Reporter,
    ledger: LedgerLink,
    /// Whether there are cells.
    has_cells: bool,
    /// Until there is a table, if a signed one may be the first.
    starter: Option<Starter>,
    edition: u64,
    records: u64,
    changes: ChangeLog,
    /// What this agent wrote.
    written: Checksums,
    lease_until_ms: u64,
    lease_left_s: u64,
    /// From when on it shows again that it runs.
    pulse_due_ns: u64,
    /// What was last logged, so that a lasting trouble is one line.
    trouble: Option<String>,
}

impl Agent {
    /// An agent that has asked nothing yet. `instance` is 32 hexadecimal digits, drawn now.
    pub fn new(config: &AgentConfig, node: String, instance: String) -> Self {
        let reporter = Reporter::new(source_of(&instance));
        let written = Checksums::new(source_of(&instance));
        let identity = Identity {
            region: config.region.clone(),
            node,
            instance,
            lease_s: config.max_staleness.seconds(),
        };
        let wait_s = config.wait_s.min(config.max_staleness.wait_s_max());
        let timeout_ms = config.max_staleness.timeout_ms(wait_s);
        Self {
            cluster: config.cluster.clone(),
            max_staleness: config.max_staleness,
            follower: Follower::new(identity, wait_s, timeout_ms),
            reporter,
            ledger: LedgerLink::default(),
            has_cells: false,
            starter: Starter::new(config),
            edition: 0,
            records: 0,
            changes: ChangeLog::default(),
            written,
            lease_until_ms: 0,
            lease_left_s: 0,
            pulse_due_ns: 0,
            trouble: None,
        }
    }

    /// Sends the next request, and what was counted, if it is time.
    pub fn tick(&mut self, host: &impl FeedHost) {
        let Ok(now_ns) = host.monotonic_ns() else {
            return;
        };
        self.beat(host, now_ns);
        self.ledger.tick(host);
        self.report(host, now_ns);
        self.show_lease(host, now_ns);
        self.inspect(host, now_ns);
        self.follow(host, now_ns);
        self.start(host, now_ns);
    }

    /// Looks at some buckets: if somebody else wrote one, the table is made anew.
    fn inspect(&mut self, host: &impl FeedHost, now_ns: u64) {
        for _ in 0..INSPECTED {
            let bucket = self.written.advance();
            match slots::inspect(host, bucket, &self.written) {
                Ok(true) => {}
                Ok(false) => {
                    // Once for each time.
                    self.written.forget(bucket);
                    self.follower.distrust(now_ns);
                    return alarm(host);
                }
                Err(_) => return,
            }
        }
    }

    /// Asks for the signed table, if there is no other.
    fn start(&mut self, host: &impl FeedHost, now_ns: u64) {
        let starter = self
            .starter
            .as_mut()
            .filter(|_| self.follower.is_stranded());
        let Some(starter) = starter else {
            return;
        };
        let asked = starter
            .due(now_ns)
            .map(|cluster| host.get(cluster, "/", starter::TIMEOUT_MS));
        if let Some(Ok(token)) = asked {
            starter.sent(token, now_ns);
        }
    }

    /// Puts the signed table in force, unless the sidecar was faster.
    fn start_from(&mut self, host: &impl FeedHost, answer: Answer<'_>) {
        let is_stranded = self.follower.is_stranded();
        let Some(starter) = self.starter.as_ref().filter(|_| is_stranded) else {
            return;
        };
        let now = match (host.monotonic_ns(), host.unix_ms()) {
            (Ok(monotonic_ns), Ok(unix_ms)) => Ok(Now {
                monotonic_ns,
                unix_ms,
            }),
            _ => Err(Unusable::Clock),
        };
        match now.and_then(|now| starter.judge(answer, now)) {
            Ok((table, until_ms)) => self.load_signed(host, &table, until_ms),
            Err(unusable) => {
                self.complain(host, format!("the signed table is not used: {unusable}"))
            }
        }
    }

    fn load_signed(&mut self, host: &impl FeedHost, table: &SignedTable<'_>, until_ms: u64) {
        let loaded = table
            .pages
            .iter()
            .try_for_each(|page| self.load_page(host, page, page.first_bucket == 0).map(drop));
        let position = table.pages.last().map(|page| Position {
            epoch: page.epoch,
            generation: page.generation,
        });
        let Some(position) = position else {
            return;
        };
        let in_force = loaded.and_then(|()| self.put_in_force(host, position));
        match in_force.and_then(|()| self.grant(host, until_ms)) {
            Ok(()) => {
                self.follower.adopt(position);
                let generation = position.generation.get();
                let said = format!("agent: started from the signed table, generation {generation}");
                host.log(Level::Warn, &said);
            }
            Err(error) => self.complain(host, format!("cannot write the key table: {error:?}")),
        }
    }

    /// Sets the gauge of what is left of the lease, when a second of it has passed.
    fn show_lease(&mut self, host: &impl Host, now_ns: u64) {
        let left_s = self.lease_until_ms.saturating_sub(now_ns / 1_000_000) / 1000;
        let is_shown = self.lease_left_s == left_s;
        if !is_shown && host.set_gauge(Gauge::LeaseLeftS, left_s).is_ok() {
            self.lease_left_s = left_s;
        }
    }

    fn follow(&mut self, host: &impl FeedHost, now_ns: u64) {
        let Some(request) = self.follower.due(now_ns) else {
            return;
        };
        match host.get(&self.cluster, &request.path, request.timeout_ms) {
            Ok(token) => self.follower.sent(token, now_ns),
            Err(HostError(status)) => {
                self.follower.unsent(now_ns);
                self.complain(
                    host,
                    format!("cannot call cluster {} ({status})", self.cluster),
                );
            }
        }
    }

    /// Shows the workers that what they hand over is taken. One that is not written is no harm: they
    /// keep their counts for longer.
    fn beat(&mut self, host: &impl Host, now_ns: u64) {
        if now_ns >= self.pulse_due_ns && slots::write_pulse(host, now_ns / 1_000_000).is_ok() {
            self.pulse_due_ns = now_ns.saturating_add(pulse::EVERY_NS);
        }
    }

    /// Takes what a worker counted: for the metrics, or usage for the sidecar.
    pub fn gather(&mut self, host: &impl FeedHost, message: &[u8]) {
        match Counts::decode(message) {
            Some(counts) => counts
                .into_iter()
                .for_each(|(counter, by)| host.add(counter, by)),
            None if self.ledger.gather(message) => {}
            None => match self.reporter.gather(message) {
                0 => {}
                lost => host.add(Counter::UsageLost, lost),
            },
        }
    }

    /// Reports usage if it is time.
    fn report(&mut self, host: &impl FeedHost, now_ns: u64) {
        let is_charged = self.reporter.takes_charges()
            && self.reporter.is_free(now_ns)
            && self.ledger.is_due(now_ns, self.reporter.charges_from_ns());
        let charges = is_charged.then(|| self.ledger.begin(host, now_ns));
        let Some(batch) = self.reporter.due(now_ns, charges) else {
            return;
        };
        match host.post(&self.cluster, reporter::PATH, batch, reporter::TIMEOUT_MS) {
            Ok(token) => self.reporter.sent(token, now_ns),
            Err(_) => self.reporter.unsent(now_ns),
        }
    }

    /// Whether an answer says that it is of another request than the one that it comes to.
    pub fn is_replayed(&self, token: u32, answers: Option<&[u8]>) -> bool {
        self.follower.is_replayed(token, answers)
    }

    /// How long an answer to this call may be; a longer one need not be copied.
    pub fn answer_bytes_max(&self, token: u32) -> usize {
        let is_signed_table = self
            .starter
            .as_ref()
            .is_some_and(|starter| starter.expects(token));
        match is_signed_table {
            true => SIGNED_TABLE_BYTES_MAX,
            false => FRAME_BYTES_MAX,
        }
    }

    /// An answer arrived: puts in force what it holds, then asks on.
    pub fn answer(&mut self, host: &impl FeedHost, token: u32, answer: Answer<'_>) {
        // Without a clock the next request is not put off: one day it would never be due again.
        let now_ns = host.monotonic_ns().unwrap_or_default();
        if self
            .starter
            .as_mut()
            .is_some_and(|starter| starter.takes(token))
        {
            return self.start_from(host, answer);
        }
        let (status, body) = match answer {
            Answer::Failed | Answer::Replayed | Answer::TooLarge(_) => (0, &[][..]),
            Answer::Http { status, body } => (status, body),
        };
        match self.reporter.answer(token, status, body, now_ns) {
            Reported::NotOurs => {}
            Reported::Later => return,
            Reported::Charged(answer) => return self.ledger.answered(host, &answer),
            Reported::Taken => return self.ledger.dropped(),
            Reported::Dropped(status) => {
                self.ledger.dropped();
                host.log(
                    Level::Error,
                    &format!("agent: the sidecar refused usage ({status})"),
                );
                return;
            }
        }
        match self.follower.receive(token, answer, now_ns) {
            Ok((step, confirmation)) => match self.apply(host, step, confirmation) {
                Ok(()) => {
                    self.follower.confirm(confirmation);
                    self.hear(answer);
                }
                Err(_) if mutant!(AckTheUnwritten) => self.follower.confirm(confirmation),
                Err(error) => {
                    if error == SlotError::Altered {
                        alarm(host);
                    }
                    self.follower.fail(now_ns);
                    self.complain(host, format!("cannot write the key table: {error:?}"));
                }
            },
            Err(Rejection::Unasked) => return,
            Err(rejection) => self.complain(host, format!("the sidecar gave {rejection}")),
        }
        self.tick(host);
    }

    /// Learns from an accepted answer which format the sidecar speaks.
    fn hear(&mut self, answer: Answer<'_>) {
        let Answer::Http { body, .. } = answer else {
            return;
        };
        if let Some(format) = Frame::format_of(body) {
            self.reporter.heard(format);
        }
    }

    fn apply(
        &mut self,
        host: &impl FeedHost,
        step: Step<'_>,
        confirmation: Confirmation,
    ) -> Result<(), SlotError> {
        if mutant!(HeadFirst)
            && let Some((position, _)) = confirmation.complete()
        {
            self.put_in_force(host, position)?;
        }
        let changed = match step {
            Step::Apply(delta) => self.apply_delta(host, &delta)?,
            Step::Load {
                page,
                first,
                last: _,
            } => self.load_page(host, &page, first)?,
        };
        let Some((position, sent_ns)) = confirmation.complete() else {
            return Ok(());
        };
        let moved = changed || self.follower.position() != Some(position);
        if moved && !mutant!(HeadFirst) {
            self.put_in_force(host, position)?;
        }
        self.grant(host, self.max_staleness.lease_until_ms(sent_ns))?;
        self.recover(host, position.generation.get());
        Ok(())
    }

    /// Says until when the table may be used.
    fn grant(&mut self, host: &impl FeedHost, until_ms: u64) -> Result<(), SlotError> {
        if !self.has_cells && !mutant!(MakeNoCells) {
            cells::make(host).map_err(SlotError::Host)?;
            self.has_cells = true;
        }
        self.lease_until_ms = until_ms;
        slots::write_lease(host, until_ms)?;
        set_gauge(host, Gauge::LeaseUntilMs, until_ms)
    }

    /// Names the table that the slots hold: change log, head, then the gauges by which workers notice it.
    fn put_in_force(&mut self, host: &impl Host, position: Position) -> Result<(), SlotError> {
        self.edition = self.next_edition(host);
        let Position { epoch, generation } = position;
        let head = TableHead {
            epoch,
            generation,
            edition: self.edition,
            records: self.records,
        };
        slots::write_changes(host, &self.changes.close(self.edition))?;
        slots::write_head(host, &head)?;
        set_gauge(host, Gauge::Generation, generation.get())?;
        set_gauge(host, Gauge::Records, self.records)?;
        if mutant!(KeepTheEdition) {
            return Ok(());
        }
        set_gauge(host, Gauge::Edition, self.edition)
    }

    fn apply_delta(&mut self, host: &impl Host, delta: &Delta<'_>) -> Result<bool, SlotError> {
        for change in &delta.changes {
            if mutant!(SkipRemovals) && matches!(change, Change::Remove(_)) {
                continue;
            }
            if !mutant!(NoteNoChange) {
                self.changes.note(slots::key_hash_of(change).bucket());
            }
            let difference = slots::write_change(host, change, &mut self.written)?;
            self.records = self.records.saturating_add_signed(difference);
        }
        Ok(!delta.changes.is_empty())
    }

    fn load_page(
        &mut self,
        host: &impl Host,
        page: &Page<'_>,
        first: bool,
    ) -> Result<bool, SlotError> {
        if first {
            self.records = 0;
        }
        self.changes.note_everything();
        let records = slots::write_page(host, page, &mut self.written)?;
        self.records = self.records.saturating_add(records);
        Ok(true)
    }

    /// Above every edition that this process has shown. The gauge tells nothing of it: Envoy adds
    /// what a process says that is taken over from.
    fn next_edition(&self, host: &impl Host) -> u64 {
        let head = slots::read_head(host).ok().flatten();
        let shown = head.map_or(0, |head| head.edition);
        self.edition.max(shown).saturating_add(1)
    }

    fn complain(&mut self, host: &impl Host, trouble: String) {
        if self.trouble.as_ref() != Some(&trouble) {
            host.log(
                Level::Warn,
                &format!("agent: {trouble}; the table stays as it is"),
            );
            self.trouble = Some(trouble);
        }
    }

    fn recover(&mut self, host: &impl Host, generation: u64) {
        if self.trouble.take().is_some() {
            host.log(
                Level::Info,
                &format!("agent: current again at generation {generation}"),
            );
        }
    }
}

/// Somebody else writes the table: a gate that keeps limits and was taken over, or a module that may.
fn alarm(host: &impl FeedHost) {
    host.add(Counter::TableAltered, 1);
    let said =
        "agent: somebody else wrote the key table: it is loaded anew; see docs/gate-rights.md";
    host.log(Level::Error, said);
}

fn set_gauge(host: &impl Host, gauge: Gauge, value: u64) -> Result<(), SlotError> {
    host.set_gauge(gauge, value).map_err(SlotError::Host)
}

/// The source of this agent's usage: its instance id, which is 32 hexadecimal digits.
fn source_of(instance: &str) -> [u8; 16] {
    Epoch::parse(instance).map_or([0; 16], |id| *id.as_bytes())
}
