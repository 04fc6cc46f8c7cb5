//! The calls about limits: how they stand, and new counters.

use crate::api::limits::answer::{LimitsAnswer, ResetAnswer};
use crate::api::operations::keys::{TIMEOUT_S, WAIT};
use crate::api::operations::{ACCOUNT, Access, Operation, of};
use crate::domain::identity::role::Capability::{Admin, KeysRead, KeysWrite};

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::new(
        ("GET", "/v1/keys/{id}/limits"),
        Access::Needs(KeysRead),
        "getKeyLimits",
        "Says how the limits of a key stand",
    )
    .parameters(&[ACCOUNT])
    .answers(&[(200, of::<LimitsAnswer>)]),
    Operation::new(
        ("POST", "/v1/keys/{id}/limits/reset"),
        Access::Needs(KeysWrite),
        "resetKeyLimits",
        "Begins new counters for the limits of a key: nothing of them is used then",
    )
    .parameters(&[ACCOUNT, WAIT, TIMEOUT_S])
    .answers(&[(200, of::<ResetAnswer>)]),
    Operation::new(
        ("GET", "/v1/accounts/{id}/limits"),
        Access::Needs(KeysRead),
        "getAccountLimits",
        "Says how the limits of an account stand",
    )
    .answers(&[(200, of::<LimitsAnswer>)]),
    Operation::new(
        ("POST", "/v1/accounts/{id}/limits/reset"),
        Access::Operator(Admin),
        "resetAccountLimits",
        "Begins new counters for the limits of an account: nothing of them is used then",
    )
    .parameters(&[WAIT, TIMEOUT_S])
    .answers(&[(200, of::<ResetAnswer>)]),
];
