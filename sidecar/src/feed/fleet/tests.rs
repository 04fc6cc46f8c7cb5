//! Who counts, and when no longer.

use super::*;
use crate::domain::envoy::Lease;

/// How long a lease of 60 s may last, seen from here.
const LEASE: Duration = Duration::from_millis(61_060);

struct World {
    fleet: Fleet,
    region: RegionId,
    now: Instant,
    lease: Lease,
}

fn world() -> World {
    World {
        fleet: Fleet::default(),
        region: RegionId::parse("local").unwrap(),
        now: Instant::now(),
        lease: Lease::Seconds(60),
    }
}

fn agent(digit: char) -> AgentId {
    AgentId::parse(&digit.to_string().repeat(32)).unwrap()
}

fn node(name: &str) -> NodeName {
    NodeName::parse(name).unwrap()
}

impl World {
    fn who(&self, digit: char, name: &str) -> Introduction {
        Introduction {
            region: self.region.clone(),
            agent: agent(digit),
            node: node(name),
            lease: self.lease,
            version: None,
        }
    }

    fn moment(&self) -> Moment {
        Moment {
            instant: self.now,
            wall: UnixMillis::new(1),
        }
    }

    fn arrive(&mut self, digit: char, name: &str) -> Arrival {
        let (who, now) = (self.who(digit, name), self.moment());
        self.fleet.arrive(&who, None, now)
    }

    fn leave(&mut self, digit: char) {
        let who = self.who(digit, "any");
        self.fleet.leave(&who, self.now);
    }

    /// One request and its answer.
    fn poll(&mut self, digit: char, name: &str) {
        self.arrive(digit, name);
        self.leave(digit);
    }

    fn acknowledge(&mut self, digit: char, generation: u64) {
        let who = self.who(digit, "any");
        self.fleet
            .acknowledge(&who, Some(Generation::new(generation)));
    }

    /// Envoys that may serve, and those of them that have `generation`.
    fn count(&self, generation: u64) -> (usize, usize) {
        let progress = self.progress(generation);
        assert_eq!(progress.envoys - progress.applied, progress.pending.len());
        let settled = self.is_settled(generation, Awaited::All);
        assert_eq!(settled, progress.pending.is_empty());
        (progress.envoys, progress.applied)
    }

    fn progress(&self, generation: u64) -> PropagationState {
        self.fleet
            .progress(&self.region, Generation::new(generation), self.now)
    }

    fn is_settled(&self, generation: u64, awaited: Awaited) -> bool {
        let generation = Generation::new(generation);
        let left = self
            .fleet
            .awaited(&self.region, generation, awaited, self.now);
        left == 0
    }
}

#[test]
fn an_envoy_without_an_acknowledgement_is_pending_and_named() {
    let mut world = world();
    world.arrive('a', "n1");
    let progress = world.progress(0);
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
fn an_envoy_counts_while_its_request_is_open_and_until_its_lease_has_run_out() {
    let mut world = world();
    world.arrive('a', "n1");
    world.now += Duration::from_secs(600);
    assert_eq!(world.count(1), (1, 0), "its request is open");
    world.arrive('a', "n1");
    world.leave('a');
    world.leave('a');
    world.now += LEASE - Duration::from_millis(1);
    assert_eq!(world.count(1), (1, 0), "it may serve");
    assert!(!world.fleet.sightings(world.now)[0].is_over);
    world.now += Duration::from_millis(1);
    assert_eq!(world.count(1), (0, 0), "it refuses everything");
    let sighting = &world.fleet.sightings(world.now)[0];
    assert!(!sighting.live && sighting.is_over, "it is still shown");
}

#[test]
fn an_envoy_without_a_lease_stays_pending_until_an_operator_dismisses_it() {
    let mut world = world();
    world.lease = Lease::Never;
    world.poll('a', "n1");
    world.now += Duration::from_secs(1_000_000);
    world.arrive('b', "n2");
    assert_eq!(world.count(1), (2, 0));
    let progress = world.progress(1);
    assert_eq!(progress.pending[0].may_serve_until, None);
    let region = world.region.clone();
    let mut dismiss = |digit| world.fleet.dismiss(&region, &agent(digit), world.now);
    assert_eq!(dismiss('b'), Dismissal::InContact);
    assert_eq!(dismiss('a'), Dismissal::Done);
    assert_eq!(dismiss('a'), Dismissal::Unknown);
    assert_eq!(world.count(1), (1, 0));
}

#[test]
fn an_envoy_that_was_ended_counts_while_it_is_in_contact_and_no_longer_than_was_said() {
    let mut world = world();
    world.poll('a', "n1");
    world.arrive('b', "n2");
    let region = world.region.clone();
    let within = Duration::from_secs(10);
    let end = |world: &mut World, name: &str| {
        let by = world.moment().plus(within);
        world.fleet.end(&region, &node(name), by)
    };
    assert_eq!(end(&mut world, "n3"), 0);
    assert_eq!((end(&mut world, "n1"), end(&mut world, "n2")), (1, 1));
    let until = world.progress(1).pending[0].may_serve_until;
    assert_eq!(until, Some(world.moment().plus(within).wall));
    world.now += within - Duration::from_millis(1);
    assert_eq!(world.count(1), (2, 0), "both may serve still");
    world.now += Duration::from_millis(1);
    assert_eq!(world.count(1), (1, 0), "a request of the other is open");
    world.leave('b');
    assert_eq!(world.count(1), (0, 0));
    world.now += Duration::from_millis(1);
    world.poll('a', "n1");
    world.now += within;
    assert_eq!(
        world.count(1),
        (1, 0),
        "it has not stopped: its lease counts"
    );
}

#[test]
fn a_lost_envoy_is_named_and_not_waited_for_unless_all_are() {
    let mut world = world();
    world.poll('a', "n1");
    world.now += LOST_AFTER - Duration::from_millis(1);
    assert!(!world.is_settled(1, Awaited::Live));
    world.now += Duration::from_millis(1);
    assert!(world.is_settled(1, Awaited::Live));
    assert!(!world.is_settled(1, Awaited::All));
    let until = world.progress(1).pending[0].may_serve_until.unwrap();
    assert_eq!(until.get(), 1 + 61_060);
}

#[test]
fn a_lost_envoy_with_the_generation_has_it_still() {
    let mut world = world();
    world.poll('a', "n1");
    world.acknowledge('a', 7);
    world.now += LOST_AFTER;
    assert_eq!(world.count(7), (1, 1));
    assert_eq!(world.count(8), (1, 0));
}

#[test]
fn the_longest_lease_that_an_agent_told_is_believed() {
    let mut world = world();
    world.lease = Lease::Never;
    world.poll('a', "n1");
    world.lease = Lease::Seconds(5);
    world.poll('a', "n1");
    world.now += LEASE;
    assert_eq!(world.count(1), (1, 0));
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
fn two_envoys_with_one_node_id_both_count_from_when_both_were_heard() {
    let mut world = world();
    world.poll('a', "n1");
    world.poll('b', "n1");
    assert_eq!(world.count(1), (1, 0), "one that restarted");
    world.poll('a', "n1");
    assert_eq!(world.count(1), (2, 0), "it did not");
    assert!(world.fleet.known(world.now).len() == 2);
    assert!(
        world
            .fleet
            .sightings(world.now)
            .iter()
            .all(|s| s.shares_name)
    );
    world.poll('c', "n1");
    assert_eq!(world.count(1), (3, 0), "nobody knows whom it replaces");
    world.now += LEASE;
    assert_eq!(world.count(1), (0, 0));
}

#[test]
fn a_new_process_knows_who_may_serve() {
    let mut world = world();
    world.poll('a', "n1");
    world.acknowledge('a', 7);
    world.poll('b', "n2");
    let known = world.fleet.known(world.now);
    world.now += Duration::from_secs(50);
    world.fleet = Fleet::remember(known, Generation::new(9), world.moment());
    assert_eq!(world.count(7), (2, 1));
    assert!(
        !world.is_settled(7, Awaited::Live),
        "it gets time to come back"
    );
    world.poll('b', "n2");
    world.now += LEASE - Duration::from_millis(1);
    assert_eq!(
        world.count(8),
        (2, 0),
        "the lease is counted from the start of the process"
    );
    let lag = |world: &World| world.fleet.sightings(world.now)[0].lag;
    assert_eq!(lag(&world), LEASE - Duration::from_millis(1));
    world.now += Duration::from_millis(1);
    assert_eq!(world.count(8), (0, 0));
    assert!(world.fleet.known(world.now).is_empty());
}

#[test]
fn envoys_of_one_name_that_were_remembered_share_it() {
    let mut world = world();
    world.poll('a', "n1");
    world.poll('b', "n1");
    world.poll('a', "n1");
    let known = world.fleet.known(world.now);
    world.fleet = Fleet::remember(known, Generation::new(9), world.moment());
    world.poll('c', "n1");
    assert_eq!(world.count(1), (3, 0));
}

#[test]
fn who_is_new_is_remembered_and_who_is_gone_is_not() {
    let mut world = world();
    let first = world.arrive('a', "n1").newcomer.unwrap();
    assert_eq!(first, world.who('a', "n1"));
    world.fleet.wrote(&first);
    assert_eq!(world.arrive('a', "n1").newcomer, None);
    world.leave('a');
    world.leave('a');
    let arrival = world.arrive('b', "n1");
    assert_eq!(arrival.gone, [(world.region.clone(), agent('a'))]);
    assert!(arrival.newcomer.is_some());
    let arrival = world.arrive('a', "n1");
    assert!(
        arrival.newcomer.is_some() && arrival.gone.is_empty(),
        "it lives all the same"
    );
}

#[test]
fn who_is_new_is_so_at_each_request_until_it_is_written_as_it_is() {
    let mut world = world();
    world.lease = Lease::Seconds(60);
    let first = world.arrive('a', "n1").newcomer;
    assert!(first.is_some());
    assert_eq!(
        world.arrive('a', "n1").newcomer,
        first,
        "nothing was written"
    );
    world.lease = Lease::Seconds(90);
    let second = world.arrive('a', "n1").newcomer;
    world.fleet.wrote(&first.unwrap());
    assert_eq!(world.arrive('a', "n1").newcomer, second, "only the older");
    world.lease = Lease::Seconds(30);
    assert_eq!(
        world.arrive('a', "n1").newcomer,
        second,
        "the longest lease that it may live by"
    );
    world.fleet.wrote(&second.unwrap());
    assert_eq!(world.arrive('a', "n1").newcomer, None);
}

#[test]
fn the_lag_is_counted_from_the_first_generation_that_is_missing() {
    let mut world = world();
    let lag_ms = |world: &World| world.fleet.sightings(world.now)[0].lag.as_millis();
    world.arrive('a', "n1");
    world.now += Duration::from_millis(5);
    assert_eq!(lag_ms(&world), 5, "it has nothing");
    for generation in 1..4 {
        world.fleet.publish(Generation::new(generation), world.now);
        world.now += Duration::from_millis(10);
    }
    world.acknowledge('a', 1);
    assert_eq!(lag_ms(&world), 20);
    world.acknowledge('a', 3);
    assert_eq!(lag_ms(&world), 0);
}

#[test]
fn trouble_is_kept_until_there_is_another() {
    let mut world = world();
    let (who, now) = (world.who('a', "n1"), world.moment());
    world.fleet.arrive(&who, Label::parse("gap"), now);
    world.fleet.arrive(&who, None, now);
    let trouble = world.fleet.sightings(world.now)[0].trouble.clone();
    assert_eq!(
        trouble,
        Some((Label::parse("gap").unwrap(), UnixMillis::new(1)))
    );
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
    let who = world.who('a', "n1");
    world.fleet.acknowledge(&who, None);
    assert_eq!(world.count(1), (1, 0));
}

#[test]
fn an_envoy_that_is_long_gone_is_forgotten() {
    let mut world = world();
    world.poll('a', "n1");
    world.now += Duration::from_secs(3600);
    assert!(world.fleet.sightings(world.now).is_empty());
    let arrival = world.arrive('b', "n2");
    assert_eq!(arrival.gone.len(), 1);
    assert_eq!(world.fleet.members.len(), 1);
}

#[test]
fn only_one_that_has_followed_can_stray_and_each_time_once() {
    let mut world = world();
    let now = UnixMillis::new(5);
    world.arrive('a', "n1");
    let who = world.who('a', "n1");
    assert_eq!(
        world.fleet.stray(&who, now),
        Straying::Unknown,
        "it is new here"
    );
    world.acknowledge('a', 7);
    world.fleet.acknowledge(&who, None);
    assert_eq!(world.fleet.stray(&who, now), Straying::First);
    assert_eq!(
        world.fleet.stray(&who, now),
        Straying::Unknown,
        "noticed already"
    );
    world.acknowledge('a', 8);
    assert_eq!(world.fleet.stray(&who, now), Straying::Again);
    let trouble = world.fleet.sightings(world.now)[0].trouble.clone();
    assert_eq!(
        trouble,
        Label::parse("two_sidecars").map(|word| (word, now))
    );
}

#[test]
fn one_that_has_a_page_follows_unless_it_could_not_use_it() {
    let mut world = world();
    let (who, now) = (world.who('a', "n1"), UnixMillis::new(5));
    world.arrive('a', "n1");
    world.fleet.give_page(&who);
    let moment = world.moment();
    world.fleet.arrive(&who, Label::parse("no_answer"), moment);
    assert_eq!(world.fleet.stray(&who, now), Straying::Unknown);
    world.fleet.give_page(&who);
    world.arrive('a', "n1");
    assert_eq!(world.fleet.stray(&who, now), Straying::First);
    world.fleet.give_page(&who);
    assert_eq!(world.fleet.stray(&who, now), Straying::Again);
}
