//! `/v1/envoys`

use crate::support::agent::Agent;
use crate::support::{Scratch, Sidecar};

#[test]
fn the_fleet_is_what_envoys_have_said() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    sidecar.make("one", "local");
    let none = sidecar.get("/v1/envoys").json();
    assert!(none["envoys"].as_array().unwrap().is_empty());

    let mut agent = Agent::new(&sidecar, 'a', "edge-1", "local");
    agent.poll(0);
    let envoys = sidecar.get("/v1/envoys").json();
    assert!(
        envoys["envoys"][0]["generation"].is_null(),
        "nothing is acknowledged yet"
    );
    agent.catch_up();

    let envoys = sidecar.get("/v1/envoys").json();
    let envoy = &envoys["envoys"][0];
    assert_eq!(envoy["envoy"], "edge-1");
    assert_eq!(envoy["instance"], "a".repeat(32));
    assert_eq!(envoy["region"], "local");
    assert_eq!(envoy["generation"], 1);
    assert_eq!(envoy["live"], true);
    assert!(envoy["last_seen"].as_str().unwrap().ends_with('Z'));
}
