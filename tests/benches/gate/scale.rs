//! The large table: how long a million keys take to load, what stands still meanwhile, what they
//! weigh, and how long one change takes.
//!
//! Invariant: while a table is loaded again, every request is answered by the one before.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use tests::measure::{machine, percentile, rss_kib};

use crate::keys::{Policy, key};
use crate::run::{Running, Tools};
use crate::table::Table;
use crate::variants;

const KEYS: usize = 1_000_000;
const CHANGES: usize = 500;
const PATIENCE: Duration = Duration::from_secs(60);

/// How long looks took, and how many of them were not answered with 200.
#[derive(Debug, Default)]
struct Looks {
    ms: Vec<f64>,
    others: usize,
}

/// The table of figures.
pub(crate) fn measure(tools: &Tools) -> String {
    let policy = Policy::Of3ModelsFrom2Networks;
    let table = Arc::new(Table::of(KEYS, policy));
    let mut out = format!(
        "{}; {KEYS} keys, each with 2 CIDRs and 3 scope entries ({} bytes of record).\n\n\
         | what | one worker | two workers |\n|---|---|---|\n",
        machine(),
        table.record_bytes()
    );
    let rows = [1, 2].map(|workers| measure_with(tools, workers, &table));
    for ((name, one), (_, two)) in rows[0].iter().zip(&rows[1]) {
        let _ = writeln!(out, "| {name} | {one} | {two} |");
    }
    out
}

fn measure_with(tools: &Tools, workers: u32, table: &Arc<Table>) -> Vec<(&'static str, String)> {
    let variant = variants::plain(workers);
    let rss = |running: &Running| rss_kib(running.envoy.pid());
    let empty = Running::start(tools, &variant, Some(Arc::new(Table::of(0, Policy::All))));
    empty.wait_until_loaded();
    let empty_kib = rss(&empty);
    drop(empty);

    let running = Running::start(tools, &variant, Some(Arc::clone(table)));
    let (loaded_in, ready, _) = watched(&running, || running.wait_until_loaded());
    let loaded_kib = rss(&running);
    let feed = running.feed.as_ref().unwrap();
    let (again_in, ready_again, requests) = watched(&running, || {
        feed.restart();
        running.wait_until_loaded()
    });
    assert_eq!(
        requests.others, 0,
        "a request was not answered by the table before"
    );
    let changes: Vec<f64> = (0..CHANGES)
        .map(|_| feed.change(PATIENCE).as_secs_f64() * 1e3)
        .collect();
    let ms = |duration: Duration| format!("{:.0} ms", duration.as_secs_f64() * 1e3);
    let worst = |looks: &Looks| {
        let at = |hundredths| percentile(&looks.ms, hundredths);
        format!(
            "p50 {:.1}, p99 {:.1}, longest {:.1} ms",
            at(50),
            at(99),
            at(100)
        )
    };
    vec![
        ("first load", ms(loaded_in)),
        (
            "main thread (`/ready`) during the first load",
            worst(&ready),
        ),
        ("load again, under traffic", ms(again_in)),
        ("main thread (`/ready`) meanwhile", worst(&ready_again)),
        ("a request meanwhile", worst(&requests)),
        ("one change, from publishing to acknowledgement", {
            let at = |hundredths| percentile(&changes, hundredths);
            format!("p50 {:.2}, p99 {:.2} ms", at(50), at(99))
        }),
        (
            "resident memory without keys",
            format!("{:.0} MiB", empty_kib / 1024.0),
        ),
        (
            "resident memory with the table",
            format!("{:.0} MiB", loaded_kib / 1024.0),
        ),
        ("resident memory for each key", {
            format!(
                "{:.0} bytes",
                (loaded_kib - empty_kib) * 1024.0 / KEYS as f64
            )
        }),
        (
            "resident memory after loading again",
            format!("{:.0} MiB", rss(&running) / 1024.0),
        ),
    ]
}

/// Does something while two others look how the main thread and the gate answer.
fn watched<T>(running: &Running, job: impl FnOnce() -> T) -> (T, Looks, Looks) {
    let over = AtomicBool::new(false);
    let admin = format!("{}/ready", running.admin_url);
    let model = format!("{}/v1/models/model-099", running.url);
    thread::scope(|scope| {
        let ready = scope.spawn(|| look(&admin, "-", &over));
        let gate = scope.spawn(|| look(&model, &key(0), &over));
        let done = job();
        over.store(true, Ordering::SeqCst);
        (done, ready.join().unwrap(), gate.join().unwrap())
    })
}

fn look(url: &str, key: &str, over: &AtomicBool) -> Looks {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .build()
        .into();
    let mut looks = Looks::default();
    while !over.load(Ordering::SeqCst) {
        let begin = Instant::now();
        let mut answer = agent
            .get(url)
            .header("authorization", format!("Bearer {key}"))
            .call()
            .expect("Envoy answers");
        let status = answer.status().as_u16();
        let _ = answer.body_mut().read_to_vec();
        looks.ms.push(begin.elapsed().as_secs_f64() * 1e3);
        looks.others += usize::from(status != 200);
        thread::sleep(Duration::from_micros(500));
    }
    looks
}
