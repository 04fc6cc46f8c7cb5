//! The calls about what can be selected and what was used: regions, catalog, usage, advice.

use crate::api::knowledge::catalog::{CatalogImport, CatalogList, EntryAnswer};
use crate::api::knowledge::recommendations::RecommendationList;
use crate::api::knowledge::usage::{AccountUsageAnswer, InstallationUsageAnswer, UsageAnswer};
use crate::api::operations::keys::LABEL;
use crate::api::operations::{
    ACCOUNT, Access, CURSOR, IF_MATCH, LIMIT, Operation, Parameter, ParameterKind, nothing, of,
    shown,
};
use crate::domain::catalog::KINDS;
use crate::domain::identity::role::Capability::{Admin, KeysRead};
use crate::domain::usage::Period;

const PERIOD: Parameter = Parameter::query(
    "period",
    shown::<Period>(),
    "The width of a point; an hour if it is left out",
);
const FROM: Parameter = Parameter::query(
    "from",
    ParameterKind::Time,
    "The begin of the first point; 60 points before the end if it is left out",
);
const UNTIL: Parameter =
    Parameter::query("until", ParameterKind::Time, "The end of the last point");

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::new(
        ("GET", "/v1/catalog/{region}"),
        Access::Needs(KeysRead),
        "listCatalog",
        "Lists the models and services of a region, by name",
    )
    .parameters(&[
        Parameter::query("kind", ParameterKind::Choice(&KINDS), "Only of this kind"),
        LIMIT,
        CURSOR,
    ])
    .answers(&[(200, of::<CatalogList>)]),
    Operation::new(
        ("GET", "/v1/catalog/{region}/{name}"),
        Access::Needs(KeysRead),
        "getCatalogEntry",
        "Shows one model or service",
    )
    .answers(&[(200, of::<EntryAnswer>)]),
    Operation::new(
        ("PUT", "/v1/catalog/{region}/{name}"),
        Access::Operator(Admin),
        "setCatalogEntry",
        "Adds or changes a model or service",
    )
    .parameters(&[IF_MATCH])
    .body("NewCatalogEntry")
    .answers(&[(200, of::<EntryAnswer>)]),
    Operation::new(
        ("DELETE", "/v1/catalog/{region}/{name}"),
        Access::Operator(Admin),
        "removeCatalogEntry",
        "Removes a model or service; scopes that name it stay as they are",
    )
    .parameters(&[IF_MATCH])
    .answers(&[(204, nothing)]),
    Operation::new(
        ("POST", "/v1/catalog/{region}/import"),
        Access::Operator(Admin),
        "importCatalog",
        "Adds the models of an upstream: the body is the answer of its GET /v1/models",
    )
    .body("ModelList")
    .answers(&[(200, of::<CatalogImport>)]),
    Operation::new(
        ("GET", "/v1/usage"),
        Access::Needs(KeysRead),
        "getUsage",
        "Shows what the keys of an account were used for",
    )
    .parameters(&[ACCOUNT.required(), LABEL, PERIOD, FROM, UNTIL, LIMIT])
    .answers(&[(200, of::<AccountUsageAnswer>)]),
    Operation::new(
        ("GET", "/v1/usage/accounts"),
        Access::Operator(KeysRead),
        "getInstallationUsage",
        "Shows what the keys of all accounts were used for",
    )
    .parameters(&[PERIOD, FROM, UNTIL, LIMIT])
    .answers(&[(200, of::<InstallationUsageAnswer>)]),
    Operation::new(
        ("GET", "/v1/keys/{id}/usage"),
        Access::Needs(KeysRead),
        "getKeyUsage",
        "Shows what a key was used for",
    )
    .parameters(&[ACCOUNT, PERIOD, FROM, UNTIL, LIMIT])
    .answers(&[(200, of::<UsageAnswer>)]),
    Operation::new(
        ("GET", "/v1/recommendations"),
        Access::Needs(KeysRead),
        "listRecommendations",
        "Lists keys to narrow, renew or remove: why, in numbers, and by which call",
    )
    .parameters(&[ACCOUNT.required(), LIMIT, CURSOR])
    .answers(&[(200, of::<RecommendationList>)]),
];
