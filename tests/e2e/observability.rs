//! Metrics as a run really exports them: enough for the dashboard and the alert rules, in a form that
//! Prometheus takes, and without secrets.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use envoy::Stack;
use serde_json::{Value, json};
use tests::raw::{self, post_chat_with};
use tests::{Admin, chat, promtool, start, wait_for};

fn observability(file: &str) -> PathBuf {
    let room = Path::new(env!("CARGO_MANIFEST_DIR")).join("../envoy/observability");
    room.join(file)
}

/// A run with every kind of event that the figures tell of.
fn run() -> (Stack, Admin) {
    let (stack, admin) = start();
    let key = admin.create("counted", json!({"scope": {"models": ["glm-5.1"]}}));
    let ask = |model: &str| post_chat_with(&stack.envoy_url(), &key.value, &chat(model)).status;
    assert_eq!((ask("glm-5.1"), ask("other")), (200, 403));
    let anonymous = raw::send(&stack.envoy_url(), &raw::head("GET", "/v1/models", &[]));
    assert_eq!(anonymous.status, 401);
    (stack, admin)
}

fn of_envoy(stack: &Stack) -> String {
    raw::get_text(&format!("{}/stats/prometheus", stack.envoy_admin_url()))
}

fn of_sidecar(admin: &Admin) -> String {
    let (status, page) = admin.call_text("GET", "/metrics", None);
    assert_eq!(status, 200, "{page}");
    page
}

/// Names of metrics on a page.
fn names(page: &str) -> BTreeSet<String> {
    let samples = page.lines().filter(|line| !line.starts_with('#'));
    let names = samples.filter_map(|line| line.split(['{', ' ']).next());
    names.map(str::to_owned).collect()
}

/// Names of metrics in an expression of PromQL: what is not in braces or a list of labels.
fn names_in(expression: &str) -> BTreeSet<String> {
    let pieces = expression.split('{').enumerate();
    let bare = pieces.map(|(at, piece)| match at {
        0 => piece,
        _ => piece.split_once('}').map_or("", |(_, rest)| rest),
    });
    let bare: String = bare.collect();
    let pieces = bare.split(" by (").enumerate();
    let without_labels = pieces.map(|(at, piece)| match at {
        0 => piece,
        _ => piece.split_once(')').map_or("", |(_, rest)| rest),
    });
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words: Vec<&str> = without_labels
        .flat_map(|piece| piece.split(|c| !is_word(c)))
        .collect();
    let is_ours = |word: &&&str| word.starts_with("latchkey_") || word.starts_with("envoy_");
    words
        .iter()
        .filter(is_ours)
        .map(|word| (*word).to_owned())
        .collect()
}

fn expressions_of_rules() -> Vec<String> {
    let text = fs::read_to_string(observability("alerts.yaml")).unwrap();
    let lines = text
        .lines()
        .filter_map(|line| line.trim().strip_prefix("expr: "));
    lines.map(str::to_owned).collect()
}

fn expressions_of_dashboard() -> Vec<String> {
    let text = fs::read_to_string(observability("dashboard.json")).unwrap();
    let dashboard: Value = serde_json::from_str(&text).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let targets = panels
        .iter()
        .filter_map(|panel| panel["targets"].as_array());
    let expressions = targets
        .flatten()
        .map(|target| target["expr"].as_str().unwrap());
    expressions.map(str::to_owned).collect()
}

#[test]
fn dashboard_and_rules_ask_for_metrics_that_exist() {
    let (stack, admin) = run();
    wait_for("tokens are told", || {
        of_sidecar(&admin).contains("latchkey_tokens_total{")
    });
    let mut known = names(&of_envoy(&stack));
    known.extend(names(&of_sidecar(&admin)));
    let rules = expressions_of_rules();
    let panels = expressions_of_dashboard();
    assert!(
        rules.len() >= 8 && panels.len() >= 12,
        "{rules:?} {panels:?}"
    );
    for expression in rules.iter().chain(&panels) {
        for name in names_in(expression) {
            assert!(
                known.contains(&name),
                "{expression} asks for {name}: {known:#?}"
            );
        }
    }
}

#[test]
fn the_gate_counts_requests_by_outcome_under_one_name() {
    let (stack, _) = run();
    let counted = |outcome: &str| {
        let line = format!("latchkey_requests{{outcome=\"{outcome}\"}} 1\n");
        wait_for(outcome, || of_envoy(&stack).contains(&line));
    };
    for outcome in ["allowed", "scope"] {
        counted(outcome);
    }
    let names = names(&of_envoy(&stack));
    assert!(
        !names
            .iter()
            .any(|name| name.starts_with("latchkey_requests_"))
    );
}

#[test]
fn what_is_left_of_the_lease_is_a_gauge() {
    let (stack, _) = run();
    let left = || tests::stat(&stack, "wasmcustom.latchkey.lease_left_s");
    wait_for("the lease has a length", || left() > 0);
    assert!(left() <= 3600, "no longer than max_staleness");
}

#[test]
fn prometheus_accepts_rules_configuration_and_our_metrics() {
    let Some(promtool) = promtool::find() else {
        return;
    };
    promtool.succeed(&["check", "rules"], &observability("alerts.yaml"));
    promtool.succeed(&["test", "rules"], &observability("alerts.test.yaml"));
    promtool.succeed(&["check", "config"], &observability("prometheus.yaml"));
    let (_stack, admin) = run();
    promtool.check_metrics(&of_sidecar(&admin));
}

#[test]
fn expressions_of_the_dashboard_are_promql() {
    let rules: String = expressions_of_dashboard()
        .iter()
        .map(|expr| expr.replace("$__rate_interval", "5m"))
        .enumerate()
        .map(|(at, expr)| format!("  - {{ record: panel_{at}, expr: {} }}\n", json!(expr)))
        .collect();
    let (stack, _) = start();
    let file = stack.run_dir().join("panels.yaml");
    fs::write(&file, format!("groups:\n- name: panels\n  rules:\n{rules}")).unwrap();
    let Some(promtool) = promtool::find() else {
        return;
    };
    promtool.succeed(&["check", "rules"], &file);
}

#[test]
fn the_sidecar_counts_calls_changes_watchers_and_envoys() {
    let (_stack, admin) = run();
    let sample = |name: &str| {
        let page = of_sidecar(&admin);
        let line = page.lines().find(|line| line.starts_with(name));
        let line = line.unwrap_or_else(|| panic!("{name}: {page}"));
        line.rsplit(' ').next().unwrap().parse::<f64>().unwrap()
    };
    let created = "latchkey_sidecar_requests_total{route=\"/v1/keys\",method=\"POST\"";
    assert!(sample(created) >= 1.0);
    admin.create("another", json!({}));
    assert!(sample(created) >= 2.0);
    assert!(sample("latchkey_sidecar_propagation_seconds_count") >= 2.0);
    assert!(sample("latchkey_sidecar_store_seconds_count") >= 2.0);
    assert!(sample("latchkey_sidecar_generation") >= 2.0);
    let audit_head = sample("latchkey_sidecar_audit_head");
    admin.create("one more", json!({}));
    assert_eq!(sample("latchkey_sidecar_audit_head"), audit_head + 1.0);
    wait_for("the agent waits for news", || {
        sample("latchkey_sidecar_feed_watchers") >= 1.0
    });
    let live = "latchkey_sidecar_envoys{region=\"local\",state=\"live\"}";
    wait_for("the Envoy is seen", || sample(live) >= 1.0);
    let lag = "latchkey_sidecar_envoy_lag_generations{region=\"local\",envoy=\"envoy\"}";
    wait_for("the Envoy is not behind", || sample(lag) == 0.0);
}

#[test]
fn paths_and_methods_that_a_caller_invents_make_no_series() {
    let (stack, admin) = start();
    for number in 0..20 {
        let path = format!("/invented/{number}");
        raw::send(&stack.console_url(), &raw::head("BREW", &path, &[]));
    }
    let page = of_sidecar(&admin);
    assert!(
        !page.contains("invented") && !page.contains("BREW"),
        "{page}"
    );
}
