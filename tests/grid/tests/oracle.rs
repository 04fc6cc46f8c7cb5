//! Every cell of the grid against an oracle that was written from the design, not from the code.
//!
//! Does not call keytable to judge: only the denial's type is borrowed. Invariant: the oracle is
//! plain enough to be checked by reading.

#![cfg(test)]

use std::collections::BTreeMap;

use grid::{AddressCase, Cell, Expiry, NOW_UNIX_MS, Outcome, cells};
use keytable::{Denial, Status, scope::AxisKind};

/// Status, then expiry, then address, then scope: the first failing check is the answer.
fn expected(cell: &Cell) -> Outcome {
    if cell.policy.status == Status::Disabled {
        return Err(Denial::Disabled);
    }
    match cell.policy.expiry {
        Expiry::Never | Expiry::Ahead => {}
        Expiry::Now => {
            return Err(Denial::Expired {
                at_unix_ms: NOW_UNIX_MS,
            });
        }
        Expiry::Past => {
            return Err(Denial::Expired {
                at_unix_ms: NOW_UNIX_MS - 1,
            });
        }
    }
    if !address_is_allowed(cell.policy.address) {
        return Err(Denial::AddressNotAllowed);
    }
    expected_of_scope(cell)
}

/// Said case by case; nothing is computed.
fn address_is_allowed(case: AddressCase) -> bool {
    match case {
        AddressCase::NoList => true,
        AddressCase::NoListUnreadable => true,
        AddressCase::V4Inside => true,
        AddressCase::V4Outside => false,
        AddressCase::V4Mapped => true,
        AddressCase::V4Compatible => false,
        AddressCase::V4AllForV6 => false,
        AddressCase::V6Inside => true,
        AddressCase::V6Outside => false,
        AddressCase::V6AllForV4 => false,
        AddressCase::V6AllForMapped => false,
        AddressCase::MixedInside => true,
        AddressCase::MixedOutside => false,
        AddressCase::Unreadable => false,
    }
}

fn expected_of_scope(cell: &Cell) -> Outcome {
    let models = cell.policy.models.model_entries();
    let services = cell.policy.services.service_entries();
    if models.is_none() && services.is_none() {
        return Ok(());
    }
    let names = match cell.resources.names() {
        None | Some([]) => return Err(Denial::EndpointNotAllowed),
        Some(names) => names,
    };
    for (index, name) in names.iter().enumerate() {
        let is_service = name.starts_with(b"ep-") || name.starts_with(b"@");
        let (list, axis) = if is_service {
            (services, AxisKind::Services)
        } else {
            (models, AxisKind::Models)
        };
        if !list_allows(list, name) {
            return Err(Denial::OutOfScope { index, axis });
        }
    }
    Ok(())
}

/// No list allows everything; a list what an entry allows.
fn list_allows(list: Option<&[&str]>, name: &[u8]) -> bool {
    let Some(entries) = list else { return true };
    let Ok(name) = str::from_utf8(name) else {
        return false;
    };
    entries.iter().any(|entry| match entry.strip_suffix('*') {
        None => *entry == name,
        Some(prefix) => name
            .strip_prefix(prefix)
            .is_some_and(|rest| is_plain(name, rest)),
    })
}

fn is_plain(name: &str, rest: &str) -> bool {
    let plain = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.:/@+";
    !rest.is_empty()
        && rest.chars().all(|c| plain.contains(c))
        && !name.contains("..")
        && !name.contains("//")
}

#[test]
fn every_cell_has_the_outcome_that_the_oracle_expects() {
    let mut counts = BTreeMap::new();
    for cell in cells() {
        let outcome = cell
            .outcome()
            .expect("every policy of the grid has a record");
        assert_eq!(outcome, expected(&cell), "{cell:?}");
        *counts.entry(kind_of(outcome)).or_insert(0u32) += 1;
    }
    let total: u32 = counts.values().sum();
    println!("{total} cells agree: {counts:?}");
    assert_eq!(total, 2 * 4 * 14 * 36 * 26);
    assert_eq!(counts.len(), 6, "an outcome that no cell has");
}

fn kind_of(outcome: Outcome) -> &'static str {
    match outcome {
        Ok(()) => "permit",
        Err(Denial::Disabled) => "disabled",
        Err(Denial::Expired { .. }) => "expired",
        Err(Denial::AddressNotAllowed) => "address",
        Err(Denial::OutOfScope { .. }) => "out of scope",
        Err(Denial::EndpointNotAllowed) => "endpoint",
    }
}

#[test]
fn no_cell_appears_twice() {
    let mut seen: Vec<_> = cells().map(|cell| format!("{cell:?}")).collect();
    let total = seen.len();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), total);
}
