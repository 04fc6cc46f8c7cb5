//! The checks: every world that small bounds allow, one after the other; random walks in wide ones.
//!
//! Invariant: a check that ends without a finding has seen all of them.

use std::time::Duration;

use stateright::{Checker, HasDiscoveries, Model, Property};

use crate::step::Step;
use crate::world::{Bounds, World};

/// Steps of one random walk.
const WALK_STEPS: usize = 80;

/// What a check came to.
#[derive(Debug)]
pub struct Finding {
    /// Different worlds that were seen.
    pub worlds: usize,
    /// What must not be and was found, with the steps that lead there.
    pub fault: Option<String>,
}

#[derive(Clone, Copy)]
struct Checked(Bounds);

/// Looks at every world within the bounds, at most for `patience`.
pub fn check(bounds: Bounds, patience: Duration) -> Finding {
    let checker = Checked(bounds)
        .checker()
        .threads(2)
        .timeout(patience)
        .finish_when(HasDiscoveries::Any)
        .spawn_dfs()
        .join();
    let fault = checker.discoveries().into_iter().next();
    Finding {
        worlds: checker.unique_state_count(),
        fault: fault.map(|(name, path)| format!("{name}: {:?}", path.into_actions())),
    }
}

/// One walk of random steps within the bounds, to where faults have stopped.
pub fn walk(bounds: Bounds, seed: u64) -> Option<String> {
    let mut random = seed;
    let mut world = World::new(bounds);
    let mut steps = Vec::new();
    for _ in 0..WALK_STEPS {
        let possible = world.steps();
        if possible.is_empty() {
            break;
        }
        let step = possible[next(&mut random) % possible.len()];
        let Some(after) = world.after(step) else {
            continue;
        };
        world = after;
        steps.push(step);
        if let Some(fault) = world.fault() {
            return Some(format!("seed {seed}: {fault}: {steps:?}"));
        }
    }
    (!world.converges()).then(|| format!("seed {seed}: it does not converge: {steps:?}"))
}

/// SplitMix64.
fn next(random: &mut u64) -> usize {
    *random = random.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*random ^ (*random >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed >> 33) as usize
}

// === impl Checked ===

impl Model for Checked {
    type State = World;
    type Action = Step;

    fn init_states(&self) -> Vec<World> {
        vec![World::new(self.0)]
    }

    fn actions(&self, world: &World, steps: &mut Vec<Step>) {
        steps.extend(world.steps());
    }

    fn next_state(&self, world: &World, step: Step) -> Option<World> {
        world.after(step).map(World::without_dead_letters)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always("no permit too many", |_, world: &World| {
                world.fault().is_none()
            }),
            Property::always("it converges", |_, world: &World| {
                !world.is_calm() || world.converges()
            }),
        ]
    }
}
