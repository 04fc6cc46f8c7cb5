//! Which headers of a client reach the upstream: by name for a key with a list, all but those of
//! other gateways for a key for everything; and what is counted of those that do not.

use filter::config::Config;
use filter::gate::GateShared;

use crate::support::{Exchange, Rig, key, list, record};
use keytable::Record;

const GOOD: &[u8] = br#"{"model":"good-1"}"#;
const PASSED: &str = include_str!("../../src/gate/passed_headers.txt");
const REMOVED: &str = include_str!("../../src/gate/removed_headers.txt");

/// By which gateways and servers choose a model or a backend.
const CHOOSING: [&str; 24] = [
    "x-portkey-config",
    "x-portkey-provider",
    "x-portkey-custom-host",
    "helicone-fallbacks",
    "azureml-model-deployment",
    "x-amzn-sagemaker-target-model",
    "x-amzn-sagemaker-target-variant",
    "x-amz-target",
    "x-ms-model-mesh-model-name",
    "x-goog-request-params",
    "mm-model-id",
    "mm-vmodel-id",
    "seldon-model",
    "ai-model-id",
    "serve_multiplexed_model_id",
    "x-model",
    "x-model-id",
    "x-smg-routing-key",
    "x-vsr-selected-model",
    "x-bf-vk",
    "cf-aig-byok-alias",
    "x-proxy-url",
    "x-openai-account-routing-override",
    "cookie",
];

/// By which a caller or another request is named.
const IDENTITIES: [&str; 14] = [
    "x-consumer-username",
    "x-consumer-custom-id",
    "x-credential-identifier",
    "x-forwarded-user",
    "x-forwarded-email",
    "x-auth-request-user",
    "remote-user",
    "x-goog-authenticated-user-email",
    "x-ms-client-principal-name",
    "impersonate-user",
    "x-original-uri",
    "x-original-method",
    "x-forwarded-uri",
    "x-gateway-destination-endpoint",
];

fn limited() -> Record {
    Record {
        scope: list(&["good-1"]),
        ..record(2)
    }
}

/// Key 1 is for everything, key 2 for a list.
fn rig(settings: &str) -> Rig {
    Rig::configured(&[record(1), limited()], settings)
}

fn patterns(text: &str) -> Vec<&str> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines.filter(|line| !line.is_empty()).collect()
}

/// A name that a pattern is for.
fn an_example(pattern: &str) -> String {
    pattern.replace('*', "x")
}

fn sent(rig: &Rig, n: usize, name: &str) -> Exchange {
    let exchange = rig.post().header(name, "bad-1").bearer(n).send(&[GOOD]);
    assert_eq!(exchange.answered(), 200, "{name}");
    exchange
}

fn arrives(rig: &Rig, n: usize, name: &str) -> bool {
    let exchange = sent(rig, n, name);
    let arrived = exchange.seen(name) == ["bad-1"];
    let counted = exchange.host.removed_headers.borrow().len();
    assert_eq!(counted, usize::from(!arrived), "{name}");
    arrived
}

#[test]
fn what_is_listed_passes_for_every_key() {
    let rig = rig(r#""hold_bytes_max":4096"#);
    let known = patterns(PASSED);
    assert!(known.len() > 100, "{}", known.len());
    // An upgrade is another endpoint.
    for pattern in known.into_iter().filter(|name| *name != "upgrade") {
        // Repeated, it would not be one content type any more.
        let name = an_example(pattern).replace("content-x", "content-language");
        for n in [1, 2] {
            assert!(arrives(&rig, n, &name), "{n} {name}");
        }
    }
}

#[test]
fn what_chooses_passes_for_a_key_for_everything_alone() {
    let rig = rig(r#""hold_bytes_max":4096"#);
    for name in CHOOSING {
        assert!(arrives(&rig, 1, name), "{name}");
        assert!(!arrives(&rig, 2, name), "{name}");
    }
}

#[test]
fn what_names_a_caller_or_another_request_passes_for_nobody() {
    let rig = rig(r#""hold_bytes_max":4096"#);
    let listed = patterns(REMOVED).into_iter().map(an_example);
    let named = IDENTITIES.map(str::to_owned).into_iter().chain(listed);
    for name in named {
        for n in [1, 2] {
            assert_ne!(sent(&rig, n, &name).seen(&name), ["bad-1"], "{n} {name}");
            let spelled = name.replace('-', "_");
            assert!(
                sent(&rig, n, &spelled).seen(&spelled).is_empty(),
                "{n} {spelled}"
            );
        }
    }
}

#[test]
fn a_beginning_lets_nothing_pass_that_chooses() {
    let rig = rig(r#""hold_bytes_max":4096"#);
    let choosers = [
        "model",
        "models",
        "modelname",
        "deployment",
        "fallbacks",
        "adapter",
        "lora",
        "target",
        "variant",
        "override",
        "upstream",
        "backend",
    ];
    let beginnings = patterns(PASSED).into_iter();
    for beginning in beginnings.filter_map(|pattern| pattern.strip_suffix('*')) {
        for chooser in choosers {
            let name = format!("{beginning}{chooser}");
            assert!(!arrives(&rig, 2, &name), "{name}");
        }
    }
}

#[test]
fn nothing_unknown_passes_for_a_list_and_everything_for_the_rest() {
    let rig = rig(r#""hold_bytes_max":4096"#);
    for name in [
        "x-goog-x",
        "x-amzn-x",
        "x-ms-x",
        "x-new",
        "y",
        "accep",
        "acceptx",
        "x-stainless",
    ] {
        assert!(arrives(&rig, 1, name), "{name}");
        assert!(!arrives(&rig, 2, name), "{name}");
    }
}

#[test]
fn what_is_configured_passes_too() {
    let rig = rig(r#""pass_headers":["x-team","x-acme-*","x-acme-model","x-forwarded-user"]"#);
    for name in [
        "x-team",
        "x-acme-anything",
        "x-acme-model",
        "x-forwarded-user",
    ] {
        for n in [1, 2] {
            assert!(arrives(&rig, n, name), "{n} {name}");
        }
    }
    for name in ["x-teams", "x-acme-modelname", "x-forwarded-email"] {
        assert!(!arrives(&rig, 2, name), "{name}");
    }
}

#[test]
fn what_may_not_pass_cannot_be_configured() {
    for (pattern, why) in [
        ("", "no header name"),
        ("*", "no header name"),
        ("x-*", "nearly everything"),
        ("X-Team", "in lower case"),
        ("x team", "in lower case"),
        ("x-*-y", "at its end"),
        (":path", "in lower case"),
        ("x-latchkey-key-id", "the gate's own"),
        ("x_latchkey_*", "the gate's own"),
        ("authorization", "a credential"),
        ("x-api-key", "a credential"),
    ] {
        let text = serde_json::json!({"role": "gate", "pass_headers": [pattern]}).to_string();
        let Ok(Config::Gate(config)) = Config::parse(text.as_bytes()) else {
            panic!("{text}");
        };
        let error = GateShared::new(config, [7; 16]).unwrap_err();
        assert!(error.starts_with("pass_headers: "), "{error}");
        assert!(error.contains(why), "{error}");
    }
}

/// Under which word a header of this name is counted.
fn word(rig: &Rig, n: usize, name: &str) -> String {
    let exchange = sent(rig, n, name);
    let words = exchange.host.removed_headers.borrow();
    assert_eq!(words.len(), 1, "{name}");
    words[0].clone()
}

#[test]
fn what_is_removed_is_counted_by_its_name() {
    let rig = rig(r#""hold_bytes_max":4096"#);
    for name in ["x-portkey-config", "cookie", "serve_multiplexed_model_id"] {
        assert_eq!(word(&rig, 2, name), name);
    }
    assert_eq!(word(&rig, 1, "x-forwarded-user"), "x-forwarded-user");
}

#[test]
fn a_name_that_may_be_a_secret_is_not_written() {
    let rig = rig(r#""hold_bytes_max":4096"#);
    let keys = (1..20).map(key);
    let hidden = [
        "sk-proj-x0x1x2x3x4x5",
        "sk-proj-abcdefghij-klmnopqrst",
        "xoxb-abcdefghij-klmnopqrst",
        "123e4567-e89b-12d3-a456-426614174000",
        "akiaiosfodnn7example12",
        "x-abcdefghijklmnopqrstuvwxyz",
        "x--y",
        "x.y",
        "-x",
        "x-1-2-3",
    ];
    for name in hidden.map(str::to_owned).into_iter().chain(keys) {
        for spelled in [
            name.clone(),
            name.to_lowercase(),
            format!("x-{}", name.to_lowercase()),
        ] {
            assert_eq!(word(&rig, 2, &spelled), "other", "{spelled}");
        }
    }
}

#[test]
fn the_names_in_metrics_are_bounded_and_one_key_cannot_take_them_all() {
    let many: Vec<_> = (2..40)
        .map(|n| Record {
            scope: list(&["good-1"]),
            ..record(n)
        })
        .collect();
    let rig = Rig::with(&many);
    let letters = |n: usize| {
        let letter = |n: usize| char::from(b'a' + u8::try_from(n % 26).unwrap());
        format!("x-{}{}", letter(n / 26), letter(n))
    };
    let greedy = (0..200).filter(|n| word(&rig, 2, &letters(*n)) != "other");
    assert_eq!(greedy.count(), 8);
    assert_eq!(word(&rig, 3, "x-portkey-config"), "x-portkey-config");
    let all = (200..600).filter(|n| word(&rig, 4 + n % 36, &letters(*n)) != "other");
    assert_eq!(all.count(), 64 - 8 - 1);
    assert_eq!(
        word(&rig, 2, "x-portkey-config"),
        "x-portkey-config",
        "it stays known"
    );
}

#[test]
fn a_trailer_passes_by_name_too() {
    for (n, kept) in [(1, &["x-checksum", "digest"][..]), (2, &["digest"])] {
        let rig = rig(r#""hold_bytes_max":4096"#);
        let mut exchange = rig.post().bearer(n);
        exchange.headers(false);
        exchange.chunk(GOOD, false);
        let names = [
            "x-checksum",
            "digest",
            "x-portkey-config",
            "x-forwarded-user",
            "x-forwarded-for",
        ];
        let sent = names
            .iter()
            .filter(|name| n == 2 || **name != "x-portkey-config");
        *exchange.host.trailers.borrow_mut() = sent
            .map(|name| (name.as_bytes().to_vec(), b"1".to_vec()))
            .collect();
        exchange.trailers();
        let trailers = exchange.host.trailers.borrow();
        let left: Vec<_> = trailers.iter().map(|(name, _)| name.as_slice()).collect();
        let kept: Vec<_> = kept.iter().map(|name| name.as_bytes()).collect();
        assert_eq!(left, kept, "{n}");
    }
}
