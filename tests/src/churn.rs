//! Keys that are created and deleted without end, and what Envoy's memory makes of it.
//!
//! Frames, agent, filter and Envoy are the real ones; the feed is a stand-in, so that a year's
//! changes take a minute. Invariant: at every sample the gate permits the keys that are there and
//! refuses one that is gone.

use std::fmt::Write as _;

use envoy::Stack;

use crate::made_keys::{MODEL, MadeKey};
use crate::measure::rss_kib;
use crate::raw::{get_text, post_chat_with};
use crate::stand_in::StandIn;
use crate::{chat, stat};

/// Keys that stay.
const STANDING: usize = 10_000;
/// Most keys that are created, and most that are deleted, in one step.
const STEP_MAX: usize = 1_000;
/// By how much memory may move away from the plateau.
const LEEWAY: f64 = 0.05;

/// What was seen after so many cycles.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// Keys that were created and deleted so far.
    pub cycles: usize,
    /// Resident memory of Envoy.
    pub rss_kib: f64,
    /// What Envoy has allocated and not freed.
    pub allocated_kib: f64,
}

/// Samples in order.
#[derive(Clone, Debug)]
pub struct Curve(pub Vec<Sample>);

/// Creates and deletes so many keys in an Envoy that was not started yet; takes so many samples.
pub fn run(mut stack: Stack, cycles: usize, samples: usize) -> Curve {
    let feed = StandIn::start(&stack.feed_url(), MadeKey::all(0..STANDING));
    stack
        .start_envoy()
        .unwrap_or_else(|error| panic!("{error}"));
    feed.wait_until_applied();
    let (mut next, mut gone, mut live) = (STANDING, 0, Vec::new());
    let mut curve = Vec::new();
    while gone < cycles {
        let size = 1 + step_after(next);
        let created: Vec<MadeKey> = MadeKey::all(next..next + size).collect();
        feed.change(&created, &live);
        gone += live.len();
        if gone >= (curve.len() + 1) * cycles / samples {
            check(&stack, &created, &live);
            curve.push(sample(&mut stack, gone));
        }
        next += size;
        live = created;
    }
    Curve(curve)
}

/// How many keys the step behind this key has, less one: any number below [`STEP_MAX`].
fn step_after(number: usize) -> usize {
    number.wrapping_mul(0x9e37_79b9_7f4a_7c15) % 1_048_573 % STEP_MAX
}

/// Keys that stay, that are new, that are gone, that never were.
fn check(stack: &Stack, created: &[MadeKey], deleted: &[MadeKey]) {
    let ask = |key: &MadeKey| post_chat_with(&stack.envoy_url(), &key.value, &chat(MODEL)).status;
    let standing = MadeKey::of(created.len());
    assert_eq!((ask(&standing), ask(&created[0])), (200, 200));
    assert_eq!(
        (ask(&deleted[0]), ask(&MadeKey::of(usize::MAX))),
        (401, 401)
    );
    let records = stat(stack, "wasmcustom.latchkey.records");
    assert_eq!(records, u64::try_from(STANDING + created.len()).unwrap());
}

fn sample(stack: &mut Stack, cycles: usize) -> Sample {
    let memory = get_text(&format!("{}/memory", stack.envoy_admin_url()));
    let memory: serde_json::Value = serde_json::from_str(&memory).unwrap();
    let allocated: f64 = memory["allocated"].as_str().unwrap().parse().unwrap();
    Sample {
        cycles,
        rss_kib: rss_kib(stack.envoy().unwrap().process().pid()),
        allocated_kib: allocated / 1024.0,
    }
}

impl Curve {
    /// The middle of what was seen in the second quarter of the run, when every slot has been
    /// written.
    pub fn plateau_kib(&self) -> f64 {
        let quarter = self.0.len() / 4;
        let figures = self.0[quarter..2 * quarter].iter().map(|one| one.rss_kib);
        crate::measure::percentile(&figures.collect::<Vec<_>>(), 50)
    }

    /// By which part of the plateau the later samples are above it at most; below 0: none is.
    pub fn growth(&self) -> f64 {
        let plateau = self.plateau_kib();
        let later = self.0[self.0.len() / 2..].iter();
        later
            .map(|one| one.rss_kib / plateau - 1.0)
            .fold(f64::NEG_INFINITY, f64::max)
    }

    /// Panics unless memory has stayed.
    pub fn assert_flat(&self) {
        let growth = self.growth();
        assert!(growth <= LEEWAY, "memory grew by {growth:.3}: {self:?}");
    }

    /// A table, and the judgement.
    pub fn text(&self) -> String {
        let mut out = String::from(
            "| created and deleted | resident, MiB | of the plateau | allocated, MiB |\n|---|---|---|---|\n",
        );
        let plateau = self.plateau_kib();
        for one in &self.0 {
            let _ = writeln!(
                out,
                "| {} | {:.1} | {:.1} % | {:.1} |",
                one.cycles,
                one.rss_kib / 1024.0,
                one.rss_kib / plateau * 100.0,
                one.allocated_kib / 1024.0
            );
        }
        let growth = self.growth();
        let verdict = if growth <= LEEWAY { "flat" } else { "NOT flat" };
        let _ = writeln!(
            out,
            "\nPlateau (the middle of the second quarter): {:.1} MiB. The highest sample of the second half is \
             {:+.1} % off it (at most {:.0} % is allowed): {verdict}.",
            plateau / 1024.0,
            growth * 100.0,
            LEEWAY * 100.0
        );
        out
    }
}
