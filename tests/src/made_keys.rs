//! Keys by number, with their records: the same number is always the same key.
//!
//! Does not serve them. Invariant: no two numbers make the same key.

use std::ops::Range;

use keytable::{
    AccountId, AddressList, Axis, KeyHash, KeyId, Network, PresentedKey, Record, RecordedLimit,
    RecordedLimits, Scope, ScopeEntry, Status, api_key,
};

/// The model that every such key may call.
pub const MODEL: &str = "glm-5.1";

/// A key for one model and one network, as most are; the client is in the network.
#[derive(Clone, Debug)]
pub struct MadeKey {
    /// What a client presents.
    pub value: String,
    /// Its hash.
    pub hash: [u8; KeyHash::BYTES],
    /// Its record, encoded.
    pub record: Vec<u8>,
}

impl MadeKey {
    /// The key with this number.
    pub fn of(number: usize) -> Self {
        Self::limited(number, Vec::new())
    }

    /// The key with this number, with these limits of its own.
    pub fn limited(number: usize, limits: Vec<RecordedLimit>) -> Self {
        let key_id = KeyId::parse(&format!("ak-20260101-{number:016x}")).unwrap();
        let value = value_of(number);
        let key_hash = KeyHash::of(&PresentedKey::parse(value.as_bytes()).unwrap());
        let record = Record {
            key_hash,
            key_id: key_id.clone(),
            account: AccountId::parse("demo").unwrap(),
            status: Status::Enabled,
            expires_at_unix_ms: None,
            addresses: AddressList::new(vec![Network::parse("127.0.0.0/8").unwrap()]).unwrap(),
            scope: Scope {
                models: Axis::Listed(vec![ScopeEntry::parse(MODEL).unwrap()]),
                services: Axis::Listed(Vec::new()),
            },
            limits: (!limits.is_empty()).then_some(RecordedLimits {
                subject: key_id,
                limits,
            }),
            is_account_limited: false,
        };
        Self {
            value,
            hash: *key_hash.as_bytes(),
            record: record.encode().unwrap(),
        }
    }

    /// The keys with these numbers.
    pub fn all(numbers: Range<usize>) -> impl Iterator<Item = Self> {
        numbers.map(Self::of)
    }
}

fn value_of(number: usize) -> String {
    let mut state = number as u64;
    let mut draw = || api_key::BASE62[usize::try_from(splitmix(&mut state) % 62).unwrap()];
    let mut text = b"sk-".to_vec();
    text.extend((0..40).map(|_| draw()));
    let sum = api_key::checksum(&text);
    text.extend_from_slice(&sum);
    String::from_utf8(text).unwrap()
}

fn splitmix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
