//! The bound of limits, by three real Envoys of two workers and 64 streams at each, on limits that last for a tenth of
//! what is asked: never more is used than the amount, what ran beyond what it held, and what other Envoys admitted
//! that an Envoy had not heard of. With one Envoy the last is nothing.
//!
//! Judge: the upstream's own sums, and what agents told and heard, taken off the wire. `LATCHKEY_BOUND_RUNS` and
//! `LATCHKEY_BOUND_SEED` set the number of runs and the first seed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use envoy::{Envoy, Stack};
use keytable::Charge;
use serde_json::json;
use tests::counting_upstream::{CountingUpstream, Served};
use tests::ledger_tap::{LedgerTap, Told};
use tests::load::Client;
use tests::{Admin, Key, number, start_another};

use crate::limits::keeping;

const STREAMS: usize = 64;
/// Requests of each stream.
const REQUESTS: usize = 10;
/// How long an answer rests in its middle, at most.
const REST: Duration = Duration::from_millis(40);
/// What a request held at least, whatever was left.
const HELD_MIN: u64 = 1;
/// What the upstream states of a request on average.
const TOKENS_OF_ONE: usize = 4_000;

/// What a limit counts, and so what a request used of it.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Of {
    Requests,
    Tokens,
}

/// One run: how many Envoys serve, of what the limit is, how much.
#[derive(Clone, Copy, Debug)]
struct Run {
    seed: usize,
    envoys: usize,
    of: Of,
    amount: u64,
}

/// A request as its client saw it.
#[derive(Clone, Copy, Debug)]
struct Span {
    sent: Instant,
    over: Instant,
}

struct Fleet {
    upstream: CountingUpstream,
    tap: LedgerTap,
    _stack: Stack,
    admin: Admin,
    /// Name and address of each Envoy.
    nodes: Vec<(String, String)>,
    _others: Vec<Envoy>,
}

impl Fleet {
    fn start() -> Self {
        let upstream = CountingUpstream::paced(REST);
        let mut options = keeping(upstream.behind());
        options.filter_wasm = options.filter_wasm.or_else(tests::other_filter);
        let mut stack = Stack::prepare(options).unwrap();
        let tap = LedgerTap::in_front_of(&mut stack);
        stack.start_sidecar().unwrap();
        stack.start_envoy().unwrap();
        stack.wait_for_table().unwrap();
        let names = ["second", "third"];
        let others = names.map(|name| start_another(&stack, name, json!({})));
        let mut nodes = vec![("envoy".to_owned(), stack.envoy_url())];
        let more = names.iter().zip(&others);
        nodes.extend(more.map(|(name, envoy)| ((*name).to_owned(), envoy.settings().url())));
        Self {
            upstream,
            tap,
            admin: Admin::of(&stack),
            _stack: stack,
            nodes,
            _others: others.into(),
        }
    }

    fn key(&self, run: Run) -> Key {
        let unit = match run.of {
            Of::Requests => "requests",
            Of::Tokens => "tokens",
        };
        let mut limit = json!({"unit": unit, "window": "lifetime", "amount": run.amount});
        if run.of == Of::Tokens {
            limit["expected"] = json!(0);
        }
        self.admin
            .create(&format!("run {}", run.seed), json!({"limits": [limit]}))
    }

    /// All streams ask, each its requests one behind the other; when each was sent and was over, by its name.
    fn ask(&self, run: Run, key: &Key) -> BTreeMap<String, Span> {
        let key = Arc::new(key.value.clone());
        let streams = self.nodes.iter().take(run.envoys).flat_map(|(node, url)| {
            (0..STREAMS).map(move |stream| (node.clone(), url.clone(), stream))
        });
        let stream = |(node, url, stream): (String, String, usize)| {
            let key = Arc::clone(&key);
            thread::spawn(move || {
                let mut client = Client::new(&url);
                let ask = |request: usize| {
                    let name = format!("{node}-{stream}-{request}");
                    let sent = Instant::now();
                    let answer = client.ask_as(&key, &name);
                    let refusal = answer.refusal();
                    assert!([200, 429].contains(&answer.status), "{refusal:?}");
                    (
                        name,
                        Span {
                            sent,
                            over: Instant::now(),
                        },
                    )
                };
                (0..REQUESTS).map(ask).collect::<Vec<_>>()
            })
        };
        let streams: Vec<_> = streams.map(stream).collect();
        let sent = streams.into_iter().flat_map(|one| one.join().unwrap());
        sent.collect()
    }
}

fn used(run: Run, one: &Served) -> u64 {
    match run.of {
        Of::Requests => 1,
        Of::Tokens => one.total(),
    }
}

fn node_of(one: &Served) -> &str {
    one.name.split('-').next().unwrap()
}

/// What an Envoy has told of a counter by its report that the ledger had when it made an answer: the least, where it
/// is not known which that was.
fn told_by(node: &str, told: &[Told], key: &Key, heard: Instant) -> u64 {
    let (mut settled, mut known, mut least) = (0, 0, None);
    for one in told.iter().filter(|one| one.node == node) {
        let of_key = |charge: &&Charge| charge.counter.subject.id() == key.id;
        let Some(charge) = one.batch.charges.iter().find(of_key) else {
            continue;
        };
        settled += charge.charged;
        if one.heard <= heard {
            known = settled + charge.held;
        } else if one.told <= heard {
            let maybe = settled + charge.held;
            least = Some(least.map_or(maybe, |least: u64| least.min(maybe)));
        }
    }
    least.map_or(known, |least| least.min(known))
}

/// The last term of the bound, for an Envoy that had heard this answer, or none.
fn unheard(
    of: &str,
    heard: Option<Instant>,
    sums: &BTreeMap<&str, u64>,
    told: &[Told],
    key: &Key,
) -> u64 {
    let others = sums.iter().filter(|(node, _)| **node != of);
    others
        .map(|(node, sum)| {
            let told = heard.map_or(0, |heard| told_by(node, told, key, heard));
            sum.saturating_sub(told)
        })
        .sum()
}

/// The earliest that the last admission of an Envoy may have been: it was over no sooner than each other was sent.
fn last_admission(of_node: &[&Served], spans: &BTreeMap<String, Span>) -> Instant {
    let spans = of_node.iter().map(|one| spans[&one.name]);
    let newest = spans.clone().map(|span| span.sent).max().unwrap();
    let may_be_last = spans.filter(|span| span.over >= newest);
    may_be_last.map(|span| span.sent).min().unwrap()
}

/// Judges a run; gives what was used, and the largest last term.
fn judge(fleet: &Fleet, run: Run, key: &Key, spans: &BTreeMap<String, Span>) -> (u64, u64) {
    let served: Vec<Served> = fleet.upstream.served();
    let served: Vec<&Served> = served.iter().filter(|one| one.key == key.id).collect();
    let told = fleet.tap.told();
    let mut by_node: BTreeMap<&str, Vec<&Served>> = BTreeMap::new();
    for one in served {
        by_node.entry(node_of(one)).or_default().push(one);
    }
    let sum = |all: &[&Served]| all.iter().map(|one| used(run, one)).sum::<u64>();
    let sums: BTreeMap<&str, u64> = by_node
        .iter()
        .map(|(node, all)| (*node, sum(all)))
        .collect();
    let all: u64 = sums.values().sum();
    let mut largest = 0;
    for (node, of_node) in &by_node {
        let last = last_admission(of_node, spans);
        let ran = of_node.iter().filter(|one| spans[&one.name].over >= last);
        let beyond: u64 = ran.map(|one| used(run, one).saturating_sub(HELD_MIN)).sum();
        let heard = told
            .iter()
            .filter(|one| one.node == *node && one.heard <= last);
        let heard: Vec<Instant> = heard.map(|one| one.heard).collect();
        // The agent may not have read the newest one yet: the one before it is what it knows surely.
        let surely = heard.iter().rev().nth(1).copied();
        let others = [heard.last().copied(), surely]
            .map(|heard| unheard(node, heard, &sums, &told, key))
            .into_iter()
            .max()
            .unwrap_or(0);
        let bound = run.amount + beyond + others;
        assert!(
            all <= bound,
            "{run:?}: {all} used, {} + {beyond} beyond what was held + {others} of others, by {node}; \
             LATCHKEY_BOUND_SEED={} LATCHKEY_BOUND_RUNS=1; {sums:?}",
            run.amount,
            run.seed
        );
        largest = largest.max(others);
    }
    assert!(
        all >= run.amount / 10 * 9,
        "{run:?}: {all} used, and it was refused"
    );
    (all, largest)
}

fn run_of(seed: usize) -> Run {
    let envoys = if seed.is_multiple_of(3) { 1 } else { 3 };
    let of = if seed.is_multiple_of(2) {
        Of::Requests
    } else {
        Of::Tokens
    };
    let tenth = envoys * STREAMS * REQUESTS / 10;
    let amount = match of {
        Of::Requests => tenth,
        Of::Tokens => tenth * TOKENS_OF_ONE,
    };
    Run {
        seed,
        envoys,
        of,
        amount: u64::try_from(amount).unwrap(),
    }
}

#[test]
fn never_more_is_used_than_the_bound() {
    let fleet = Fleet::start();
    let first = number("LATCHKEY_BOUND_SEED", 1);
    for seed in first..first + number("LATCHKEY_BOUND_RUNS", 6) {
        let run = run_of(seed);
        let key = fleet.key(run);
        let spans = fleet.ask(run, &key);
        let (all, others) = judge(&fleet, run, &key, &spans);
        println!("{run:?}: {all} used, {others} of others not heard of");
        fleet.admin.delete(&key);
        if run.envoys == 1 {
            assert_eq!(others, 0, "{run:?}");
        }
        if (run.envoys, run.of) == (1, Of::Requests) {
            assert_eq!(all, run.amount, "{run:?}: one Envoy, to the request");
        }
    }
}
