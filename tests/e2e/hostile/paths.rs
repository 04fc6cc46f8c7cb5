//! Paths and queries that the upstream could read differently.

use super::{Attempt, Framing, Range, head};

const EMPTY: &str = "{}";
const GOOD: &str = r#"{"model":"good-1"}"#;
const REFUSED: &[u16] = &[400, 403, 404];

#[test]
fn no_spelling_of_a_path_reaches_a_model_out_of_scope() {
    Range::in_both_settings(|range| {
        for (id, path) in [
            ("P-01", "/v1/models/good-1;x=/../bad-1:generateContent"),
            ("P-01", "/v1/..;/models/bad-1:generateContent"),
            ("P-02", "/v1beta/models/good-1/../bad-1:generateContent"),
            ("P-02", "/v1beta/models/good-1/./../bad-1:generateContent"),
            ("P-02", "/v1beta/models/good-1/%2e%2e/bad-1:generateContent"),
            ("P-02", "/v1beta/models/good-1/.%2e/bad-1:generateContent"),
            ("P-03", "//v1beta//models//bad-1:generateContent"),
            ("P-03", "/v1beta/models/good-1%2f..%2fbad-1:generateContent"),
            ("P-03", "/v1beta/models/good-1%5c..%5cbad-1:generateContent"),
            ("P-03", "/v1beta/models/good-1\\..\\bad-1:generateContent"),
            (
                "P-04",
                "/v1beta/models/good-1/%252e%252e/bad-1:generateContent",
            ),
            ("P-04", "/v1beta/models/%2562ad-1:generateContent"),
            ("P-04", "/v1beta/models/b%61d-1:generateContent"),
            ("P-05", "/v1beta/models/%c0%af:generateContent"),
            ("P-05", "/v1beta/models/good-1%ff:generateContent"),
            ("P-06", "/v1beta/models/good-1%00:generateContent"),
            ("P-06", "/v1beta/models/good-1%0d%0a:generateContent"),
            ("P-07", "/V1BETA/Models/bad-1:generateContent"),
            ("P-07", "/v1beta/MODELS/good-1:generateContent"),
            (
                "P-08",
                "/v1beta/models/good-1:generateContent/../../bad-1:generateContent",
            ),
            ("P-08", "/v1beta/models/good-1:"),
            ("P-08", "/v1beta/models/good-1:x:y"),
            ("P-08", "/v1beta/models/good-1:deleteEverything"),
            ("P-08", "/v1beta/models/bad-1%3AgenerateContent"),
            ("P-08", "/v1beta/models/good-1:x%3AgenerateContent"),
            ("P-08", "/v1beta/models/good-1%253AgenerateContent"),
            ("P-08", "/v1beta/models/bad-1:streamGenerateContent?alt=sse"),
            (
                "P-09",
                "/openai/deployments/bad-1/chat/completions?api-version=1",
            ),
            (
                "P-09",
                "/openai/deployments/good-1/../bad-1/chat/completions",
            ),
            ("P-10", "/model/bad-1/invoke"),
            ("P-10", "/model/arn%3Aaws%3Abedrock%2Fbad-1/converse"),
            ("P-10", "/model/bad-1/invoke-with-response-stream"),
            ("P-11", "/v1/projects/p/locations/l/endpoints/123:predict"),
            ("P-12", "/"),
            ("P-12", "/v1/next-new-api"),
            ("P-12", "/v1/chat/completions/"),
            ("P-12", "/v1/chat/completions/x"),
            ("P-12", "/prefix/v1/chat/completions"),
        ] {
            let body = if path.contains("chat") { GOOD } else { EMPTY };
            range.judge(&Attempt::post(&format!("{id} {path}"), path, body), REFUSED);
        }
        range.judge(
            &Attempt::post("P-02", "/v1beta/models/good-1:generateContent", EMPTY),
            &[200],
        );
        range.judge(
            &Attempt::post("P-10", "/model/good-1/invoke", EMPTY),
            &[200],
        );
        range.judge(&Attempt::get("P-12", "/favicon.ico"), REFUSED);
    });
}

#[test]
fn a_query_that_names_another_model_is_refused() {
    Range::in_both_settings(|range| {
        for query in [
            "model=good-1&model=bad-1",
            "model=bad-1&model=good-1",
            "model=good-1&model=good-1",
            "model=bad-1",
            "MODEL=bad-1",
            "mod%65l=bad-1",
            "model[]=bad-1",
            "model=good-1;model=bad-1",
            "a=1;model=bad-1",
            "model=",
            "model=+good-1",
            "model=good%2d1%00",
            "model=b%61d-1",
            "model=%2562ad-1",
            "deployment=bad-1",
            "%6dodel=good-1&model=bad-1",
        ] {
            let path = format!("/v1/chat/completions?{query}");
            range.judge(
                &Attempt::post(&format!("P-13 {query}"), &path, GOOD),
                REFUSED,
            );
        }
        for query in [
            "model=good-1",
            "model=good%2D1",
            "a=1&model=good-1",
            "x=model%3Dbad-1",
        ] {
            let path = format!("/v1/chat/completions?{query}");
            range.judge(
                &Attempt::post(&format!("P-13 {query}"), &path, GOOD),
                &[200],
            );
        }
        let pairs: String = (0..10_000).map(|n| format!("{n}=&")).collect();
        let long = format!("/v1/chat/completions?{}", pairs.get(..50_000).unwrap());
        range.judge(
            &Attempt::post("P-18", &format!("{long}&model=bad-1"), GOOD),
            REFUSED,
        );
        let longer = Attempt::post("P-18", &format!("/{}", "a".repeat(70_000)), GOOD);
        let longer = longer.with("authorization", range.bearer());
        range.judge_framed(&longer, Framing::Whole, &[431]);
    });
}

#[test]
fn headers_that_rewrite_a_request_change_nothing() {
    Range::in_both_settings(|range| {
        for name in [
            "x-original-url",
            "x-rewrite-url",
            "x-forwarded-uri",
            "x-envoy-original-path",
        ] {
            let value = "/v1beta/models/good-1:generateContent";
            let id = format!("P-15 {name}");
            let attempt = Attempt::post(&id, "/v1beta/models/bad-1:generateContent", EMPTY);
            range.judge(&attempt.with(name, value), &[403]);
        }
        for name in [
            "x-ai-eg-model",
            "x-latchkey-model",
            "x-litellm-model",
            "x-higress-llm-model",
        ] {
            let id = format!("P-17 {name}");
            let bad = Attempt::chat(&id, r#"{"model":"bad-1"}"#).with(name, "good-1");
            range.judge(&bad, &[403]);
            let good = Attempt::chat(&id, GOOD).with(name, "bad-1");
            range.judge(&good, &[200]);
            let arrived = &range.upstream().requests()[0];
            let values = arrived.headers.iter().filter(|(known, _)| known == name);
            assert!(
                values.clone().all(|(_, value)| value == b"good-1"),
                "{name}"
            );
        }
        let item = Attempt::get("P-15", "/v1/models/bad-1").with("x-http-method-override", "POST");
        range.judge(&item, &[404]);
    });
}

#[test]
fn raw_request_targets_are_judged_as_the_upstream_gets_them() {
    Range::in_both_settings(|range| {
        let bearer = [b"authorization: ".as_slice(), &range.bearer()].concat();
        for (id, target, statuses) in [
            (
                "P-14",
                "/v1/models/good-1#?model=bad-1",
                &[400_u16, 403, 404][..],
            ),
            ("P-14", "http://evil/v1/models/bad-1", &[404]),
            ("P-14", "*", &[400, 403, 404]),
            ("P-05", "/v1/models/bad\u{e9}", &[400, 403, 404]),
            ("P-06", "/v1/models/good-1\tx", &[400]),
        ] {
            range.judge_raw(
                id,
                &head("GET", target, std::slice::from_ref(&bearer)),
                statuses,
            );
        }
        range.judge_raw("P-14", &head("OPTIONS", "*", &[bearer]), &[400, 403, 404]);
    });
}
