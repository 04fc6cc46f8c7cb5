//! Limits of a subject, each with its counter: what is stored of them, and what a change makes of it.
//!
//! Does not know what was used. Invariant: a limit that is made, or whose windows begin at other times,
//! has a counter that no limit had before; one whose amount alone changes keeps its counter.

use keytable::{
    AccountId, Amount, CounterId, ExpectedTokens, KeyId, Limit, LimitSubject, Limits, StartDay,
    Unit, Unmetered, UtcOffset, WhenApart, Window, WindowKind,
};
use serde_json::{Map, Value};

use crate::domain::clock::UnixMillis;

/// An end for what has none: the last millisecond that can be written.
pub const FOREVER: UnixMillis = UnixMillis::new(253_402_300_799_999);

/// The limits of one subject.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CountedLimits(Vec<CountedLimit>);

/// A limit and its counter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountedLimit {
    /// The limit.
    pub limit: Limit,
    /// The number of its counter: of all that were ever begun.
    pub resets: u32,
    /// Since when it counts.
    pub since: UnixMillis,
    /// Until when nothing is left of it, as Envoys were told; `None`: they were not.
    pub full_until: Option<UnixMillis>,
}

/// An account and its limits, as Envoys get them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitedAccount {
    /// Which account.
    pub account: AccountId,
    /// Its limits; at least one.
    pub limits: CountedLimits,
}

impl CountedLimits {
    /// Each of them.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &CountedLimit> {
        self.0.iter()
    }

    /// Each of them, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut CountedLimit> {
        self.0.iter_mut()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What the limits are when these take their place at `now`; `number` gives each new counter its
    /// number.
    pub fn replaced<E>(
        &self,
        limits: &Limits,
        now: UnixMillis,
        mut number: impl FnMut() -> Result<u32, E>,
    ) -> Result<Self, E> {
        let counted = limits.iter().map(|limit| {
            if let Some(kept) = self.0.iter().find(|old| old.counts_for(limit)) {
                return Ok(kept.with(*limit));
            }
            Ok(CountedLimit::begun(*limit, now, number()?))
        });
        counted.collect::<Result<_, E>>().map(Self)
    }

    /// The same limits, all with new counters.
    pub fn reset<E>(
        &self,
        now: UnixMillis,
        mut number: impl FnMut() -> Result<u32, E>,
    ) -> Result<Self, E> {
        let anew = |old: &CountedLimit| Ok(CountedLimit::begun(old.limit, now, number()?));
        self.0.iter().map(anew).collect::<Result<_, E>>().map(Self)
    }

    /// What callers read: the limits without their counters.
    pub fn shown(&self) -> Value {
        self.0.iter().map(|counted| shown(&counted.limit)).collect()
    }

    /// The list that is stored.
    pub fn to_json(&self) -> Value {
        self.0.iter().map(CountedLimit::to_json).collect()
    }

    /// Reads what [`Self::to_json`] wrote.
    pub fn stored(text: &str) -> Option<Self> {
        let list: Vec<Value> = serde_json::from_str(text).ok()?;
        let counted: Vec<_> = list
            .iter()
            .map(CountedLimit::stored)
            .collect::<Option<_>>()?;
        let limits = counted.iter().map(|counted| counted.limit).collect();
        Limits::new(limits).is_ok().then_some(Self(counted))
    }
}

impl CountedLimit {
    /// Whether a counter, of whichever window, is the limit's.
    pub fn has(&self, counter: &CounterId) -> bool {
        let limit = &self.limit;
        limit.unit == counter.unit
            && limit.window.kind() == counter.window
            && self.resets == counter.resets
    }

    fn begun(limit: Limit, now: UnixMillis, resets: u32) -> Self {
        Self {
            limit,
            resets,
            since: now,
            full_until: None,
        }
    }

    /// Whether another limit would have the same counter.
    fn counts_for(&self, other: &Limit) -> bool {
        self.limit.unit == other.unit && self.limit.window == other.window
    }

    /// The same counter under another limit. What is full by one amount may not be by another.
    fn with(&self, limit: Limit) -> Self {
        let same_amount = self.limit.amount == limit.amount;
        Self {
            limit,
            full_until: self.full_until.filter(|_| same_amount),
            ..self.clone()
        }
    }

    fn to_json(&self) -> Value {
        let mut members = members(&self.limit);
        members.insert("resets".into(), self.resets.into());
        members.insert("since_ms".into(), self.since.get().into());
        if let Some(until) = self.full_until {
            members.insert("full_until_ms".into(), until.get().into());
        }
        Value::Object(members)
    }

    fn stored(value: &Value) -> Option<Self> {
        let number = |name: &str| value.get(name)?.as_u64();
        Some(Self {
            limit: stored_limit(value)?,
            resets: u32::try_from(number("resets")?).ok()?,
            since: UnixMillis::new(number("since_ms")?),
            full_until: number("full_until_ms").map(UnixMillis::new),
        })
    }
}

/// A limit as callers read and write it: what means nothing for its unit or window is left out.
pub fn shown(limit: &Limit) -> Value {
    Value::Object(members(limit))
}

fn members(limit: &Limit) -> Map<String, Value> {
    let mut members = Map::new();
    let mut say = |name: &str, value: Value| members.insert(name.to_owned(), value);
    say("unit", limit.unit.as_str().into());
    say("window", limit.window.kind().as_str().into());
    say("amount", limit.amount.get().into());
    if let Some(day) = limit.window.start_day() {
        say("start_day", day.get().into());
    }
    if let Some(offset) = limit.window.utc_offset() {
        say("utc_offset", offset.to_string().into());
    }
    if limit.unit == Unit::Tokens {
        say("expected", limit.expected.get().into());
        say("unmetered", limit.unmetered.as_str().into());
    }
    if limit.window.kind().is_in_ledger() {
        say("when_apart", limit.when_apart.as_str().into());
    }
    members
}

fn stored_limit(value: &Value) -> Option<Limit> {
    let text = |name: &str| value.get(name).and_then(Value::as_str);
    let number = |name: &str| value.get(name).and_then(Value::as_u64);
    let offset = || UtcOffset::parse(text("utc_offset")?);
    let window = match WindowKind::parse(text("window")?)? {
        WindowKind::Minute => Window::Minute,
        WindowKind::Day => Window::Day(offset()?),
        WindowKind::Month => {
            let day = u8::try_from(number("start_day")?).ok()?;
            Window::Month(StartDay::new(day)?, offset()?)
        }
        WindowKind::Lifetime => Window::Lifetime,
    };
    Some(Limit {
        unit: Unit::parse(text("unit")?)?,
        window,
        amount: Amount::new(number("amount")?)?,
        expected: match number("expected") {
            None => ExpectedTokens::default(),
            Some(tokens) => ExpectedTokens::new(u32::try_from(tokens).ok()?)?,
        },
        when_apart: text("when_apart").map_or(Some(WhenApart::default()), WhenApart::parse)?,
        unmetered: text("unmetered").map_or(Some(Unmetered::default()), Unmetered::parse)?,
    })
}

/// A subject as one text: `key:` or `account:`, and its id.
pub fn subject_text(subject: &LimitSubject) -> String {
    match subject {
        LimitSubject::Key(id) => format!("key:{id}"),
        LimitSubject::Account(id) => format!("account:{id}"),
    }
}

/// Reads what [`subject_text`] wrote.
pub fn stored_subject(text: &str) -> Option<LimitSubject> {
    match text.split_once(':')? {
        ("key", id) => KeyId::parse(id).ok().map(LimitSubject::Key),
        ("account", id) => AccountId::parse(id).ok().map(LimitSubject::Account),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
