//! When there is advice, on which numbers, and that its remedy fits what was used.

use keytable::{AccountId, KeyHash, KeyId};

use super::*;
use crate::domain::key::Policy;
use crate::domain::name::KeyName;
use crate::domain::region::RegionId;

const NOW: UnixMillis = UnixMillis::new(1_800_000_000_000);

fn ago(days: u64) -> UnixMillis {
    UnixMillis::new(NOW.get() - days * DAY_MS)
}

/// A key of today that was used just now and gives no cause for advice.
fn key() -> Key {
    Key {
        id: KeyId::parse("ak-1").unwrap(),
        account: AccountId::parse("demo").unwrap(),
        region: RegionId::parse("local").unwrap(),
        origin: Origin::Standard,
        name: KeyName::parse("a key").unwrap(),
        team: None,
        policy: Policy {
            description: Default::default(),
            status: Status::Enabled,
            scope: Scope::ALL,
            addresses: AddressList::default(),
            expires_at: None,
            labels: Default::default(),
        },
        hash: KeyHash::from_bytes([1; 32]),
        masked: "sk-ab***wxyz".into(),
        key_version: 1,
        creator: "user:alice".into(),
        created_at: ago(1),
        updated_at: ago(1),
        value_set_at: ago(1),
        last_used_at: Some(NOW),
        predecessor: None,
        successor: None,
        recoverable: false,
        revision: 1,
        subject: KeyId::parse("ak-1").unwrap(),
        limits: Default::default(),
    }
}

fn used() -> Observed {
    Observed {
        requests: 500,
        first_used_at: Some(ago(20)),
        resources: Some(vec!["glm-5.1".into(), "ep-chat".into()]),
        addresses: Some(vec![
            "10.0.0.1".parse().unwrap(),
            "2001:db8::7".parse().unwrap(),
        ]),
    }
}

fn kinds(key: &Key, observed: &Observed) -> Vec<RecommendationKind> {
    let advice = recommend(key, observed, NOW);
    advice.into_iter().map(|advice| advice.kind).collect()
}

#[test]
fn a_key_in_use_needs_no_advice() {
    assert_eq!(kinds(&key(), &Observed::default()), []);
}

#[test]
fn keys_that_nobody_uses_are_found() {
    let idle = Key {
        last_used_at: Some(ago(31)),
        ..key()
    };
    let [advice] = &recommend(&idle, &Observed::default(), NOW)[..] else {
        panic!("not one");
    };
    assert_eq!(
        (advice.kind, &advice.remedy),
        (RecommendationKind::Idle, &Remedy::Disable)
    );
    assert_eq!(advice.numbers, [("days", 31)]);
    let never = Key {
        last_used_at: None,
        created_at: ago(8),
        ..key()
    };
    assert_eq!(
        kinds(&never, &Observed::default()),
        [RecommendationKind::NeverUsed]
    );
    let new = Key {
        last_used_at: None,
        ..key()
    };
    assert_eq!(kinds(&new, &Observed::default()), []);
}

#[test]
fn old_values_are_found_and_plan_keys_are_reset() {
    let old = Key {
        value_set_at: ago(91),
        ..key()
    };
    assert_eq!(
        recommend(&old, &Observed::default(), NOW)[0].remedy,
        Remedy::Rotate
    );
    let plan = Key {
        origin: Origin::TokenPlan,
        ..old.clone()
    };
    assert_eq!(
        recommend(&plan, &Observed::default(), NOW)[0].remedy,
        Remedy::Reset
    );
    let retiring = Key {
        successor: Some(KeyId::parse("ak-2").unwrap()),
        ..old
    };
    assert_eq!(kinds(&retiring, &Observed::default()), []);
}

#[test]
fn wide_keys_that_do_little_get_the_policy_that_fits() {
    let advice = recommend(&key(), &used(), NOW);
    let Remedy::LimitScope(scope) = &advice[0].remedy else {
        panic!("{advice:?}");
    };
    assert_eq!(
        scope.models.entries(),
        [ScopeEntry::Exact("glm-5.1".into())]
    );
    assert_eq!(
        scope.services.entries(),
        [ScopeEntry::Exact("ep-chat".into())]
    );
    let Remedy::LimitAddresses(list) = &advice[1].remedy else {
        panic!("{advice:?}");
    };
    assert_eq!(list.networks().len(), 2);
}

#[test]
fn usage_that_is_little_new_or_not_wholly_known_gives_no_advice() {
    let little = Observed {
        requests: 99,
        ..used()
    };
    let new = Observed {
        first_used_at: Some(ago(6)),
        ..used()
    };
    let unknown = Observed {
        resources: None,
        addresses: None,
        ..used()
    };
    let many = Observed {
        resources: Some((0..6).map(|n| format!("m-{n}")).collect()),
        addresses: Some(vec!["10.0.0.1".parse().unwrap(); 6]),
        ..used()
    };
    for observed in [little, new, unknown, many] {
        assert_eq!(kinds(&key(), &observed), [], "{observed:?}");
    }
}

#[test]
fn keys_that_are_off_for_long_could_go_and_get_no_other_advice() {
    let mut off = Key {
        updated_at: ago(31),
        value_set_at: ago(200),
        ..key()
    };
    off.policy.status = Status::Disabled;
    assert_eq!(kinds(&off, &used()), [RecommendationKind::DisabledForLong]);
    off.updated_at = ago(3);
    assert_eq!(kinds(&off, &used()), []);
    let mut expired = key();
    expired.policy.expires_at = Some(ago(40));
    assert_eq!(
        kinds(&expired, &used()),
        [RecommendationKind::ExpiredForLong]
    );
    expired.policy.expires_at = Some(ago(4));
    assert_eq!(kinds(&expired, &used()), []);
}
