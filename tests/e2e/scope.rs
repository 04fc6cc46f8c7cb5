//! A key limited to a list calls what is on it, and nothing gets past the gate by being odd.

use serde_json::json;
use tests::raw::{self, post_chat, post_chat_with};
use tests::{chat, start};

#[test]
fn a_list_scoped_key_calls_its_models_and_no_others() {
    let (stack, admin) = start();
    let gate = stack.envoy_url();
    let scope = json!({"scope": {"models": ["glm-5.1", "deepseek-*"], "services": []}});
    let key = admin.create("limited", scope);
    for (model, status) in [
        ("glm-5.1", 200),
        ("deepseek-v3.2", 200),
        ("glm-5.1-air", 403),
        ("GLM-5.1", 403),
        ("deepseek", 403),
        ("deepseek-", 403),
        ("kimi-k2.6", 403),
        ("ep-12345678", 403),
    ] {
        let answer = post_chat_with(&gate, &key.value, &chat(model));
        assert_eq!(answer.status, status, "{model}");
        if status == 403 {
            assert_eq!(answer.code(), "model_not_found");
            assert!(String::from_utf8_lossy(&answer.body).contains(model));
        }
    }
    let seen = stack.upstream().unwrap().requests();
    let models: Vec<_> = seen
        .iter()
        .filter_map(|r| r.header("x-latchkey-model"))
        .collect();
    assert_eq!(models, ["glm-5.1", "deepseek-v3.2"]);
}

#[test]
fn a_new_scope_replaces_the_old_one_whole() {
    let (stack, admin) = start();
    let gate = stack.envoy_url();
    let key = admin.create("moving", json!({"scope": {"models": ["glm-5.1"]}}));
    admin.patch(
        &key,
        &json!({"scope": {"models": ["kimi-k2.6"], "services": "all"}}),
    );
    assert_eq!(
        post_chat_with(&gate, &key.value, &chat("glm-5.1")).status,
        403
    );
    assert_eq!(
        post_chat_with(&gate, &key.value, &chat("kimi-k2.6")).status,
        200
    );
    assert_eq!(
        post_chat_with(&gate, &key.value, &chat("ep-12345678")).status,
        200
    );
    admin.patch(&key, &json!({"scope": {"models": [], "services": []}}));
    assert_eq!(
        post_chat_with(&gate, &key.value, &chat("kimi-k2.6")).status,
        403,
        "empty is none"
    );
}

#[test]
fn what_could_be_read_in_two_ways_never_reaches_the_upstream() {
    let (stack, admin) = start();
    let gate = stack.envoy_url();
    let key = admin.create("limited", json!({"scope": {"models": ["good-1"]}}));
    let bodies: &[(&[u8], u16)] = &[
        (br#"{"model":"good-1","model":"bad-1"}"#, 400),
        (br#"{"model":"bad-1","model":"good-1"}"#, 403),
        (br#"{"model":"good-1","mod\u0065l":"bad-1"}"#, 400),
        (br#"{"model":"good-1","Model":"bad-1"}"#, 400),
        (br#"{"model":["good-1","bad-1"]}"#, 400),
        (br#"{"model":null}"#, 400),
        (br#"{"model":""}"#, 400),
        (br#"{"model":"good-1"}{"model":"bad-1"}"#, 400),
        (br#"{"model":"good-1""#, 400),
        (br#"[{"model":"good-1"}]"#, 400),
        (b"\xef\xbb\xbf{\"model\":\"good-1\"}", 400),
        (br#"{"messages":[]}"#, 400),
        (b"", 400),
        (b"{\"model\":\"good-1\",\"x\":\"\xff\"}", 400),
    ];
    let bearer = format!("authorization: Bearer {}", key.value);
    for (body, status) in bodies {
        let answer = post_chat(&gate, &[bearer.as_bytes()], body);
        let text = String::from_utf8_lossy(body);
        assert_eq!(
            answer.status,
            *status,
            "{text}: {}",
            String::from_utf8_lossy(&answer.body)
        );
    }
    assert_eq!(
        complete_requests(&stack),
        0,
        "nothing ambiguous was forwarded whole"
    );
}

#[test]
fn endpoints_and_encodings_that_cannot_be_judged_are_refused() {
    let (stack, admin) = start();
    let gate = stack.envoy_url();
    let key = admin.create("limited", json!({"scope": {"models": ["good-1"]}}));
    let bearer = format!("authorization: Bearer {}", key.value);
    let get = raw::send(&gate, &raw::head("GET", "/v1/files", &[bearer.as_bytes()]));
    assert_eq!(get.refusal(), (403, "endpoint_not_allowed".to_owned()));

    let gzip: &[&[u8]] = &[bearer.as_bytes(), b"content-encoding: gzip"];
    let encoded = post_chat(&gate, gzip, chat("good-1").as_bytes());
    assert_eq!(
        encoded.refusal(),
        (415, "unsupported_content_encoding".to_owned())
    );
    assert_eq!(stack.upstream().unwrap().count(), 0);
}

#[test]
fn a_late_second_model_cuts_the_request_before_its_end() {
    let (stack, admin) = start();
    let key = admin.create("limited", json!({"scope": {"models": ["good-1"]}}));
    let filler = "x".repeat(3 * 1024 * 1024);
    let body = format!(r#"{{"model":"good-1","messages":"{filler}","model":"bad-1"}}"#);
    let answer = post_chat_with(&stack.envoy_url(), &key.value, &body);
    assert_eq!(answer.refusal(), (400, "invalid_request_body".to_owned()));
    assert_eq!(
        complete_requests(&stack),
        0,
        "the upstream never saw the request whole"
    );
}

#[test]
fn bodies_pass_untouched_wherever_the_model_stands() {
    let (stack, admin) = start();
    let key = admin.create("limited", json!({"scope": {"models": ["good-1"]}}));
    let filler = "y\\u00e9\u{e9}".repeat(200_000);
    let bodies = [
        format!(r#"{{"model":"good-1","messages":"{filler}"}}"#),
        format!(r#"{{"messages":"{filler}","model":"good-1"}}"#),
        format!(
            r#"{{"a":"{filler}","model":"good-1","metadata":[1.5e3,true,null,{{"model":"bad"}}]}}"#
        ),
    ];
    for body in &bodies {
        assert_eq!(
            post_chat_with(&stack.envoy_url(), &key.value, body).status,
            200
        );
    }
    let seen = stack.upstream().unwrap().requests();
    assert_eq!(seen.len(), bodies.len());
    for (recorded, body) in seen.iter().zip(&bodies) {
        assert_eq!(recorded.body_bytes, body.len() as u64);
        assert!(body.as_bytes().starts_with(&recorded.body));
        assert!(recorded.is_complete);
    }
}

fn complete_requests(stack: &envoy::Stack) -> usize {
    stack
        .upstream()
        .unwrap()
        .requests()
        .iter()
        .filter(|request| request.is_complete)
        .count()
}
