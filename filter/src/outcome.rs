//! What became of a request, in one word: for response code details, counters and logs.
//!
//! Finer than what the client learns. Does not decide. Invariant: the words are a contract with
//! dashboards and alerts; each stands here once.

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Outcome {
    /// It was passed on.
    Allowed,
    /// No credential.
    NoKey,
    /// A credential that is no API key.
    MalformedKey,
    /// Several credentials.
    ConflictingKeys,
    /// A key that is not in the table.
    UnknownKey,
    /// The key is switched off.
    Disabled,
    /// The key has expired.
    Expired,
    /// The client's address is not on the key's list.
    Address,
    /// A resource is not in scope.
    Scope,
    /// The endpoint cannot be judged for a list-scoped key.
    Endpoint,
    /// The request is malformed or ambiguous.
    Body,
    /// The body is encoded.
    BodyEncoding,
    /// The body is of another type than the endpoint takes.
    BodyType,
    /// Too much body before it names a resource.
    BodySize,
    /// Too much is held back for this key, or altogether.
    Busy,
    /// The upstream's list cannot be cut down.
    List,
    /// No table has arrived yet.
    NoTable,
    /// The sidecar was not heard for too long.
    LeaseOver,
    /// A slot is damaged, or Envoy failed a call.
    TableDamaged,
    /// The key's limits, or its account's, cannot be judged.
    LimitsUnavailable,
    /// A limit is used up.
    Quota,
    /// Nothing is left of a limit for the moment.
    RateLimit,
}

/// Each outcome, its word, and its response code details.
const WORDS: [(Outcome, &str, &str); 22] = [
    (Outcome::Allowed, "allowed", "latchkey_allowed"),
    (Outcome::NoKey, "no_key", "latchkey_no_key"),
    (
        Outcome::MalformedKey,
        "malformed_key",
        "latchkey_malformed_key",
    ),
    (
        Outcome::ConflictingKeys,
        "conflicting_keys",
        "latchkey_conflicting_keys",
    ),
    (Outcome::UnknownKey, "unknown_key", "latchkey_unknown_key"),
    (Outcome::Disabled, "disabled", "latchkey_disabled"),
    (Outcome::Expired, "expired", "latchkey_expired"),
    (Outcome::Address, "address", "latchkey_address"),
    (Outcome::Scope, "scope", "latchkey_scope"),
    (Outcome::Endpoint, "endpoint", "latchkey_endpoint"),
    (Outcome::Body, "body", "latchkey_body"),
    (
        Outcome::BodyEncoding,
        "body_encoding",
        "latchkey_body_encoding",
    ),
    (Outcome::BodyType, "body_type", "latchkey_body_type"),
    (Outcome::BodySize, "body_size", "latchkey_body_size"),
    (Outcome::Busy, "busy", "latchkey_busy"),
    (Outcome::List, "list", "latchkey_list"),
    (Outcome::NoTable, "no_table", "latchkey_no_table"),
    (Outcome::LeaseOver, "lease_over", "latchkey_lease_over"),
    (
        Outcome::TableDamaged,
        "table_damaged",
        "latchkey_table_damaged",
    ),
    (
        Outcome::LimitsUnavailable,
        "limits_unavailable",
        "latchkey_limits_unavailable",
    ),
    (Outcome::Quota, "quota", "latchkey_quota"),
    (Outcome::RateLimit, "rate_limit", "latchkey_rate_limit"),
];

#[allow(clippy::indexing_slicing, reason = "the compiler evaluates it")]
const _: () = {
    let mut at = 0;
    while at < WORDS.len() {
        assert!(
            WORDS[at].0 as usize == at,
            "the words stand in the order of the outcomes"
        );
        at += 1;
    }
};

impl Outcome {
    /// How many outcomes there are.
    pub const COUNT: usize = WORDS.len();

    /// Every outcome, in the order of their numbers.
    pub fn all() -> impl Iterator<Item = Self> {
        WORDS.iter().map(|(outcome, _, _)| *outcome)
    }

    /// Its word: the last part of its counter's name.
    pub fn word(self) -> &'static str {
        WORDS.get(self as usize).map_or("", |(_, word, _)| word)
    }

    /// Its `%RESPONSE_CODE_DETAILS%`.
    pub fn details(self) -> &'static str {
        WORDS
            .get(self as usize)
            .map_or("", |(_, _, details)| details)
    }
}
