//! The corpus of the fuzz targets, replayed: what a fuzzer once found stays found.
//!
//! Does not search; `.ci/fuzz` does.

#![cfg(test)]

use std::fs;
use std::path::PathBuf;

#[path = "../../fuzz/src/lib.rs"]
#[expect(
    unreachable_pub,
    reason = "the fuzz crate's library, read here as a module"
)]
mod checks;

/// Every input of a target's corpus.
fn replay(target: &str, check: fn(&[u8])) {
    let corpus = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(target);
    let mut inputs = 0;
    for entry in fs::read_dir(corpus).unwrap() {
        let input = fs::read(entry.unwrap().path()).unwrap();
        println!("{target}: {}", input.escape_ascii());
        check(&input);
        inputs += 1;
    }
    assert!(inputs > 0, "{target} has no corpus");
}

#[test]
fn json() {
    replay("json", checks::json);
}

#[test]
fn form() {
    replay("form", checks::form);
}

#[test]
fn locator() {
    replay("locator", checks::locator);
}

#[test]
fn credential() {
    replay("credential", checks::credential);
}
