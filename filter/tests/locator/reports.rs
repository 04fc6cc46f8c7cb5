//! What each built-in API states of its usage, in the forms in which it answers.

use std::rc::Rc;

use filter::headers::HeaderMap;
use filter::locator::{LocatorConfig, Locators};
use meter::{End, Format, Meter, Report};
use serde_json::Value;

const DEFAULT: &str = include_str!("../../../locator/src/rules/default.json");

/// What each API answers, in each form, and what it says by that: caches and reasoning inside or outside of
/// input and output, cumulative figures, totals above their parts, figures of 0 that are left out, and
/// answers that count tokens and run nothing.
const SAMPLES: &str = include_str!("reports.json");

#[derive(Debug, serde::Deserialize)]
struct Sample {
    call: String,
    r#type: String,
    answer: String,
    input: u64,
    cached: u64,
    output: u64,
    reasoning: u64,
}

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
    let samples: Vec<Sample> = serde_json::from_str(SAMPLES).unwrap();
    for sample in samples {
        let Sample { call, answer, .. } = &sample;
        let report = report(call).unwrap_or_else(|| panic!("{call} has no report"));
        let format = Format::of_content_type(sample.r#type.as_bytes());
        for cut in 0..answer.len() {
            let mut meter = Meter::new(Rc::clone(&report), format);
            let (front, back) = answer.as_bytes().split_at(cut);
            meter.feed(front);
            meter.feed(back);
            let usage = meter.end(End {
                is_whole: true,
                is_error: false,
                request_bytes: 4_000,
                unread_bytes: 0,
            });
            let told = [usage.input, usage.cached, usage.output, usage.reasoning];
            let wanted = [sample.input, sample.cached, sample.output, sample.reasoning];
            assert_eq!(told, wanted, "{call} {} cut at {cut}", sample.r#type);
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
            unread_bytes: 0,
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
