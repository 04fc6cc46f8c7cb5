//! The sidecar is dead for as long as one likes, under load. `LATCHKEY_DEAD_S` sets for how long.

use std::time::{Duration, Instant};

use envoy::{MaxStaleness, wait};
use tests::load::quantile;
use tests::verdict::Span;
use tests::{number, stat};

use super::world::World;

/// The load is judged in pieces of this length, so that its record stays small.
const PIECE: Duration = Duration::from_secs(5);

/// Latencies in ms of a load of this length, all of whose good requests were served.
fn piece(world: &World, what: &str, length: Duration) -> Vec<f64> {
    let load = world.load();
    let begun = Instant::now();
    // The load is what this time is for: there is no state to wait for.
    let _ = wait::until(length, || None::<()>);
    let told = world.judge(what, load, &[Span::since(begun)]);
    let others: Vec<_> = told
        .iter()
        .filter(|told| ![200, 401].contains(&told.status))
        .collect();
    assert!(others.is_empty(), "{what}: {others:?}");
    let latency = |told: &tests::load::Told| (told.ended - told.begun).as_secs_f64() * 1000.0;
    told.iter().map(latency).collect()
}

fn print(what: &str, mut latencies: Vec<f64>) {
    latencies.sort_by(f64::total_cmp);
    println!(
        "| {what} | {} | 0 | {:.1} | {:.1} |",
        latencies.len(),
        quantile(&latencies, 0.5),
        quantile(&latencies, 0.99)
    );
}

/// A dead sidecar harms no traffic: not one request of a good key fails, and the keys that were
/// dead stay so. What is changed when it is back arrives.
#[test]
fn a_dead_sidecar_harms_no_traffic() {
    let length = Duration::from_secs(number("LATCHKEY_DEAD_S", 10).try_into().unwrap());
    let mut world = World::start(MaxStaleness::Never);
    let doomed = world.doomed("doomed");
    let alive = piece(&world, "alive", PIECE.min(length));
    world.stack.kill_sidecar().unwrap();
    let (killed, mut dead) = (Instant::now(), Vec::new());
    while killed.elapsed() < length {
        let left = length.saturating_sub(killed.elapsed());
        dead.extend(piece(&world, "dead", PIECE.min(left)));
    }
    print("alive", alive);
    print(&format!("dead for {} s", killed.elapsed().as_secs()), dead);
    assert_eq!(stat(&world.stack, "wasm.gate.vm_reload_success"), 0);
    world.stack.start_sidecar().unwrap();
    world.delete(&doomed);
    let load = world.load();
    world.judge("back", load, &[]);
}
