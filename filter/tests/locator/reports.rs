//! What each built-in API states of its usage, in the forms in which it answers.

use std::rc::Rc;

use filter::headers::HeaderMap;
use filter::locator::{LocatorConfig, Locators};
use meter::{End, Format, Meter, Report};
use serde_json::Value;

const DEFAULT: &str = include_str!("../../../locator/src/rules/default.json");
const JSON: &str = "application/json";
const SSE: &str = "text/event-stream";
const LINES: &str = "application/x-ndjson";

/// A call, the form of its answer, the answer; input, cached, output, reasoning.
type Sample = (&'static str, &'static str, &'static str, [u64; 4]);

const SAMPLES: &[Sample] = &[
    // OpenAI: what is cached and what is thought stands inside.
    (
        "POST /v1/chat/completions",
        JSON,
        r#"{"choices":[{"message":{"content":"hi"}}],"usage":{"prompt_tokens":20,"completion_tokens":7,"total_tokens":27,"prompt_tokens_details":{"cached_tokens":16},"completion_tokens_details":{"reasoning_tokens":4}}}"#,
        [20, 16, 7, 4],
    ),
    (
        "POST /v1/chat/completions",
        SSE,
        "data: {\"choices\":[{\"delta\":{\"content\":\"h\"}}],\"usage\":null}\n\ndata: {\"choices\":[],\"usage\":{\"prompt_tokens\":20,\"completion_tokens\":7,\"total_tokens\":27}}\n\ndata: [DONE]\n\n",
        [20, 0, 7, 0],
    ),
    (
        "POST /v1/completions",
        SSE,
        "data: {\"choices\":[{\"text\":\"h\"}],\"usage\":{\"prompt_tokens\":0,\"completion_tokens\":0,\"total_tokens\":0}}\n\ndata: {\"choices\":[],\"usage\":{\"prompt_tokens\":2,\"completion_tokens\":3,\"total_tokens\":5}}\n\ndata: [DONE]\n\n",
        [2, 0, 3, 0],
    ),
    (
        "POST /v1/responses",
        JSON,
        r#"{"object":"response","usage":{"input_tokens":36,"input_tokens_details":{"cached_tokens":30},"output_tokens":87,"output_tokens_details":{"reasoning_tokens":60},"total_tokens":123}}"#,
        [36, 30, 87, 60],
    ),
    (
        "POST /v1/responses",
        SSE,
        "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"usage\":null}}\n\nevent: response.incomplete\ndata: {\"type\":\"response.incomplete\",\"response\":{\"usage\":{\"input_tokens\":36,\"output_tokens\":87,\"total_tokens\":123}}}\n\n",
        [36, 0, 87, 0],
    ),
    (
        "POST /v1/embeddings",
        JSON,
        r#"{"data":[{"embedding":[0.1,-2e-3]}],"usage":{"prompt_tokens":8,"total_tokens":8}}"#,
        [8, 0, 0, 0],
    ),
    (
        "POST /v1/audio/transcriptions",
        JSON,
        r#"{"text":"hi","usage":{"type":"tokens","input_tokens":14,"output_tokens":45,"total_tokens":59}}"#,
        [14, 0, 45, 0],
    ),
    (
        "POST /v1/rerank",
        JSON,
        r#"{"results":[],"usage":{"total_tokens":31}}"#,
        [31, 0, 0, 0],
    ),
    (
        "POST /v1/chat/completions",
        JSON,
        r#"{"usage":{"prompt_tokens":20,"completion_tokens":7,"total_tokens":27,"prompt_cache_hit_tokens":12,"prompt_cache_miss_tokens":8}}"#,
        [20, 12, 7, 0],
    ),
    // xAI: what is thought stands outside of the completion, inside of the total.
    (
        "POST /v1/chat/completions",
        JSON,
        r#"{"usage":{"prompt_tokens":20,"completion_tokens":7,"total_tokens":127,"completion_tokens_details":{"reasoning_tokens":100}}}"#,
        [20, 0, 107, 100],
    ),
    (
        "POST /openai/deployments/m/chat/completions",
        JSON,
        r#"{"usage":{"prompt_tokens":20,"completion_tokens":7,"total_tokens":27}}"#,
        [20, 0, 7, 0],
    ),
    // Anthropic: caches stand outside of the input; a stream's figures are cumulative.
    (
        "POST /v1/messages",
        JSON,
        r#"{"content":[{"text":"hi"}],"usage":{"input_tokens":3,"cache_creation_input_tokens":10,"cache_read_input_tokens":100,"output_tokens":9}}"#,
        [113, 100, 9, 0],
    ),
    (
        "POST /anthropic/v1/messages",
        SSE,
        "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":3,\"cache_read_input_tokens\":100,\"output_tokens\":1}}}\n\nevent: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{},\"usage\":{\"output_tokens\":9}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
        [103, 100, 9, 0],
    ),
    // Gemini: what is thought stands outside of the candidates; an array's last element counts.
    (
        "POST /v1beta/models/m:generateContent",
        JSON,
        r#"{"usageMetadata":{"promptTokenCount":5,"cachedContentTokenCount":2,"candidatesTokenCount":7,"thoughtsTokenCount":11,"toolUsePromptTokenCount":1,"totalTokenCount":24}}"#,
        [6, 2, 18, 11],
    ),
    (
        "POST /v1beta/models/m:streamGenerateContent",
        JSON,
        r#"[{"usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":1,"totalTokenCount":6}},{"usageMetadata":{"promptTokenCount":5,"candidatesTokenCount":7,"totalTokenCount":12}}]"#,
        [5, 0, 7, 0],
    ),
    (
        "POST /v1beta/models/m:streamGenerateContent",
        SSE,
        "data: {\"usageMetadata\":{\"promptTokenCount\":5,\"totalTokenCount\":5}}\r\n\r\ndata: {\"usageMetadata\":{\"promptTokenCount\":5,\"candidatesTokenCount\":7,\"totalTokenCount\":12}}\r\n\r\n",
        [5, 0, 7, 0],
    ),
    (
        "POST /v1/projects/p/locations/l/publishers/google/models/m:predict",
        JSON,
        r#"{"predictions":[{"embeddings":{"statistics":{"token_count":4}}},{"embeddings":{"statistics":{"token_count":3}}}]}"#,
        [7, 0, 0, 0],
    ),
    (
        "POST /v1/projects/p/locations/l/publishers/anthropic/models/m:rawPredict",
        JSON,
        r#"{"usage":{"input_tokens":3,"cache_read_input_tokens":4,"output_tokens":9}}"#,
        [7, 4, 9, 0],
    ),
    // Bedrock: caches outside; the stated total is not believed.
    (
        "POST /model/m/converse",
        JSON,
        r#"{"usage":{"inputTokens":3,"outputTokens":9,"totalTokens":99,"cacheReadInputTokens":5,"cacheWriteInputTokens":2}}"#,
        [10, 5, 9, 0],
    ),
    // Cohere: what is billed counts if nothing else is stated.
    (
        "POST /v2/chat",
        JSON,
        r#"{"usage":{"tokens":{"input_tokens":71.0,"output_tokens":4.0},"billed_units":{"input_tokens":5.0,"output_tokens":4.0}}}"#,
        [71, 0, 4, 0],
    ),
    (
        "POST /v2/embed",
        JSON,
        r#"{"meta":{"billed_units":{"input_tokens":5}}}"#,
        [5, 0, 0, 0],
    ),
    (
        "POST /v2/chat",
        SSE,
        "event: message-end\ndata: {\"type\":\"message-end\",\"delta\":{\"usage\":{\"billed_units\":{\"input_tokens\":5},\"tokens\":{\"input_tokens\":71,\"output_tokens\":4}}}}\n\n",
        [71, 0, 4, 0],
    ),
    // Ollama: figures of 0 are left out.
    (
        "POST /api/chat",
        LINES,
        "{\"message\":{\"content\":\"h\"},\"done\":false}\n{\"done\":true,\"prompt_eval_count\":26,\"eval_count\":290}\n",
        [26, 0, 290, 0],
    ),
    (
        "POST /api/generate",
        LINES,
        "{\"response\":\"h\"}\n{\"done\":true,\"eval_count\":290}\n",
        [0, 0, 290, 0],
    ),
    // Model Studio.
    (
        "POST /api/v1/services/aigc/text-generation/generation",
        SSE,
        "data:{\"usage\":{\"input_tokens\":2,\"output_tokens\":1}}\n\ndata:{\"usage\":{\"input_tokens\":2,\"output_tokens\":6,\"total_tokens\":8}}\n\n",
        [2, 0, 6, 0],
    ),
    (
        "POST /api/v1/apps/a/completion",
        JSON,
        r#"{"usage":{"models":[{"input_tokens":2,"output_tokens":1},{"input_tokens":5,"output_tokens":6}]}}"#,
        [7, 0, 7, 0],
    ),
    // What counts tokens runs nothing.
    (
        "POST /v1/messages/count_tokens",
        JSON,
        r#"{"input_tokens":2095}"#,
        [0; 4],
    ),
    (
        "POST /v1beta/models/m:countTokens",
        JSON,
        r#"{"totalTokens":31}"#,
        [0; 4],
    ),
    (
        "POST /v1/responses/input_tokens",
        JSON,
        r#"{"object":"response.input_tokens","input_tokens":11}"#,
        [0; 4],
    ),
    (
        "POST /model/m/count-tokens",
        JSON,
        r#"{"inputTokens":31}"#,
        [0; 4],
    ),
];

fn report(call: &str) -> Option<Rc<Report>> {
    let locators = Locators::compile(&LocatorConfig::default()).unwrap();
    let (method, path) = call.split_once(' ').unwrap();
    let headers =
        HeaderMap::from_pairs(&[(b":method", method.as_bytes()), (b":path", path.as_bytes())]);
    let located = locators.locate(&headers);
    located
        .unwrap_or_else(|| panic!("{call}"))
        .rule
        .usage
        .clone()
}

#[test]
fn every_family_says_what_it_used_in_each_of_its_forms() {
    for (call, content_type, answer, [input, cached, output, reasoning]) in SAMPLES {
        let report = report(call).unwrap_or_else(|| panic!("{call} has no report"));
        let format = Format::of_content_type(content_type.as_bytes());
        for cut in 0..answer.len() {
            let mut meter = Meter::new(Rc::clone(&report), format);
            let (front, back) = answer.as_bytes().split_at(cut);
            meter.feed(front);
            meter.feed(back);
            let usage = meter.end(End {
                is_whole: true,
                is_error: false,
                request_bytes: 4_000,
            });
            let told = [usage.input, usage.cached, usage.output, usage.reasoning];
            let wanted = [*input, *cached, *output, *reasoning];
            assert_eq!(told, wanted, "{call} {content_type} cut at {cut}");
            assert_eq!(usage.is_reported, wanted != [0; 4], "{call}");
        }
    }
}

#[test]
fn headers_say_it_where_bodies_do_not() {
    for (call, headers, wanted) in [
        ("POST /embed", &[("x-compute-tokens", "9")][..], [9, 0]),
        (
            "POST /model/m/invoke",
            &[
                ("x-amzn-bedrock-input-token-count", "9"),
                ("x-amzn-bedrock-output-token-count", "4"),
                ("x-amzn-bedrock-cache-read-input-token-count", "1"),
            ],
            [10, 4],
        ),
    ] {
        let report = report(call).unwrap();
        let mut meter = Meter::new(report, None);
        headers
            .iter()
            .for_each(|(name, value)| meter.header(name, value.as_bytes()));
        let usage = meter.end(End {
            is_whole: false,
            is_error: false,
            request_bytes: 0,
        });
        assert_eq!([usage.input, usage.output], wanted, "{call}");
        assert!(usage.is_reported, "{call}");
    }
}

/// A new rule that runs something has to say where it states what it used, or `none`.
#[test]
fn every_rule_that_runs_something_has_a_report_or_says_none() {
    let built_in: Value = serde_json::from_str(DEFAULT).unwrap();
    for profile in built_in["profiles"].as_array().unwrap() {
        for rule in profile["rules"].as_array().unwrap() {
            let runs = rule.get("kind").is_none_or(|kind| kind == "infer");
            let said = rule.get("usage").or(profile.get("usage"));
            assert!(
                !runs || said.is_some(),
                "{} {}",
                profile["name"],
                rule["id"]
            );
        }
    }
}

#[test]
fn a_report_that_nobody_knows_is_refused_with_those_that_are() {
    let config: LocatorConfig = serde_json::from_str(
        r#"{"rules":{"openai":[{"id":"x","on":"POST {m}/x","take":["json:/model"],"usage":"opnai"}]}}"#,
    )
    .unwrap();
    let error = Locators::compile(&config).unwrap_err();
    assert!(
        error.contains("openai.x") && error.contains("`opnai` is no report"),
        "{error}"
    );
    assert!(
        error.contains("anthropic, bedrock") && error.contains("none"),
        "{error}"
    );
}
