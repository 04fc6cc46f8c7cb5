//! Where a request's one key may stand, and what is never resolved by precedence.
//!
//! Does not look keys up. Invariant: each refusal here is the reader's, before any hash.

use filter::credential::{Credential, CredentialError};
use filter::headers::HeaderMap;
use filter::locator::KeyPlaces;

use crate::support::key;
use CredentialError::{Conflicting, Malformed, Missing};

type Pair<'a> = (&'a str, &'a [u8]);

fn find(pairs: &[Pair<'_>]) -> Result<Vec<u8>, CredentialError> {
    let pairs: Vec<(&[u8], &[u8])> = pairs.iter().map(|(n, v)| (n.as_bytes(), *v)).collect();
    let headers = HeaderMap::from_pairs(&pairs);
    let places = KeyPlaces::default();
    let credential = Credential::find(&headers, &places)?;
    Ok(credential.key.as_bytes().to_vec())
}

fn find_in(name: &str, value: impl AsRef<[u8]>) -> Result<Vec<u8>, CredentialError> {
    find(&[(":path", b"/v1/x"), (name, value.as_ref())])
}

fn bearer(value: &str) -> Vec<u8> {
    format!("Bearer {value}").into_bytes()
}

/// Every place with key `n` in it, as header name and value.
fn carriers(n: usize) -> Vec<(&'static str, Vec<u8>)> {
    let key = key(n);
    vec![
        ("authorization", bearer(&key)),
        ("x-api-key", key.clone().into_bytes()),
        ("api-key", key.clone().into_bytes()),
        ("x-goog-api-key", key.clone().into_bytes()),
        ("apikey", key.clone().into_bytes()),
        (":path", format!("/v1/x?a=1&key={key}&b=2").into_bytes()),
        (
            "sec-websocket-protocol",
            format!("realtime, openai-insecure-api-key.{key}").into_bytes(),
        ),
    ]
}

#[test]
fn a_key_is_found_in_each_place() {
    for (name, value) in carriers(1) {
        assert_eq!(find(&[(name, &value)]), Ok(key(1).into_bytes()), "{name}");
    }
}

#[test]
fn no_credential_is_missing() {
    assert_eq!(find(&[]), Err(Missing));
    assert_eq!(
        find(&[(":path", b"/v1/x?a=1"), ("cookie", b"key=1")]),
        Err(Missing)
    );
    for name in [
        "xi-api-key",
        "x-api-keys",
        "proxy-authorization",
        "x_api_key",
        "api_key",
    ] {
        assert_eq!(find_in(name, key(1)), Err(Missing), "{name}");
    }
    let other = format!("/v1/x?api_key={}", key(1));
    assert_eq!(find(&[(":path", other.as_bytes())]), Err(Missing));
}

#[test]
fn the_same_key_in_two_places_is_one_credential() {
    for (first, first_value) in carriers(1) {
        for (second, second_value) in carriers(1).iter().filter(|(name, _)| *name != first) {
            let found = find(&[(first, &first_value), (second, second_value)]);
            assert_eq!(found, Ok(key(1).into_bytes()), "{first} {second}");
        }
    }
    let all = carriers(1);
    let all: Vec<Pair<'_>> = all
        .iter()
        .map(|(name, value)| (*name, value.as_slice()))
        .collect();
    assert_eq!(find(&all), Ok(key(1).into_bytes()));
}

#[test]
fn two_keys_are_refused_whichever_places_they_stand_in() {
    for (first, first_value) in carriers(1) {
        for (second, second_value) in carriers(2) {
            let found = find(&[(first, &first_value), (second, &second_value)]);
            assert_eq!(found, Err(Conflicting), "{first} {second}");
        }
    }
}

#[test]
fn a_place_that_is_filled_twice_is_refused_also_with_the_same_key() {
    for (name, value) in carriers(1) {
        assert_eq!(
            find(&[(name, &value), (name, &value)]),
            Err(Conflicting),
            "{name}"
        );
    }
    let key = key(1);
    let twice = format!("/v1/x?key={key}&key={key}");
    assert_eq!(find(&[(":path", twice.as_bytes())]), Err(Conflicting));
    let twice = format!("openai-insecure-api-key.{key}, openai-insecure-api-key.{key}");
    assert_eq!(find_in("sec-websocket-protocol", twice), Err(Conflicting));
}

#[test]
fn a_key_beside_another_kind_of_credential_is_refused() {
    let key = key(1).into_bytes();
    let basic: Pair<'_> = ("authorization", b"Basic c2stOg==");
    assert_eq!(find(&[basic, ("x-api-key", &key)]), Err(Malformed));
    assert_eq!(
        find(&[("x-api-key", &key), (":path", b"/v1/x?key=other")]),
        Err(Conflicting)
    );
}

#[test]
fn the_scheme_is_bearer_in_any_case_and_one_blank() {
    let key = key(1);
    for scheme in ["Bearer ", "bearer ", "BEARER ", "bEaReR "] {
        let found = find_in("authorization", format!("{scheme}{key}"));
        assert_eq!(found, Ok(key.clone().into_bytes()), "{scheme}");
    }
    let schemes = [
        "", "Bearer", "Bearer  ", "Bearer\t", " Bearer ", "Basic ", "Token ", "Bearer:",
    ];
    for scheme in schemes {
        let found = find_in("authorization", format!("{scheme}{key}"));
        assert_eq!(found, Err(Malformed), "{scheme:?}");
    }
    for value in [
        "B",
        "Bearer x",
        "Bearer:",
        "Bearerx",
        "Basic",
        "Basic c2stOg==",
    ] {
        assert_eq!(find_in("authorization", value), Err(Malformed), "{value:?}");
    }
}

#[test]
fn what_is_blank_is_no_value_whichever_place_it_stands_in() {
    let blanks: [Pair<'_>; 16] = [
        ("authorization", b""),
        ("authorization", b" \t"),
        ("authorization", b"Bearer"),
        ("authorization", b"bearer "),
        ("authorization", b"Bearer  \t "),
        ("x-api-key", b""),
        ("x-api-key", b" "),
        ("api-key", b""),
        ("x-goog-api-key", b"\t"),
        ("apikey", b""),
        (":path", b"/v1/x?key"),
        (":path", b"/v1/x?key="),
        (":path", b"/v1/x?a=1&k%65y=&key&key=%20"),
        (":path", b"/v1/x?key=++%20%09"),
        ("sec-websocket-protocol", b"openai-insecure-api-key."),
        (
            "sec-websocket-protocol",
            b"realtime, openai-insecure-api-key., openai-insecure-api-key. ",
        ),
    ];
    for blank in blanks {
        assert_eq!(find(&[blank]), Err(Missing), "{blank:?}");
        assert_eq!(find(&[blank, blank]), Err(Missing), "{blank:?}");
        for (name, value) in carriers(1) {
            for pairs in [[blank, (name, &value)], [(name, &value), blank]] {
                assert_eq!(find(&pairs), Ok(key(1).into_bytes()), "{blank:?} {name}");
            }
        }
    }
    for (first, first_value) in carriers(1) {
        for (second, second_value) in carriers(2) {
            let pairs = [blanks[0], (first, &first_value), (second, &second_value)];
            assert_eq!(find(&pairs), Err(Conflicting), "{first} {second}");
        }
    }
}

#[test]
fn nothing_stands_around_a_key() {
    let key = key(1);
    let other = crate::support::key(2);
    let values = [
        format!("{key},{other}"),
        format!("{key}, Bearer {other}"),
        format!("{key},"),
        format!("{key} "),
        format!(" {key}"),
        format!("{key}\t"),
        format!("{key}%20"),
        format!("{key}\0"),
        format!("{key}\n "),
        format!("\"{key}\""),
        format!("'{key}'"),
        format!("{key} {other}"),
        format!("{key}x"),
        key[..8].to_owned(),
        key[..20].to_owned(),
        key[..key.len() - 1].to_owned(),
        key.to_uppercase(),
        format!("sk-{key}"),
        "' OR '1'='1".to_owned(),
    ];
    for value in values {
        let found = [
            find_in("authorization", bearer(&value)),
            find_in("x-api-key", &value),
            find_in("api-key", &value),
            find_in("x-goog-api-key", &value),
        ];
        for result in found {
            assert_eq!(result, Err(Malformed), "{value:?}");
        }
    }
}

#[test]
fn a_wrong_character_anywhere_is_malformed() {
    let key = key(1);
    for at in 0..key.len() {
        for byte in [0, b' ', b'-', b'Z', 0x80, 0xff] {
            let mut changed = key.clone().into_bytes();
            if changed[at] != byte {
                changed[at] = byte;
                assert_eq!(
                    find_in("x-api-key", &changed),
                    Err(Malformed),
                    "{byte} at {at}"
                );
            }
        }
    }
}

#[test]
fn any_bytes_in_any_place_are_refused_without_harm() {
    let odd: [&[u8]; 5] = [
        b"\xff\xfe",
        b"\xc0\xa7",
        b"\x80",
        b"Bearer \xff\xff",
        b"Bearer sk-\x80",
    ];
    for value in odd {
        for name in ["authorization", "x-api-key", "api-key", "x-goog-api-key"] {
            assert_eq!(find_in(name, value), Err(Malformed), "{name}");
        }
        assert_eq!(
            find(&[(":path", value), ("sec-websocket-protocol", value)]),
            Err(Missing)
        );
        let path = [b"/v1/x?key=", value].concat();
        assert_eq!(find(&[(":path", &path)]), Err(Malformed));
        let protocol = [b"openai-insecure-api-key.", value].concat();
        assert_eq!(find_in("sec-websocket-protocol", protocol), Err(Malformed));
    }
    for byte in (0..=255u8).filter(|byte| !byte.is_ascii_whitespace()) {
        assert_eq!(find_in("x-api-key", [byte]), Err(Malformed));
        assert_eq!(find_in("authorization", [byte]), Err(Malformed));
    }
}

#[test]
fn a_huge_value_is_malformed() {
    for size in [129, 8 * 1024, 59 * 1024] {
        let huge = key(1).repeat(size / 49 + 1);
        assert_eq!(find_in("x-api-key", &huge), Err(Malformed));
        assert_eq!(find_in("authorization", bearer(&huge)), Err(Malformed));
        assert_eq!(
            find(&[(":path", format!("/?key={huge}").as_bytes())]),
            Err(Malformed)
        );
    }
}

#[test]
fn the_query_is_read_as_a_server_would() {
    let key = key(1);
    let found = |path: &str| find(&[(":path", path.replace("KEY", &key).as_bytes())]);
    for path in [
        "/?key=KEY",
        "/?a&key=KEY",
        "/?k%65y=KEY",
        "/?%6b%65%79=KEY",
        "/?%6Bey=KEY&",
        "/?&key=KEY",
    ] {
        assert_eq!(found(path), Ok(key.clone().into_bytes()), "{path}");
    }
    for path in ["/?key==KEY", "/?key=KEY%20", "/?key=%73k-"] {
        assert_eq!(found(path), Err(Malformed), "{path}");
    }
    for path in [
        "/?key=KEY&key=KEY",
        "/?key=KEY&k%65y=KEY",
        "/?key=KEY&key=x",
    ] {
        assert_eq!(found(path), Err(Conflicting), "{path}");
    }
    for path in [
        "/key=KEY",
        "/?key&a=KEY",
        "/?Key=KEY",
        "/?keys=KEY",
        "/?ke=KEY",
        "/??key=KEY",
        "/?k%2565y=KEY",
        "/?%6=KEY",
        "/?k%zzy=KEY",
        "/?=KEY",
        "/?a=key",
    ] {
        assert_eq!(found(path), Err(Missing), "{path}");
    }
}

#[test]
fn the_realtime_subprotocol_is_read() {
    let key = key(1);
    let found = |value: &str| find_in("sec-websocket-protocol", value.replace("KEY", &key));
    let prefix = "openai-insecure-api-key.";
    for value in [
        "PKEY",
        "realtime,PKEY",
        "realtime , PKEY , openai-beta.realtime-v1",
        "PKEY,",
    ] {
        assert_eq!(
            found(&value.replace('P', prefix)),
            Ok(key.clone().into_bytes()),
            "{value}"
        );
    }
    for value in ["Px", "realtime, Px", "PKEY x", "P KEY", "P\"KEY\""] {
        assert_eq!(
            found(&value.replace('P', prefix)),
            Err(Malformed),
            "{value}"
        );
    }
    for value in ["realtime", "KEY", "x-PKEY", "Openai-Insecure-Api-Key.KEY"] {
        assert_eq!(found(&value.replace('P', prefix)), Err(Missing), "{value}");
    }
}
