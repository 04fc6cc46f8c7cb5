//! The binary, killed or failed by its disk at one system call after the other.
//!
//! The workload is sent over HTTP; the ledger of what was acknowledged is kept here, in another
//! process. A tracer (strace, installed if it is missing) counts the calls; every number is a point,
//! until the workload comes to its end without being hit. The tracer counts for each thread, so the
//! sidecar works with one, and a test holds that no call is left out. Cases D-01 to D-03, D-09, D-12,
//! D-13, T-06 and T-07 of docs/hostile-cases.md.
//!
//! What a power failure does to data that was not synced cannot be seen this way.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout
)]

mod checks;
mod faults;
mod ledger;
mod process;
mod trace;
mod upgrade;
mod workload;

use checks::{check_after_error, check_after_kill, check_after_sync};
use faults::{Fault, Points};
use process::Base;
use workload::Workload::{self, Keys, Nothing, Usage};

/// The system calls by which a database becomes durable.
const WRITE: &str = "pwrite64";
const SYNC: &str = "fsync,fdatasync";
const SHORTEN: &str = "ftruncate";
const REMOVE: &str = "unlink,unlinkat";
const RENAME: &str = "rename,renameat,renameat2";
/// To files that are no database; and whenever a thread wakes another, so it is any moment, too.
const PLAIN_WRITE: &str = "write";

/// Kills the sidecar at each of `calls` while it does its work.
fn kill(name: &str, workload: Workload, calls: &[&str]) {
    let Some(base) = Base::for_workload(name, workload) else {
        return;
    };
    for calls in calls {
        let fault = |number| Fault::kill(calls, number);
        let name = format!("{workload:?} killed at {calls}");
        let check = |base: &Base, fault: &Fault| check_after_kill(base, workload, fault);
        faults::run_all(&base, &name, Points::All, fault, check);
    }
}

/// Lets each write fail while a sidecar does its work.
fn fail(name: &str, error: &str) {
    for workload in [Nothing, Keys, Usage] {
        let Some(base) = Base::for_workload(&format!("{name}-{workload:?}"), workload) else {
            return;
        };
        let fault = |number| Fault::fail(WRITE, error, number);
        let name = format!("{workload:?} {WRITE} {error}");
        let check = |base: &Base, fault: &Fault| check_after_error(base, workload, fault);
        faults::run_all(&base, &name, Points::All, fault, check);
    }
}

#[test]
fn no_call_of_a_workload_is_left_out() {
    let Some(base) = Base::new("points") else {
        return;
    };
    for workload in [Keys, Usage] {
        for calls in [WRITE, SYNC] {
            checks::assert_each_call_is_a_point(&base, workload, calls);
        }
    }
    let base = Base::for_workload("points-nothing", Nothing).unwrap();
    for calls in [WRITE, SYNC, SHORTEN, REMOVE] {
        checks::assert_each_call_of_a_stop_is_a_point(&base, calls);
    }
}

#[test]
fn killed_at_any_call_of_a_change_it_has_what_it_acknowledged_and_nothing_half() {
    kill("kill-keys", Keys, &[WRITE, SYNC, RENAME, PLAIN_WRITE]);
}

#[test]
fn killed_at_any_call_while_it_counts_usage_it_counts_each_batch_once() {
    kill("kill-usage", Usage, &[WRITE, SYNC]);
}

#[test]
fn killed_at_any_call_of_a_start_or_a_stop_it_starts_again() {
    kill(
        "kill-stop",
        Nothing,
        &[WRITE, SYNC, SHORTEN, REMOVE, RENAME],
    );
}

#[test]
fn a_sync_that_fails_is_never_acknowledged_and_nothing_more_is_written() {
    for workload in [Nothing, Keys, Usage] {
        let Some(base) = Base::for_workload(&format!("sync-{workload:?}"), workload) else {
            return;
        };
        let fault = |number| Fault::fail(SYNC, "EIO", number);
        let name = format!("{workload:?} {SYNC} EIO");
        let check = |base: &Base, fault: &Fault| check_after_sync(base, workload, fault);
        faults::run_all(&base, &name, Points::All, fault, check);
    }
}

#[test]
fn a_write_that_fails_is_refused_and_all_else_goes_on() {
    fail("broken", "EIO");
}

#[test]
fn a_full_disk_refuses_writes_and_all_else_goes_on() {
    fail("full", "ENOSPC");
}

#[test]
fn a_file_that_cannot_be_removed_or_shortened_keeps_nothing_from_starting_again() {
    let Some(base) = Base::for_workload("remove", Nothing) else {
        return;
    };
    for calls in [REMOVE, SHORTEN] {
        let fault = |number| Fault::fail(calls, "EIO", number);
        let name = format!("{calls} EIO");
        let check = |base: &Base, fault: &Fault| check_after_error(base, Nothing, fault);
        faults::run_all(&base, &name, Points::All, fault, check);
    }
}

#[test]
fn without_random_bytes_no_key_is_made() {
    let Some(base) = Base::new("random") else {
        return;
    };
    checks::check_without_random_bytes(&base);
}

#[test]
fn a_passage_to_a_new_master_key_can_be_killed_at_any_call() {
    let Some(base) = Base::new("master") else {
        return;
    };
    for calls in [WRITE, SYNC, RENAME, PLAIN_WRITE] {
        let fault = |number| Fault::kill(calls, number);
        let name = format!("rotate-master {calls}");
        faults::run_all(&base, &name, Points::All, fault, checks::check_passage);
    }
}

#[test]
fn a_passage_to_a_new_schema_can_be_killed_at_any_call() {
    let Some(base) = upgrade::old_base("schema") else {
        return;
    };
    for calls in [WRITE, SYNC, REMOVE] {
        let fault = |number| Fault::kill(calls, number);
        let name = format!("upgrade {calls}");
        let check = |base: &Base, fault: &Fault| check_after_kill(base, Nothing, fault);
        faults::run_all(&base, &name, Points::All, fault, check);
    }
}

#[test]
fn a_first_start_that_was_killed_can_be_repeated() {
    let Some(base) = Base::new("first") else {
        return;
    };
    for calls in [WRITE, SYNC, RENAME, REMOVE] {
        let fault = |number| Fault::kill(calls, number);
        let name = format!("first start {calls}");
        let points = Points::Spread(20);
        faults::run_all(&base, &name, points, fault, checks::check_first_start);
    }
}
