//! Keys by number, and their records: the same number is always the same key.
//!
//! Does not serve them. Invariant: every record of a table has the same policy, so that which keys
//! the load takes makes no difference but that of the caches.

use keytable::{
    AccountId, AddressList, Axis, KeyHash, KeyId, Network, PresentedKey, Record, Scope, ScopeEntry,
    Status, api_key,
};

/// The model that every list allows.
pub(crate) const MODEL: &str = "model-099";

/// What the keys of a table may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Policy {
    /// Everything, from anywhere.
    All,
    /// Everything, from 50 networks; the client is in the last.
    AllFrom50Networks,
    /// 100 models; the last is the one that is asked for.
    Of100Models,
    /// 3 models, from 2 networks.
    Of3ModelsFrom2Networks,
}

/// The text of key `n`.
pub(crate) fn key(n: usize) -> String {
    let mut state = n as u64;
    let digits: Vec<u8> = (0..40)
        .map(|_| {
            let random = splitmix(&mut state);
            api_key::BASE62[usize::try_from(random % 62).unwrap()]
        })
        .collect();
    let mut text = b"sk-".to_vec();
    text.extend_from_slice(&digits);
    let sum = api_key::checksum(&text);
    text.extend_from_slice(&sum);
    String::from_utf8(text).unwrap()
}

/// The record of key `n`.
pub(crate) fn record(n: usize, policy: Policy) -> Record {
    let (networks, models) = match policy {
        Policy::All => (0, None),
        Policy::AllFrom50Networks => (50, None),
        Policy::Of100Models => (0, Some(100)),
        Policy::Of3ModelsFrom2Networks => (2, Some(3)),
    };
    Record {
        key_hash: KeyHash::of(&PresentedKey::parse(key(n).as_bytes()).unwrap()),
        key_id: KeyId::parse(&format!("ak-20260101-{n:016x}")).unwrap(),
        account: AccountId::parse("demo").unwrap(),
        status: Status::Enabled,
        expires_at_unix_ms: None,
        addresses: addresses(networks),
        scope: models.map_or(Scope::ALL, scope),
        limits: None,
        is_account_limited: false,
    }
}

/// So many networks; the client's own is the last.
fn addresses(count: usize) -> AddressList {
    let mut networks: Vec<Network> = (1..count)
        .map(|n| Network::parse(&format!("10.{n}.0.0/16")).unwrap())
        .collect();
    if count > 0 {
        networks.push(Network::parse("127.0.0.0/8").unwrap());
    }
    AddressList::new(networks).unwrap()
}

/// So many models; the one that is asked for is the last.
fn scope(count: usize) -> Scope {
    let models = (100 - count..100).map(|n| ScopeEntry::parse(&format!("model-{n:03}")).unwrap());
    Scope {
        models: Axis::Listed(models.collect()),
        services: Axis::Listed(Vec::new()),
    }
}

fn splitmix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
