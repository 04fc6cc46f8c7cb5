//! The Envoys, as series.
//!
//! Does not count them. Invariant: the Envoys of one name are one series of each figure, the worst
//! of them; only `envoy_info` tells them apart.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::time::Duration;

use crate::feed::fleet::Sighting;
use crate::http::metrics::Text;

/// What is shown of the Envoys of one name in one region.
#[derive(Debug, Default)]
struct Figures {
    behind: u64,
    lag: Duration,
    generation: Option<u64>,
    error: Option<(String, u64)>,
}

pub(super) fn show(sightings: &[Sighting], newest: u64, text: &mut Text) {
    show_counts(sightings, text);
    show_info(sightings, text);
    let mut names: BTreeMap<(String, String), Figures> = BTreeMap::new();
    for sighting in sightings.iter().filter(|sighting| sighting.live) {
        let who = &sighting.who;
        let name = (who.region.to_string(), who.node.to_string());
        names.entry(name).or_default().add(sighting, newest);
    }
    show_each(&names, text, "envoy_lag_generations", |figures| {
        figures.behind
    });
    show_each(&names, text, "envoy_lag_seconds", |figures| {
        figures.lag.as_secs_f64()
    });
    show_each(&names, text, "envoy_generation", |figures| {
        figures.generation.unwrap_or(0)
    });
    for ((region, envoy), figures) in &names {
        if let Some((error, at_s)) = &figures.error {
            let labels = [
                ("region", region.as_str()),
                ("envoy", envoy),
                ("error", error),
            ];
            let help = "When an Envoy last had an answer of the feed that it could not use.";
            text.gauge("envoy_last_error_timestamp_seconds", help, &labels, *at_s);
        }
    }
}

fn show_counts(sightings: &[Sighting], text: &mut Text) {
    let mut regions: BTreeMap<String, [u64; 3]> = BTreeMap::new();
    for sighting in sightings {
        let [live, lost, over] = regions.entry(sighting.who.region.to_string()).or_default();
        *(match (sighting.live, sighting.is_over) {
            (true, _) => live,
            (false, false) => lost,
            (false, true) => over,
        }) += 1;
    }
    let help = "Envoys: in contact, lost but able to serve, lost and past their lease.";
    for (region, counts) in &regions {
        for (state, count) in ["live", "lost", "over"].into_iter().zip(counts) {
            let labels = [("region", region.as_str()), ("state", state)];
            text.gauge("envoys", help, &labels, *count);
        }
    }
}

fn show_info(sightings: &[Sighting], text: &mut Text) {
    for sighting in sightings.iter().filter(|sighting| sighting.live) {
        let who = &sighting.who;
        let lease = who.lease.seconds();
        let lease = lease.map_or_else(|| "never".to_owned(), |seconds| seconds.to_string());
        let labels = [
            ("region", who.region.as_str()),
            ("envoy", who.node.as_str()),
            ("instance", who.agent.as_str()),
            (
                "version",
                who.version.as_ref().map_or("", |version| version.as_str()),
            ),
            ("lease_s", &lease),
        ];
        text.gauge(
            "envoy_info",
            "What a live Envoy says of itself.",
            &labels,
            1,
        );
    }
}

fn show_each<T: Display>(
    names: &BTreeMap<(String, String), Figures>,
    text: &mut Text,
    metric: &'static str,
    figure: impl Fn(&Figures) -> T,
) {
    let help = match metric {
        "envoy_lag_generations" => "Changes that a live Envoy does not have in force yet.",
        "envoy_lag_seconds" => "For how long a live Envoy has been behind.",
        _ => "What a live Envoy has in force.",
    };
    for ((region, envoy), figures) in names {
        let labels = [("region", region.as_str()), ("envoy", envoy)];
        text.gauge(metric, help, &labels, figure(figures));
    }
}

impl Figures {
    fn add(&mut self, sighting: &Sighting, newest: u64) {
        let applied = sighting
            .acknowledged
            .map_or(0, |generation| generation.get());
        self.behind = self.behind.max(newest.saturating_sub(applied));
        self.lag = self.lag.max(sighting.lag);
        self.generation = Some(self.generation.map_or(applied, |known| known.min(applied)));
        if let Some((error, at)) = &sighting.trouble {
            self.error = Some((error.to_string(), at.get() / 1000));
        }
    }
}
