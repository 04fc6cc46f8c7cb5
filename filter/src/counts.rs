//! What a worker counts for monitoring, and how it reaches the agent, which alone may write metrics.
//!
//! A worker that could write the counters could write the agent's gauges too: Proxy-Wasm grants the
//! call, not the metric. Does not know keys or resources (that is `gate::tally`).
//!
//! Invariant: a message is read only whole, and adds to each counter what was counted since the last.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::mem;

use crate::outcome::Outcome;

const MAGIC: &[u8; 4] = b"LKC1";
/// Counters that there always are.
const FIXED: usize = Outcome::COUNT + 3;

/// A metric that only rises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counter<'a> {
    /// Requests that came to this end.
    Requests(Outcome),
    /// Running requests that were cut.
    StreamsCut,
    /// Requests whose usage could not be kept.
    UsageLost,
    /// Requests that the upstream refused after their streams were asked to state what they use.
    QuestionsRefused,
    /// How often somebody else was found to have written the table. The agent counts it itself.
    TableAltered,
    /// Request headers that were removed, under a word of a bounded set.
    HeadersRemoved(&'a str),
}

/// The counts of one worker since they were last taken.
#[derive(Debug, Default)]
pub struct Counts {
    fixed: [Cell<u64>; FIXED],
    headers_removed: RefCell<BTreeMap<String, u64>>,
}

impl Counter<'static> {
    /// Every counter that there always is, in the order of a message.
    pub fn fixed() -> impl Iterator<Item = Self> {
        let requests = Outcome::all().map(Self::Requests);
        requests.chain([Self::StreamsCut, Self::UsageLost, Self::QuestionsRefused])
    }
}

impl Counter<'_> {
    /// Its place among those that there always are.
    pub const fn index(self) -> Option<usize> {
        match self {
            Self::Requests(outcome) => Some(outcome as usize),
            Self::StreamsCut => Some(Outcome::COUNT),
            Self::UsageLost => Some(Outcome::COUNT + 1),
            Self::QuestionsRefused => Some(Outcome::COUNT + 2),
            Self::TableAltered | Self::HeadersRemoved(_) => None,
        }
    }

    /// Its name in Envoy.
    pub fn name(self) -> String {
        match self {
            Self::Requests(outcome) => format!("latchkey.requests.{}", outcome.word()),
            Self::StreamsCut => "latchkey.streams_cut".to_owned(),
            Self::UsageLost => "latchkey.usage_lost".to_owned(),
            Self::QuestionsRefused => "latchkey.stream_usage_refused".to_owned(),
            Self::TableAltered => "latchkey.table_altered".to_owned(),
            Self::HeadersRemoved(word) => format!("latchkey.headers_removed.{word}"),
        }
    }
}

impl Counts {
    /// Counts.
    pub fn add(&self, counter: Counter<'_>, by: u64) {
        if let Some(count) = counter.index().and_then(|index| self.fixed.get(index)) {
            count.set(count.get().saturating_add(by));
        }
        let Counter::HeadersRemoved(word) = counter else {
            return;
        };
        let Ok(mut counts) = self.headers_removed.try_borrow_mut() else {
            return;
        };
        match counts.get_mut(word) {
            Some(count) => *count = count.saturating_add(by),
            None => drop(counts.insert(word.to_owned(), by)),
        }
    }

    /// A message with everything since the last time; `None` if there is nothing.
    pub fn take(&self) -> Option<Vec<u8>> {
        let removed = self.headers_removed.try_borrow_mut();
        let removed = removed.map(|mut removed| mem::take(&mut *removed));
        let removed = removed.unwrap_or_default();
        if removed.is_empty() && self.fixed.iter().all(|count| count.get() == 0) {
            return None;
        }
        let mut message = MAGIC.to_vec();
        message.extend(
            self.fixed
                .iter()
                .flat_map(|count| count.take().to_le_bytes()),
        );
        for (word, count) in &removed {
            if let Ok(length) = u8::try_from(word.len()) {
                message.push(length);
                message.extend(word.as_bytes());
                message.extend(count.to_le_bytes());
            }
        }
        Some(message)
    }

    /// What a message adds; `None` for other bytes.
    pub fn decode(message: &[u8]) -> Option<Vec<(Counter<'_>, u64)>> {
        let mut rest = message.strip_prefix(MAGIC)?;
        let mut added = Vec::new();
        for counter in Counter::fixed() {
            added.push((counter, take_number(&mut rest)?));
        }
        while let Some((length, behind)) = rest.split_first() {
            let (word, behind) = behind.split_at_checked(usize::from(*length))?;
            rest = behind;
            let word = std::str::from_utf8(word)
                .ok()
                .filter(|word| is_word(word))?;
            added.push((Counter::HeadersRemoved(word), take_number(&mut rest)?));
        }
        added.retain(|(_, by)| *by > 0);
        Some(added)
    }
}

fn take_number(rest: &mut &[u8]) -> Option<u64> {
    let (number, behind) = rest.split_first_chunk::<8>()?;
    *rest = behind;
    Some(u64::from_le_bytes(*number))
}

/// What may stand in the name of a metric.
fn is_word(text: &str) -> bool {
    let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b);
    !text.is_empty() && text.bytes().all(is_plain)
}
