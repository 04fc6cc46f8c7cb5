//! The template and its values, without Envoy.

use super::*;

fn bootstrap() -> Bootstrap {
    Bootstrap {
        node_id: "envoy-1".to_owned(),
        admin_port: 1,
        listen_address: IpAddr::from([127, 0, 0, 1]),
        listen_port: 2,
        filter_wasm: PathBuf::from("/filter.wasm"),
        feed_token_file: PathBuf::from("/feed-token"),
        access_log: PathBuf::from("/access.log"),
        region: "local".to_owned(),
        max_staleness: MaxStaleness::default(),
        signed_table_key: None,
        gate_settings: serde_json::Map::new(),
        heap_bytes_max: 2 << 30,
        sidecar: HostPort::loopback(3),
        sidecar_ca: None,
        upstream: "models.internal:4".parse().unwrap(),
        tls: None,
        additions: Vec::new(),
    }
}

#[test]
fn every_placeholder_of_the_template_is_filled() {
    let yaml = bootstrap().render().unwrap();
    assert!(!yaml.contains("{{"));
    assert!(yaml.contains(r#"address: "127.0.0.1", port_value: 2"#));
    assert!(yaml.contains(r#"address: "models.internal", port_value: 4"#));
    assert!(yaml.contains(r#"type: "STRICT_DNS""#));
}

#[test]
fn a_certificate_makes_the_listener_speak_tls() {
    let mut with_tls = bootstrap();
    assert_eq!(with_tls.transport_socket().unwrap(), Value::Null);
    with_tls.tls = Some(Tls {
        certificate: "/chain.pem".into(),
        private_key: "/key.pem".into(),
    });
    let yaml = with_tls.render().unwrap();
    assert!(yaml.contains(r#""certificate_chain":{"filename":"/chain.pem"}"#));
    assert!(yaml.contains(r#""private_key":{"filename":"/key.pem"}"#));
}

#[test]
fn the_issuer_of_the_feed_makes_the_agent_speak_tls() {
    let mut with_tls = bootstrap();
    assert_eq!(with_tls.sidecar_transport_socket().unwrap(), Value::Null);
    with_tls.sidecar_ca = Some("/ca.crt".into());
    let of = |socket: &Value, path: &str| socket.pointer(path).cloned();
    let name =
        "/typed_config/common_tls_context/validation_context/match_typed_subject_alt_names/0";
    let socket = with_tls.sidecar_transport_socket().unwrap();
    let exact = json!({"san_type": "IP_ADDRESS", "matcher": {"exact": "127.0.0.1"}});
    assert_eq!(of(&socket, name), Some(exact));
    with_tls.sidecar = "keys.example.com:9302".parse().unwrap();
    let socket = with_tls.sidecar_transport_socket().unwrap();
    let exact = json!({"san_type": "DNS", "matcher": {"exact": "keys.example.com"}});
    assert_eq!(of(&socket, name), Some(exact));
    assert!(
        with_tls
            .render()
            .unwrap()
            .contains(r#""trusted_ca":{"filename":"/ca.crt"}"#)
    );
}

#[test]
fn agent_and_gate_share_their_data() {
    assert_eq!(TEMPLATE.matches("vm_id: latchkey\n").count(), 2);
}

#[test]
fn the_agent_is_told_of_a_signed_table_only_if_there_is_one() {
    let mut with = bootstrap();
    assert!(!with.render().unwrap().contains("\"signed_table\""));
    with.signed_table_key = Some("ab".repeat(32));
    let yaml = with.render().unwrap();
    let member = r#""signed_table":{"cluster":"signed_table","public_key":"abab"#;
    assert!(yaml.contains(member), "{yaml}");
}

#[test]
fn the_agent_is_told_its_lease() {
    let mut never = bootstrap();
    never.max_staleness = MaxStaleness::Never;
    let configuration = never.agent_configuration();
    assert_eq!(configuration["max_staleness_s"], "never");
    assert_eq!(bootstrap().agent_configuration()["max_staleness_s"], 3600);
}

#[test]
fn settings_of_the_gate_cannot_change_its_role() {
    let mut other = bootstrap();
    other
        .gate_settings
        .insert("role".to_owned(), json!("agent"));
    other.gate_settings.insert("extra".to_owned(), json!(1));
    assert_eq!(
        other.gate_configuration(),
        json!({"role": "gate", "extra": 1})
    );
}

#[test]
fn a_placeholder_without_a_value_is_an_error() {
    let error = fill("a: {{known}}\nb: {{other}}", &[("known", json!(1))]).unwrap_err();
    assert_eq!(
        error,
        TemplateError::UnknownPlaceholder {
            name: "other".to_owned()
        }
    );
}

#[test]
fn a_value_without_a_placeholder_is_an_error() {
    let error = fill("a: {{known}}", &[("known", json!(1)), ("other", json!(2))]).unwrap_err();
    assert_eq!(
        error,
        TemplateError::UnusedValue {
            name: "other".to_owned()
        }
    );
}

#[test]
fn a_placeholder_that_is_not_closed_is_an_error() {
    let error = fill("a: 1\nb: {{known", &[("known", json!(1))]).unwrap_err();
    assert_eq!(error, TemplateError::Unclosed { line: 2 });
}

#[test]
fn a_placeholder_may_stand_twice() {
    assert_eq!(fill("{{a}} {{a}}", &[("a", json!(1))]).unwrap(), "1 1");
}

#[test]
fn a_value_stays_inside_its_string() {
    let hostile = "x\" }\nadmin: {{a}} # '\\";
    let filled = fill("path: {{a}}", &[("a", json!(hostile))]).unwrap();
    assert_eq!(filled, r##"path: "x\" }\nadmin: {{a}} # '\\""##);
    assert_eq!(filled.lines().count(), 1);
}

#[test]
fn the_template_has_every_place_once() {
    for place in Place::ALL {
        let marks = TEMPLATE.lines().filter(|line| place.is_marked_by(line));
        assert_eq!(marks.count(), 1, "{place:?}");
    }
}

#[test]
fn an_addition_stands_at_its_place_in_the_depth_of_the_list() {
    let mut more = bootstrap();
    let filter = |name: &str| Addition {
        place: Place::HttpFilters,
        yaml: format!("- name: {name}\n  typed_config:\n    a: 1\n"),
    };
    more.additions = vec![filter("first"), filter("second")];
    let yaml = more.render().unwrap();
    let at = |text: &str| yaml.find(text).unwrap_or_else(|| panic!("{text}"));
    assert!(at("name: latchkey") < at("          - name: first\n            typed_config:"));
    assert!(at("- name: first") < at("- name: second"));
    assert!(at("- name: second") < at("- name: envoy.filters.http.router"));
    assert_eq!(yaml.lines().count(), TEMPLATE.lines().count() + 6);
}
