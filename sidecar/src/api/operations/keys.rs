//! The calls about keys, what they may call, what they were used for, and the Envoys.

use keytable::Status;

use crate::api::keys::answer::{Changed, Created, Deleted, KeyAnswer, Listed};
use crate::api::knowledge::envoys::Envoys;
use crate::api::operations::{
    ACCOUNT, Access, CURSOR, IDEMPOTENCY_KEY, IF_MATCH, LIMIT, Operation, Parameter, ParameterKind,
    nothing, of, shown,
};
use crate::domain::identity::role::Capability::{Admin, KeysDelete, KeysRead, KeysWrite};
use crate::domain::origin::Origin;
use crate::domain::region::RegionId;

pub(super) const WAIT: Parameter = Parameter::query(
    "wait",
    ParameterKind::Choice(&["applied", "none"]),
    "Whether to wait until every live Envoy has the change in force",
);
pub(super) const TIMEOUT_S: Parameter = Parameter::query(
    "timeout_s",
    ParameterKind::Number(0, 60),
    "How long to wait at most, in seconds",
);
pub(super) const ALLOW_UNLISTED: Parameter = Parameter::query(
    "allow_unlisted",
    ParameterKind::Switch,
    "Whether a scope may name what is not in the catalog",
);
pub(super) const LABEL: Parameter = Parameter::query(
    "label",
    ParameterKind::Text,
    "Only with this label, such as team=search",
);
const REGION: Parameter = Parameter::query("region", shown::<RegionId>(), "Only of this region");

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::new(
        ("GET", "/v1/keys"),
        Access::Needs(KeysRead),
        "listKeys",
        "Lists keys, masked",
    )
    .parameters(&[
        ACCOUNT.required(),
        REGION,
        Parameter::query("status", shown::<Status>(), "Only of this status"),
        Parameter::query(
            "origin",
            shown::<Origin>(),
            "Of this origin; standard keys if it is left out",
        ),
        Parameter::query("name", ParameterKind::Text, "Only of exactly this name"),
        Parameter::query("id", ParameterKind::Text, "Only with this id"),
        Parameter::query(
            "creator",
            ParameterKind::Text,
            "Only made by this actor, such as user:alice",
        ),
        LABEL,
        Parameter::query(
            "name_contains",
            ParameterKind::Text,
            "Only with this in the name",
        ),
        Parameter::query(
            "search",
            ParameterKind::Text,
            "Only with this in the name, the description, the id or the masked value; whose a whole \
             value is, POST /v1/keys/lookup says",
        ),
        Parameter::query(
            "unused_for_days",
            ParameterKind::Number(1, 3_650),
            "Only those that were not used for so many days",
        ),
        Parameter::query(
            "sort",
            ParameterKind::Choice(&[
                "-created_at",
                "created_at",
                "name",
                "-name",
                "last_used_at",
                "-last_used_at",
            ]),
            "In this order, `-` for backwards; the newest first if it is left out",
        ),
        LIMIT,
        CURSOR,
    ])
    .answers(&[(200, of::<Listed>)]),
    Operation::new(
        ("POST", "/v1/keys"),
        Access::Needs(KeysWrite),
        "createKey",
        "Makes a key; its value is in this answer",
    )
    .parameters(&[WAIT, TIMEOUT_S, ALLOW_UNLISTED, IDEMPOTENCY_KEY])
    .body("NewKey")
    .answers(&[(201, of::<Created<'static>>)]),
    Operation::new(
        ("GET", "/v1/keys/{id}"),
        Access::Needs(KeysRead),
        "getKey",
        "Shows a key, masked",
    )
    .parameters(&[ACCOUNT])
    .answers(&[(200, of::<KeyAnswer>)]),
    Operation::new(
        ("PATCH", "/v1/keys/{id}"),
        Access::Needs(KeysWrite),
        "editKey",
        "Changes a key's description, status, scope, addresses, expiry, labels or limits",
    )
    .parameters(&[ACCOUNT, WAIT, TIMEOUT_S, ALLOW_UNLISTED, IF_MATCH])
    .body("KeyEdit")
    .answers(&[(200, of::<Changed>)]),
    Operation::new(
        ("DELETE", "/v1/keys/{id}"),
        Access::Needs(KeysDelete),
        "deleteKey",
        "Deletes a key for good",
    )
    .parameters(&[
        Parameter::query("confirm", ParameterKind::Text, "The key's name").required(),
        ACCOUNT,
        WAIT,
        TIMEOUT_S,
        IF_MATCH,
    ])
    .answers(&[(200, of::<Deleted>)]),
    Operation::new(
        ("GET", "/v1/envoys"),
        Access::Needs(KeysRead),
        "listEnvoys",
        "Lists every Envoy: its region, what it has in force, whether it is in contact",
    )
    .answers(&[(200, of::<Envoys>)]),
    Operation::new(
        ("DELETE", "/v1/envoys/{instance}"),
        Access::Operator(Admin),
        "dismissEnvoy",
        "Says that a lost Envoy is gone for good, so that no change names it any more",
    )
    .parameters(&[Parameter::query("region", ParameterKind::Text, "Whose keys it had").required()])
    .answers(&[(204, nothing)]),
];
