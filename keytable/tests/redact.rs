//! Credentials in texts: found wherever they stand, and never seen where there is none.
//!
//! Does not test where the recogniser is asked. Invariant: no name of a model is redacted, neither
//! those listed here nor a word of the documents of this repository.

#![cfg(test)]

#[path = "support/golden.rs"]
mod support;

use std::fs;
use std::path::{Path, PathBuf};

use keytable::api_key::{BASE62, checksum};
use keytable::redact::{CredentialKind, redact_path};
use keytable::{REDACTED, find_credential, redact};
use proptest::prelude::*;

use support::golden;

const NAMES: &str = include_str!("support/model_names.txt");

/// `prefix` and 40 letters and digits drawn from `seed`, with their checksum.
fn key(prefix: &str, seed: u64) -> String {
    let mut state = seed;
    let mut draw = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        char::from(BASE62[usize::try_from((state >> 33) % 62).unwrap()])
    };
    let body: String = prefix.chars().chain((0..40).map(|_| draw())).collect();
    let sum = checksum(body.as_bytes());
    body.chars()
        .chain(sum.iter().map(|b| char::from(*b)))
        .collect()
}

#[test]
fn a_key_of_any_prefix_is_found_wherever_it_stands() {
    for prefix in [
        "sk-",
        "sk-tp-",
        "sk-cp-",
        "lkt-",
        "lks-",
        "lku-",
        "lkf-",
        "acme-prod-2-",
    ] {
        for seed in 0..50 {
            let key = key(prefix, seed);
            for text in [
                key.clone(),
                format!("the key is {key}, keep it"),
                format!("Bearer {key}"),
                format!("my-{key}"),
                format!("model={key}&x=1"),
                format!("glm-5.1/{key}/v1"),
                format!("\u{200b}{key}\u{fe0f}"),
                format!("{{\"key\":\"{key}\"}}"),
                format!("资{key}料"),
            ] {
                assert_eq!(
                    find_credential(text.as_bytes()),
                    Some(CredentialKind::Own),
                    "{text}"
                );
                assert_eq!(redact(&text), REDACTED);
            }
        }
    }
    let plain = String::from_utf8(golden("v1-key")).unwrap();
    assert_eq!(find_credential(plain.as_bytes()), Some(CredentialKind::Own));
}

/// An imported value may be all small letters: its checksum gives it away, too.
#[test]
fn a_key_of_small_letters_alone_is_found_by_its_checksum() {
    let body = format!("sk-{}", "abcdefghij0123456789".repeat(2));
    let sum = checksum(body.as_bytes()).map(char::from);
    let key: String = body.chars().chain(sum).collect();
    assert_eq!(find_credential(key.as_bytes()), Some(CredentialKind::Own));
    let digest = format!("sha256-{}", "29fdb92e57cf0827".repeat(4));
    assert_eq!(find_credential(digest.as_bytes()), None);
}

#[test]
fn a_key_that_was_cut_or_lengthened_is_seen_to_be_drawn() {
    let key = key("sk-", 7);
    for text in [
        &key[..44],
        &key[3..],
        &format!("{key}xyz"),
        &format!("{}A", &key[..40]),
    ] {
        assert!(find_credential(text.as_bytes()).is_some(), "{text}");
    }
}

#[test]
fn well_known_credentials_of_others_are_found() {
    let mixed = "aB3dE5gH7jK9mN1pQ3rS5tU7vW9xY1zA3bC5dE7fG9h";
    let hex = "0123456789abcdef0123456789abcdef";
    for (text, owner) in [
        (format!("sk-proj-{}", &mixed[..30]), "OpenAI"),
        (format!("sk-ant-api03-{mixed}"), "Anthropic"),
        (format!("sk-or-v1-{hex}{hex}"), "OpenRouter"),
        (format!("sk-{hex}"), "OpenAI and its like"),
        ("sk-Ab1-Ab1_Ab1-Ab1_Ab1-Ab".into(), "LiteLLM"),
        (format!("AIza{}", &mixed[..35]), "Google"),
        (format!("hf_{}", &mixed[..34]), "Hugging Face"),
        (format!("gsk_{mixed}123456789"), "Groq"),
        (format!("r8_{}", &mixed[..37]), "Replicate"),
        (format!("ghp_{}", &mixed[..36]), "GitHub"),
        (format!("glpat-{}", &mixed[..20]), "GitLab"),
        ("AKIAIOSFODNN7EXAMPLE".into(), "AWS"),
        (format!("AKID{}", &mixed[..32]), "Tencent Cloud"),
        ("LTAI5tABCDEFGHIJKLMNOPQR".into(), "Alibaba Cloud"),
        ("xoxb-123456789012-abcdef".into(), "Slack"),
        (format!("{hex}.AbCdEfGhIjKlMnOp"), "Zhipu"),
        (
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln".into(),
            "JSON Web Token",
        ),
        (
            "Authorization: Basic dXNlcjpwYXNzd29yZA==".into(),
            "authorization header",
        ),
        ("-----BEGIN PRIVATE KEY-----".into(), "private key"),
        (format!("ABSK{mixed}"), "AWS Bedrock"),
        (format!("bedrock-api-key-{mixed}"), "AWS Bedrock"),
        (format!("sk_{hex}0123456789abcdef"), "ElevenLabs"),
        ("sk_test_aB3dE5gH7jK9mN1p".into(), "Stripe"),
        (format!("GOCSPX-{}", &mixed[..28]), "Google"),
        (
            format!("bce-v3/ALTAK-{}/{hex}", &mixed[..21]),
            "Baidu Cloud",
        ),
        (format!("pcsk_{mixed}"), "Pinecone"),
        (format!("tvly-{}", &mixed[..32]), "Tavily"),
        (format!("jina_{mixed}"), "Jina"),
        (format!("vck_{mixed}"), "Vercel"),
        (format!("glsa_{}", &mixed[..32]), "Grafana"),
        (format!("sess-{}", &mixed[..40]), "OpenAI"),
    ] {
        for text in [
            text.clone(),
            format!("see {text} there"),
            format!("a/{text}"),
        ] {
            assert_eq!(
                find_credential(text.as_bytes()),
                Some(CredentialKind::Foreign(owner)),
                "{text}"
            );
        }
    }
}

#[test]
fn no_name_of_a_model_is_redacted() {
    assert!(NAMES.lines().count() > 100);
    for name in NAMES.lines() {
        assert_eq!(find_credential(name.as_bytes()), None, "{name}");
        assert_eq!(
            find_credential(format!("/v1/models/{name}").as_bytes()),
            None,
            "{name}"
        );
        assert_eq!(redact(name), name);
    }
}

/// Whatever stands in the documents and the template is no credential: every word of them.
#[test]
fn no_line_of_the_documents_is_redacted() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut documents = vec![root.join("README.md"), root.join("envoy/bootstrap.yaml")];
    documents.extend(files(&root.join("docs")));
    let mut lines = 0;
    for document in documents {
        let text = fs::read_to_string(&document).unwrap();
        for line in text.lines() {
            assert_eq!(
                find_credential(line.as_bytes()),
                None,
                "{document:?}: {line}"
            );
            lines += 1;
        }
    }
    assert!(lines > 1000, "{lines}");
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.extension().is_some_and(|e| e == "md"))
        .collect()
}

#[test]
fn a_path_keeps_its_other_segments_and_loses_its_query() {
    let key = key("sk-", 3);
    let escaped = key.replace('-', "%2D");
    let twice = key.replace('-', "%252d");
    let clean = |path: &str| String::from_utf8(redact_path(path.as_bytes()).into_owned()).unwrap();
    assert_eq!(clean("/v1/models?key=x"), "/v1/models");
    assert_eq!(
        clean("/v1/files/file-abc%2Fdef"),
        "/v1/files/file-abc%2Fdef"
    );
    for secret in [&key, &escaped, &twice] {
        let path = format!("/v1/chat/completions/{secret}/x?{secret}");
        assert_eq!(clean(&path), "/v1/chat/completions/(redacted)/x", "{path}");
    }
    assert_eq!(clean(&format!("/v1/Bearer {key}/x")), "/v1/(redacted)/x");
    assert_eq!(clean(&key), "(redacted)");
    assert_eq!(clean("Basic dXNlcjpwYX/Nzd29yZA=="), "(redacted)");
}

/// What is glued to a value hides it from nobody: an escaped line end, a word, another value.
#[test]
fn a_key_is_found_with_letters_right_before_and_behind_it() {
    let small = {
        let body = format!("sk-{}", "abcdefghij0123456789".repeat(2));
        let sum = checksum(body.as_bytes()).map(char::from);
        body.chars().chain(sum).collect::<String>()
    };
    for key in [key("sk-", 11), key("sk-tp-", 12), key("lka-", 13), small] {
        for text in [
            format!("\\n{key}\\n"),
            format!("my{key}"),
            format!("0{key}"),
            format!("x-2{key}"),
            format!("{key}and"),
            format!("{key}{key}"),
            format!("key%2f{key}%0a"),
            key.replace('-', "%2d"),
            key.replace('-', "%252D"),
            key.bytes().map(|b| format!("%{b:02x}")).collect(),
        ] {
            assert_eq!(
                find_credential(text.as_bytes()),
                Some(CredentialKind::Own),
                "{text}"
            );
            assert_eq!(redact(&text), REDACTED);
        }
    }
}

/// An id of an upload beside it, or its own encoded beginning, reads as drawn: that is not all.
#[test]
fn the_surest_of_several_is_told_however_it_is_encoded() {
    let (key, id) = (key("sk-", 5), "aB3dE5gH7jK9mN1pQ3rS5tU7vW9xY1zA3b");
    let encoded = key.replace('-', "%2D");
    for path in [
        format!("/v1/files/{encoded}"),
        format!("/v1/files/{id}/{encoded}"),
        format!("/v1/files/{id}%2f{key}"),
    ] {
        assert_eq!(
            find_credential(path.as_bytes()),
            Some(CredentialKind::Own),
            "{path}"
        );
    }
    let foreign = format!("/v1/files/{id}/hf%5FAbCdEfGhIjKlMnOpQrStUvWxYz01234567");
    assert_eq!(
        find_credential(foreign.as_bytes()),
        Some(CredentialKind::Foreign("Hugging Face"))
    );
}

#[test]
fn the_seed_of_a_second_factor_is_found() {
    let seed = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
    for text in [
        seed.to_owned(),
        format!("seed {seed}"),
        "otpauth://totp/Latchkey:li?secret=A".into(),
    ] {
        assert!(find_credential(text.as_bytes()).is_some(), "{text}");
    }
    let digest = "29FDB92E57CF0827".repeat(4);
    assert_eq!(find_credential(digest.as_bytes()), None);
}

/// The value of an authorization header, however somebody wrote it.
#[test]
fn the_scheme_of_an_authorization_header_is_read_as_servers_read_it() {
    for text in [
        "BEARER abcdefgh12345678",
        "Bearer  abcdefgh12345678",
        "bearer\tabcdefgh12345678",
        "Bearer%20abcdefgh12345678",
        "Bearer: abcdefgh12345678",
        "BASIC dXNlcjpwYXNzd29yZA==",
    ] {
        let owner = CredentialKind::Foreign("authorization header");
        assert_eq!(find_credential(text.as_bytes()), Some(owner), "{text}");
    }
    for text in [
        "the bearer of authorization documents",
        "Basic authentication",
    ] {
        assert_eq!(find_credential(text.as_bytes()), None, "{text}");
    }
}

/// Texts of the length that Envoy allows for all headers, made so that every beginning is tried: what
/// stands at their end is still found.
#[test]
fn a_long_hostile_text_is_read_to_its_end() {
    let key = key("sk-", 9);
    let run = format!("a-a-a-{}", "0".repeat(46));
    for piece in ["sk-", "eyJ-", "a-", "sk-proj-", "%25", "%", &run] {
        let long = piece.repeat(60 * 1024 / piece.len());
        assert_eq!(
            find_credential(format!("{long} {key}").as_bytes()),
            Some(CredentialKind::Own),
            "{piece}"
        );
        assert!(redact_path(long.as_bytes()).len() <= long.len());
    }
}

proptest! {
    #[test]
    fn nothing_panics_and_what_is_kept_is_unchanged(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = find_credential(&bytes);
        let text = String::from_utf8_lossy(&bytes);
        prop_assert!(redact(&text) == text || redact(&text) == REDACTED);
        prop_assert!(find_credential(&redact_path(&bytes)).is_none());
    }
}

/// Nobody has done this on purpose: it is how texts arrive.
#[test]
fn a_key_is_found_as_mail_word_processors_and_input_methods_spell_it() {
    let own = key("sk-", 21);
    let foreign = "sk-ant-api03-Q7wE9rT1yU3iO5pA2sD4fG6hJ8kL0zX".to_owned();
    let within = |key: &str, what: &str| format!("{}{what}{}", &key[..20], &key[20..]);
    let wide = |key: &str| -> String {
        let wide = |byte: u8| char::from_u32(u32::from(byte) + 0xfee0).unwrap();
        key.bytes().map(wide).collect()
    };
    for key in [&own, &foreign] {
        for text in [
            key.replace('-', "\u{2011}"),
            key.replace('-', "\u{2013}"),
            wide(key),
            format!("密钥：{}。", wide(key)),
            within(key, "\u{ad}"),
            within(key, "\u{200b}"),
            within(key, "\u{200d}"),
            within(key, "\u{fe0f}"),
            within(key, "\u{2060}"),
        ] {
            assert_eq!(redact(&text), REDACTED, "{text}");
        }
    }
    for wrap in [" ", "\n", "\r\n", "\n    ", "\u{a0}", "\u{2028}"] {
        let text = format!("the key is {} keep it", within(&own, wrap));
        assert_eq!(redact(&text), REDACTED, "{text}");
    }
    for plain in [
        "用于生产环境的密钥，张三申请",
        "Team – search, 2026–2027",
        "ＧＬＭ－５．１",
        "naïve café",
        "a b c d e f g h i j k l m n o p q r s t u v w x y z 0 1 2 3 4 5 6 7 8 9 A B C",
    ] {
        assert_eq!(redact(plain), plain);
    }
}
