//! The machine's clock jumps while the lease runs.

use std::fs;
use std::path::PathBuf;

use envoy::provision::apt;
use envoy::{MaxStaleness, StackOptions};
use serde_json::json;
use tests::world::Plan;
use tests::{rfc3339, wait_for};

use super::Home;

/// Shorter than any jump.
const LEASE_S: u64 = 5;
const HOUR_S: u64 = 3600;

/// The library that tells a process another time.
fn library() -> PathBuf {
    let find = || {
        let dirs = fs::read_dir("/usr/lib").ok()?.flatten();
        let files = dirs.map(|dir| dir.path().join("faketime/libfaketimeMT.so.1"));
        files.into_iter().find(|file| file.is_file())
    };
    find().unwrap_or_else(|| {
        apt::install(&["faketime"], "there is no faketime").unwrap_or_else(|e| panic!("{e}"));
        find().expect("faketime was installed")
    })
}

/// W-20: a jump by an hour either way ends no lease early and makes none longer; keys expire by the
/// clock that the machine has.
#[test]
fn the_lease_does_not_follow_a_clock_that_jumps() {
    let mut home = Home::start_with(StackOptions {
        max_staleness: MaxStaleness::Seconds(LEASE_S),
        ..StackOptions::default()
    });
    let now_s = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    let expires_at = rfc3339(now_s + HOUR_S / 2);
    let expiring = home
        .admin
        .create("expiring", json!({"expires_at": expires_at}));
    let offset = home.stack.run_dir().join("offset");
    let jump = |by: &str| {
        fs::write(offset.with_extension("new"), by).unwrap();
        fs::rename(offset.with_extension("new"), &offset).unwrap();
    };
    jump("+0");
    let world = Plan::of(&home.stack, "jumping")
        .with_variable(format!("LD_PRELOAD={}", library().display()))
        .with_variable(format!("FAKETIME_TIMESTAMP_FILE={}", offset.display()))
        .with_variable("FAKETIME_DONT_FAKE_MONOTONIC=1")
        .with_variable("FAKETIME_NO_CACHE=1")
        .start_with_table();
    let status = || world.ask(&expiring.value);
    assert_eq!(status(), 200);

    let traffic = home.traffic(&world.url());
    jump("+3600");
    wait_for("Envoy's clock has jumped", || status() == 401);
    traffic.go_on();
    jump("-3600");
    wait_for("Envoy's clock has jumped back", || status() == 200);
    traffic.go_on();
    home.end(traffic).assert_clean();

    // It jumps back again while nobody renews the lease.
    home.stack.sidecar().unwrap().process().pause().unwrap();
    jump("-7200");
    wait_for("the lease ends", || status() == 503);
    jump("+7200");
    assert_eq!(status(), 503);
    home.stack.sidecar().unwrap().process().resume().unwrap();
    jump("+0");
    wait_for("the lease is renewed", || status() == 200);
}
