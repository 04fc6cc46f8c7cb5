//! What becomes of keys while the sidecar or Envoy is away: they expire, and the dead stay dead.

use std::time::{Duration, Instant, SystemTime};

use envoy::MaxStaleness;
use serde_json::json;
use tests::verdict::{Span, not_served, of_the_other_clock};
use tests::{rfc3339, wait_for};

use super::world::World;

const LIVES_S: u64 = 4;

/// a key expires on time, to the millisecond, without the sidecar.
#[test]
fn a_key_expires_on_time_while_the_sidecar_is_dead() {
    let mut world = World::start(MaxStaleness::default());
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let expires_s = now.unwrap().as_secs() + LIVES_S;
    let members = json!({"expires_at": rfc3339(expires_s)});
    let expiring = world.doomed_with("expiring", members);
    world.stack.kill_sidecar().unwrap();
    let load = world.load();
    let begun = Instant::now();
    let end = SystemTime::UNIX_EPOCH + Duration::from_secs(expires_s);
    let at_first = of_the_other_clock(end);
    wait_for("it expires", || world.ask(&expiring).status != 200);
    // Once more, for a clock that is put right meanwhile moves against the other one.
    let at_last = of_the_other_clock(end);
    assert_eq!(
        world.ask(&expiring).refusal(),
        (401, "api_key_expired".to_owned())
    );
    load.settle();
    let dead = at_first.until.max(at_last.until);
    world.bury(&expiring, dead + Duration::from_millis(1));
    let told = world.judge("expiry", load, &[Span::since(begun)]);
    let alive = Span {
        from: begun,
        until: at_first.from.min(at_last.from) - Duration::from_millis(1),
    };
    assert_eq!(not_served(&expiring.value, &told, alive), []);
    assert!(alive.of(&told).any(|told| told.key == expiring.value));
}

/// the value of a deleted key is dead for good: whoever gets its name, whoever is restarted,
/// and also if somebody brings it along.
#[test]
fn a_deleted_value_stays_dead_when_its_name_lives_on() {
    let mut world = World::start(MaxStaleness::default());
    let old = world.doomed("same-name");
    world.delete(&old);
    let new = world.admin.create("same-name", json!({}));
    assert_ne!(new.id, old.id);
    let load = world.load();
    world.stack.kill_sidecar().unwrap();
    world.stack.start_sidecar().unwrap();
    world.converge();
    world.stack.kill_envoy().unwrap();
    world.stack.start_envoy().unwrap();
    world.converge();
    let body = json!({"account": "demo", "region": "local", "name": "again", "key": old.value});
    let (status, answer) = world.admin.call("POST", "/v1/keys/import", Some(&body));
    assert_eq!(status, 409, "{answer}");
    let (status, _) = world
        .admin
        .call("GET", &format!("/v1/keys/{}", old.id), None);
    assert_eq!(status, 404);
    load.settle();
    assert_eq!(world.ask(&old).status, 401);
    assert_eq!(world.ask(&new).status, 200);
    world.judge("the same name", load, &[]);
}
