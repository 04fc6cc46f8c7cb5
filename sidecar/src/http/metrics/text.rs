//! Prometheus' text format.
//!
//! Series of one metric are given one after the other. Invariant: a label's value cannot end the
//! string that it stands in.

use std::fmt::{Display, Write};

use super::histogram::Histogram;

/// What names begin with that are about the sidecar.
const PREFIX: &str = "latchkey_sidecar_";
/// What names begin with that are about traffic: Envoys' figures begin with it, too.
const TRAFFIC_PREFIX: &str = "latchkey_";
/// The names that are about traffic.
const TRAFFIC: [&str; 1] = ["tokens_total"];

/// A page under construction.
#[derive(Debug, Default)]
pub(crate) struct Text {
    page: String,
    described: Option<&'static str>,
}

/// A label's name and value.
type Label<'l> = (&'static str, &'l str);

impl Text {
    /// One series of a counter.
    pub(crate) fn counter(
        &mut self,
        name: &'static str,
        help: &str,
        labels: &[Label<'_>],
        value: u64,
    ) {
        self.describe(name, "counter", help);
        self.sample(name, "", labels, &value);
    }

    /// A counter that may have no series yet.
    pub(crate) fn announce_counter(&mut self, name: &'static str, help: &str) {
        self.describe(name, "counter", help);
    }

    /// One series of a gauge.
    pub(crate) fn gauge(
        &mut self,
        name: &'static str,
        help: &str,
        labels: &[Label<'_>],
        value: impl Display,
    ) {
        self.describe(name, "gauge", help);
        self.sample(name, "", labels, &value);
    }

    /// A histogram, whole.
    pub(crate) fn histogram(&mut self, name: &'static str, help: &str, histogram: &Histogram) {
        self.describe(name, "histogram", help);
        let (total, sum) = histogram.totals();
        for (bound, count) in histogram.buckets() {
            self.sample(name, "_bucket", &[("le", &bound.to_string())], &count);
        }
        self.sample(name, "_bucket", &[("le", "+Inf")], &total);
        self.sample(name, "_sum", &[], &sum);
        self.sample(name, "_count", &[], &total);
    }

    /// The page.
    pub(crate) fn finish(self) -> String {
        self.page
    }

    fn describe(&mut self, name: &'static str, kind: &str, help: &str) {
        if self.described.replace(name) != Some(name) {
            self.line(format_args!("# HELP {}{name} {help}", prefix(name)));
            self.line(format_args!("# TYPE {}{name} {kind}", prefix(name)));
        }
    }

    fn sample(&mut self, name: &str, part: &str, labels: &[Label<'_>], value: &dyn Display) {
        let labels: Vec<String> = labels
            .iter()
            .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)))
            .collect();
        match labels.is_empty() {
            true => self.line(format_args!("{}{name}{part} {value}", prefix(name))),
            false => self.line(format_args!(
                "{}{name}{part}{{{}}} {value}",
                prefix(name),
                labels.join(",")
            )),
        }
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // Writing into a String does not fail.
        let _ = writeln!(self.page, "{line}");
    }
}

fn prefix(name: &str) -> &'static str {
    match TRAFFIC.contains(&name) {
        true => TRAFFIC_PREFIX,
        false => PREFIX,
    }
}

fn escaped(value: &str) -> String {
    let backslashes = value.replace('\\', "\\\\");
    backslashes.replace('"', "\\\"").replace('\n', "\\n")
}
