//! What may be done to a key that has a successor.

use super::*;

const AT: UnixMillis = UnixMillis::new(1_000_000);

fn policy(models: &[&str], networks: &[&str]) -> Policy {
    let entries = models.iter().map(|text| ScopeEntry::parse(text).unwrap());
    let networks = networks.iter().map(|text| Network::parse(text).unwrap());
    Policy {
        description: Default::default(),
        status: Status::Enabled,
        scope: Scope {
            models: Axis::Listed(entries.collect()),
            services: Axis::All,
        },
        addresses: AddressList::new(networks.collect()).unwrap(),
        expires_at: Some(AT),
        labels: Default::default(),
    }
}

#[test]
fn grace_ends_in_time_and_never_after_the_expiry() {
    let hour = Grace::of_seconds(3600).unwrap();
    assert_eq!(hour.end(AT, None).get(), 1_000_000 + 3_600_000);
    assert_eq!(
        hour.end(AT, Some(UnixMillis::new(1_000_001))).get(),
        1_000_001
    );
    assert_eq!(Grace::NONE.end(AT, None), AT);
    assert!(Grace::of_seconds(30 * 86_400).is_ok());
    assert_eq!(Grace::of_seconds(30 * 86_400 + 1), Err(GraceError));
}

#[test]
fn status_and_expiry_only_narrow() {
    let wide = policy(&[], &[]);
    let disabled = Policy {
        status: Status::Disabled,
        ..wide.clone()
    };
    assert!(is_within(&disabled, &wide) && !is_within(&wide, &disabled));
    let sooner = Policy {
        expires_at: Some(UnixMillis::new(999_999)),
        ..wide.clone()
    };
    let never = Policy {
        expires_at: None,
        ..wide.clone()
    };
    assert!(is_within(&sooner, &wide) && !is_within(&wide, &sooner));
    assert!(is_within(&wide, &never) && !is_within(&never, &wide));
}

#[test]
fn scopes_only_narrow() {
    let wide = policy(&["glm-5.1", "deepseek-*"], &[]);
    for models in [
        &[][..],
        &["glm-5.1"],
        &["deepseek-v3", "deepseek-*"],
        &["deepseek-v*"],
    ] {
        assert!(is_within(&policy(models, &[]), &wide), "{models:?}");
    }
    for models in [
        &["glm-5.2"][..],
        &["glm-*"],
        &["deepseek*"],
        &["deepseek-"],
        &["deepseek-a,*"],
    ] {
        assert!(!is_within(&policy(models, &[]), &wide), "{models:?}");
    }
    let mut all = wide.clone();
    all.scope.models = Axis::All;
    assert!(is_within(&wide, &all) && !is_within(&all, &wide));
}

#[test]
fn address_lists_only_narrow() {
    let wide = policy(&[], &["10.0.0.0/8", "2001:db8::/32"]);
    for networks in [&["10.1.0.0/16"][..], &["10.0.0.0/8", "2001:db8::7"]] {
        assert!(is_within(&policy(&[], networks), &wide), "{networks:?}");
    }
    for networks in [
        &[][..],
        &["10.0.0.0/7"],
        &["11.0.0.1"],
        &["::/0"],
        &["10.1.2.3", "1.1.1.1"],
    ] {
        assert!(!is_within(&policy(&[], networks), &wide), "{networks:?}");
    }
    let anywhere = policy(&[], &[]);
    assert!(is_within(&wide, &anywhere));
}
