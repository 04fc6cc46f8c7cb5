//! The golden vectors: commented hexadecimal text beside the tests, named in FORMAT.md.
//!
//! Does not know what they mean. Invariant: a file that is not whole bytes of hexadecimal digits
//! fails the test that reads it.

use std::fs;
use std::path::PathBuf;

/// The bytes of `golden/<name>.hex`. `#` begins a comment; blanks and line ends mean nothing.
pub(crate) fn golden(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{name}.hex"));
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let digits: String = text
        .lines()
        .filter_map(|line| line.split('#').next())
        .flat_map(str::split_whitespace)
        .collect();
    assert!(
        digits.is_ascii() && digits.len().is_multiple_of(2),
        "{name}: half a byte"
    );
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
        .collect()
}
