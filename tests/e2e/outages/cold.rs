//! Envoy starts while there is nothing to start from.

use std::time::Instant;

use envoy::MaxStaleness;
use tests::load::Load;
use tests::verdict::{Span, passed};
use tests::wire::{Fault, answer};

use super::world::World;

/// Starts an Envoy that cannot get a table: it refuses everybody, until `heal`.
fn assert_closed_until(world: &mut World, what: &str, heal: impl FnOnce(&mut World)) {
    world.stack.start_envoy().unwrap();
    let begun = Instant::now();
    let load = world.load();
    let answer = world.ask(&world.good);
    assert_eq!(answer.refusal(), (503, "key_table_unavailable".to_owned()));
    let head = &answer.head;
    assert!(head.contains("x-should-retry: false"), "{head}");
    assert!(head.contains("retry-after:"), "{head}");
    let silent = Span::since(begun);
    heal(world);
    world.converge();
    assert_nothing_passed(world, what, load, silent);
    world.stack.kill_envoy().unwrap();
}

fn assert_nothing_passed(world: &World, what: &str, load: Load, silent: Span) {
    let served = Span::since(Instant::now());
    load.settle();
    let served = Span::since(served.from);
    let told = world.judge(what, load, &[served]);
    let recorded = world.stack.upstream().unwrap().requests();
    assert!(silent.of(&told).all(|told| told.status == 503));
    assert!(silent.of(&told).count() > 0);
    assert!(passed(silent.of(&told), &recorded).is_empty());
}

/// without a table nobody passes, whether the sidecar is not there, silent or refuses; and
/// when it is back all is well without a human.
#[test]
fn envoy_without_a_table_refuses_everybody_and_heals_by_itself() {
    let mut world = World::without_envoy(MaxStaleness::default());
    let refusal = answer("503 Service Unavailable", b"");
    for fault in [Fault::Stall, Fault::Say(refusal)] {
        let what = format!("{fault:?}").chars().take(5).collect::<String>();
        world.wire.set(fault);
        assert_closed_until(&mut world, &what, |world| world.wire.set(Fault::None));
    }
    world.stack.kill_sidecar().unwrap();
    assert_closed_until(&mut world, "dead", |world| {
        world.stack.start_sidecar().unwrap();
    });
}
