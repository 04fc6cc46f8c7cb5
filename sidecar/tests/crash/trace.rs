//! What the tracer has written: which thread has made how many calls.
//!
//! Invariant: a call that began is counted once, whether its end was seen or not.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Calls by thread and name.
pub(crate) type Calls = BTreeMap<String, usize>;

/// The calls that a trace tells of.
pub(crate) fn calls(trace: &Path) -> Calls {
    let text = fs::read_to_string(trace).unwrap_or_default();
    let mut calls = Calls::new();
    for (thread, rest) in text.lines().filter_map(|line| line.split_once(' ')) {
        let name = rest.trim_start().split('(').next().unwrap_or_default();
        if name.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            *calls.entry(format!("{thread} {name}")).or_default() += 1;
        }
    }
    calls
}

/// The threads, with the names of their calls, that have made further ones since.
pub(crate) fn busy_since(before: &Calls, after: &Calls) -> Vec<String> {
    let more = after
        .iter()
        .filter(|(who, count)| before.get(*who) != Some(count));
    more.map(|(who, _)| who.clone()).collect()
}

/// The most calls that anybody but `who` has made.
pub(crate) fn most_of_others(calls: &Calls, who: &str) -> usize {
    let others = calls.iter().filter(|(other, _)| *other != who);
    others.map(|(_, count)| *count).max().unwrap_or(0)
}
