//! The second factor: enrolled with proof, confirmed with a code, asked for at every log-in.

use std::time::{SystemTime, UNIX_EPOCH};

use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha1::Sha1;

use crate::support::person::{PASSWORD, Person};
use crate::support::{Scratch, Sidecar};

/// The code that a device shows for a step from now.
fn code(seed: &str, steps: i64) -> String {
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let bits: String = seed
        .chars()
        .map(|c| format!("{:05b}", alphabet.find(c).unwrap()))
        .collect();
    let bytes: Vec<u8> = bits
        .as_bytes()
        .chunks_exact(8)
        .map(|bits| u8::from_str_radix(std::str::from_utf8(bits).unwrap(), 2).unwrap())
        .collect();
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let step = (now / 30).checked_add_signed(steps).unwrap();
    let mut mac = Hmac::<Sha1>::new_from_slice(&bytes).unwrap();
    mac.update(&step.to_be_bytes());
    let mac = mac.finalize().into_bytes();
    let offset = usize::from(mac[19] & 15);
    let word = u32::from_be_bytes(mac[offset..offset + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", word % 1_000_000)
}

#[test]
fn a_second_factor_is_asked_for_once_it_is_confirmed() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let mut person = Person::operator(&sidecar);
    assert_eq!(
        person.post("/v1/me/totp", &json!({})).status,
        403,
        "without proof"
    );
    person.verify();
    let enrolled = person.post("/v1/me/totp", &json!({}));
    assert_eq!(enrolled.status, 201, "{}", enrolled.text);
    let seed = enrolled.json()["seed"].as_str().unwrap().to_owned();
    assert!(enrolled.json()["uri"].as_str().unwrap().contains(&seed));
    assert_eq!(person.log_in().status, 200, "not confirmed yet");
    let wrong = person.call("PUT", "/v1/me/totp", Some(&json!({"totp": "000000"})));
    assert_eq!(wrong.status, 403);
    let confirmed = json!({"totp": code(&seed, 0)});
    assert_eq!(
        person.call("PUT", "/v1/me/totp", Some(&confirmed)).status,
        200
    );

    let without = person.log_in();
    assert_eq!(without.status, 401);
    assert!(
        without.json()["type"]
            .as_str()
            .unwrap()
            .ends_with("/code-required")
    );
    let with = |code: String| json!({"user": "operator", "password": PASSWORD, "totp": code});
    assert_eq!(person.log_in_with(&with("12345".into())).status, 401);
    assert_eq!(
        person.log_in_with(&with(code(&seed, -2))).status,
        401,
        "too old or used"
    );
    let next = code(&seed, 1);
    assert_eq!(person.log_in_with(&with(next.clone())).status, 200);
    assert_eq!(person.log_in_with(&with(next)).status, 401, "used");
}

#[test]
fn the_seed_is_in_no_file() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let person = Person::operator(&sidecar);
    person.verify();
    let enrolled = person.post("/v1/me/totp", &json!({})).json();
    let seed = enrolled["seed"].as_str().unwrap().to_owned();
    drop(person);
    drop(sidecar);
    for entry in std::fs::read_dir(scratch.data()).unwrap() {
        let bytes = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(
            !bytes
                .windows(12)
                .any(|window| window == &seed.as_bytes()[..12])
        );
    }
}
