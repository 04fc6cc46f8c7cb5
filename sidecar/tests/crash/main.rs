//! The binary, killed or failed by its disk at one system call after the other.
//!
//! The workload is sent over HTTP; the ledger of what was acknowledged is kept here, in another
//! process. A tracer (strace) counts the calls; every number is a point, until the workload comes
//! to its end without being hit. By default a spread of the points is tried, so that it takes a
//! minute or two; `LATCHKEY_CRASH_POINTS=all` tries each. Without strace nothing can be said, and
//! the tests say so.
//!
//! What a power failure does to data that was not synced cannot be seen this way.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod faults;
mod ledger;
mod process;
mod workload;

use faults::{Fault, Points};
use process::Base;

/// The system calls by which a database becomes durable.
const KILLS: [&str; 6] = [
    "pwrite64",
    "fsync,fdatasync",
    "ftruncate",
    "unlink,unlinkat",
    "rename,renameat,renameat2",
    "write",
];

#[test]
fn killed_at_any_call_it_has_what_it_acknowledged_and_nothing_half() {
    let Some(base) = Base::new("kill") else {
        return;
    };
    for calls in KILLS {
        let fault = |number| Fault::kill(calls, number);
        faults::run_all(
            &base,
            calls,
            Points::upto(40),
            fault,
            workload::check_after_kill,
        );
    }
}

#[test]
fn a_sync_that_fails_is_never_acknowledged_and_nothing_more_is_written() {
    let Some(base) = Base::new("sync") else {
        return;
    };
    let fault = |number| Fault::fail("fsync,fdatasync", "EIO", number);
    faults::run_all(
        &base,
        "fsync EIO",
        Points::upto(40),
        fault,
        workload::check_after_sync,
    );
}

#[test]
fn a_write_that_fails_is_refused_and_all_else_goes_on() {
    let Some(base) = Base::new("write") else {
        return;
    };
    for error in ["EIO", "ENOSPC"] {
        let fault = |number| Fault::fail("pwrite64", error, number);
        let name = format!("pwrite64 {error}");
        faults::run_all(
            &base,
            &name,
            Points::upto(40),
            fault,
            workload::check_after_error,
        );
    }
}

#[test]
fn without_random_bytes_no_key_is_made() {
    let Some(base) = Base::new("random") else {
        return;
    };
    workload::check_without_random_bytes(&base);
}

#[test]
fn a_passage_to_a_new_master_key_can_be_killed_at_any_call() {
    let Some(base) = Base::new("master") else {
        return;
    };
    for calls in [
        "pwrite64",
        "fsync,fdatasync",
        "rename,renameat,renameat2",
        "write",
    ] {
        let fault = |number| Fault::kill(calls, number);
        let name = format!("rotate-master {calls}");
        faults::run_all(
            &base,
            &name,
            Points::upto(15),
            fault,
            workload::check_passage,
        );
    }
}

#[test]
fn a_first_start_that_was_killed_can_be_repeated() {
    let Some(base) = Base::new("first") else {
        return;
    };
    for calls in [
        "pwrite64",
        "fsync,fdatasync",
        "rename,renameat,renameat2",
        "unlink,unlinkat",
    ] {
        let fault = |number| Fault::kill(calls, number);
        let name = format!("first start {calls}");
        faults::run_all(
            &base,
            &name,
            Points::upto(15),
            fault,
            workload::check_first_start,
        );
    }
}
