//! What is done to a sidecar while something happens to it, and what must be true afterwards.

use keytable::{KeyId, Outcome, UsageBatch, UsageRow};
use serde_json::{Value, json};

use crate::faults::{Ending, Fault};
use crate::ledger::{Ledger, State};
use crate::process::{Answer, Base, Copy, Process};

/// What a run of the workload came to.
#[derive(Debug, Default)]
struct Run {
    ledger: Ledger,
    /// Answers that refused a write.
    refused: Vec<u16>,
    /// Whether the sidecar went away.
    died: bool,
}

impl Run {
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
        match process.call(method, path, body) {
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

    fn create(&mut self, process: &Process, name: &str, origin: &str) -> Option<String> {
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

    fn edit(&mut self, process: &Process, name: &str, id: &str) {
        let body = json!({"status": "disabled", "description": "edited"});
        let state = State::there(&[
            ("status", "disabled".into()),
            ("description", "edited".into()),
        ]);
        let path = format!("/v1/keys/{id}?wait=none");
        self.write(process, ("PATCH", &path), Some(&body), (name, state));
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

    /// Counts do not go into the ledger: a batch is repeated until it is accepted.
    fn report(&mut self, process: &Process, id: &str) {
        if self.died {
            return;
        }
        match process.report(&batch(id)) {
            None => self.died = true,
            Some(204) => {}
            Some(status) => self.refused.push(status),
        }
    }
}

fn batch(id: &str) -> Vec<u8> {
    let row = UsageRow {
        key_id: KeyId::parse(id).unwrap(),
        resource: "glm-5.1".into(),
        outcome: Outcome::Permitted,
        count: 7,
        last_at_unix_ms: 0,
        last_address: None,
    };
    UsageBatch {
        source: [1; 16],
        sequence: 1,
        rows: vec![row],
    }
    .encode()
}

/// Some writes of every kind, one after the other.
fn work(process: &Process) -> Run {
    let mut run = Run::default();
    for round in 0..3 {
        let name = |what: &str| format!("{what}-{round}");
        let (kept, edited, gone, plan) = (name("kept"), name("edited"), name("gone"), name("plan"));
        let id = run.create(process, &kept, "standard");
        if let Some(id) = run.create(process, &edited, "standard") {
            run.edit(process, &edited, &id);
        }
        if let Some(id) = run.create(process, &gone, "standard") {
            run.delete(process, &gone, &id);
        }
        if let Some(id) = run.create(process, &plan, "token_plan") {
            run.reset(process, &plan, &id);
        }
        if let Some(id) = id {
            run.report(process, &id);
        }
    }
    run
}

/// Starts again without a fault: it starts, the database is whole, and the ledger is right.
fn check_restarted(copy: &Copy, ledger: &Ledger, context: &str) {
    let process = Process::start(copy, None).unwrap_or_else(|| panic!("{context}: no start"));
    ledger.check(&process, context);
    let mut run = Run::default();
    assert!(
        run.create(&process, "afterwards", "standard").is_some(),
        "{context}"
    );
    assert!(process.stop(), "{context}");
    assert_whole(copy, context);
}

/// SQLite's own check of the file, and the audit's of its chain.
fn assert_whole(copy: &Copy, context: &str) {
    let audit = copy
        .command(None)
        .args(["audit", "verify", "--data"])
        .arg(copy.data())
        .output()
        .unwrap();
    assert!(audit.status.success(), "{context}: {audit:?}");
    // A copy is made of a whole database only.
    let backup = copy.data().join("copy.db");
    sidecar::store::backup(&copy.data(), &backup)
        .unwrap_or_else(|error| panic!("{context}: {error:?}"));
}

pub(crate) fn check_after_kill(base: &Base, fault: &Fault) -> Ending {
    let copy = base.copy();
    let context = format!("{fault:?}");
    let Some(process) = Process::start(&copy, Some(fault)) else {
        check_restarted(&copy, &Ledger::default(), &context);
        return Ending::Hit;
    };
    let run = work(&process);
    let ended_well = if run.died {
        process.wait()
    } else {
        process.stop()
    };
    check_restarted(&copy, &run.ledger, &context);
    assert!(run.refused.is_empty(), "{context}: {:?}", run.refused);
    if ended_well {
        Ending::Missed
    } else {
        Ending::Hit
    }
}

pub(crate) fn check_after_sync(base: &Base, fault: &Fault) -> Ending {
    let copy = base.copy();
    let context = format!("{fault:?}");
    let Some(process) = Process::start(&copy, Some(fault)) else {
        check_restarted(&copy, &Ledger::default(), &context);
        return Ending::Hit;
    };
    let run = work(&process);
    assert!(!run.died, "{context}: it must go on reading");
    run.ledger.check(&process, &context);
    assert_eq!(process.table(), Some(200), "{context}: Envoys are served");
    let ready = process.call("GET", "/readyz", None).unwrap();
    if !run.refused.is_empty() {
        assert!(
            run.refused.iter().all(|status| *status == 503),
            "{context}: {run:?}"
        );
        assert_eq!(ready.status, 503, "{context}: it says that it cannot write");
    }
    process.stop();
    let ending = copy.ending();
    check_restarted(&copy, &run.ledger, &context);
    ending
}

pub(crate) fn check_after_error(base: &Base, fault: &Fault) -> Ending {
    let copy = base.copy();
    let context = format!("{fault:?}");
    let Some(process) = Process::start(&copy, Some(fault)) else {
        check_restarted(&copy, &Ledger::default(), &context);
        return Ending::Hit;
    };
    let run = work(&process);
    assert!(!run.died, "{context}: it must go on");
    let statuses = [503, 507];
    assert!(
        run.refused.iter().all(|status| statuses.contains(status)),
        "{context}: {run:?}"
    );
    run.ledger.check(&process, &context);
    assert_eq!(process.table(), Some(200), "{context}: Envoys are served");
    process.stop();
    let ending = copy.ending();
    check_restarted(&copy, &run.ledger, &context);
    ending
}

/// The operating system has no random bytes any more once the sidecar serves.
pub(crate) fn check_without_random_bytes(base: &Base) {
    let mut number = 1;
    let (copy, process) = loop {
        let copy = base.copy();
        let fault = Fault::fail_from("getrandom", "EIO", number);
        match Process::start(&copy, Some(&fault)) {
            Some(process) => break (copy, process),
            None => number += 1,
        }
        assert!(number < 50, "it never starts");
    };
    let mut run = Run::default();
    for attempt in 0..20 {
        run.create(&process, &format!("key {attempt}"), "standard");
    }
    assert!(!run.died && run.refused.contains(&503), "{run:?}");
    run.ledger.check(&process, "getrandom");
    process.stop();
    check_restarted(&copy, &run.ledger, "getrandom");
}

pub(crate) fn check_passage(base: &Base, fault: &Fault) -> Ending {
    let copy = base.copy();
    let context = format!("rotate-master {fault:?}");
    let process = Process::start(&copy, None).unwrap();
    let mut run = Run::default();
    let ids: Vec<_> = (0..5)
        .map(|n| {
            run.create(&process, &format!("key-{n}"), "standard")
                .unwrap()
        })
        .collect();
    process.stop();
    let passage = |fault| {
        let mut command = copy.command(fault);
        command
            .args(["keys", "rotate-master", "--data"])
            .arg(copy.data());
        command.output().unwrap().status.success()
    };
    let missed = passage(Some(fault));
    assert_revealable(&copy, &ids, &context);
    assert!(passage(None), "{context}: it goes on");
    assert_revealable(&copy, &ids, &context);
    if missed { Ending::Missed } else { Ending::Hit }
}

fn assert_revealable(copy: &Copy, ids: &[String], context: &str) {
    let process = Process::start(copy, None).unwrap_or_else(|| panic!("{context}: no start"));
    for id in ids {
        let shown = process
            .call("POST", &format!("/v1/keys/{id}/reveal"), None)
            .unwrap();
        assert_eq!(shown.status, 200, "{context}: {shown:?}");
    }
    process.stop();
}

pub(crate) fn check_first_start(base: &Base, fault: &Fault) -> Ending {
    let copy = base.fresh();
    let context = format!("first start {fault:?}");
    let started = Process::start(&copy, Some(fault));
    let ending = match &started {
        Some(_) => Ending::Missed,
        None => Ending::Hit,
    };
    drop(started);
    check_restarted(&copy, &Ledger::default(), &context);
    ending
}
