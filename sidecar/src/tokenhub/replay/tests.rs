//! Repeated requests: at once, later, as another action, and when there are very many.

use super::*;

const NOW_S: u64 = 1_800_000_000;

fn arrival(number: u32, action: Action, after_ms: u64) -> SignedRequest<'static> {
    let mut fingerprint = [0; 32];
    fingerprint[..4].copy_from_slice(&number.to_be_bytes());
    SignedRequest {
        secret_id: "AKID",
        fingerprint,
        action,
        signed_s: NOW_S,
        now_ms: NOW_S * 1000 + after_ms,
    }
}

#[test]
fn a_request_serves_once() {
    let memory = ReplayCache::default();
    for after_ms in [0, 0, 1, 999, 1_001, 299_000] {
        let outcome = memory.remember(&arrival(1, Action::DeleteApiKey, after_ms));
        let first = after_ms == 0 && memory.0.lock().unwrap()["AKID"].seen.len() == 1;
        assert!(first || outcome == Err(Replay::Repeated), "{after_ms}");
    }
    assert_eq!(
        memory.remember(&arrival(1, Action::DeleteApiKey, 0)),
        Err(Replay::Repeated)
    );
    assert_eq!(
        memory.remember(&arrival(2, Action::DeleteApiKey, 0)),
        Ok(())
    );
}

#[test]
fn another_access_key_has_a_memory_of_its_own() {
    let memory = ReplayCache::default();
    let one = arrival(1, Action::CreateApiKey, 0);
    let other = SignedRequest {
        secret_id: "AKIDother",
        ..one
    };
    assert_eq!(
        (memory.remember(&one), memory.remember(&other)),
        (Ok(()), Ok(()))
    );
}

#[test]
fn equal_calls_of_different_actions_pass_within_their_second_only() {
    let memory = ReplayCache::default();
    let show = Action::DescribeTokenPlanApiKey;
    let delete = Action::DeleteTokenPlanApiKey;
    assert_eq!(memory.remember(&arrival(1, show, 0)), Ok(()));
    assert_eq!(memory.remember(&arrival(1, delete, 1_000)), Ok(()));
    assert_eq!(
        memory.remember(&arrival(1, delete, 1_000)),
        Err(Replay::Repeated)
    );
    assert_eq!(memory.remember(&arrival(2, show, 0)), Ok(()));
    assert_eq!(
        memory.remember(&arrival(2, delete, 1_001)),
        Err(Replay::Repeated)
    );
}

#[test]
fn what_is_too_old_to_be_accepted_is_forgotten_and_nothing_else() {
    let memory = ReplayCache::default();
    let count = || {
        memory
            .0
            .lock()
            .unwrap()
            .get("AKID")
            .map_or(0, |shelf| shelf.seen.len())
    };
    for number in 0..2_000 {
        memory
            .remember(&arrival(number, Action::CreateApiKey, 0))
            .unwrap();
    }
    let age_ms = SKEW_S * 1000;
    memory
        .remember(&arrival(2_000, Action::CreateApiKey, age_ms))
        .unwrap();
    let repeated = memory.remember(&arrival(7, Action::CreateApiKey, age_ms));
    assert_eq!((repeated, count()), (Err(Replay::Repeated), 2_001));
    let stranger = SignedRequest {
        secret_id: "AKIDother",
        ..arrival(0, Action::CreateApiKey, age_ms + 2_000)
    };
    memory.remember(&stranger).unwrap();
    assert_eq!(count(), 0);
}

#[test]
fn a_full_memory_refuses() {
    let memory = ReplayCache::default();
    let outcomes =
        (0..200_000).map(|number| memory.remember(&arrival(number, Action::CreateApiKey, 0)));
    assert_eq!(outcomes.filter(Result::is_ok).count(), REQUESTS_MAX);
    assert_eq!(
        memory.remember(&arrival(1, Action::CreateApiKey, 0)),
        Err(Replay::Repeated)
    );
}
