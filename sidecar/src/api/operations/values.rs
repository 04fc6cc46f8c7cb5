//! The calls about values of keys: import, reveal, rotation, reset; and the check.

use crate::api::keys::answer::{Changed, Created, KeyAnswer, Revealed, RotatedAnswer};
use crate::api::keys::check::Verdict;
use crate::api::operations::keys::{ALLOW_UNLISTED, TIMEOUT_S, WAIT};
use crate::api::operations::{
    ACCOUNT, Access, IDEMPOTENCY_KEY, IF_MATCH, Operation, Parameter, ParameterKind, of,
};
use crate::domain::identity::role::Capability::{KeysRead, KeysReveal, KeysWrite};

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::new(
        ("POST", "/v1/keys/import"),
        Access::Needs(KeysWrite),
        "importKey",
        "Takes over a value that was made elsewhere",
    )
    .parameters(&[WAIT, TIMEOUT_S, ALLOW_UNLISTED, IDEMPOTENCY_KEY])
    .body("ImportedKey")
    .answers(&[(201, of::<Changed>)]),
    Operation::new(
        ("POST", "/v1/keys/lookup"),
        Access::Needs(KeysRead),
        "lookUpKey",
        "Finds the key that has a value; the answer is masked, and every attempt is in the audit",
    )
    .body("KeyLookup")
    .answers(&[(200, of::<KeyAnswer>)]),
    Operation::new(
        ("POST", "/v1/keys/{id}/reveal"),
        Access::Needs(KeysReveal),
        "revealKey",
        "Shows the value of a key; a person has to prove their identity first",
    )
    .parameters(&[
        Parameter::query(
            "confirm",
            ParameterKind::Text,
            "The key's name, to be sure which key it is",
        ),
        ACCOUNT,
    ])
    .answers(&[(200, of::<Revealed<'static>>)]),
    Operation::new(
        ("POST", "/v1/keys/{id}/rotate"),
        Access::Needs(KeysWrite),
        "rotateKey",
        "Makes a successor; the key itself goes on until its grace is over",
    )
    .parameters(&[ACCOUNT, WAIT, TIMEOUT_S, IF_MATCH, IDEMPOTENCY_KEY])
    .maybe_body("Rotation")
    .answers(&[(201, of::<RotatedAnswer<'static>>)]),
    Operation::new(
        ("POST", "/v1/keys/{id}/end-grace"),
        Access::Needs(KeysWrite),
        "endGrace",
        "Ends the grace of a key that has a successor",
    )
    .parameters(&[ACCOUNT, WAIT, TIMEOUT_S, IF_MATCH])
    .answers(&[(200, of::<Changed>)]),
    Operation::new(
        ("POST", "/v1/keys/{id}/reset"),
        Access::Needs(KeysWrite),
        "resetKey",
        "Gives a plan key a new value; the old one is dead at once",
    )
    .parameters(&[ACCOUNT, WAIT, TIMEOUT_S, IF_MATCH, IDEMPOTENCY_KEY])
    .answers(&[(200, of::<Created<'static>>)]),
    Operation::new(
        ("POST", "/v1/keys/{id}/check"),
        Access::Needs(KeysRead),
        "checkKey",
        "Says what the gate would say to a request with this key",
    )
    .parameters(&[ACCOUNT])
    .body("Check")
    .answers(&[(200, of::<Verdict>)]),
];
