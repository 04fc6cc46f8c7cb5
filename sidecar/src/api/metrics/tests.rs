//! The page, without HTTP.

use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::domain::clock::UnixMillis;
use crate::domain::envoy::{AgentId, Introduction, Label, Lease, NodeName};
use crate::domain::region::RegionId;
use crate::feed::fleet::Sighting;
use crate::http::metrics::{Metrics, Watcher};
use keytable::Generation;

fn page(metrics: &Metrics, sightings: &[Sighting], newest: u64) -> String {
    let mut text = Text::default();
    metrics.show(&mut text);
    fleet::show(sightings, newest, &mut text);
    text.finish()
}

fn sighting(node: &str, acknowledged: Option<u64>, live: bool) -> Sighting {
    let who = Introduction {
        region: RegionId::parse("local").unwrap(),
        agent: AgentId::parse(&"a".repeat(32)).unwrap(),
        node: NodeName::parse(node).unwrap(),
        lease: Lease::Seconds(60),
        version: Label::parse("0.1.0"),
    };
    Sighting {
        who,
        acknowledged: acknowledged.map(Generation::new),
        heard_at: UnixMillis::new(0),
        live,
        lag: Duration::from_millis(1500),
        may_serve_until: None,
        is_over: false,
        shares_name: false,
        keeps_limits: true,
        trouble: Label::parse("gap").map(|word| (word, UnixMillis::new(9_000))),
    }
}

#[test]
fn requests_are_counted_by_route_method_and_status() {
    let metrics = Metrics::default();
    for status in [200, 200, 404] {
        metrics.count("/v1/keys/{id}".to_owned(), "GET", status);
    }
    let page = page(&metrics, &[], 0);
    let series = "latchkey_sidecar_requests_total{route=\"/v1/keys/{id}\",method=\"GET\"";
    assert!(
        page.contains(&format!("{series},status=\"200\"}} 2\n")),
        "{page}"
    );
    assert!(
        page.contains(&format!("{series},status=\"404\"}} 1\n")),
        "{page}"
    );
    assert_eq!(
        page.matches("# TYPE latchkey_sidecar_requests_total")
            .count(),
        1
    );
}

#[test]
fn a_bucket_has_what_is_at_most_its_bound() {
    let metrics = Metrics::default();
    for ms in [1, 3, 7000] {
        metrics.store_took(Duration::from_millis(ms));
    }
    let page = page(&metrics, &[], 0);
    let name = "latchkey_sidecar_store_seconds";
    for (bound, count) in [
        ("0.0005", 0),
        ("0.001", 1),
        ("0.005", 2),
        ("5", 2),
        ("+Inf", 3),
    ] {
        let line = format!("{name}_bucket{{le=\"{bound}\"}} {count}\n");
        assert!(page.contains(&line), "{line}{page}");
    }
    assert!(
        page.contains(&format!("{name}_sum 7.004\n{name}_count 3\n")),
        "{page}"
    );
}

#[test]
fn the_fleet_is_shown_by_region_and_lag() {
    let fleet = [
        sighting("one", Some(7), true),
        sighting("two", None, true),
        sighting("gone", Some(7), false),
    ];
    let page = page(&Metrics::default(), &fleet, 7);
    let series = "latchkey_sidecar_envoys{region=\"local\",state=";
    assert!(page.contains(&format!("{series}\"live\"}} 2\n")), "{page}");
    assert!(page.contains(&format!("{series}\"lost\"}} 1\n")), "{page}");
    let series = "latchkey_sidecar_envoy_lag_generations{region=\"local\",envoy=";
    assert!(page.contains(&format!("{series}\"one\"}} 0\n")), "{page}");
    assert!(page.contains(&format!("{series}\"two\"}} 7\n")), "{page}");
    assert!(!page.contains("gone"), "{page}");
    let one = "region=\"local\",envoy=\"one\"";
    for line in [
        format!("envoy_lag_seconds{{{one}}} 1.5"),
        format!("envoy_generation{{{one}}} 7"),
        format!("envoy_last_error_timestamp_seconds{{{one},error=\"gap\"}} 9"),
        format!(
            "envoy_info{{{one},instance=\"{}\",version=\"0.1.0\",lease_s=\"60\"}} 1",
            "a".repeat(32)
        ),
    ] {
        assert!(
            page.contains(&format!("latchkey_sidecar_{line}\n")),
            "{line}{page}"
        );
    }
}

#[test]
fn envoys_of_one_name_are_one_series_with_the_worst_figure() {
    let fleet = [
        sighting("twin", Some(7), true),
        sighting("twin", Some(3), true),
    ];
    let page = page(&Metrics::default(), &fleet, 7);
    assert_eq!(page.matches("envoy_lag_generations{").count(), 1, "{page}");
    assert!(page.contains("envoy=\"twin\"} 4\n"), "{page}");
    assert!(
        page.contains("envoy_generation{region=\"local\",envoy=\"twin\"} 3\n"),
        "{page}"
    );
}

#[test]
fn a_node_name_cannot_end_its_label() {
    let page = page(&Metrics::default(), &[sighting("a\"b\\c", None, true)], 0);
    assert!(page.contains(r#"envoy="a\"b\\c""#), "{page}");
}

#[test]
fn a_waiter_counts_until_it_leaves() {
    let metrics = Arc::new(Metrics::default());
    let first = Watcher::arrive(Arc::clone(&metrics));
    let second = Watcher::arrive(Arc::clone(&metrics));
    drop(first);
    assert!(page(&metrics, &[], 0).contains("feed_watchers 1\n"));
    drop(second);
    assert!(page(&metrics, &[], 0).contains("feed_watchers 0\n"));
}
