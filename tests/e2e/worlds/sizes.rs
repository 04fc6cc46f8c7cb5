//! Tables of every size, and one whose keys come and go without end.
//!
//! `LATCHKEY_TABLE_KEYS=1000000` goes on to a million keys.

use std::time::Instant;

use envoy::{Stack, StackOptions};
use tests::churn;
use tests::made_keys::{MODEL, MadeKey};
use tests::measure::{percentile, rss_kib};
use tests::raw::post_chat_with;
use tests::stand_in::StandIn;
use tests::{chat, number, stat};

const SIZES: [usize; 6] = [0, 1, 1_000, 10_000, 100_000, 1_000_000];
/// Keys that are tried of each table, and as many that are not in it.
const TRIES: usize = 100;
/// Keys that come and go, and looks at the memory meanwhile.
const CYCLES: usize = 300_000;
const LOOKS: usize = 12;

/// W-07: in a table of any size every key is found and no other one.
#[test]
fn tables_of_every_size_are_read_right() {
    let largest = number("LATCHKEY_TABLE_KEYS", 100_000);
    let mut stack = Stack::prepare(StackOptions::default()).unwrap();
    let feed = StandIn::start(&stack.feed_url(), MadeKey::all(0..7));
    stack.start_envoy().unwrap();
    let pid = stack.envoy().unwrap().process().pid();
    for size in SIZES.into_iter().filter(|size| *size <= largest) {
        feed.replace(MadeKey::all(0..size));
        let records = stat(&stack, "wasmcustom.latchkey.records");
        assert_eq!(records, u64::try_from(size).unwrap());
        let mut took_ms = Vec::new();
        for turn in 0..TRIES {
            let inside = turn * 7_919 % size.max(1);
            for (key, expected) in [(inside, 200), (size + inside, 401)] {
                let key = MadeKey::of(key).value;
                let begin = Instant::now();
                let status = post_chat_with(&stack.envoy_url(), &key, &chat(MODEL)).status;
                took_ms.push(begin.elapsed().as_secs_f64() * 1000.0);
                assert_eq!(
                    status,
                    if size == 0 { 401 } else { expected },
                    "{size} keys"
                );
            }
        }
        println!(
            "{size} keys: {:.0} MiB resident, a request on a connection of its own p50 {:.1}, p99 {:.1} ms",
            rss_kib(pid) / 1024.0,
            percentile(&took_ms, 50),
            percentile(&took_ms, 99),
        );
    }
}

/// W-08: keys that come and go leave nothing behind. docs/performance.md has the curve of two
/// million of them.
#[test]
fn memory_stays_while_keys_come_and_go() {
    let stack = Stack::prepare(StackOptions::default()).unwrap();
    let curve = churn::run(stack, CYCLES, LOOKS);
    println!("{}", curve.text());
    curve.assert_flat();
}
