//! The usage batch: its golden vector, and that damage and nonsense are refused.
//!
//! Does not count requests. Invariant: a batch is read whole or not at all.

#![cfg(test)]

#[path = "support/golden.rs"]
mod golden_file;
#[path = "support/random.rs"]
mod random;

use keytable::limits::{SCOPE_ENTRY_BYTES_MAX, USAGE_BYTES_MAX, USAGE_ROWS_MAX};
use keytable::{
    AccountId, Charge, CounterId, Denial, FormatVersion, KeyId, LedgerFigure, LimitSubject,
    TokenCounts, Tokens, Unit, UsageAnswer, UsageBatch, UsageError, UsageOutcome, UsageRow,
    WindowKind,
};
use proptest::prelude::*;

use golden_file::golden;
use random::Random;

fn row(id: &str, outcome: UsageOutcome, count: u64, resource: &str) -> UsageRow {
    UsageRow {
        key_id: KeyId::parse(id).unwrap(),
        resource: resource.into(),
        outcome,
        count,
        tokens: Tokens::default(),
        last_at_unix_ms: 0,
        last_address: None,
    }
}

fn counts(input: u64, cached: u64, output: u64, reasoning: u64) -> TokenCounts {
    TokenCounts {
        input,
        cached,
        output,
        reasoning,
    }
}

fn example() -> UsageBatch {
    let id = "ak-20261123-9f2c51d0a7b34e18";
    let permitted = UsageRow {
        last_at_unix_ms: 1_798_761_600_000,
        last_address: Some("192.0.2.7".parse().unwrap()),
        tokens: Tokens {
            reported: counts(12_000, 4_000, 800, 100),
            estimated: counts(5, 0, 2, 0),
        },
        ..row(id, UsageOutcome::Permitted, 1_200, "glm-5.1")
    };
    let out_of_scope = UsageRow {
        last_at_unix_ms: 1_798_761_600_001,
        last_address: Some("2001:db8::7".parse().unwrap()),
        ..row(id, UsageOutcome::OutOfScope, 3, "模型-1")
    };
    UsageBatch {
        source: [
            0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x0f, 0x1e, 0x2d, 0x3c, 0x4b, 0x5a,
            0x69, 0x78,
        ],
        sequence: 9,
        rows: vec![
            permitted,
            out_of_scope,
            row("ak-3", UsageOutcome::Disabled, 1, ""),
        ],
        charges: vec![of_a_key(), of_an_account()],
    }
}

/// Tokens of a key in a month.
fn of_a_key() -> Charge {
    Charge {
        counter: CounterId {
            subject: LimitSubject::Key(KeyId::parse("ak-1").unwrap()),
            unit: Unit::Tokens,
            window: WindowKind::Month,
            start_unix_ms: 1_794_672_000_000,
            resets: 1,
        },
        charged: 1_500,
        held: 800,
        base: 1_000_000,
    }
}

/// Requests of an account in its lifetime.
fn of_an_account() -> Charge {
    Charge {
        counter: CounterId {
            subject: LimitSubject::Account(AccountId::parse("demo").unwrap()),
            unit: Unit::Requests,
            window: WindowKind::Lifetime,
            start_unix_ms: 0,
            resets: 0,
        },
        charged: 2,
        held: 0,
        base: 7,
    }
}

fn answer() -> UsageAnswer {
    UsageAnswer {
        sequence: 9,
        ledger_unix_ms: 1_798_761_600_500,
        next_ms: 1_000,
        figures: vec![LedgerFigure {
            charge: 1,
            figure: 12,
        }],
    }
}

/// `bytes` with the right checksum in the last four.
fn resealed(mut bytes: Vec<u8>) -> Vec<u8> {
    let body = bytes.len() - 4;
    let sum = crc32fast::hash(&bytes[..body]);
    bytes[body..].copy_from_slice(&sum.to_le_bytes());
    bytes
}

/// The golden batch with its length at offset 8 and its checksum made right.
fn with_right_length(mut bytes: Vec<u8>) -> Vec<u8> {
    let length = u32::try_from(bytes.len()).unwrap().to_le_bytes();
    bytes[8..12].copy_from_slice(&length);
    resealed(bytes)
}

fn error(bytes: &[u8]) -> Option<UsageError> {
    UsageBatch::decode(bytes).err()
}

#[test]
fn version_one_tells_the_same_without_tokens() {
    let bytes = golden("v1-usage");
    let mut untold = example();
    let of_tokens_alone = UsageRow {
        count: 0,
        ..untold.rows[0].clone()
    };
    untold
        .rows
        .iter_mut()
        .for_each(|row| row.tokens = Tokens::default());
    untold.charges.clear();
    assert_eq!(UsageBatch::decode(&bytes), Ok(untold));
    let mut told = example();
    told.rows.push(of_tokens_alone);
    assert_eq!(told.encode_as(FormatVersion::OLDEST), bytes);
    assert_eq!(UsageBatch::decode(&told.encode()), Ok(told));
}

#[test]
fn the_golden_batch_decodes_and_encodes_to_the_same_bytes() {
    let bytes = golden("v3-usage");
    assert_eq!(UsageBatch::decode(&bytes), Ok(example()));
    assert_eq!(example().encode(), bytes);
    let empty = UsageBatch {
        rows: Vec::new(),
        ..example()
    };
    assert_eq!(UsageBatch::decode(&empty.encode()), Ok(empty));
}

#[test]
fn damage_is_refused() {
    let bytes = golden("v3-usage");
    for end in 0..bytes.len() {
        assert!(error(&bytes[..end]).is_some(), "cut at {end}");
        if end >= 12 {
            assert!(error(&with_right_length(bytes[..end].to_vec())).is_some());
        }
    }
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(error(&flipped).is_some(), "bit {bit}");
    }
    let longer = [bytes.as_slice(), &[0]].concat();
    assert_eq!(error(&longer), Some(UsageError::Length));
    assert_eq!(error(&with_right_length(longer)), Some(UsageError::Length));
    assert_eq!(
        error(&vec![0; USAGE_BYTES_MAX + 1]),
        Some(UsageError::TooLarge)
    );
}

#[test]
fn nonsense_with_a_right_checksum_is_refused() {
    let first_row = 40;
    let id_at = first_row + 21;
    let resource_at = id_at + 28 + 4;
    let cases: [(usize, &[u8], UsageError); 11] = [
        (0, b"LKF1", UsageError::Magic),
        (4, &[4, 0], UsageError::Version(4)),
        (6, &[1], UsageError::Value),
        (36, &[2], UsageError::Length),
        (36, &[4], UsageError::Length),
        (36, &[0xff, 0xff, 0, 0], UsageError::Value),
        (first_row, &[0], UsageError::Value),
        (first_row, &[9], UsageError::Value),
        (first_row + 1, &[5], UsageError::Value),
        (first_row + 4, &[0; 8], UsageError::Value),
        (id_at, b"AK", UsageError::Value),
    ];
    for (at, new, wanted) in cases {
        let mut bytes = golden("v1-usage");
        bytes[at..at + new.len()].copy_from_slice(new);
        assert_eq!(error(&resealed(bytes)), Some(wanted), "{at} {new:?}");
    }
    let mut bytes = golden("v1-usage");
    bytes[resource_at] = 0xff;
    assert_eq!(error(&resealed(bytes)), Some(UsageError::Value));
}

#[test]
fn nonsense_in_tokens_is_refused() {
    // The last row tells none: one byte before the checksum.
    let bytes = golden("v2-usage");
    let at = bytes.len() - 5;
    for (told, wanted) in [
        (4, UsageError::Value),
        (1, UsageError::Length),
        (3, UsageError::Length),
    ] {
        let mut bytes = bytes.clone();
        bytes[at] = told;
        assert_eq!(error(&resealed(bytes)), Some(wanted), "{told}");
    }
    // Tokens that are all 0 are not told.
    let mut zeros = bytes.clone();
    zeros[at] = 1;
    zeros.splice(at + 1..at + 1, [0; 32]);
    assert_eq!(error(&with_right_length(zeros)), Some(UsageError::Value));
}

#[test]
fn rows_beyond_the_limits_are_refused() {
    let long = "m".repeat(SCOPE_ENTRY_BYTES_MAX);
    let fits = UsageBatch {
        rows: vec![row("ak-1", UsageOutcome::Cut, u64::MAX, &long)],
        ..example()
    };
    assert_eq!(UsageBatch::decode(&fits.encode()), Ok(fits));
    let mut mapped = example();
    mapped.rows[1].last_address = Some("::ffff:192.0.2.7".parse().unwrap());
    let too_long = row("ak-1", UsageOutcome::Cut, 1, &format!("{long}m"));
    let too_many = vec![row("ak-1", UsageOutcome::Cut, 1, ""); USAGE_ROWS_MAX + 1];
    for rows in [vec![too_long], too_many, mapped.rows] {
        let batch = UsageBatch { rows, ..example() };
        assert_eq!(error(&batch.encode()), Some(UsageError::Value));
    }
}

#[test]
fn each_denial_has_an_outcome_and_each_outcome_a_code() {
    for (code, outcome) in (1..).zip(UsageOutcome::ALL) {
        assert_eq!(
            (outcome.code(), UsageOutcome::from_code(code)),
            (code, Some(outcome))
        );
    }
    assert_eq!(
        (UsageOutcome::from_code(0), UsageOutcome::from_code(9)),
        (None, None)
    );
    let expired = Denial::Expired { at_unix_ms: 1 };
    assert_eq!(UsageOutcome::of_denial(&expired), UsageOutcome::Expired);
    assert_eq!(
        UsageOutcome::of_denial(&Denial::Disabled),
        UsageOutcome::Disabled
    );
}

#[test]
fn random_bytes_are_refused_and_nothing_panics() {
    let mut random = Random::seeded("usage");
    let whole = golden("v3-usage");
    for _ in 0..200_000 {
        let mut bytes = whole.clone();
        for _ in 0..=random.below(4) {
            let at = usize::try_from(random.below(bytes.len() as u64)).unwrap();
            bytes[at] = random.next().to_le_bytes()[0];
        }
        let bytes = if random.below(2) == 0 {
            resealed(bytes)
        } else {
            with_right_length(bytes)
        };
        if let Ok(batch) = UsageBatch::decode(&bytes) {
            let format = FormatVersion::known(u16::from_le_bytes([bytes[4], bytes[5]])).unwrap();
            assert_eq!(batch.encode_as(format), bytes);
        }
    }
}

#[test]
fn version_two_tells_the_same_without_charges() {
    let bytes = golden("v2-usage");
    let uncharged = UsageBatch {
        charges: Vec::new(),
        ..example()
    };
    assert_eq!(UsageBatch::decode(&bytes), Ok(uncharged));
    let two = FormatVersion::known(2).unwrap();
    assert_eq!(example().encode_as(two), bytes);
}

#[test]
fn charges_that_make_no_sense_are_refused() {
    let whole = golden("v3-usage");
    // Behind 269 bytes of version 2 without their checksum, the number of charges.
    let first = 269;
    let cases: [(usize, &[u8], UsageError); 9] = [
        (first - 4, &[1], UsageError::Length),
        (first - 4, &[3], UsageError::Length),
        (first - 4, &[0x11, 0x27], UsageError::Value),
        (first, &[3], UsageError::Value),
        (first + 1, &[0], UsageError::Value),
        (first + 2, &[1], UsageError::Value),
        (first + 2, &[4], UsageError::Value),
        (first + 3, &[255], UsageError::Length),
        (first + 4, b"A", UsageError::Value),
    ];
    for (at, value, wanted) in cases {
        let mut bytes = whole.clone();
        bytes[at..at + value.len()].copy_from_slice(value);
        assert_eq!(error(&resealed(bytes)), Some(wanted), "{at} {value:?}");
    }
}

#[test]
fn an_answer_is_read_whole_or_not_at_all() {
    let bytes = golden("v3-usage-answer");
    assert_eq!(UsageAnswer::decode(&bytes), Ok(answer()));
    assert_eq!(answer().encode(), bytes);
    for cut in 0..bytes.len() {
        assert!(UsageAnswer::decode(&bytes[..cut]).is_err());
    }
    for at in 0..bytes.len() {
        let mut flipped = bytes.clone();
        flipped[at] ^= 1;
        assert!(UsageAnswer::decode(&flipped).is_err(), "{at}");
    }
    let mut twice = answer();
    twice.figures.push(twice.figures[0]);
    assert_eq!(UsageAnswer::decode(&twice.encode()), Err(UsageError::Value));
    let mut more = bytes;
    more[32] = 2;
    assert_eq!(
        UsageAnswer::decode(&resealed(more)),
        Err(UsageError::Length)
    );
}

fn any_charge() -> impl Strategy<Value = Charge> {
    let of = (any::<bool>(), any::<bool>(), 1usize..4, any::<u64>());
    (of, any::<u32>(), any::<[u64; 3]>()).prop_map(
        |((key, tokens, window, start), resets, [charged, held, base])| {
            let window = WindowKind::ALL[window];
            let start_unix_ms = if window == WindowKind::Lifetime {
                0
            } else {
                start
            };
            let mut charge = if key { of_a_key() } else { of_an_account() };
            charge.counter.unit = Unit::ALL[usize::from(tokens)];
            charge.counter.window = window;
            charge.counter.start_unix_ms = start_unix_ms;
            charge.counter.resets = resets;
            Charge {
                charged,
                held,
                base,
                ..charge
            }
        },
    )
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        source: [u8; 16],
        sequence: u64,
        rows in proptest::collection::vec(any_row(), 0..20),
        charges in proptest::collection::vec(any_charge(), 0..20),
    ) {
        let batch = UsageBatch { source, sequence, rows, charges };
        prop_assert_eq!(UsageBatch::decode(&batch.encode()), Ok(batch));
    }
}

fn any_row() -> impl Strategy<Value = UsageRow> {
    let address = prop_oneof![
        Just(None),
        any::<[u8; 4]>().prop_map(|octets| Some(octets.into())),
        any::<[u8; 14]>().prop_map(|rest| {
            let mut octets = [0x20; 16];
            octets[2..].copy_from_slice(&rest);
            Some(octets.into())
        }),
    ];
    let parts = (
        "[a-z0-9][a-z0-9._-]{0,63}",
        ".{0,64}",
        0..8usize,
        1u64..,
        any::<u64>(),
        address,
    );
    parts.prop_map(
        |(id, resource, outcome, count, last_at_unix_ms, last_address)| UsageRow {
            key_id: KeyId::parse(&id).unwrap(),
            resource,
            outcome: UsageOutcome::ALL[outcome],
            count,
            tokens: Tokens::default(),
            last_at_unix_ms,
            last_address,
        },
    )
}
