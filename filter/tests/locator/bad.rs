//! Rule sets that are refused: each with a message that says where and what.

use filter::locator::{LocatorConfig, Locators};

fn error(config: &str) -> String {
    let config: LocatorConfig = serde_json::from_str(config).unwrap();
    Locators::compile(&config).expect_err("the rule set is bad")
}

fn refused(config: &str, parts: &[&str]) {
    let error = error(config);
    for part in parts {
        assert!(error.contains(part), "{config}: {error}");
    }
}

/// A rule `openai.mine` of these members is refused.
fn rule(members: &str, part: &str) {
    let config = format!(r#"{{"rules":{{"openai":[{{"id":"mine",{members}}}]}}}}"#);
    refused(&config, &["openai.mine", part]);
}

#[test]
fn an_unknown_profile() {
    let message = "there is no profile `opanai`";
    refused(r#"{"profiles":["opanai"]}"#, &[message]);
    refused(r#"{"mounts":{"opanai":["/v1"]}}"#, &[message]);
    refused(r#"{"rules":{"opanai":[]}}"#, &[message]);
}

#[test]
fn streams_that_are_asked_where_no_answer_states_anything() {
    let members = r#""on":"POST /x","take":["json:/model"],"usage":"none","stream_usage":true"#;
    rule(
        members,
        "`stream_usage` needs answers that state what was used",
    );
}

#[test]
fn an_unknown_rule_to_disable() {
    for name in [
        "openai",
        "openai.",
        "openai.chta",
        "opanai.*",
        "*",
        "openai.chat.x",
    ] {
        let config = format!(r#"{{"disable":["{name}"]}}"#);
        refused(&config, &[&format!("there is no rule `{name}` to disable")]);
    }
}

#[test]
fn a_rule_that_is_given_twice() {
    let one = r#"{"id":"mine","on":"POST /x","take":["json:/model"]}"#;
    let config = format!(r#"{{"rules":{{"openai":[{one},{one}]}}}}"#);
    refused(&config, &["openai.mine is given twice"]);
}

#[test]
fn a_rule_that_another_one_hides() {
    let rule =
        |id: &str, more: &str| format!(r#"{{"id":"{id}","on":"POST /x"{more},"kind":"open"}}"#);
    let config = |more: &str| {
        let rules = [rule("wide", ""), rule("narrow", more)].join(",");
        format!(r#"{{"rules":{{"openai":[{rules}]}}}}"#)
    };
    let told = "openai.narrow never matches: `wide` has the same `on`";
    refused(&config(""), &[told]);
    let apart: LocatorConfig = serde_json::from_str(&config(r#","upgrade":true"#)).unwrap();
    assert!(Locators::compile(&apart).is_ok(), "P-20");
}

#[test]
fn members_that_are_not_known() {
    for config in [
        r#"{"rule":{}}"#,
        r#"{"rules":{"openai":[{"id":"x","on":"POST /x","takes":[]}]}}"#,
        r#"{"rules":{"openai":[{"id":"x","on":"POST /x","kind":"infers"}]}}"#,
        r#"{"rules":{"openai":[{"id":"x","on":"POST /x","absent":"allow"}]}}"#,
        r#"{"rules":{"openai":[{"id":"x","on":"POST /x","norm":"none"}]}}"#,
        r#"{"rules":{"openai":[{"on":"POST /x"}]}}"#,
        r#"{"rules":{"openai":[{"id":"x"}]}}"#,
    ] {
        assert!(
            serde_json::from_str::<LocatorConfig>(config).is_err(),
            "{config}"
        );
    }
}

#[test]
fn a_template_without_a_method() {
    rule(r#""on":"/v1/x""#, "has no method and path");
}

#[test]
fn methods_that_are_none() {
    for methods in ["post", "POST,", ",POST", "POST;GET", "**", ""] {
        rule(&format!(r#""on":"{methods} /v1/x""#), "are no methods");
    }
}

#[test]
fn a_template_that_does_not_start_with_a_slash() {
    rule(r#""on":"POST v1/x""#, "does not start with /");
    rule(r#""on":"POST  /v1/x""#, "does not start with /");
    rule(r#""on":"POST *""#, "does not start with /");
}

#[test]
fn a_mount_that_does_not_fit() {
    refused(
        r#"{"mounts":{"openai":["v1"]}}"#,
        &["openai.chat", "does not start with /"],
    );
    refused(
        r#"{"mounts":{"openai":["/v1/"]}}"#,
        &["openai.chat", "an empty segment"],
    );
    refused(
        r#"{"mounts":{"openai":["/{v1"]}}"#,
        &["openai.chat", "open brace"],
    );
}

#[test]
fn an_empty_segment() {
    rule(r#""on":"POST /v1//x""#, "an empty segment");
    rule(r#""on":"POST /v1/x//""#, "an empty segment");
    rule(r#""on":"POST /v1/{x=|a}/b""#, "an empty segment");
}

#[test]
fn an_open_brace() {
    rule(r#""on":"POST /v1/{x""#, "has an open brace");
    rule(r#""on":"POST /v1/{x=a|b""#, "has an open brace");
    rule(
        r#""on":"POST /v1/x}""#,
        "a capture stands first in its segment",
    );
}

#[test]
fn captures_that_are_none() {
    rule(r#""on":"POST /v1/{}""#, "is no capture");
    rule(r#""on":"POST /v1/{+}""#, "is no capture");
    rule(r#""on":"POST /v1/{a b}""#, "is no capture");
    rule(
        r#""on":"POST /v1/{x=a|{y}}""#,
        "a capture stands first in its segment",
    );
}

#[test]
fn two_captures_in_one_segment() {
    rule(
        r#""on":"POST /v1/{a}{b}""#,
        "a capture stands first in its segment",
    );
    rule(
        r#""on":"POST /v1/{a}-{b}""#,
        "a capture stands first in its segment",
    );
}

#[test]
fn a_capture_that_does_not_stand_first() {
    rule(
        r#""on":"POST /v1/x{a}""#,
        "a capture stands first in its segment",
    );
}

#[test]
fn a_capture_behind_a_rest() {
    rule(
        r#""on":"POST /v1/{a+}/{b}""#,
        "nothing but text behind a rest",
    );
}

#[test]
fn an_unknown_place() {
    for place in [
        "body:/model",
        "json",
        "/model",
        "header:x-model",
        "query:x",
        "cookie:model",
        "",
    ] {
        let members = format!(r#""on":"POST /v1/x","take":["{place}"]"#);
        rule(&members, &format!("`{place}` is no place"));
    }
}

#[test]
fn a_bad_pointer() {
    for pointer in ["model", "", "/", "/a//b", "/a/", "/a~1b"] {
        rule(
            &format!(r#""on":"POST /v1/x","take":["json:{pointer}"]"#),
            &format!("`{pointer}` is no pointer"),
        );
    }
    rule(
        r#""on":"POST /v1/x","also":["form.json:a/"]"#,
        "is no pointer",
    );
    rule(
        r#""on":"POST /v1/x","also":["form.json:a"]"#,
        "has no pointer behind its field",
    );
    rule(
        r#""on":"POST /v1/x","refs":["prompt"]"#,
        "`prompt` is no pointer",
    );
    rule(r#""on":"POST /v1/x","refs":["a='b'"]"#, "`a` is no pointer");
}

#[test]
fn a_capture_that_the_path_does_not_have() {
    rule(
        r#""on":"POST /v1/{a}","take":["path:b"]"#,
        "there is no capture {b} in its path",
    );
    rule(
        r#""on":"POST /v1/{a}","take":["path:a+b"]"#,
        "there is no capture {b} in its path",
    );
    let service = r#""on":"POST /v1/{a}","kind":"object","service":"@x:{b}""#;
    rule(service, "there is no capture {b} in its path");
}

#[test]
fn two_places_in_the_path() {
    rule(
        r#""on":"POST /v1/{a}/{b}","take":["path:a","path:b"]"#,
        "two places in its path",
    );
}

#[test]
fn an_object_without_a_service() {
    rule(
        r#""on":"POST /v1/x","kind":"object""#,
        "needs a service name",
    );
}

#[test]
fn a_service_with_an_open_brace() {
    let service = r#""on":"POST /v1/{a}","kind":"object","service":"@x:{a""#;
    rule(service, "its service name has an open brace");
}

#[test]
fn too_many_places() {
    let many = |place: &str| {
        let places: Vec<String> = (0..65).map(|n| format!("\"{place}{n}\"")).collect();
        format!(r#""on":"POST /v1/x","also":[{}]"#, places.join(","))
    };
    rule(&many("json:/m"), "more than 64 places in JSON");
    rule(&many("form.json:f/m"), "more than 64 places in JSON");
    rule(&many("form:f"), "more than 64 form fields");
}
