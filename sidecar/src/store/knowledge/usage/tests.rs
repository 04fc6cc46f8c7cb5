//! Usage: counted once, told by any period, forgotten in time, bounded whatever a key calls.

use keytable::{TokenCounts, Tokens, UsageBatch, UsageRow};

use super::batch::{ROWS_AT_ONCE, count_part};
use super::*;
use crate::domain::clock::UnixMillis;
use crate::domain::usage::Period;
use crate::store::tests::fixture::{self, NOW, Scratch, account, act, add, add_all, target};

const DAY_MS: u64 = 86_400_000;

fn row(key: &str, resource: &str, outcome: UsageOutcome, count: u64) -> UsageRow {
    UsageRow {
        key_id: KeyId::parse(key).unwrap(),
        resource: resource.into(),
        outcome,
        count,
        tokens: Tokens::default(),
        last_at_unix_ms: NOW.get(),
        last_address: Some("192.0.2.7".parse().unwrap()),
    }
}

fn batch(sequence: u64, rows: Vec<UsageRow>) -> UsageBatch {
    UsageBatch {
        source: [7; 16],
        sequence,
        rows,
        charges: Vec::new(),
    }
}

fn day(now: UnixMillis) -> Interval {
    Interval::new(Period::Day, None, None, now).unwrap()
}

fn total(store: &Store, now: UnixMillis) -> u64 {
    let subject = Subject::Account(account());
    let points = store.usage_series(&subject, &day(now)).unwrap();
    points.iter().map(|point| point.count).sum()
}

#[test]
fn a_batch_is_counted_once() {
    let scratch = Scratch::new();
    let store = scratch.open();
    add(&store, 1, "local");
    let rows = vec![
        row("ak-1", "glm-5.1", UsageOutcome::Permitted, 10),
        row("ak-1", "glm-5.1", UsageOutcome::Permitted, 5),
        row("ak-1", "gpt", UsageOutcome::OutOfScope, 2),
        row("ak-unknown", "glm-5.1", UsageOutcome::Permitted, 99),
    ];
    let first = batch(1, rows);
    store.count_usage(&first, NOW).unwrap();
    store.count_usage(&first, NOW).unwrap();
    assert_eq!(total(&store, NOW), 17);
    store
        .count_usage(&batch(2, first.rows.clone()), NOW)
        .unwrap();
    assert_eq!(total(&store, NOW), 34);
    let other = UsageBatch {
        source: [8; 16],
        ..first
    };
    store.count_usage(&other, NOW).unwrap();
    assert_eq!(total(&store, NOW), 51);
}

#[test]
fn a_batch_whose_counting_was_interrupted_is_gone_on_with() {
    let scratch = Scratch::new();
    let store = scratch.open();
    add(&store, 1, "local");
    let rows = vec![row("ak-1", "glm-5.1", UsageOutcome::Permitted, 1); 3 * ROWS_AT_ONCE + 1];
    let long = batch(1, rows);
    assert!(
        store
            .write(|connection| count_part(connection, &long, NOW))
            .unwrap()
            .has_more
    );
    assert_eq!(total(&store, NOW), ROWS_AT_ONCE as u64);
    store.count_usage(&long, NOW).unwrap();
    store.count_usage(&long, NOW).unwrap();
    assert_eq!(total(&store, NOW), long.rows.len() as u64);
}

#[test]
fn a_use_is_noted_in_the_key_without_a_change_of_it() {
    let scratch = Scratch::new();
    let store = scratch.open();
    add(&store, 1, "local");
    let generation = store.generation().unwrap();
    let refused = vec![row("ak-1", "gpt", UsageOutcome::OutOfScope, 1)];
    store.count_usage(&batch(1, refused), NOW).unwrap();
    assert_eq!(store.get(&target(1)).unwrap().last_used_at, None);
    let used = vec![row("ak-1", "glm-5.1", UsageOutcome::Permitted, 1)];
    store.count_usage(&batch(2, used), NOW).unwrap();
    let key = store.get(&target(1)).unwrap();
    assert_eq!((key.last_used_at, key.revision), (Some(NOW), 1));
    assert_eq!(store.generation().unwrap(), generation);
}

#[test]
fn usage_is_told_by_time_by_resource_and_by_key_also_of_deleted_ones() {
    let scratch = Scratch::new();
    let store = scratch.open();
    add_all(&store, 1..=2);
    let rows = vec![
        row("ak-1", "glm-5.1", UsageOutcome::Permitted, 10),
        row("ak-2", "glm-5.1", UsageOutcome::Disabled, 3),
        row("ak-2", "", UsageOutcome::Permitted, 4),
    ];
    store.count_usage(&batch(1, rows), NOW).unwrap();
    store.delete(&target(2), Some("a key"), &act()).unwrap();
    let subject = Subject::Account(account());
    for period in Period::ALL {
        let interval = Interval::new(period, None, None, NOW).unwrap();
        let points = store.usage_series(&subject, &interval).unwrap();
        let of = |outcome, count| UsagePoint {
            start_s: period.start_s(NOW),
            outcome,
            count,
            tokens: Tokens::default(),
        };
        assert_eq!(
            points,
            [
                of(UsageOutcome::Permitted, 14),
                of(UsageOutcome::Disabled, 3)
            ]
        );
    }
    let keys = store.usage_by_key(&subject, &day(NOW), 10).unwrap();
    let shares: Vec<_> = keys
        .iter()
        .map(|share| (share.of.as_str(), share.permitted, share.refused))
        .collect();
    assert_eq!(shares, [("ak-1", 10, 0), ("ak-2", 4, 3)]);
    assert!(
        keys.iter()
            .all(|share| share.name.as_deref() == Some("a key"))
    );
    let one = Subject::Key(KeyId::parse("ak-1").unwrap());
    let resources = store.usage_by_resource(&one, &day(NOW), 10).unwrap();
    assert_eq!((resources.len(), resources[0].of.as_str()), (1, "glm-5.1"));
}

#[test]
fn points_are_forgotten_when_their_time_is_over() {
    let scratch = Scratch::new();
    let store = scratch.open();
    add(&store, 1, "local");
    let used = || vec![row("ak-1", "glm-5.1", UsageOutcome::Permitted, 1)];
    store.count_usage(&batch(1, used()), NOW).unwrap();
    let later = UnixMillis::new(NOW.get() + 45 * DAY_MS);
    store.count_usage(&batch(2, used()), later).unwrap();
    let kept = [60, 3_600, 86_400].map(|period_s| {
        let points = format!("SELECT count(*) FROM usage WHERE period_s = {period_s}");
        fixture::number(&store, &points)
    });
    assert_eq!(kept, [1, 1, 2]);
    let batches = fixture::number(&store, "SELECT count(*) FROM usage_batches");
    assert_eq!(batches, 1);
}

#[test]
fn a_key_makes_a_bounded_number_of_rows_whatever_it_calls() {
    let scratch = Scratch::new();
    let store = scratch.open();
    add(&store, 1, "local");
    let rows = (0..300).map(|number| UsageRow {
        last_address: Some(std::net::Ipv4Addr::from(0x0a00_0000 + number).into()),
        ..row(
            "ak-1",
            &format!("model-{number}"),
            UsageOutcome::Permitted,
            1,
        )
    });
    store.count_usage(&batch(1, rows.collect()), NOW).unwrap();
    let one = Subject::Key(KeyId::parse("ak-1").unwrap());
    let resources = store.usage_by_resource(&one, &day(NOW), 1_000).unwrap();
    assert_eq!(resources.len(), 101);
    assert_eq!(
        (resources[0].of.as_str(), resources[0].permitted),
        ("(others)", 200)
    );
    let addresses = fixture::number(&store, "SELECT count(*) FROM usage_addresses");
    assert_eq!(addresses, 50);
}

#[test]
fn clocks_of_envoys_do_not_bend_time() {
    let scratch = Scratch::new();
    let store = scratch.open();
    add(&store, 1, "local");
    for (sequence, at) in [(1, 0), (2, u64::MAX), (3, NOW.get() - 400 * DAY_MS)] {
        let odd = UsageRow {
            last_at_unix_ms: at,
            count: u64::MAX,
            ..row("ak-1", "glm-5.1", UsageOutcome::Permitted, 1)
        };
        store.count_usage(&batch(sequence, vec![odd]), NOW).unwrap();
    }
    assert_eq!(total(&store, NOW), 3 << 40);
    assert_eq!(store.get(&target(1)).unwrap().last_used_at, Some(NOW));
}

#[test]
fn usage_of_a_label_is_that_of_the_keys_that_have_it() {
    let scratch = Scratch::new();
    let store = scratch.open();
    for number in 1..=3 {
        add(&store, number, "local");
    }
    let label = r#"UPDATE keys SET labels = '{"env":"prod","team":"search"}' WHERE id <> 'ak-2'"#;
    fixture::run(&store, label).unwrap();
    let rows = (1..=3)
        .map(|number| {
            row(
                &format!("ak-{number}"),
                "glm",
                UsageOutcome::Permitted,
                number,
            )
        })
        .collect();
    store.count_usage(&batch(1, rows), NOW).unwrap();
    let of = |pair: &str| Subject::Labelled(account(), Labels::parse_pair(pair).unwrap());
    let sum = |subject: &Subject| -> u64 {
        let points = store.usage_series(subject, &day(NOW)).unwrap();
        points.iter().map(|point| point.count).sum()
    };
    assert_eq!(sum(&of("team=search")), 4);
    assert_eq!(sum(&of("team=ads")), 0);
    let keys = store.usage_by_key(&of("env=prod"), &day(NOW), 1).unwrap();
    assert_eq!((keys.len(), keys[0].of.as_str()), (1, "ak-3"));
    let resources = store.usage_by_resource(&of("env=prod"), &day(NOW), 9);
    assert_eq!(resources.unwrap()[0].permitted, 4);
}

fn tokens(reported: u64, estimated: u64) -> Tokens {
    let counts = |input| TokenCounts {
        input,
        cached: input / 2,
        output: 2 * input,
        reasoning: input,
    };
    Tokens {
        reported: counts(reported),
        estimated: counts(estimated),
    }
}

#[test]
fn tokens_are_added_up_by_key_resource_and_time_also_without_requests() {
    let scratch = Scratch::new();
    let store = scratch.open();
    add_all(&store, 1..=2);
    let used = |key, count, tokens| UsageRow {
        tokens,
        ..row(key, "glm-5.1", UsageOutcome::Permitted, count)
    };
    let rows = vec![
        used("ak-1", 3, tokens(100, 0)),
        used("ak-2", 1, tokens(8, 4)),
    ];
    store.count_usage(&batch(1, rows), NOW).unwrap();
    // Its request was counted before.
    let later = vec![used("ak-1", 0, tokens(10, 2))];
    store.count_usage(&batch(2, later.clone()), NOW).unwrap();
    store.count_usage(&batch(2, later), NOW).unwrap();
    let subject = Subject::Account(account());
    let keys = store.usage_by_key(&subject, &day(NOW), 10).unwrap();
    let shares: Vec<_> = keys
        .iter()
        .map(|share| (share.of.as_str(), share.tokens))
        .collect();
    assert_eq!(shares, [("ak-1", tokens(110, 2)), ("ak-2", tokens(8, 4))]);
    let resources = store.usage_by_resource(&subject, &day(NOW), 10).unwrap();
    assert_eq!(resources[0].tokens, tokens(118, 6));
    for period in Period::ALL {
        let interval = Interval::new(period, None, None, NOW).unwrap();
        let points = store.usage_series(&subject, &interval).unwrap();
        assert_eq!((points[0].count, points[0].tokens), (4, tokens(118, 6)));
    }
}
