//! Who counts, and when no longer.

use super::*;

struct World {
    fleet: Fleet,
    region: RegionId,
    now: Instant,
}

fn world() -> World {
    World {
        fleet: Fleet::default(),
        region: RegionId::parse("local").unwrap(),
        now: Instant::now(),
    }
}

fn agent(digit: char) -> AgentId {
    AgentId::parse(&digit.to_string().repeat(32)).unwrap()
}

fn node(name: &str) -> NodeName {
    NodeName::parse(name).unwrap()
}

impl World {
    fn arrive(&mut self, digit: char, name: &str) {
        self.fleet.arrive(
            &self.region,
            &agent(digit),
            &node(name),
            self.now,
            UnixMillis::new(1),
        );
    }

    fn leave(&mut self, digit: char) {
        self.fleet.leave(&self.region, &agent(digit), self.now);
    }

    fn acknowledge(&mut self, digit: char, generation: u64) {
        let generation = Some(Generation::new(generation));
        self.fleet
            .acknowledge(&self.region, &agent(digit), generation);
    }

    /// Live Envoys, and those of them that have `generation`.
    fn count(&self, generation: u64) -> (usize, usize) {
        let progress = self
            .fleet
            .progress(&self.region, Generation::new(generation), self.now);
        assert_eq!(progress.envoys - progress.applied, progress.pending.len());
        (progress.envoys, progress.applied)
    }
}

#[test]
fn an_envoy_without_an_acknowledgement_is_pending_and_named() {
    let mut world = world();
    world.arrive('a', "n1");
    let progress = world
        .fleet
        .progress(&world.region, Generation::ZERO, world.now);
    assert_eq!(progress.applied, 0);
    assert_eq!(progress.pending[0].node, node("n1"));
}

#[test]
fn a_later_generation_includes_the_earlier_ones() {
    let mut world = world();
    world.arrive('a', "n1");
    world.acknowledge('a', 7);
    assert_eq!(world.count(6), (1, 1));
    assert_eq!(world.count(7), (1, 1));
    assert_eq!(world.count(8), (1, 0));
}

#[test]
fn an_envoy_counts_while_its_request_is_open_and_a_while_longer() {
    let mut world = world();
    world.arrive('a', "n1");
    world.now += Duration::from_secs(600);
    assert_eq!(world.count(1), (1, 0), "its request is open");
    world.leave('a');
    world.now += LOST_AFTER - Duration::from_millis(1);
    assert_eq!(world.count(1), (1, 0));
    world.now += Duration::from_millis(1);
    assert_eq!(world.count(1), (0, 0));
    assert!(
        !world.fleet.sightings(world.now)[0].live,
        "it is still shown"
    );
}

#[test]
fn a_restarted_envoy_replaces_its_former_self_at_once() {
    let mut world = world();
    world.arrive('a', "n1");
    world.acknowledge('a', 7);
    world.leave('a');
    world.arrive('b', "n1");
    assert_eq!(world.count(7), (1, 0), "the new start has nothing yet");
    assert_eq!(world.fleet.sightings(world.now).len(), 1);
}

#[test]
fn a_former_self_with_an_open_request_still_counts() {
    let mut world = world();
    world.arrive('a', "n1");
    world.arrive('b', "n1");
    assert_eq!(world.count(1), (2, 0), "both are evidently alive");
    world.leave('a');
    assert_eq!(world.count(1), (1, 0));
}

#[test]
fn two_envoys_with_one_node_id_both_count() {
    let mut world = world();
    world.arrive('a', "n1");
    world.arrive('b', "n1");
    world.leave('a');
    world.arrive('a', "n1");
    world.leave('a');
    world.leave('b');
    assert_eq!(world.count(1), (2, 0), "neither was seen to be gone");
}

#[test]
fn regions_are_counted_apart() {
    let mut world = world();
    world.arrive('a', "n1");
    let other = RegionId::parse("other").unwrap();
    assert_eq!(
        world
            .fleet
            .progress(&other, Generation::new(1), world.now)
            .envoys,
        0
    );
}

#[test]
fn an_acknowledgement_can_be_taken_back() {
    let mut world = world();
    world.arrive('a', "n1");
    world.acknowledge('a', 7);
    world.fleet.acknowledge(&world.region, &agent('a'), None);
    assert_eq!(world.count(1), (1, 0));
}

#[test]
fn an_envoy_that_is_long_gone_is_forgotten() {
    let mut world = world();
    world.arrive('a', "n1");
    world.leave('a');
    world.now += FORGOTTEN_AFTER;
    assert!(world.fleet.sightings(world.now).is_empty());
    world.arrive('b', "n2");
    assert_eq!(world.fleet.0.len(), 1);
}

#[test]
fn odd_ids_are_refused() {
    assert!(AgentId::parse(&"A".repeat(32)).is_none());
    assert!(AgentId::parse("abc").is_none());
    assert!(NodeName::parse("").is_none());
    assert!(NodeName::parse("a\n").is_none());
    assert!(NodeName::parse(&"n".repeat(129)).is_none());
}
