//! Sidecar and Envoy end, are killed and stand still in any order, under load.
//!
//! `LATCHKEY_RESTARTS` (12) sets how often, `LATCHKEY_SEED` which way; the seed is printed.

use std::time::{Instant, SystemTime};

use envoy::MaxStaleness;
use tests::load::Load;
use tests::verdict::Span;
use tests::{Key, number};

use super::world::World;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Sidecar,
    Envoy,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Stop,
    Kill,
    Pause,
}

/// splitmix64.
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((z ^ (z >> 31)) % end).unwrap()
    }

    fn coin(&mut self) -> bool {
        self.below(2) == 0
    }
}

/// What happens in one round.
#[derive(Debug)]
struct Plan {
    /// Who ends, how, in this order.
    ends: Vec<(Part, End)>,
    /// Who is back first.
    starts: Vec<(Part, End)>,
    /// The change is made before all that.
    is_changed_before: bool,
}

impl Plan {
    fn draw(random: &mut Random) -> Self {
        let ways = [End::Stop, End::Kill, End::Pause];
        let mut parts = match random.below(3) {
            0 => vec![Part::Sidecar],
            1 => vec![Part::Envoy],
            _ => vec![Part::Sidecar, Part::Envoy],
        };
        if random.coin() {
            parts.reverse();
        }
        let end = |part: Part| (part, ways[random.below(3)]);
        let ends: Vec<_> = parts.into_iter().map(end).collect();
        let mut starts = ends.clone();
        if random.coin() {
            starts.reverse();
        }
        Self {
            ends,
            starts,
            is_changed_before: random.below(3) == 0,
        }
    }

    fn spares(&self, part: Part) -> bool {
        self.ends.iter().all(|(ended, _)| *ended != part)
    }
}

fn end(world: &mut World, (part, way): (Part, End)) {
    let stack = &mut world.stack;
    let ended = match (part, way) {
        (Part::Sidecar, End::Stop) => stack.stop_sidecar(),
        (Part::Sidecar, End::Kill) => stack.kill_sidecar(),
        (Part::Envoy, End::Stop) => stack.stop_envoy(),
        (Part::Envoy, End::Kill) => stack.kill_envoy(),
        (Part::Sidecar, End::Pause) => {
            stack.sidecar().unwrap().process().pause().unwrap();
            Ok(())
        }
        (Part::Envoy, End::Pause) => {
            stack.envoy().unwrap().process().pause().unwrap();
            Ok(())
        }
    };
    ended.unwrap();
}

fn start(world: &mut World, (part, way): (Part, End)) {
    let stack = &mut world.stack;
    match (part, way) {
        (Part::Sidecar, End::Pause) => stack.sidecar().unwrap().process().resume().unwrap(),
        (Part::Envoy, End::Pause) => stack.envoy().unwrap().process().resume().unwrap(),
        (Part::Sidecar, _) => stack.start_sidecar().unwrap(),
        (Part::Envoy, _) => stack.start_envoy().unwrap(),
    }
}

/// Ends what the plan ends; gives until when Envoy has served without a break.
fn go_down(world: &mut World, plan: &Plan, load: &Load, doomed: &Key) -> Option<Instant> {
    let mut served_until = None;
    for (part, way) in &plan.ends {
        if *part == Part::Envoy {
            served_until = served_until.or(Some(Instant::now()));
        }
        end(world, (*part, *way));
    }
    if plan.spares(Part::Envoy) {
        load.settle();
    }
    if plan.spares(Part::Sidecar) && !plan.is_changed_before {
        world.remove(doomed, "wait=none");
        // Whoever begins from now on begins with what the sidecar has.
        if !plan.ends.contains(&(Part::Envoy, End::Pause)) {
            world.bury(doomed, Instant::now());
        }
    }
    served_until
}

fn round(world: &mut World, number: usize, plan: &Plan) {
    let doomed = world.doomed(&format!("doomed-{number}"));
    let load = world.load();
    let begun = Instant::now();
    if plan.is_changed_before {
        world.delete(&doomed);
    }
    let served_until = go_down(world, plan, &load, &doomed);
    for part in &plan.starts {
        start(world, *part);
    }
    if !plan.spares(Part::Sidecar) && !plan.is_changed_before {
        world.delete(&doomed);
    }
    world.converge();
    let converged = Instant::now();
    world.bury(&doomed, converged);
    load.settle();
    let before = Span {
        from: begun,
        until: served_until.unwrap_or_else(Instant::now),
    };
    world.judge("round", load, &[before, Span::since(converged)]);
}

/// whoever is restarted, in whatever order, all is well in the end; nothing passes with a
/// dead key at any time, and nobody notices who has an Envoy that was not touched.
#[test]
fn restarts_in_any_order_end_well() {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let drawn = usize::try_from(now.unwrap().as_secs()).unwrap();
    let (rounds, seed) = (
        number("LATCHKEY_RESTARTS", 12),
        number("LATCHKEY_SEED", drawn),
    );
    println!("LATCHKEY_SEED={seed} LATCHKEY_RESTARTS={rounds}");
    let mut random = Random(u64::try_from(seed).unwrap());
    let mut world = World::start(MaxStaleness::default());
    for number in 0..rounds {
        let plan = Plan::draw(&mut random);
        println!("round {number}: {plan:?}");
        round(&mut world, number, &plan);
    }
}
