//! What outlives the process, and what does not.

use crate::support::agent::{Agent, Got};
use crate::support::{Scratch, Sidecar};

#[test]
fn keys_epoch_and_operator_outlive_a_restart() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let key = sidecar.make("one", "local");
    let mut agent = Agent::new(&sidecar, 'a', "edge-1", "local");
    agent.catch_up();
    drop(sidecar);

    let sidecar = Sidecar::restart(&scratch);
    let path = format!("/v1/keys/{}", key["id"].as_str().unwrap());
    assert_eq!(sidecar.get(&path).json()["masked"], key["masked"]);
    let mut same = Agent::new(&sidecar, 'a', "edge-1", "local");
    same.position = agent.position;
    assert_eq!(same.poll(0), Got::Heartbeat, "the history goes on");
}

#[test]
fn no_file_ever_holds_the_value_of_a_key_or_the_operator_token() {
    let scratch = Scratch::in_file();
    let sidecar = Sidecar::start(&scratch);
    let key = sidecar.make("canary", "local");
    let id = key["id"].as_str().unwrap();
    let deleted = sidecar.delete(&format!("/v1/keys/{id}?confirm=canary&wait=none"));
    assert_eq!(deleted.status, 200);
    sidecar.make("another", "local");
    let secrets = [key["key"].as_str().unwrap().to_owned(), sidecar.token()];
    assert_no_file_holds(&scratch, &secrets);
    drop(sidecar);
    assert_no_file_holds(&scratch, &secrets);
}

fn assert_no_file_holds(scratch: &Scratch, secrets: &[String]) {
    let mut files = 0;
    for entry in std::fs::read_dir(scratch.data()).unwrap() {
        let path = entry.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        files += 1;
        for secret in secrets {
            // Any 12 characters of it would be too much.
            for part in secret.as_bytes().windows(12) {
                let found = bytes.windows(12).any(|window| window == part);
                assert!(!found, "{} holds a part of a secret", path.display());
            }
        }
    }
    assert!(files >= 2, "the database and the lock");
}
