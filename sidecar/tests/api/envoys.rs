//! `/v1/envoys`

use crate::support::agent::{Agent, Got};
use crate::support::{FEED_TOKEN, Scratch, Sidecar, call_bytes};

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
    assert_eq!(envoy["lag_ms"], 0);
    assert_eq!(envoy["lease_s"], 60);
    assert_eq!(envoy["lease_over"], false);
    assert!(envoy["may_serve_until"].as_str().unwrap().ends_with('Z'));
    assert_eq!(envoy["shares_name"], false);
    assert!(envoy["version"].is_null() && envoy["last_error"].is_null());
}

#[test]
fn an_envoy_says_what_it_runs_and_what_went_wrong() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let mut agent = Agent::new(&sidecar, 'a', "edge-1", "local");
    agent.lease_s = "never";
    agent.more = "&version=1.2.3&trouble=gap";
    agent.poll(0);
    agent.more = "";
    agent.catch_up();
    let envoys = sidecar.get("/v1/envoys").json();
    let envoy = &envoys["envoys"][0];
    assert!(envoy["lease_s"].is_null() && envoy["may_serve_until"].is_null());
    assert_eq!(envoy["last_error"]["error"], "gap");
    agent.more = "&trouble=No%20word";
    assert_eq!(agent.ask(0, None), Got::Refusal(400));
}

#[test]
fn an_operator_dismisses_an_envoy_that_is_gone_for_good() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let mut agent = Agent::new(&sidecar, 'a', "edge-1", "local");
    agent.lease_s = "never";
    agent.catch_up();
    let path = format!("/v1/envoys/{}?region=local", agent.id);
    let early = sidecar.delete(&path);
    assert_eq!(
        early.status, 409,
        "it was in contact a moment ago: {}",
        early.text
    );
    assert_eq!(sidecar.delete("/v1/envoys/x?region=local").status, 404);
    assert_eq!(sidecar.make("one", "local")["propagation"]["envoys"], 1);
}

#[test]
fn whoever_ends_an_envoy_says_so_and_it_is_not_named_for_its_lease() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let mut agent = Agent::new(&sidecar, 'a', "edge-1", "local");
    agent.lease_s = "never";
    agent.catch_up();
    let say = |query: &str, token: &str| {
        let url = format!("{}/feed/v1/goodbye?{query}", sidecar.feed());
        let (parts, _) = call_bytes(&url, "POST", &[("authorization", token)], None);
        parts.status.as_u16()
    };
    let of = "region=local&node=edge-1&within_s=0";
    assert_eq!(say(of, "Bearer nobody"), 401);
    assert_eq!(say("region=local&node=edge-2", FEED_TOKEN), 404);
    assert_eq!(say("region=local&node=edge-1&within_s=x", FEED_TOKEN), 400);
    assert_eq!(say(of, FEED_TOKEN), 204);
    let made = sidecar.make("one", "local");
    assert_eq!(made["propagation"]["envoys"], 0, "{made}");
    agent.poll(0);
    let made = sidecar.make("two", "local");
    assert_eq!(
        made["propagation"]["envoys"], 1,
        "it has not stopped: {made}"
    );
}
