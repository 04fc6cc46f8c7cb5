//! Keys with limits, of their own or of their account's: refused at the right point and in the right words,
//! settled once however a request ends, and never served by who cannot keep limits.
//!
//! The sidecar's part is played by hand. Invariant: what a cell says is what the requests of a test used.

use filter::cells;
use keytable::cell::{Ask, Cell};
use keytable::{
    AccountId, AccountRecord, Amount, ExpectedTokens, KeyId, LedgerFigure, Limit, LimitSubject,
    Record, RecordedLimit, RecordedLimits, Unit, Unmetered, UsageAnswer, UsageBatch, WhenApart,
    Window,
};

use crate::support::{Call, Exchange, Rig, list, record};

const KEEP: &str = r#""limits":"keep""#;
const JSON: &[(&str, &str)] = &[(":status", "200"), ("content-type", "application/json")];

pub(super) fn limit(unit: Unit, window: Window, amount: u64) -> RecordedLimit {
    RecordedLimit {
        limit: Limit {
            unit,
            window,
            amount: Amount::new(amount).unwrap(),
            expected: ExpectedTokens::new(10).unwrap(),
            when_apart: WhenApart::Serve,
            unmetered: Unmetered::Refuse,
        },
        resets: 0,
        start_unix_ms: 0,
        used: 0,
        full_until_unix_ms: None,
    }
}

/// Key `n` with these limits.
pub(super) fn limited(n: usize, limits: &[RecordedLimit]) -> Record {
    Record {
        limits: Some(RecordedLimits {
            subject: KeyId::parse(&format!("ak-{n}")).unwrap(),
            limits: limits.to_vec(),
        }),
        ..record(n)
    }
}

pub(super) fn requests(amount: u64) -> RecordedLimit {
    limit(Unit::Requests, Window::Lifetime, amount)
}

pub(super) fn tokens(amount: u64) -> RecordedLimit {
    limit(Unit::Tokens, Window::Lifetime, amount)
}

pub(super) fn keeping(records: &[Record]) -> Rig {
    Rig::configured(records, KEEP)
}

fn subject(n: usize) -> LimitSubject {
    LimitSubject::Key(KeyId::parse(&format!("ak-{n}")).unwrap())
}

/// What is settled and held of a subject's first counter.
fn figures(rig: &Rig, subject: &LimitSubject) -> (u64, u64) {
    let cells = rig.host.shared.cells.borrow();
    let Some((bytes, _)) = cells.get(&Cell::index_of(subject)) else {
        return (0, 0);
    };
    let cell = Cell::decode(bytes).unwrap();
    let mut entries = cell
        .entries()
        .iter()
        .filter(|entry| entry.subject == *subject);
    let counter = &entries.next().unwrap().counters[0];
    (counter.settled(), counter.held())
}

fn ask(rig: &Rig, n: usize) -> Exchange {
    rig.post().bearer(n).send(&[br#"{"model":"m"}"#])
}

/// A request whose answer states so many tokens.
fn use_tokens(rig: &Rig, n: usize, tokens: u64) {
    let mut exchange = ask(rig, n);
    let body = format!(
        r#"{{"usage":{{"prompt_tokens":1,"completion_tokens":{}}}}}"#,
        tokens - 1
    );
    exchange.answer(JSON, &[body.as_bytes()]);
}

fn refused(exchange: &Exchange, status: u16, code: &str) {
    assert_eq!(exchange.outcome(), (status, code.to_owned()));
    assert!(exchange.upstream.is_empty() && !exchange.is_forwarded);
}

fn header(exchange: &Exchange, name: &str) -> Option<String> {
    let replies = exchange.host.replies.borrow();
    let mut pairs = replies[0].pairs().filter(|(other, _)| *other == name);
    pairs.next().map(|(_, value)| value.to_owned())
}

#[test]
fn a_gate_that_keeps_no_limits_serves_no_limited_key() {
    let of_account = Record {
        is_account_limited: true,
        ..record(2)
    };
    let rig = Rig::with(&[limited(1, &[requests(10)]), of_account, record(3)]);
    for n in [1, 2] {
        let exchange = ask(&rig, n);
        refused(&exchange, 503, "limits_unavailable");
        assert_eq!(header(&exchange, "retry-after").as_deref(), Some("5"));
    }
    assert_eq!(ask(&rig, 3).status(), 200);
}

#[test]
fn requests_are_counted_and_the_one_beyond_is_refused() {
    let rig = keeping(&[limited(1, &[requests(3)]), record(2)]);
    for _ in 0..3 {
        assert_eq!(ask(&rig, 1).status(), 200);
    }
    let exchange = ask(&rig, 1);
    refused(&exchange, 429, "insufficient_quota");
    assert_eq!(
        header(&exchange, "x-should-retry").as_deref(),
        Some("false")
    );
    assert_eq!(header(&exchange, "retry-after"), None);
    assert_eq!(
        header(&exchange, "x-ratelimit-limit-requests").as_deref(),
        Some("3")
    );
    assert_eq!(
        header(&exchange, "x-ratelimit-remaining-requests").as_deref(),
        Some("0")
    );
    assert_eq!(header(&exchange, "x-ratelimit-reset-requests"), None);
    assert!(
        exchange.message().contains("3 requests in all"),
        "{}",
        exchange.message()
    );
    assert_eq!(figures(&rig, &subject(1)), (3, 0));
    assert_eq!(ask(&rig, 2).status(), 200);
}

#[test]
fn tokens_are_held_while_a_request_runs_and_charged_when_it_is_over() {
    let rig = keeping(&[limited(1, &[tokens(100)])]);
    let mut exchange = ask(&rig, 1);
    assert_eq!(figures(&rig, &subject(1)).1, 10);
    exchange.answer(
        JSON,
        &[br#"{"usage":{"prompt_tokens":40,"completion_tokens":25}}"#],
    );
    assert_eq!(figures(&rig, &subject(1)), (65, 0));
    use_tokens(&rig, 1, 40);
    let exchange = ask(&rig, 1);
    refused(&exchange, 429, "insufficient_quota");
    assert_eq!(
        header(&exchange, "x-ratelimit-limit-tokens").as_deref(),
        Some("100")
    );
    assert_eq!(figures(&rig, &subject(1)), (105, 0));
}

#[test]
fn what_runs_may_hold_all_that_is_left() {
    let rig = keeping(&[limited(1, &[tokens(10)])]);
    let mut running = ask(&rig, 1);
    let exchange = ask(&rig, 1);
    refused(&exchange, 429, "rate_limit_exceeded");
    assert_eq!(header(&exchange, "retry-after").as_deref(), Some("1"));
    running.answer(
        JSON,
        &[br#"{"usage":{"prompt_tokens":2,"completion_tokens":1}}"#],
    );
    assert_eq!(ask(&rig, 1).status(), 200);
}

#[test]
fn a_minute_tells_how_long_to_wait() {
    let rig = keeping(&[limited(1, &[limit(Unit::Requests, Window::Minute, 2)])]);
    assert_eq!(ask(&rig, 1).status(), 200);
    assert_eq!(ask(&rig, 1).status(), 200);
    let exchange = ask(&rig, 1);
    refused(&exchange, 429, "rate_limit_exceeded");
    assert_eq!(header(&exchange, "retry-after").as_deref(), Some("30"));
    assert_eq!(
        header(&exchange, "x-ratelimit-reset-requests").as_deref(),
        Some("30s")
    );
    rig.host.advance_ms(30_000);
    assert_eq!(ask(&rig, 1).status(), 200);
}

#[test]
fn answers_tell_how_limits_stand_where_the_gate_is_told_to() {
    let minute = limit(Unit::Requests, Window::Minute, 4);
    let limits = [requests(5), minute, tokens(1_000)];
    let told = |settings: &str, answer: &[(&str, &str)]| {
        let rig = Rig::configured(&[limited(1, &limits)], settings);
        let mut exchange = ask(&rig, 1);
        exchange.answer(answer, &[b"{}"]);
        let headers = exchange.host.response_headers.borrow();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let pairs = headers
            .iter()
            .map(|(name, value)| (text(name), text(value)));
        let mut pairs: Vec<_> = pairs
            .filter(|(name, _)| name.contains("ratelimit"))
            .collect();
        pairs.sort();
        pairs
    };
    assert_eq!(told(KEEP, JSON), []);
    let wanted = [
        ("x-ratelimit-limit-requests", "4"),
        ("x-ratelimit-limit-tokens", "1000"),
        ("x-ratelimit-remaining-requests", "3"),
        ("x-ratelimit-remaining-tokens", "990"),
        ("x-ratelimit-reset-requests", "0s"),
    ];
    let wanted = wanted.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let settings = r#""limits":"keep","limit_headers":true"#;
    assert_eq!(told(settings, JSON), wanted);
    // The provider's own are about another key than the client's.
    let theirs = [JSON, &[("x-ratelimit-remaining-tokens", "7")]].concat();
    assert_eq!(told(settings, &theirs), wanted);
}

#[test]
fn a_client_that_leaves_and_an_error_leave_nothing_held() {
    let rig = keeping(&[limited(1, &[tokens(1_000)])]);
    let mut left = ask(&rig, 1);
    left.end();
    assert_eq!(figures(&rig, &subject(1)).1, 0);
    let (before, _) = figures(&rig, &subject(1));
    let mut failed = ask(&rig, 1);
    failed.answer(
        &[(":status", "500"), ("content-type", "application/json")],
        &[b"{}"],
    );
    assert_eq!(figures(&rig, &subject(1)), (before, 0));
}

#[test]
fn a_request_that_is_out_of_scope_uses_nothing() {
    let listed = Record {
        scope: list(&["good-1"]),
        ..limited(1, &[requests(2)])
    };
    let rig = keeping(&[listed]);
    for _ in 0..5 {
        let exchange = rig.post().bearer(1).send(&[br#"{"model":"bad-1"}"#]);
        assert_eq!(exchange.status(), 403);
    }
    assert_eq!(figures(&rig, &subject(1)), (0, 0));
    for _ in 0..2 {
        let mut exchange = rig.post().bearer(1).send(&[br#"{"model":"good-1"}"#]);
        assert_eq!(exchange.status(), 200);
        exchange.answer(JSON, &[b"{}"]);
    }
    assert_eq!(figures(&rig, &subject(1)), (2, 0));
    let exchange = rig.post().bearer(1).send(&[br#"{"model":"good-1"}"#]);
    refused(&exchange, 429, "insufficient_quota");
}

fn of_account(limits: &[RecordedLimit]) -> AccountRecord {
    AccountRecord {
        account: AccountId::parse("demo").unwrap(),
        limits: limits.to_vec(),
    }
}

#[test]
fn an_account_s_limit_is_that_of_all_its_keys_and_a_refusal_takes_nothing_of_the_key_s() {
    let of = |n| Record {
        is_account_limited: true,
        ..limited(n, &[requests(10)])
    };
    let mut rig = keeping(&[of(1), of(2)]);
    refused(&ask(&rig, 1), 503, "limits_unavailable");
    rig.change(|sidecar| sidecar.put_account(&of_account(&[requests(3)])));
    for n in [1, 2, 1] {
        let mut exchange = ask(&rig, n);
        assert_eq!(exchange.status(), 200);
        exchange.answer(JSON, &[b"{}"]);
    }
    refused(&ask(&rig, 2), 429, "insufficient_quota");
    let account = LimitSubject::Account(AccountId::parse("demo").unwrap());
    assert_eq!(figures(&rig, &account), (3, 0));
    assert_eq!(figures(&rig, &subject(1)), (2, 0));
    assert_eq!(figures(&rig, &subject(2)), (1, 0));
    rig.change(|sidecar| sidecar.put_account(&of_account(&[requests(4)])));
    assert_eq!(ask(&rig, 2).status(), 200);
}

#[test]
fn what_is_told_outside_of_its_answer_is_refused_for_a_limit_of_tokens() {
    let mut charged = tokens(100);
    charged.limit.unmetered = Unmetered::Charge;
    let rig = keeping(&[
        limited(1, &[tokens(100)]),
        limited(2, &[charged]),
        limited(3, &[requests(5)]),
    ]);
    let batch = |n| rig.post().call("POST /v1/batches").bearer(n).send(&[b"{}"]);
    refused(&batch(1), 403, "endpoint_not_allowed");
    assert_eq!(batch(3).status(), 200);
    let mut exchange = batch(2);
    assert_eq!(exchange.status(), 200);
    exchange.answer(JSON, &[b"{}"]);
    assert_eq!(figures(&rig, &subject(2)), (10, 0));
}

#[test]
fn a_cell_that_cannot_be_read_or_written_is_a_refusal() {
    for call in [Call::Cell, Call::SetCell, Call::Monotonic] {
        let rig = keeping(&[limited(1, &[requests(5)])]);
        let exchange = rig.post().bearer(1);
        exchange.host.fail(call);
        let exchange = exchange.send_bodyless();
        let (status, code) = exchange.outcome();
        assert_eq!(status, 503, "{call:?} {code}");
        rig.host.heal();
        assert_eq!(figures(&rig, &subject(1)), (0, 0));
    }
}

#[test]
fn a_settlement_that_fails_is_done_at_the_tick() {
    let rig = keeping(&[limited(1, &[tokens(100)])]);
    let mut exchange = ask(&rig, 1);
    rig.host.fail(Call::SetCell);
    exchange.answer(
        JSON,
        &[br#"{"usage":{"prompt_tokens":4,"completion_tokens":1}}"#],
    );
    rig.host.heal();
    assert_eq!(figures(&rig, &subject(1)), (0, 10));
    rig.shared.limits.tell(&rig.host, 0);
    assert_eq!(figures(&rig, &subject(1)), (5, 0));
}

#[test]
fn a_key_with_a_limit_of_tokens_alone_has_its_answers_uncompressed() {
    let rig = keeping(&[limited(1, &[tokens(100)]), limited(2, &[requests(5)])]);
    let encoding = |n| {
        let exchange = rig.post().bearer(n).header("accept-encoding", "gzip");
        exchange
            .send(&[br#"{"model":"m"}"#])
            .seen("accept-encoding")
    };
    assert!(encoding(1).is_empty());
    assert_eq!(encoding(2), ["gzip"]);
}

#[test]
fn a_change_that_another_worker_was_faster_with_is_made_on_what_that_left() {
    let rig = keeping(&[]);
    let admit = |cell: &mut Cell, n| {
        let ask = Ask {
            gate: 1,
            now_unix_ms: 0,
            is_apart: false,
            body_bytes: 0,
            is_provisional: false,
        };
        cell.admit(&subject(n), &[requests(5)], &ask).unwrap();
        ((), true)
    };
    let mut is_slow = true;
    cells::change(&rig.host, 7, |cell| {
        if std::mem::take(&mut is_slow) {
            cells::change(&rig.host, 7, |cell| admit(cell, 1)).unwrap();
        }
        admit(cell, 2)
    })
    .unwrap();
    let cell = cells::read(&rig.host, 7).unwrap();
    let subjects: Vec<_> = cell
        .entries()
        .iter()
        .map(|entry| entry.subject.id())
        .collect();
    assert_eq!(subjects, ["ak-1", "ak-2"]);
}

/// What the agent has posted since, with their answers' figures.
fn post(rig: &mut Rig, figure: impl Fn(u64) -> Option<u64>) -> Option<UsageBatch> {
    let told = rig.host.shared.queue.take();
    told.iter()
        .for_each(|message| rig.agent.gather(&rig.host, message));
    rig.host.shared.posts.borrow_mut().clear();
    rig.agent.tick(&rig.host);
    let bytes = rig.host.shared.posts.borrow_mut().pop()?.1;
    let batch = UsageBatch::decode(&bytes).unwrap();
    let told = batch.charges.iter().enumerate().filter_map(|(at, charge)| {
        let figure = figure(charge.base + charge.charged)?;
        let charge = u32::try_from(at).unwrap();
        Some(LedgerFigure { charge, figure })
    });
    let answer = UsageAnswer {
        sequence: batch.sequence,
        ledger_unix_ms: 1_767_225_600_000,
        next_ms: 0,
        figures: told.collect(),
    };
    // The number that the host gives the first post.
    let token = 1_000_001;
    let body = answer.encode();
    rig.agent.answer(
        &rig.host,
        token,
        filter::follower::Answer::Http {
            status: 200,
            body: &body,
        },
    );
    Some(batch)
}

#[test]
fn what_was_used_is_charged_to_the_ledger_once_and_what_others_used_is_heard() {
    let mut rig = keeping(&[limited(1, &[tokens(1_000)])]);
    use_tokens(&rig, 1, 30);
    rig.shared.limits.tell(&rig.host, 5_000_000_000);
    let batch = post(&mut rig, |_| None).expect("charges are posted");
    let [charge] = batch.charges.as_slice() else {
        panic!("not one charge: {batch:?}");
    };
    assert_eq!((charge.charged, charge.held, charge.base), (30, 0, 0));
    use_tokens(&rig, 1, 5);
    rig.shared.limits.tell(&rig.host, 10_000_000_000);
    rig.host.advance_ms(2_000);
    let batch = post(&mut rig, |told| Some(told + 965)).expect("charges are posted");
    assert_eq!((batch.charges[0].charged, batch.charges[0].base), (5, 30));
    assert_eq!(figures(&rig, &subject(1)), (1_000, 0));
    refused(&ask(&rig, 1), 429, "insufficient_quota");
}

#[test]
fn a_gate_that_is_silent_is_given_up_and_what_it_held_is_charged() {
    let mut rig = keeping(&[limited(1, &[tokens(1_000)])]);
    let running = ask(&rig, 1);
    rig.shared.limits.tell(&rig.host, 5_000_000_000);
    post(&mut rig, |_| None).expect("charges are posted");
    for _ in 0..600 {
        rig.host.advance_ms(50);
        rig.agent.tick(&rig.host);
    }
    assert_eq!(figures(&rig, &subject(1)), (10, 0));
    // It lived after all: what it used above that is charged.
    let mut running = running;
    running.answer(
        JSON,
        &[br#"{"usage":{"prompt_tokens":20,"completion_tokens":5}}"#],
    );
    assert_eq!(figures(&rig, &subject(1)), (25, 0));
    use_tokens(&rig, 1, 3);
    assert_eq!(figures(&rig, &subject(1)), (28, 0));
}
