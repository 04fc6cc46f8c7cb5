//! The plugin configuration: one test per bad one, and the good ones.

use filter::config::{Config, MaxStaleness, UnknownEndpoint};
use filter::gate::GateShared;
use filter::locator::Family;

fn refused(text: &str, reason: &str) {
    let error = Config::parse(text.as_bytes()).expect_err(text).to_string();
    assert!(error.contains(reason), "{text}: {error}");
}

fn agent(settings: &str) -> String {
    format!(r#"{{"role":"agent",{settings}}}"#)
}

#[test]
fn an_agent_needs_a_region_alone() {
    let Ok(Config::Agent(config)) = Config::parse(agent(r#""region":"local""#).as_bytes()) else {
        panic!("not an agent");
    };
    assert_eq!(
        (config.region.as_str(), config.cluster.as_str()),
        ("local", "sidecar")
    );
    assert_eq!(
        (config.wait_s, config.max_staleness),
        (25, MaxStaleness::Seconds(3600))
    );
}

#[test]
fn an_agent_can_be_told_everything() {
    let text = agent(r#""region":"eu-1","cluster":"keys","wait_s":60,"max_staleness_s":"never""#);
    let Ok(Config::Agent(config)) = Config::parse(text.as_bytes()) else {
        panic!("not an agent");
    };
    assert_eq!(
        (config.wait_s, config.max_staleness),
        (60, MaxStaleness::Never)
    );
    let text = agent(r#""region":"eu-1","max_staleness_s":5"#);
    let Ok(Config::Agent(config)) = Config::parse(text.as_bytes()) else {
        panic!("not an agent");
    };
    assert_eq!(config.max_staleness, MaxStaleness::Seconds(5));
}

#[test]
fn how_streams_are_asked_is_one_of_three_words() {
    refused(
        r#"{"role":"gate","stream_usage":"always"}"#,
        "unknown variant",
    );
    refused(r#"{"role":"gate","limit_headers":"on"}"#, "invalid type");
}

#[test]
fn a_gate_needs_nothing() {
    let hold_of = |text: &str| match Config::parse(text.as_bytes()) {
        Ok(Config::Gate(config)) => config.hold_bytes_max,
        other => panic!("{other:?}"),
    };
    assert_eq!(hold_of(r#"{"role":"gate"}"#), None, "what each rule says");
    assert_eq!(
        hold_of(r#"{"role":"gate","hold_bytes_max":1024}"#),
        Some(1024)
    );
}

#[test]
fn nothing_is_refused() {
    refused("", "configuration");
}

#[test]
fn where_probes_ask_must_be_a_path() {
    for bad in ["ready", "", "/ready?x", "/ready#x"] {
        let text = format!(r#"{{"role":"gate","ready_path":"{bad}"}}"#);
        refused(&text, "ready_path must be a path");
    }
    assert!(Config::parse(br#"{"role":"gate","ready_path":null}"#).is_ok());
}

#[test]
fn what_is_not_json_is_refused() {
    refused("role: gate", "configuration");
}

#[test]
fn bytes_that_are_not_utf8_are_refused() {
    assert!(Config::parse(b"{\"role\":\"\xff\"}").is_err());
}

#[test]
fn a_second_document_is_refused() {
    refused(r#"{"role":"gate"}{"role":"gate"}"#, "trailing");
}

#[test]
fn a_configuration_without_a_role_is_refused() {
    refused(r#"{"region":"local"}"#, "role");
}

#[test]
fn an_unknown_role_is_refused() {
    refused(r#"{"role":"guard"}"#, "guard");
}

#[test]
fn a_role_in_another_case_is_refused() {
    refused(r#"{"role":"Gate"}"#, "Gate");
}

#[test]
fn two_roles_are_refused() {
    refused(r#"{"role":"gate","role":"agent"}"#, "role");
}

#[test]
fn an_unknown_agent_setting_is_refused() {
    refused(&agent(r#""region":"local","wait":5"#), "`wait`");
}

#[test]
fn an_unknown_gate_setting_is_refused() {
    refused(r#"{"role":"gate","hold_bytes":5}"#, "`hold_bytes`");
}

#[test]
fn an_agents_setting_is_refused_in_a_gate() {
    refused(r#"{"role":"gate","region":"local"}"#, "`region`");
}

#[test]
fn a_setting_that_stands_twice_is_refused() {
    refused(&agent(r#""region":"a","region":"b""#), "region");
}

#[test]
fn an_agent_without_a_region_is_refused() {
    refused(&agent(r#""wait_s":5"#), "region");
}

#[test]
fn an_empty_region_is_refused() {
    refused(&agent(r#""region":"""#), "region must");
}

#[test]
fn a_region_that_cannot_stand_in_a_url_is_refused() {
    for region in ["a b", "a/b", "a&b=c", "é", "a\\n"] {
        refused(&agent(&format!(r#""region":"{region}""#)), "region must");
    }
}

#[test]
fn an_empty_cluster_is_refused() {
    refused(&agent(r#""region":"local","cluster":"""#), "cluster must");
}

#[test]
fn a_wait_of_zero_is_refused() {
    refused(
        &agent(r#""region":"local","wait_s":0"#),
        "wait_s must be from 1 to 60",
    );
}

#[test]
fn a_wait_beyond_a_minute_is_refused() {
    refused(
        &agent(r#""region":"local","wait_s":61"#),
        "wait_s must be from 1 to 60",
    );
}

#[test]
fn a_wait_that_is_no_whole_number_is_refused() {
    for wait in ["\"5\"", "-5", "2.5", "null"] {
        refused(
            &agent(&format!(r#""region":"local","wait_s":{wait}"#)),
            "u64",
        );
    }
}

#[test]
fn a_staleness_below_five_seconds_is_refused() {
    for staleness in ["0", "4"] {
        let text = agent(&format!(
            r#""region":"local","max_staleness_s":{staleness}"#
        ));
        refused(&text, "max_staleness_s must be");
    }
}

#[test]
fn a_staleness_of_another_word_is_refused() {
    for word in ["forever", "Never", "", "60"] {
        let text = agent(&format!(r#""region":"local","max_staleness_s":"{word}""#));
        refused(&text, "max_staleness_s must be");
    }
}

#[test]
fn a_staleness_of_another_kind_is_refused() {
    for value in ["-5", "2.5", "true", "null", "[5]"] {
        let text = agent(&format!(r#""region":"local","max_staleness_s":{value}"#));
        refused(&text, "max_staleness_s must be a number of seconds from 5");
    }
}

#[test]
fn a_hold_limit_that_is_no_whole_number_is_refused() {
    for value in ["-1", "\"8MiB\"", "1.5"] {
        refused(
            &format!(r#"{{"role":"gate","hold_bytes_max":{value}}}"#),
            "usize",
        );
    }
}

#[test]
fn a_bound_without_room_for_two_of_the_largest_bodies_is_refused() {
    for (hold, total) in [("8388608", "16777215"), ("200000000", "268435456")] {
        let text =
            format!(r#"{{"role":"gate","hold_bytes_max":{hold},"held_bytes_total_max":{total}}}"#);
        refused(&text, "at least twice hold_bytes_max");
    }
    let text = r#"{"role":"gate","hold_bytes_max":8388608,"held_bytes_total_max":16777216}"#;
    assert!(Config::parse(text.as_bytes()).is_ok());
}

#[test]
fn a_lease_ends_its_length_after_the_request_was_sent() {
    let sent_ns = 7_000_999_999;
    assert_eq!(MaxStaleness::Seconds(5).lease_until_ms(sent_ns), 12_000);
    assert_eq!(
        MaxStaleness::Seconds(u64::MAX).lease_until_ms(sent_ns),
        u64::MAX
    );
    assert_eq!(MaxStaleness::Never.lease_until_ms(sent_ns), u64::MAX);
}

#[test]
fn a_lease_survives_one_request_that_is_never_answered() {
    let back_off_ms = 125;
    for s in (5..200).chain([3600, 86_400]) {
        let staleness = MaxStaleness::Seconds(s);
        let wait_s = staleness.wait_s_max().min(25);
        let lost_ms = staleness.timeout_ms(wait_s);
        assert!(2000 * wait_s + lost_ms + back_off_ms < 1000 * s, "{s}");
        assert!(
            lost_ms >= 1000 * wait_s + 1000,
            "an answer has time to arrive"
        );
    }
    assert_eq!(MaxStaleness::Never.timeout_ms(25), 35_000);
}

#[test]
fn a_gates_switches_are_read() {
    let text = r#"{"role":"gate","hold_whole_body":true,"unknown_endpoint":"deny",
        "errors":"tokenhub","locators":{"profiles":["openai"],"service":"s"}}"#;
    let Ok(Config::Gate(config)) = Config::parse(text.as_bytes()) else {
        panic!("not a gate");
    };
    assert!(config.hold_whole_body);
    assert_eq!(config.unknown_endpoint, UnknownEndpoint::Deny);
    assert_eq!(config.errors, Some(Family::TokenHub));
    assert_eq!(config.locators.service.as_deref(), Some("s"));
}

#[test]
fn gate_switches_of_another_value_are_refused() {
    refused(r#"{"role":"gate","hold_whole_body":"yes"}"#, "boolean");
    refused(r#"{"role":"gate","beyond_hold":"pass"}"#, "`pass`");
    refused(r#"{"role":"gate","oauth_discovery":"pass"}"#, "`pass`");
    refused(
        r#"{"role":"gate","beyond_hold":"flow","hold_whole_body":true}"#,
        "leave one of them out",
    );
    refused(r#"{"role":"gate","unknown_endpoint":"Deny"}"#, "`Deny`");
    refused(r#"{"role":"gate","errors":"open_ai"}"#, "`open_ai`");
    refused(r#"{"role":"gate","locators":{"profile":[]}}"#, "`profile`");
    refused(
        r#"{"role":"gate","locators":{"rules":{"openai":[{"id":"x"}]}}}"#,
        "`on`",
    );
}

#[test]
fn a_gate_with_a_bad_rule_set_does_not_start() {
    let text = r#"{"role":"gate","locators":{"disable":["openai.chta"]}}"#;
    let Ok(Config::Gate(config)) = Config::parse(text.as_bytes()) else {
        panic!("not a gate");
    };
    let error = GateShared::new(config, [7; 16]).expect_err("a rule is not there");
    assert!(error.contains("openai.chta"), "{error}");
}

#[test]
fn running_requests_are_checked_four_times_a_second_unless_it_is_said_otherwise() {
    let check_ms = |members: &str| {
        let text = format!(r#"{{"role":"gate"{members}}}"#);
        Config::parse(text.as_bytes()).map(|config| match config {
            Config::Gate(gate) => gate.stream_check_ms,
            Config::Agent(_) => 0,
        })
    };
    assert_eq!(check_ms("").unwrap(), 250);
    assert_eq!(check_ms(r#","stream_check_ms":50"#).unwrap(), 50);
    for bad in [0, 49, 10_001] {
        let text = format!(r#","stream_check_ms":{bad}"#);
        assert!(check_ms(&text).is_err(), "{bad}");
    }
}

#[test]
fn a_signed_table_is_still_known_by_its_first_name() {
    let table = format!(r#"{{"cluster":"file","public_key":"{}"}}"#, "ab".repeat(32));
    for name in ["signed_table", "sealed_table"] {
        let text = agent(&format!(r#""region":"local","{name}":{table}"#));
        let Ok(Config::Agent(config)) = Config::parse(text.as_bytes()) else {
            panic!("not an agent: {name}");
        };
        assert_eq!(config.signed_table.unwrap().cluster, "file");
    }
}
