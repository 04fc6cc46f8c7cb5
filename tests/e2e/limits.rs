//! Limits in a real Envoy of two workers: refused at the right point, no false refusal, and never more used
//! than what is left and what runs.
//!
//! The sidecar's part is a stand-in without a ledger: one Envoy keeps its limits alone. Judge: the upstream's own
//! sums.

use std::sync::Mutex;
use std::thread;

use envoy::{Stack, StackOptions};
use keytable::{Amount, ExpectedTokens, Limit, RecordedLimit, Unit, Unmetered, WhenApart, Window};
use tests::chat;
use tests::counting_upstream::CountingUpstream;
use tests::made_keys::{MODEL, MadeKey};
use tests::raw::{Answer, post_chat_with};
use tests::stand_in::StandIn;

const CLIENTS: usize = 8;
/// More than any answer of the upstream states.
const TOKENS_OF_ONE_MAX: u64 = 8_000;
const REQUESTS: u64 = 200;
const TOKENS: u64 = 300_000;

fn limit(unit: Unit, amount: u64) -> RecordedLimit {
    RecordedLimit {
        limit: Limit {
            unit,
            window: Window::Lifetime,
            amount: Amount::new(amount).unwrap(),
            expected: ExpectedTokens::default(),
            when_apart: WhenApart::Serve,
            unmetered: Unmetered::Refuse,
        },
        resets: 0,
        start_unix_ms: 0,
        used: 0,
        full_until_unix_ms: None,
    }
}

/// A gate that keeps limits.
pub(super) fn keeping(options: StackOptions) -> StackOptions {
    options.keeping_limits()
}

fn start(options: StackOptions, keys: &[MadeKey]) -> (Stack, StandIn) {
    let mut stack = Stack::prepare(options).unwrap();
    let feed = StandIn::start(&stack.feed_url(), keys.iter().cloned());
    stack.start_envoy().unwrap();
    feed.wait_until_applied();
    (stack, feed)
}

fn ask(stack: &Stack, key: &MadeKey) -> Answer {
    post_chat_with(&stack.envoy_url(), &key.value, &chat(MODEL))
}

/// Asks from several clients at once until the key's limit is used up; how many were served.
fn use_up(stack: &Stack, key: &MadeKey) -> u64 {
    let served = Mutex::new(0);
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                loop {
                    let answer = ask(stack, key);
                    match answer.status {
                        200 => *served.lock().unwrap() += 1,
                        _ if answer.refusal().1 == "rate_limit_exceeded" => {}
                        _ => {
                            break assert_eq!(
                                answer.refusal(),
                                (429, "insufficient_quota".to_owned())
                            );
                        }
                    }
                }
            });
        }
    });
    served.into_inner().unwrap()
}

#[test]
fn a_limit_of_requests_is_kept_to_the_request_by_all_workers() {
    let key = MadeKey::limited(1, vec![limit(Unit::Requests, REQUESTS)]);
    let other = MadeKey::of(2);
    let upstream = CountingUpstream::start();
    let (stack, _feed) = start(keeping(upstream.behind()), &[key.clone(), other.clone()]);
    assert_eq!(use_up(&stack, &key), REQUESTS);
    let refused = ask(&stack, &key);
    assert!(
        refused.head.contains("x-should-retry: false"),
        "{}",
        refused.head
    );
    assert!(
        refused.head.contains("x-ratelimit-remaining-requests: 0"),
        "{}",
        refused.head
    );
    assert_eq!(ask(&stack, &other).status, 200);
}

#[test]
fn a_limit_of_tokens_is_used_up_and_not_exceeded_by_more_than_what_runs() {
    let key = MadeKey::limited(1, vec![limit(Unit::Tokens, TOKENS)]);
    let upstream = CountingUpstream::start();
    let (stack, _feed) = start(keeping(upstream.behind()), std::slice::from_ref(&key));
    use_up(&stack, &key);
    let [input, _, output, _] = upstream.sums();
    let used = input + output;
    let most = TOKENS + CLIENTS as u64 * TOKENS_OF_ONE_MAX;
    println!("{used} tokens of {TOKENS} were used; {most} are the bound");
    assert!((TOKENS..=most).contains(&used), "{used}");
}

#[test]
fn without_the_right_to_write_no_limited_key_is_served() {
    let key = MadeKey::limited(1, vec![limit(Unit::Requests, REQUESTS)]);
    let other = MadeKey::of(2);
    let upstream = CountingUpstream::start();
    let mut options = upstream.behind();
    options
        .gate_settings
        .insert("limits".to_owned(), "keep".into());
    let (stack, _feed) = start(options, &[key.clone(), other.clone()]);
    assert_eq!(
        ask(&stack, &key).refusal(),
        (503, "limits_unavailable".to_owned())
    );
    assert_eq!(ask(&stack, &other).status, 200);
}
