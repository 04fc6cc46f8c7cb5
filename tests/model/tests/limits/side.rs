//! The sidecar of a simulation: the product's store and bookkeeper, a feed of the records that they make, and
//! what has to be in the ledger by what arrived here.
//!
//! Invariant: what is expected is worked out from batches alone, by sums that the product does not see.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use keytable::{
    AccountId, AddressList, CounterId, Epoch, Generation, KeyId, Limit, LimitSubject, Limits,
    RecordedLimit, Scope, Status, UsageAnswer, UsageBatch,
};
use sidecar::compile;
use sidecar::domain::act::Act;
use sidecar::domain::audit::{Actor, AuditAction};
use sidecar::domain::clock::UnixMillis;
use sidecar::domain::identity::account::AccountEdit;
use sidecar::domain::key::{KeyEdit, NewKey, Policy};
use sidecar::domain::label::Labels;
use sidecar::domain::name::{Description, KeyName};
use sidecar::domain::origin::Origin;
use sidecar::domain::region::RegionId;
use sidecar::domain::table_entry::TableEntry;
use sidecar::feed::bookkeeper::Bookkeeper;
use sidecar::feed::fleet::Moment;
use sidecar::store::{CreateOptions, LimitOwner, Minted, News, Store, Target};

use crate::support::{FakeSidecar, hash};

/// Who counted.
pub(crate) type Source = [u8; 16];
/// A sum of each counter.
pub(crate) type Sums = BTreeMap<CounterId, u64>;

static START: LazyLock<Instant> = LazyLock::new(Instant::now);
/// How long answers only raise what an Envoy knows after a start.
const YOUNG_MS: u64 = 3_000;
/// From one change that marks counters to the next.
const MARK_MS: u64 = 5_000;

/// What one source has told of a counter, and what came of it.
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    /// What it settled.
    own: u64,
    /// What has to be in the ledger for it.
    charged: u64,
    /// What of that was charged before it was settled.
    advance: u64,
    /// What it holds besides.
    held: u64,
}

/// The limits of each subject as records have them.
pub(crate) type InForce = BTreeMap<LimitSubject, Vec<RecordedLimit>>;

/// What an answer tells of other Envoys.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    pub(crate) others: Sums,
    /// It may only raise what was known.
    pub(crate) only_raises: bool,
    pub(crate) ledger_unix_ms: u64,
}

pub(crate) struct Side {
    store: Store,
    bookkeeper: Bookkeeper,
    pub(crate) feed: FakeSidecar,
    position: (Epoch, Generation),
    /// What was in force, by the feed's generation.
    pub(crate) in_force: Vec<InForce>,
    account: AccountId,
    pub(crate) run: usize,
    told: BTreeMap<(Source, CounterId), Told>,
    /// The last batch of each that has to be charged.
    sequences: BTreeMap<Source, u64>,
    /// The newest of each since this start, unless it went since.
    newest: BTreeMap<Source, u64>,
    pub(crate) gone: BTreeSet<Source>,
    started_ms: u64,
    full: BTreeSet<CounterId>,
    marked_ms: u64,
    /// How far its wall clock is ahead.
    pub(crate) ahead_ms: i64,
}

/// The store of all runs; each has an account and keys of its own.
pub(crate) fn open_store(directory: &Path) -> Store {
    let store = Store::open(directory, 50).unwrap();
    store.seed_region(&region(), UnixMillis::new(0)).unwrap();
    store
}

fn region() -> RegionId {
    RegionId::parse("local").unwrap()
}

fn instant(now_ms: u64) -> Instant {
    *START + Duration::from_millis(now_ms)
}

fn new_key(account: &AccountId, limits: Limits) -> NewKey {
    NewKey {
        account: account.clone(),
        region: region(),
        origin: Origin::Standard,
        name: KeyName::parse("a key").unwrap(),
        team: None,
        policy: Policy {
            description: Description::parse("simulated").unwrap(),
            status: Status::Enabled,
            scope: Scope::ALL,
            addresses: AddressList::default(),
            expires_at: None,
            labels: Labels::default(),
        },
        limits,
    }
}

impl Side {
    pub(crate) fn new(store: &Store, run: usize, now_ms: u64) -> Self {
        let account = AccountId::parse(&format!("run-{run}")).unwrap();
        store
            .seed_account(&account, UnixMillis::new(now_ms))
            .unwrap();
        Self {
            store: store.clone(),
            bookkeeper: Bookkeeper::new(store.clone(), instant(now_ms)),
            feed: FakeSidecar::new(1),
            position: (store.epoch(), store.generation().unwrap()),
            in_force: vec![InForce::new()],
            account,
            run,
            told: BTreeMap::new(),
            sequences: BTreeMap::new(),
            newest: BTreeMap::new(),
            gone: BTreeSet::new(),
            started_ms: now_ms,
            full: BTreeSet::new(),
            marked_ms: now_ms,
            ahead_ms: 0,
        }
    }

    /// Its clock.
    pub(crate) fn wall(&self, now_ms: u64) -> UnixMillis {
        UnixMillis::new(now_ms.saturating_add_signed(self.ahead_ms))
    }

    fn moment(&self, now_ms: u64) -> Moment {
        Moment {
            instant: instant(now_ms),
            wall: self.wall(now_ms),
        }
    }

    fn act(&self, now_ms: u64) -> Act {
        Act {
            actor: Actor::System,
            address: None,
            at: self.wall(now_ms),
        }
    }

    /// The number under which the support knows a key of this run.
    pub(crate) fn number(&self, key: usize) -> usize {
        self.run * 10 + key
    }

    fn target(&self, key: usize) -> Target {
        Target {
            id: KeyId::parse(&format!("ak-{}-{key}", self.run)).unwrap(),
            account: None,
            revisions: None,
        }
    }

    pub(crate) fn of_key(&self, key: usize) -> LimitSubject {
        LimitSubject::Key(self.target(key).id)
    }

    pub(crate) fn of_account(&self) -> LimitSubject {
        LimitSubject::Account(self.account.clone())
    }

    pub(crate) fn add_key(&mut self, key: usize, limits: &[Limit], now_ms: u64) {
        let minted = Minted {
            id: self.target(key).id,
            hash: hash(self.number(key)),
            masked: "sk-ab***wxyz".into(),
            sealed: None,
            predecessor: None,
            creator: "operator".into(),
        };
        let options = CreateOptions {
            action: AuditAction::KeyCreated,
            allow_unlisted: true,
        };
        let new = new_key(&self.account, Limits::new(limits.to_vec()).unwrap());
        let inserted = self
            .store
            .insert(new, minted, &options, None, &self.act(now_ms));
        inserted.unwrap();
        self.publish(now_ms);
    }

    pub(crate) fn limit_key(&mut self, key: usize, limits: &[Limit], now_ms: u64) {
        let edit = KeyEdit {
            limits: Some(Limits::new(limits.to_vec()).unwrap()),
            ..KeyEdit::default()
        };
        let target = self.target(key);
        self.store
            .edit(&target, edit, true, &self.act(now_ms))
            .unwrap();
        self.publish(now_ms);
    }

    pub(crate) fn limit_account(&mut self, limits: &[Limit], now_ms: u64) {
        let edit = AccountEdit {
            limits: Some(Limits::new(limits.to_vec()).unwrap()),
            ..AccountEdit::default()
        };
        let (action, account) = (AuditAction::AccountEdited, &self.account);
        let detail = serde_json::json!({});
        let entry = self
            .act(now_ms)
            .entry(action, Some(account), account.as_str(), detail);
        let edited = self.store.edit_account(account, None, &edit, &entry);
        edited.unwrap();
        self.publish(now_ms);
    }

    /// Begins the counters of a key, or of the account, anew.
    pub(crate) fn reset(&mut self, key: Option<usize>, now_ms: u64) {
        let owner = self.owner(key);
        self.store.reset_limits(&owner, &self.act(now_ms)).unwrap();
        self.publish(now_ms);
    }

    fn owner(&self, key: Option<usize>) -> LimitOwner {
        match key {
            Some(key) => LimitOwner::Key(self.target(key)),
            None => LimitOwner::Account(self.account.clone()),
        }
    }

    /// What the ledger has of each limit of a key or of the account.
    pub(crate) fn ledger(
        &self,
        key: Option<usize>,
        now_ms: u64,
    ) -> Vec<(CounterId, RecordedLimit)> {
        let owner = self.owner(key);
        let wall = self.wall(now_ms);
        let standing = self.store.limits(&owner, wall).unwrap();
        let recorded = standing.recorded.iter();
        recorded
            .map(|one| (one.counter_at(standing.subject.clone(), wall.get()), *one))
            .collect()
    }

    /// Brings what has changed to the feed, as records.
    fn publish(&mut self, now_ms: u64) {
        let now = self.wall(now_ms);
        let news = self.store.news(&region(), Some(self.position), now);
        let News::Changes { newest, changes } = news.unwrap() else {
            panic!("a gap");
        };
        self.position.1 = newest;
        for entry in changes.into_iter().filter_map(|(_, entry)| entry) {
            let mut in_force = self.in_force.last().cloned().unwrap_or_default();
            match entry {
                TableEntry::Key(entry) => {
                    self.feed.put(&compile::record(&entry));
                    let subject = LimitSubject::Key(entry.key.subject.clone());
                    in_force.insert(subject, entry.limits);
                }
                TableEntry::Account(entry) => {
                    self.feed.put_account(&compile::account_record(&entry));
                    let subject = LimitSubject::Account(entry.account.clone());
                    in_force.insert(subject, entry.limits);
                }
            }
            self.in_force.push(in_force);
        }
    }

    /// Batches arrive together.
    pub(crate) fn take(
        &mut self,
        batches: &[UsageBatch],
        now_ms: u64,
    ) -> Vec<(UsageAnswer, Report)> {
        let batches: Vec<&UsageBatch> = batches.iter().collect();
        let is_serving = |source: &Source| !self.gone.contains(source);
        let given_up = self.bookkeeper.given_up(&batches, is_serving);
        batches.iter().for_each(|batch| self.expect(batch));
        let gone: Vec<Source> = given_up.iter().map(|agent| agent.source).collect();
        self.expect_gone(&gone);
        let moment = self.moment(now_ms);
        let booked = self.bookkeeper.book(&batches, &given_up, moment).unwrap();
        self.full.extend(booked.full);
        let report = |batch: &&UsageBatch| Report {
            others: self.others(batch),
            only_raises: now_ms - self.started_ms < YOUNG_MS,
            ledger_unix_ms: moment.wall.get(),
        };
        let reports = batches.iter().map(report);
        booked.answers.into_iter().zip(reports).collect()
    }

    fn expect(&mut self, batch: &UsageBatch) {
        let source = batch.source;
        let last = self.sequences.entry(source).or_default();
        let is_new = batch.sequence > *last;
        *last = batch.sequence.max(*last);
        let newest = self.newest.entry(source).or_default();
        let is_newest = batch.sequence >= *newest;
        *newest = batch.sequence.max(*newest);
        for charge in &batch.charges {
            let told = self.told.entry((source, charge.counter.clone()));
            let told = told.or_default();
            if is_new {
                let covered = told.advance.min(charge.charged);
                told.own += charge.charged;
                told.charged += charge.charged - covered;
                told.advance -= covered;
            }
            if is_newest {
                told.held = charge.held.saturating_sub(told.advance);
            }
        }
    }

    fn expect_gone(&mut self, gone: &[Source]) {
        for source in gone {
            self.newest.remove(source);
        }
        let of_gone = |(source, _): &(Source, CounterId)| gone.contains(source);
        for (_, told) in self.told.iter_mut().filter(|(key, _)| of_gone(key)) {
            let held = std::mem::take(&mut told.held);
            told.charged += held;
            told.advance += held;
        }
    }

    /// What all others use and hold, as far as it was told, of the counters of a batch that a limit has.
    fn others(&self, batch: &UsageBatch) -> Sums {
        let in_force = self.in_force.last().into_iter().flatten();
        let numbers: BTreeSet<(&LimitSubject, u32)> = in_force
            .flat_map(|(subject, limits)| limits.iter().map(move |one| (subject, one.resets)))
            .collect();
        let counters = batch.charges.iter().map(|charge| &charge.counter);
        let known = counters.filter(|one| numbers.contains(&(&one.subject, one.resets)));
        known
            .map(|counter| {
                let of = self
                    .told
                    .iter()
                    .filter(|((source, other), _)| *source != batch.source && other == counter);
                let sum = of.map(|(_, told)| told.charged + told.held).sum();
                (counter.clone(), sum)
            })
            .collect()
    }

    /// What has to be in the ledger of a counter.
    pub(crate) fn expected(&self, counter: &CounterId) -> u64 {
        let of = self.told.iter().filter(|((_, other), _)| other == counter);
        of.map(|(_, told)| told.charged).sum()
    }

    /// What a source has told that it settled of a counter.
    pub(crate) fn told_by(&self, source: Source, counter: &CounterId) -> u64 {
        let told = self.told.get(&(source, counter.clone()));
        told.map_or(0, |told| told.own)
    }

    /// What all sources hold, as far as it was told.
    pub(crate) fn held(&self) -> u64 {
        let counters: BTreeSet<&CounterId> = self.told.keys().map(|(_, counter)| counter).collect();
        let counters: Vec<CounterId> = counters.into_iter().cloned().collect();
        self.bookkeeper.held(&counters).iter().sum()
    }

    /// Its process is another: what was volatile is gone.
    pub(crate) fn restart(&mut self, now_ms: u64) {
        self.bookkeeper = Bookkeeper::new(self.store.clone(), instant(now_ms));
        self.started_ms = now_ms;
        self.told.values_mut().for_each(|told| told.held = 0);
        self.newest.clear();
    }

    /// It looks who is gone.
    pub(crate) fn look(&mut self, now_ms: u64) {
        let is_serving = |source: &Source| !self.gone.contains(source);
        let given_up = self.bookkeeper.given_up(&[], is_serving);
        if given_up.is_empty() {
            return;
        }
        let gone: Vec<Source> = given_up.iter().map(|agent| agent.source).collect();
        self.expect_gone(&gone);
        let booked = self.bookkeeper.book(&[], &given_up, self.moment(now_ms));
        self.full.extend(booked.unwrap().full);
    }

    /// Envoys are told of what is exhausted, if it is time.
    pub(crate) fn mark(&mut self, now_ms: u64) {
        if now_ms - self.marked_ms < MARK_MS || self.full.is_empty() {
            return;
        }
        self.marked_ms = now_ms;
        let due: Vec<CounterId> = std::mem::take(&mut self.full).into_iter().collect();
        self.store.mark_full(&due, self.wall(now_ms)).unwrap();
        self.publish(now_ms);
    }
}
