//! What is done to a sidecar while something happens to it.
//!
//! Invariant: one call at a time, and each answer goes into the ledger before the next call.

use keytable::{
    Charge, CounterId, KeyId, LimitSubject, Tokens, Unit, UsageBatch, UsageOutcome, UsageRow,
    WindowKind,
};
use serde_json::{Value, json};

use crate::ledger::{COUNT, Ledger, Once, State, Usage};
use crate::process::{Answer, Base, Process};

/// Keys that are made before the work: more syncs than a start makes.
const WARM_KEYS: usize = 12;
/// Batches of usage that are sent before the ones that count: more calls than anybody else makes.
const WARM_BATCHES: u64 = 6;

/// Something to do.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Workload {
    /// Only to start and to stop. On the base of a process that was killed, the start finds a
    /// write-ahead log, and the stop puts it away.
    Nothing,
    /// A change of every kind.
    Keys,
    /// Batches of usage.
    Usage,
}

/// What a run of a workload came to.
#[derive(Debug, Default)]
pub(crate) struct Run {
    pub(crate) ledger: Ledger,
    /// Answers that refused a write.
    pub(crate) refused: Vec<u16>,
    /// Whether the sidecar went away.
    pub(crate) died: bool,
}

impl Workload {
    /// Makes the thread that will work the one with the most calls, so that each call of the work
    /// is the first of its number.
    pub(crate) fn warm_up(self, run: &mut Run, process: &Process) {
        match self {
            Self::Nothing => {}
            Self::Keys => {
                for n in 0..WARM_KEYS {
                    run.create(process, &format!("first-{n}"), "standard");
                }
            }
            Self::Usage => {
                let id = run.create(process, "used", "standard");
                let id = id.filter(|id| run.limit(process, "used", id));
                run.ledger.usage = id.map(Usage::of);
                (0..WARM_BATCHES).for_each(|_| run.report(process));
            }
        }
    }

    pub(crate) fn work(self, run: &mut Run, process: &Process) {
        match self {
            Self::Nothing => {}
            Self::Keys => change_keys(run, process),
            Self::Usage => (0..2).for_each(|_| run.report(process)),
        }
    }

    /// All of it.
    pub(crate) fn run(self, base: &Base, process: &Process) -> Run {
        let mut run = Run::on(base);
        self.warm_up(&mut run, process);
        self.work(&mut run, process);
        run
    }
}

/// The name of the key that is made once.
pub(crate) const ONCE: &str = "once";

/// One after the other: a value that is shown, an edit, a successor, a new value, a deletion.
fn change_keys(run: &mut Run, process: &Process) {
    if let Some(id) = run.create(process, "changed", "standard") {
        run.reveal(process, &id);
        run.edit(process, "changed", &id);
        run.delete(process, "changed", &id);
    }
    if let Some(id) = run.create(process, "plan", "token_plan") {
        run.reset(process, "plan", &id);
    }
    if let Some(id) = run.create(process, "rotated", "standard") {
        run.rotate(process, "rotated", &id);
    }
    run.create_once(process);
}

impl Run {
    /// A run in a copy of `base`.
    pub(crate) fn on(base: &Base) -> Self {
        Self {
            ledger: base.ledger.clone(),
            ..Self::default()
        }
    }

    /// Sends one write about the key `name`; the answer, if the write was acknowledged.
    fn write(
        &mut self,
        process: &Process,
        (method, path): (&str, &str),
        body: Option<&Value>,
        (name, state): (&str, State),
    ) -> Option<Value> {
        if self.died {
            return None;
        }
        self.settle(process.call(method, path, body), (name, state))
    }

    /// Notes what came of a write about the key `name`.
    fn settle(&mut self, answer: Option<Answer>, (name, state): (&str, State)) -> Option<Value> {
        match answer {
            None => {
                self.died = true;
                self.ledger.leave_open(name, state);
                None
            }
            Some(Answer { status, json }) if (200..300).contains(&status) => {
                self.ledger.acknowledge(name, state);
                Some(json)
            }
            Some(Answer { status, json }) => {
                // After a failed sync it is open whether the change is on the disk.
                if json["detail"]
                    .as_str()
                    .is_some_and(|text| text.contains("failed to sync"))
                    && !self.refused.contains(&status)
                {
                    self.ledger.leave_open(name, state);
                }
                self.refused.push(status);
                None
            }
        }
    }

    pub(crate) fn create(&mut self, process: &Process, name: &str, origin: &str) -> Option<String> {
        let body = json!({
            "account": "demo", "region": "local", "name": name, "origin": origin,
            "scope": {"models": ["glm-5.1"]}, "description": "made",
        });
        let state = State::there(&[
            ("status", "enabled".into()),
            ("description", "made".into()),
            ("key_version", 1.into()),
        ]);
        let call = ("POST", "/v1/keys?wait=none&allow_unlisted=true");
        let made = self.write(process, call, Some(&body), (name, state))?;
        Some(made["id"].as_str().unwrap().to_owned())
    }

    /// A create call that may be repeated.
    fn create_once(&mut self, process: &Process) {
        if self.died {
            return;
        }
        self.ledger.once = Once::Sent;
        let state = State::there(&[("status", "enabled".into())]);
        if let Some(made) = self.settle(process.create_once(ONCE), (ONCE, state)) {
            self.ledger.once = Once::Answered(made["id"].clone(), made["key"].clone());
        }
    }

    fn edit(&mut self, process: &Process, name: &str, id: &str) {
        let body = json!({"status": "disabled", "description": "edited"});
        let state = State::there(&[
            ("status", "disabled".into()),
            ("description", "edited".into()),
        ]);
        let path = format!("/v1/keys/{id}?wait=none");
        self.write(process, ("PATCH", &path), Some(&body), (name, state));
    }

    /// Gives a key the first limit of the installation: all that its batches charge fits in. Whether it has it.
    fn limit(&mut self, process: &Process, name: &str, id: &str) -> bool {
        let limit = json!({"unit": "requests", "window": "lifetime", "amount": 1_000_000_000});
        let state = State::there(&[("status", "enabled".into())]);
        let path = format!("/v1/keys/{id}?wait=none");
        let body = json!({"limits": [limit]});
        let call = ("PATCH", path.as_str());
        self.write(process, call, Some(&body), (name, state))
            .is_some()
    }

    fn delete(&mut self, process: &Process, name: &str, id: &str) {
        let path = format!("/v1/keys/{id}?wait=none&confirm={name}");
        self.write(process, ("DELETE", &path), None, (name, State::Gone));
    }

    fn reset(&mut self, process: &Process, name: &str, id: &str) {
        let state = State::there(&[("key_version", 2.into())]);
        let path = format!("/v1/keys/{id}/reset?wait=none");
        self.write(process, ("POST", &path), None, (name, state));
    }

    fn rotate(&mut self, process: &Process, name: &str, id: &str) {
        let state = State::there(&[("predecessor", id.into())]);
        let path = format!("/v1/keys/{id}/rotate?wait=none");
        self.write(process, ("POST", &path), None, (name, state));
    }

    /// A reveal writes its audit row, and changes nothing of the key.
    fn reveal(&mut self, process: &Process, id: &str) {
        if self.died {
            return;
        }
        match process.call("POST", &format!("/v1/keys/{id}/reveal"), None) {
            None => self.died = true,
            Some(Answer { status: 200, .. }) => {}
            Some(answer) => {
                assert!(answer.json.get("key").is_none(), "{answer:?}");
                self.refused.push(answer.status);
            }
        }
    }

    /// Sends the next batch, or, as an agent does, the same once more that was refused.
    fn report(&mut self, process: &Process) {
        let Some(usage) = self.ledger.usage.as_mut().filter(|_| !self.died) else {
            return;
        };
        if usage.acknowledged == usage.sent {
            usage.sent += 1;
        }
        match process.report(&usage.batch(usage.sent)) {
            None => self.died = true,
            Some(200) => usage.acknowledged += 1,
            Some(status) => self.refused.push(status),
        }
    }
}

impl Usage {
    fn of(id: String) -> Self {
        Self {
            id,
            sent: 0,
            acknowledged: 0,
        }
    }

    /// What a batch charges to the key's limit.
    fn charge(&self) -> Charge {
        Charge {
            counter: CounterId {
                subject: LimitSubject::Key(KeyId::parse(&self.id).unwrap()),
                unit: Unit::Requests,
                window: WindowKind::Lifetime,
                start_unix_ms: 0,
                resets: 1,
            },
            charged: COUNT,
            held: 0,
            base: 0,
        }
    }

    /// One batch, the same each time.
    pub(crate) fn batch(&self, sequence: u64) -> Vec<u8> {
        let row = UsageRow {
            key_id: KeyId::parse(&self.id).unwrap(),
            resource: "glm-5.1".into(),
            outcome: UsageOutcome::Permitted,
            count: COUNT,
            tokens: Tokens::default(),
            last_at_unix_ms: 0,
            last_address: None,
        };
        UsageBatch {
            source: [1; 16],
            sequence,
            rows: vec![row],
            charges: vec![self.charge()],
        }
        .encode()
    }
}
