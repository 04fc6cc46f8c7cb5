//! Places with a meaning: names in lists of texts or objects, references, nested tools, batches,
//! and members of other names that some gateway reads as a model.
//!
//! The patterns are those of the built-in rules, through the gate; the key may call `good-1`
//! alone. Does not repeat what `patterns` shows of the reader.

use crate::support::{Rig, list, record};
use keytable::Record;

fn rig() -> Rig {
    Rig::with(&[Record {
        scope: list(&["good-1", "good-2"]),
        ..record(1)
    }])
}

/// The answer, which does not depend on how the body is cut.
fn answer(rig: &Rig, path: &str, body: &str) -> u16 {
    let send = |chunks: &[&[u8]]| {
        let request = rig.post().with(":path", path).bearer(1);
        request.send(chunks).answered()
    };
    let whole = send(&[body.as_bytes()]);
    for at in 0..=body.len() {
        let (front, back) = body.as_bytes().split_at(at);
        assert_eq!(send(&[front, back]), whole, "cut at {at}: {body}");
    }
    let bytes: Vec<&[u8]> = body.as_bytes().chunks(1).collect();
    assert_eq!(send(&bytes), whole, "byte by byte: {body}");
    whole
}

fn chat(extra: &str) -> u16 {
    answer(
        &rig(),
        "/v1/chat/completions",
        &format!(r#"{{"model":"good-1",{extra}}}"#),
    )
}

#[test]
fn fallbacks_are_texts_or_objects_that_name_a_model() {
    for good in [
        r#""fallbacks":["good-2"]"#,
        r#""fallbacks":[{"model":"good-2"}]"#,
        r#""fallbacks":[{"x":[{"model":"good-1"}],"model":"good-2"},"good-1"]"#,
        r#""fallbacks":[]"#,
        r#""fallbacks":null"#,
        r#""metadata":{"fallbacks":["bad-1"]}"#,
    ] {
        assert_eq!(chat(good), 200, "{good}");
    }
    for bad in [
        r#""fallbacks":["bad-1"]"#,
        r#""fallbacks":[{"model":"bad-1"}]"#,
        r#""fallbacks":["good-2",{"model":"bad-1"}]"#,
        r#""fallbacks":[{"model":"good-2"},"bad-1"]"#,
        r#""fallbacks":["b\u0061d-1"]"#,
        r#""fallbacks":"bad-1""#,
        r#""fallbacks":[["bad-1"]]"#,
        r#""fallbacks":[{"x":[{"model":"bad-1"}],"model":"good-2"}]"#,
        r#""fallbacks":[{"model":"good-2","fallbacks":[{"model":"bad-1"}]}]"#,
        r#""fallbacks":[{"model":{"id":"bad-1"}}]"#,
        r#""fallbacks":[{"good-1":["bad-1"]}]"#,
        r#""x":{"fallbacks":["bad-1"]}"#,
        r#""Fallbacks":["bad-1"]"#,
        "\"fallbac\u{212a}s\":[\"bad-1\"]",
        r#""fallback\u017f":["bad-1"]"#,
    ] {
        assert_eq!(chat(bad), 403, "{bad}");
    }
    for odd in [
        r#""fallbacks":{"model":"bad-1"}"#,
        r#""fallbacks":{"0":"bad-1"}"#,
        r#""fallbacks":[{"good-1":["good-2"]}]"#,
        r#""fallbacks":[{}]"#,
        r#""fallbacks":[null]"#,
        r#""fallbacks":[1]"#,
        r#""fallbacks":[{"model":null}]"#,
        r#""fallbacks":[{"model":"good-2","model":"good-2"}]"#,
        r#""fallbacks":[{"model":"good-2","MODEL":"bad-1"}]"#,
        r#""fallbacks":[],"fallbacks":["bad-1"]"#,
        r#""fallbacks":[],"Fallbacks":["good-1"]"#,
    ] {
        assert_eq!(chat(odd), 400, "{odd}");
    }
}

#[test]
fn members_of_other_names_that_some_gateway_reads() {
    assert_eq!(chat(r#""models":["good-1","good-2"]"#), 200);
    assert_eq!(
        chat(r#""metadata":{"model":"bad-1","engine":"bad-1"}"#),
        200
    );
    assert_eq!(
        chat(r#""route":"fallback""#),
        200,
        "which alone names nothing"
    );
    for extra in [
        r#""models":["bad-1"]"#,
        r#""models":["good-1","bad-1"]"#,
        r#""models":["openrouter/auto"]"#,
        r#""engine":"bad-1""#,
        r#""deployment":"bad-1""#,
        r#""deployment_id":"bad-1""#,
        r#""model_id":"bad-1""#,
        r#""extra_body":{"model":"bad-1"}"#,
        r#""moderation":{"model":"bad-1"}"#,
        r#""user_config":{"model_list":[{"model_name":"bad-1"}]}"#,
        r#""content_policy_fallbacks":"bad-1""#,
        r#""target_model_names":"bad-1""#,
        r#""router_settings_override":{"fallbacks":[]}"#,
        r#""models":{"bad-1":""}"#,
        r#""model_weights":{"bad-1":""}"#,
    ] {
        assert_eq!(chat(extra), 403, "{extra}");
    }
    for odd in [
        r#""context_window_fallbacks":[{"good-1":["bad-1"]}]"#,
        r#""models":"bad-1""#,
        r#""models":{"0":"bad-1"}"#,
        r#""models":[{"model":"bad-1"}]"#,
        r#""model\u017f":["bad-1"]"#,
        r#""deploıment":1,"moderatıon":{"model":"bad-1"}"#,
        r#""moderat\u0130on":{"model":"bad-1"}"#,
        r#""user_config":1,"User_Config":{}"#,
    ] {
        assert!([400, 403].contains(&chat(odd)), "{odd}");
    }
}

#[test]
fn a_reference_counts_unless_it_is_null() {
    let rig = rig();
    let responses = |prompt: &str| {
        let body = format!(r#"{{"prompt":{prompt},"model":"good-1"}}"#);
        answer(&rig, "/v1/responses", &body)
    };
    assert_eq!(responses("null"), 200);
    for there in [
        r#""pmpt_1""#,
        r#""""#,
        r#"{"id":"pmpt_1"}"#,
        "{}",
        "[]",
        "1",
        "0",
        "true",
        "false",
        r#""\ud800""#,
    ] {
        assert_eq!(responses(there), 403, "{there}");
    }
    for odd in [
        r#"null,"prompt":{"id":"pmpt_1"}"#,
        r#"null,"Prompt":{"id":"pmpt_1"}"#,
        r#"null,"pro\u006dpt":"pmpt_1""#,
    ] {
        assert_eq!(responses(odd), 400, "{odd}");
    }
    let nested = r#"{"model":"good-1","x":{"prompt":"p"},"input":[{"prompt":"p"}]}"#;
    assert_eq!(answer(&rig, "/v1/responses", nested), 200);
}

#[test]
fn a_reference_by_its_text_counts_as_that_text_alone() {
    let rig = rig();
    let messages = |fallbacks: &str| {
        let body = format!(r#"{{"model":"good-1","fallbacks":{fallbacks}}}"#);
        answer(&rig, "/v1/messages", &body)
    };
    assert_eq!(messages(r#""default""#), 403);
    assert_eq!(messages(r#""d\u0065fault""#), 403);
    assert_eq!(messages(r#"[{"model":"good-2"}]"#), 200);
    assert_eq!(messages(r#"[{"model":"bad-1"}]"#), 403);
    assert_eq!(messages("null"), 200);
    for named in [r#""bad-1""#, r#""Default""#] {
        assert_eq!(messages(named), 403, "{named}");
    }
    for odd in [r#"["good-2",{}]"#, r#"{"model":"good-2"}"#] {
        assert_eq!(messages(odd), 400, "{odd}");
    }
    let batch =
        r#"{"requests":[{"params":{"model":"good-1"}},{"params":{"fallbacks":"default"}}]}"#;
    assert_eq!(answer(&rig, "/v1/messages/batches", batch), 403);
}

#[test]
fn what_only_looks_like_a_nested_place_names_nothing() {
    let rig = rig();
    for (path, good) in [
        (
            "/v1/responses",
            r#"{"model":"good-1","tools":[{"model":"good-2"},{"type":"x"}],"input":"tools"}"#,
        ),
        (
            "/v1/responses",
            r#"{"model":"good-1","tools":[{"parameters":{"properties":{"model":{"type":"string"}}}}]}"#,
        ),
        (
            "/v1/responses",
            r#"{"model":"good-1","input":[{"arguments":"{\"model\":\"bad-1\"}"},"x"]}"#,
        ),
        (
            "/v1/realtime/client_secrets",
            r#"{"session":{"model":"good-1","instructions":"model"}}"#,
        ),
        (
            "/v1/messages",
            r#"{"model":"good-1","messages":[{"content":[{"input":{"model":"bad-1"}}]}]}"#,
        ),
        (
            "/v1/messages/batches",
            r#"{"requests":[{"params":{"model":"good-1"}},{"params":{"model":"good-2"}}]}"#,
        ),
    ] {
        assert_eq!(answer(&rig, path, good), 200, "{good}");
    }
}

#[test]
fn nested_places_are_read() {
    let rig = rig();
    for (path, bad) in [
        (
            "/v1/responses",
            r#"{"model":"good-1","tools":[{"model":"bad-1"}]}"#,
        ),
        (
            "/v1/responses",
            r#"{"model":"good-1","tools":[{"svg":{"model":"bad-1"}}]}"#,
        ),
        (
            "/v1/responses",
            r#"{"model":"good-1","input":[{"tools":[{"model":"bad-1"}]}]}"#,
        ),
        (
            "/v1/responses/compact",
            r#"{"model":"good-1","tools":[{"model":"bad-1"}]}"#,
        ),
        (
            "/v1/realtime/client_secrets",
            r#"{"session":{"model":"bad-1"}}"#,
        ),
        (
            "/v1/realtime/client_secrets",
            r#"{"session":{"model":"good-1","audio":{"input":{"transcription":{"model":"bad-1"}}}}}"#,
        ),
        ("/v1/realtime/client_secrets", r#"{"model":"good-1"}"#),
        (
            "/v1/messages",
            r#"{"model":"good-1","messages":[{"content":[{"tool":{"definition":{"model":"bad-1"}}}]}]}"#,
        ),
        (
            "/v1/messages/batches",
            r#"{"requests":[{"params":{"model":"good-1"}},{"params":{"model":"bad-1"}}]}"#,
        ),
        (
            "/v1/messages/batches",
            r#"{"requests":[{"params":{"model":"good-1","tools":[{"model":"bad-1"}]}}]}"#,
        ),
        (
            "/v1/fine_tuning/jobs",
            r#"{"model":"good-1","method":{"reinforcement":{"grader":{"model":"bad-1"}}}}"#,
        ),
        (
            "/v1beta/models/good-1:batchEmbedContents",
            r#"{"requests":[{"model":"models/good-1"},{"model":"models/bad-1"}]}"#,
        ),
    ] {
        assert_eq!(answer(&rig, path, bad), 403, "{bad}");
    }
}

#[test]
fn nested_places_of_another_shape_are_refused() {
    let rig = rig();
    for named in [
        r#"{"model":"good-1","tools":{"model":"bad-1"}}"#,
        r#"{"model":"good-1","tools":[[{"model":"bad-1"}]]}"#,
        r#"{"model":"good-1","input":{"tools":[{"model":"bad-1"}]}}"#,
    ] {
        assert_eq!(answer(&rig, "/v1/responses", named), 403, "{named}");
    }
    for (path, odd) in [
        (
            "/v1/messages/batches",
            r#"{"requests":[{"params":{"model":"good-1"}},{"params":{}}]}"#,
        ),
        (
            "/v1/messages/batches",
            r#"{"requests":[{"params":{"model":"good-1"}},{"params":null}]}"#,
        ),
        (
            "/v1/messages/batches",
            r#"{"requests":[{"params":{"model":"good-1"}},"x"]}"#,
        ),
        (
            "/v1/realtime/client_secrets",
            r#"{"session":[{"model":"bad-1"}]}"#,
        ),
        (
            "/v1/realtime/client_secrets",
            r#"{"session":{"model":"good-1"},"session":{"model":"bad-1"}}"#,
        ),
        (
            "/v1/messages/batches",
            r#"{"requests":{"params":{"model":"bad-1"}}}"#,
        ),
        ("/v1/messages/batches", r#"{"requests":[]}"#),
        ("/v1/agents/completions", r#"{"model":["good-1"]}"#),
    ] {
        assert_eq!(answer(&rig, path, odd), 400, "{odd}");
    }
}

#[test]
fn a_batch_of_many_requests_is_no_flood_of_names() {
    let rig = rig();
    let batch = |last: &str| {
        let request = r#"{"params":{"model":"good-1","max_tokens":1}},"#.repeat(20_000);
        format!(r#"{{"requests":[{request}{{"params":{{"model":"{last}"}}}}]}}"#)
    };
    for (last, status) in [("good-2", 200), ("bad-1", 403)] {
        let body = batch(last);
        let chunks: Vec<&[u8]> = body.as_bytes().chunks(65_536).collect();
        let request = rig.post().with(":path", "/v1/messages/batches").bearer(1);
        assert_eq!(request.send(&chunks).answered(), status);
    }
}
