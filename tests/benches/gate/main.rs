//! What a decision costs: CPU time of Envoy for each request, beside Envoy's own filters.
//!
//! `cargo bench -p tests --bench gate` runs every variant several times, interleaved, each in a
//! fresh Envoy on a core of its own, checks every answer, and writes two tables into
//! docs/performance.md. `-- --quick` looks once and briefly, `-- --only TEXT` takes the variants
//! whose name contains it (it may be repeated; `scale` is the large table), `-- --filter FILE.wasm`
//! (repeated; `tree` is this tree's) sets builds of the filter beside each other and says what each costs against
//! the first: all of these write nothing. `--rounds N` changes the number of rounds.
//!
//! Does not judge: time on a shared machine proves nothing. Invariant: a variant whose answers are
//! not the expected ones has no figures.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark that cannot go on has failed"
)]

mod feed;
mod filters;
mod keys;
mod report;
mod run;
mod scale;
mod table;
mod variants;

use std::collections::HashMap;
use std::process::Command;
use std::sync::Arc;

use envoy::build;
use envoy::provision::{self, apt};
use tests::measure;

use keys::Policy;
use report::Row;
use run::{Running, Tools};
use table::Table;
use variants::Variant;

const ROUNDS: usize = 3;
const SCALE: &str = "scale";

/// What the command line asks for.
#[derive(Debug, Default)]
struct Wish {
    is_quick: bool,
    only: Vec<String>,
    builds: Vec<String>,
    rounds: Option<usize>,
}

fn main() {
    let mut wish = Wish::from_args();
    let tools = tools(&wish);
    for build in wish.builds.iter_mut().filter(|build| *build == "tree") {
        *build = tools.filter_wasm.display().to_string();
    }
    let whole = !wish.is_quick && wish.only.is_empty() && wish.builds.is_empty();
    // What this process does while Envoy is measured is the load's business.
    let own = std::process::id().to_string();
    let pinned = Command::new(&tools.taskset)
        .args(["-a", "-c", "-p", "1", &own])
        .output();
    assert!(pinned.unwrap().status.success(), "two cores are needed");
    if wish.takes_scale() {
        let text = scale::measure(&tools);
        println!("{text}");
        if whole {
            measure::write_down(SCALE, &text);
        }
    }
    let variants: Vec<Variant> = match wish.builds.is_empty() {
        true => variants::all()
            .into_iter()
            .filter(|v| wish.takes(v))
            .collect(),
        false => variants::builds(&wish.builds),
    };
    let usual = if wish.is_quick { 1 } else { ROUNDS };
    let rounds = wish.rounds.unwrap_or(usual);
    let rows = run_all(&tools, variants, rounds);
    let text = report::text(&rows, &tools, rounds);
    println!("{text}");
    if !wish.builds.is_empty() {
        println!("{}", report::builds(&rows, &wish.builds));
    }
    if whole {
        measure::write_down("gate", &text);
    }
}

fn run_all(tools: &Tools, variants: Vec<Variant>, rounds: usize) -> Vec<Row> {
    let mut tables: HashMap<(usize, Policy), Arc<Table>> = HashMap::new();
    let mut rows: Vec<Row> = variants.into_iter().map(Row::new).collect();
    for round in 1..=rounds {
        for row in &mut rows {
            let variant = &row.variant;
            let make = || Arc::new(Table::of(variant.keys, variant.policy));
            let table = variant.has_table().then(|| {
                let known = tables.entry((variant.keys, variant.policy));
                Arc::clone(known.or_insert_with(make))
            });
            let sample = Running::start(tools, variant, table).measure(tools, variant);
            eprintln!("{round}/{rounds} {}: {:.2} us", variant.name, sample.cpu_us);
            row.samples.push(sample);
        }
    }
    rows
}

fn tools(wish: &Wish) -> Tools {
    let on_path = |name: &str| {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let files = std::env::split_paths(&path).map(|dir| dir.join(name));
        files.into_iter().find(|file| file.is_file())
    };
    if on_path("wrk").is_none() {
        apt::install(&["wrk"], "there is no wrk").unwrap_or_else(|error| panic!("{error}"));
    }
    let (warm_up_s, measured_s) = if wish.is_quick { (1, 1) } else { (1, 3) };
    Tools {
        envoy: provision::find_envoy()
            .unwrap_or_else(|error| panic!("{error}"))
            .path,
        filter_wasm: build::filter_wasm().unwrap_or_else(|error| panic!("{error}")),
        wrk: on_path("wrk").expect("wrk was installed"),
        taskset: on_path("taskset").expect("taskset is part of util-linux"),
        warm_up_s,
        measured_s,
    }
}

impl Wish {
    fn from_args() -> Self {
        let mut wish = Self::default();
        let mut args = std::env::args().skip(1);
        while let Some(arg) = args.next() {
            match arg.as_str() {
                "--quick" => wish.is_quick = true,
                "--only" => wish.only.push(args.next().expect("--only needs a name")),
                "--filter" => wish
                    .builds
                    .push(args.next().expect("--filter needs a file")),
                "--rounds" => wish.rounds = args.next().and_then(|text| text.parse().ok()),
                // cargo says that this is a benchmark.
                "--bench" => {}
                other => panic!("{other}: the options are --quick, --only, --filter, --rounds"),
            }
        }
        wish
    }

    fn takes(&self, variant: &Variant) -> bool {
        self.only.is_empty() || self.only.iter().any(|text| variant.name.contains(text))
    }

    fn takes_scale(&self) -> bool {
        let takes_all = self.only.is_empty() && self.builds.is_empty();
        takes_all || self.only.iter().any(|text| text == SCALE)
    }
}
