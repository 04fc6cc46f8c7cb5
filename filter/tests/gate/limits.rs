//! Keys with limits, of their own or of their account's.
//!
//! Invariant: a gate that cannot judge a limit serves no key that has it.

use keytable::{
    Amount, ExpectedTokens, KeyId, Limit, Record, RecordedLimit, RecordedLimits, Unit, Unmetered,
    WhenApart, Window,
};

use crate::support::{Rig, record};

/// Key `n` with a lifetime's limit that nothing was used of.
fn limited(n: usize) -> Record {
    let limit = Limit {
        unit: Unit::Requests,
        window: Window::Lifetime,
        amount: Amount::new(10).unwrap(),
        expected: ExpectedTokens::default(),
        when_apart: WhenApart::Serve,
        unmetered: Unmetered::Refuse,
    };
    let recorded = RecordedLimit {
        limit,
        resets: 0,
        start_unix_ms: 0,
        used: 0,
        full_until_unix_ms: None,
    };
    Record {
        limits: Some(RecordedLimits {
            subject: KeyId::parse("ak-1").unwrap(),
            limits: vec![recorded],
        }),
        ..record(n)
    }
}

#[test]
fn a_limit_that_cannot_be_judged_is_a_refusal() {
    let of_account = Record {
        limits: None,
        is_account_limited: true,
        ..limited(2)
    };
    let rig = Rig::with(&[limited(1), of_account, record(3)]);
    for n in [1, 2] {
        let exchange = rig.post().bearer(n).send_bodyless();
        assert_eq!(exchange.outcome(), (503, "limits_unavailable".to_owned()));
        assert!(exchange.upstream.is_empty() && !exchange.is_forwarded);
        let reply = &exchange.host.replies.borrow()[0];
        assert!(reply.headers.contains(&("retry-after", "5")));
    }
    assert_eq!(rig.post().bearer(3).send_bodyless().status(), 200);
}
