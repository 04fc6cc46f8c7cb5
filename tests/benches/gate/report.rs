//! The figures as a table, and beside the aims.
//!
//! Invariant: what a variant costs more is taken from the same round as what it is compared with.

use std::fmt::Write as _;

use tests::measure::{machine, spread};

use crate::run::{Sample, Tools};
use crate::variants::{self, Variant};

/// A variant and its samples, one a round.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) variant: Variant,
    pub(crate) samples: Vec<Sample>,
}

impl Row {
    /// A row that was not measured yet.
    pub(crate) fn new(variant: Variant) -> Self {
        let samples = Vec::new();
        Self { variant, samples }
    }

    fn values(&self, figure: impl Fn(&Sample) -> f64) -> Vec<f64> {
        self.samples.iter().map(figure).collect()
    }

    fn median(&self, figure: impl Fn(&Sample) -> f64) -> f64 {
        spread(&self.values(figure)).0
    }
}

/// Machine, method, table and aims.
pub(crate) fn text(rows: &[Row], tools: &Tools, rounds: usize) -> String {
    let (machine, warm_up_s, measured_s) = (machine(), tools.warm_up_s, tools.measured_s);
    let method = format!(
        "{machine}; Envoy with one worker on core 0, `wrk` with 32 connections on core 1 unless the name \
         says otherwise; {rounds} rounds, each with a fresh Envoy, {warm_up_s} s of warming up and \
         {measured_s} s of measuring. 1,000 keys spread over the table are presented in turn unless the \
         name says otherwise."
    );
    format!("{method}\n\n{}\n{}", table(rows), aims(rows))
}

fn table(rows: &[Row]) -> String {
    let mut out = String::from(
        "| variant | CPU of Envoy, us/request: median [min-max] | over no filter | requests/s | p50, us \
         | p99, us | resident, MiB |\n|---|---|---|---|---|---|---|\n",
    );
    for row in rows {
        let (median, low, high) = spread(&row.values(|s| s.cpu_us));
        let server = match row.median(|s| s.server_cpu_us) {
            0.0 => String::new(),
            us => format!(" and {us:.1} of the server"),
        };
        let more = over(rows, row.variant.name).map_or("-".to_owned(), |us| format!("{us:+.2}"));
        let _ = writeln!(
            out,
            "| {} | {median:.2} [{low:.2}-{high:.2}]{server} | {more} | {:.0} | {:.0} | {:.0} | {:.0} |",
            row.variant.name,
            row.median(|s| s.requests_per_s),
            row.median(|s| s.p50_us),
            row.median(|s| s.p99_us),
            row.median(|s| s.rss_mib),
        );
    }
    out
}

/// What a variant costs over the one that it is compared with: the median over the rounds.
fn over(rows: &[Row], name: &str) -> Option<f64> {
    let row = find(rows, name)?;
    let base = find(rows, row.variant.base).filter(|base| base.variant.name != name)?;
    let pairs = row.samples.iter().zip(&base.samples);
    let more: Vec<f64> = pairs
        .map(|(ours, none)| ours.cpu_us - none.cpu_us)
        .collect();
    Some(spread(&more).0)
}

/// What each other build costs against the first one: whole requests, and over no filter; medians over
/// the rounds.
pub(crate) fn builds(rows: &[Row], files: &[String]) -> String {
    let mut out = String::from(
        "| variant | build | against the first, whole request | over no filter |\n|---|---|---|---|\n",
    );
    let Some((first, others)) = files.split_first() else {
        return out;
    };
    for kind in variants::compared() {
        let row = |file: &str| find(rows, &variants::of_build(kind.name, file));
        let base = row(first).zip(find(rows, kind.base));
        for (file, ours) in others.iter().filter_map(|file| Some((file, row(file)?))) {
            let Some((first, none)) = base else { continue };
            let rounds = ours.samples.iter().zip(&first.samples).zip(&none.samples);
            let ratio = |over: f64| -> Vec<f64> {
                let of = |((ours, first), none): ((&Sample, &Sample), &Sample)| {
                    (ours.cpu_us - over * none.cpu_us) / (first.cpu_us - over * none.cpu_us)
                };
                rounds.clone().map(of).collect()
            };
            let ((whole, ..), (over, ..)) = (spread(&ratio(0.0)), spread(&ratio(1.0)));
            let _ = writeln!(out, "| {} | {file} | {whole:.3} | {over:.3} |", kind.name);
        }
    }
    out
}

fn find<'r>(rows: &'r [Row], name: &str) -> Option<&'r Row> {
    rows.iter().find(|row| row.variant.name == name)
}

/// What an aim compares: what two variants cost over no filter, or whole, or how much they serve.
#[derive(Clone, Copy)]
enum By {
    Over,
    Whole,
    Requests,
}

/// Aim, variant, what it is compared with, how, and the wanted ratio.
const AIMS: &[(&str, &str, &str, By, &str)] = &[
    (
        "key with 50 CIDRs against the Lua look-up, over no filter",
        variants::NETWORKS,
        variants::LUA,
        By::Over,
        "at most 1",
    ),
    (
        "the same against the Lua look-up that hands an identity on",
        variants::NETWORKS,
        variants::LUA_IDENTITY,
        By::Over,
        "-",
    ),
    (
        "the same against ext_authz, Envoy's side alone",
        variants::NETWORKS,
        variants::EXT_AUTHZ,
        By::Over,
        "at most 0.11",
    ),
    (
        "1,000,000 keys against 1,000, whole request",
        variants::MILLION_KEYS,
        variants::THOUSAND_KEYS,
        By::Whole,
        "at most 1.05",
    ),
    (
        "1,000,000 keys against 1,000, over no filter",
        variants::MILLION_KEYS,
        variants::THOUSAND_KEYS,
        By::Over,
        "at most 1.05",
    ),
    (
        "cold key against warm, over no filter",
        variants::COLD,
        variants::USUAL_KEYS,
        By::Over,
        "at most 2",
    ),
    (
        "list-scoped against all-scope, 1 KB body, over no filter",
        variants::LISTED,
        variants::UNREAD,
        By::Over,
        "at most 2.5",
    ),
    (
        "observed against not observed, over no filter",
        variants::OBSERVED,
        variants::UNREAD,
        By::Over,
        "-",
    ),
    (
        "100 changes a second against none, whole request",
        variants::CHANGING,
        variants::USUAL_KEYS,
        By::Whole,
        "at most 1.2",
    ),
    (
        "100 changes a second against none, over no filter",
        variants::CHANGING,
        variants::USUAL_KEYS,
        By::Over,
        "at most 1.2",
    ),
    (
        "requests of two workers against one",
        variants::TWO_WORKERS,
        variants::ONE_WORKER,
        By::Requests,
        "at least 1.9",
    ),
    (
        "CPU of two workers against one, whole request",
        variants::TWO_WORKERS,
        variants::ONE_WORKER,
        By::Whole,
        "1",
    ),
    (
        "requests of two workers against one, without a filter",
        variants::NONE_TWO,
        variants::NONE_ONE,
        By::Requests,
        "-",
    ),
    (
        "CPU of two workers against one, without a filter",
        variants::NONE_TWO,
        variants::NONE_ONE,
        By::Whole,
        "-",
    ),
];

/// The aims that these rows tell something of.
fn aims(rows: &[Row]) -> String {
    let mut out = String::from("| aim | measured | wanted |\n|---|---|---|\n");
    for (aim, name, base, by, wanted) in AIMS {
        let figure = |name: &str| match by {
            By::Over => over(rows, name),
            By::Whole => Some(find(rows, name)?.median(|s| s.cpu_us)),
            By::Requests => Some(find(rows, name)?.median(|s| s.requests_per_s)),
        };
        if let Some((ours, theirs)) = figure(name).zip(figure(base)) {
            let _ = writeln!(out, "| {aim} | {:.2} | {wanted} |", ours / theirs);
        }
    }
    out
}
