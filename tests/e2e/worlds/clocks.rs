//! The machine's clock jumps while the lease runs.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use envoy::{MaxStaleness, StackOptions};
use serde_json::json;
use tests::world::Plan;
use tests::{rfc3339, wait_for};

use super::Home;

/// Shorter than any jump.
const LEASE_S: u64 = 5;
const HOUR_S: i64 = 3600;

/// The library that tells a process another time, compiled by the compiler that SQLite needs, too.
fn library(dir: &Path) -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("e2e/worlds/clock.c");
    let library = dir.join("clock.so");
    let mut compile = Command::new("cc");
    compile.args(["-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o"]);
    let status = compile.arg(&library).arg(source).status();
    assert!(status.unwrap().success(), "cc");
    library
}

/// Moves the clock of the processes that look into this file.
fn jump(offset: &Path, by_s: i64) {
    let mut options = OpenOptions::new();
    let file = options
        .create(true)
        .truncate(false)
        .write(true)
        .open(offset);
    file.unwrap().write_all(&by_s.to_le_bytes()).unwrap();
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
    let expires_at = json!({"expires_at": rfc3339(now_s + HOUR_S.unsigned_abs() / 2)});
    let expiring = home.admin.create("expiring", expires_at);
    let offset = home.stack.run_dir().join("clock-offset");
    jump(&offset, 0);
    let preload = library(home.stack.run_dir()).display().to_string();
    let world = Plan::of(&home.stack, "jumping")
        .with_variable(format!("LD_PRELOAD={preload}"))
        .with_variable(format!("CLOCK_OFFSET_FILE={}", offset.display()))
        .start_with_table();
    let status = || world.ask(&expiring.value);
    assert_eq!(status(), 200);

    let traffic = home.traffic(&world.url());
    jump(&offset, HOUR_S);
    wait_for("Envoy's clock has jumped", || status() == 401);
    traffic.go_on();
    jump(&offset, -HOUR_S);
    wait_for("Envoy's clock has jumped back", || status() == 200);
    traffic.go_on();
    home.end(traffic).assert_clean();

    // It jumps back again while nobody renews the lease.
    home.stack.sidecar().unwrap().process().pause().unwrap();
    jump(&offset, -2 * HOUR_S);
    wait_for("the lease ends", || status() == 503);
    jump(&offset, 2 * HOUR_S);
    assert_eq!(status(), 503);
    home.stack.sidecar().unwrap().process().resume().unwrap();
    jump(&offset, 0);
    wait_for("the lease is renewed", || status() == 200);
}
