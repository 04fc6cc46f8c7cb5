//! What must be true after something has happened to a sidecar.
//!
//! Invariant: every run ends with a start without a fault, and the ledger is the judge.

use sidecar::store::AuditFinding;

use crate::faults::{Ending, Fault};
use crate::ledger::{self, COUNT, Ledger, Once};
use crate::process::{Base, Copy, Process};
use crate::trace;
use crate::workload::{ONCE, Run, Workload};

/// Every call of the work is a point: one thread makes them all, and before each of them it has
/// made at least as many as any other.
pub(crate) fn assert_each_call_is_a_point(base: &Base, workload: Workload, calls: &str) {
    let copy = base.copy();
    let process = Process::start(&copy, Some(&Fault::none(calls))).unwrap();
    let mut run = Run::on(base);
    workload.warm_up(&mut run, &process);
    let warm = copy.calls();
    workload.work(&mut run, &process);
    let done = copy.calls();
    assert!(!run.died && run.refused.is_empty(), "{run:?}");
    let busy = trace::busy_since(&warm, &done);
    assert_eq!(busy.len(), 1, "{calls}: {warm:?} {done:?}");
    let before = warm.get(&busy[0]).copied().unwrap_or(0);
    let others = trace::most_of_others(&done, &busy[0]);
    assert!(before >= others, "{calls}: {warm:?} {done:?}");
    println!("{workload:?}: {} {calls}", done[&busy[0]] - before);
    assert!(process.stop());
}

/// A start and a stop: one thread makes all calls.
pub(crate) fn assert_each_call_of_a_stop_is_a_point(base: &Base, calls: &str) {
    let copy = base.copy();
    let process = Process::start(&copy, Some(&Fault::none(calls))).unwrap();
    assert!(process.stop());
    let done = copy.calls();
    assert_eq!(done.len(), 1, "{calls}: {done:?}");
    println!("start and stop: {done:?}");
}

/// Starts again without a fault: it starts, the database is whole, and the ledger is right.
fn check_restarted(copy: &Copy, ledger: &Ledger, context: &str) {
    let process = Process::start(copy, None).unwrap_or_else(|| panic!("{context}: no start"));
    ledger.check(&process, context);
    if let Some(usage) = &ledger.usage {
        for sequence in 1..=usage.sent {
            let repeated = process.report(&usage.batch(sequence));
            assert_eq!(repeated, Some(200), "{context}");
        }
        let counted = usage.counted(&process, context);
        assert_eq!(counted, usage.sent * COUNT, "{context}: each batch once");
        let charged = usage.charged(&process, context);
        assert_eq!(charged, usage.sent * COUNT, "{context}: each charge once");
    }
    check_once(&process, &ledger.once, context);
    let mut run = Run::default();
    assert!(
        run.create(&process, "afterwards", "standard").is_some(),
        "{context}"
    );
    assert!(process.stop(), "{context}");
    assert_whole(copy, context);
}

/// Repeats the call that is made once: it has made one key, whatever came in between. Case D-12.
fn check_once(process: &Process, once: &Once, context: &str) {
    if let Once::Unsent = once {
        return;
    }
    let again = process.create_once(ONCE).expect(context);
    assert_eq!(again.status, 201, "{context}: {again:?}");
    if let Once::Answered(id, value) = once {
        assert_eq!(
            (&again.json["id"], &again.json["key"]),
            (id, value),
            "{context}"
        );
    }
    let keys = ledger::list(process, "standard", context);
    let made = keys.iter().filter(|key| key["name"] == ONCE);
    assert_eq!(made.count(), 1, "{context}");
}

/// SQLite's own check of the file, and the audit's of its chain.
fn assert_whole(copy: &Copy, context: &str) {
    let audit = sidecar::store::verify_audit(&sidecar::store::StorePlace::Directory(copy.data()));
    let is_whole = matches!(audit, Ok(AuditFinding::Whole { .. }));
    assert!(is_whole, "{context}: {audit:?}");
    // A copy is made of a whole database only.
    let backup = copy.data().join("copy.db");
    sidecar::store::backup(&copy.data(), &backup)
        .unwrap_or_else(|error| panic!("{context}: {error:?}"));
}

pub(crate) fn check_after_kill(base: &Base, workload: Workload, fault: &Fault) -> Ending {
    let copy = base.copy();
    let context = format!("{workload:?} {fault:?}");
    let Some(process) = Process::start(&copy, Some(fault)) else {
        check_restarted(&copy, &base.ledger, &context);
        return Ending::Hit;
    };
    let run = workload.run(base, &process);
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

pub(crate) fn check_after_sync(base: &Base, workload: Workload, fault: &Fault) -> Ending {
    let copy = base.copy();
    let context = format!("{workload:?} {fault:?}");
    let Some(process) = Process::start(&copy, Some(fault)) else {
        check_restarted(&copy, &base.ledger, &context);
        return Ending::Hit;
    };
    let run = workload.run(base, &process);
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

pub(crate) fn check_after_error(base: &Base, workload: Workload, fault: &Fault) -> Ending {
    let copy = base.copy();
    let context = format!("{workload:?} {fault:?}");
    let Some(process) = Process::start(&copy, Some(fault)) else {
        check_restarted(&copy, &base.ledger, &context);
        return Ending::Hit;
    };
    let run = workload.run(base, &process);
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
