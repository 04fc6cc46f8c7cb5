//! A limit as a record holds it: with its counter, and with what was used when the record was made.
//!
//! Layout in FORMAT.md. Invariant: what is read is exactly what is written.

use alloc::vec::Vec;

use super::set::twice;
use super::{
    Amount, CounterId, ExpectedTokens, Limit, LimitSubject, StartDay, Unit, Unmetered, UtcOffset,
    WhenApart, Window, WindowKind, WindowSpan,
};
use crate::encoding::wire::{Reader, Write};
use crate::key_id::KeyId;
use crate::limits::LIMITS_MAX;

const FLAG_REFUSE_WHEN_APART: u8 = 1;
const FLAG_CHARGE_UNMETERED: u8 = 2;

/// The limits of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedLimits {
    /// Whose they are: the first of the keys that replaced each other.
    pub subject: KeyId,
    /// One at least; one for each unit and kind of window at most.
    pub limits: Vec<RecordedLimit>,
}

/// A limit with how it stood when its record was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RecordedLimit {
    /// The limit.
    pub limit: Limit,
    /// How often its counter was begun anew.
    pub resets: u32,
    /// When the window began that `used` is of, in milliseconds since 1970; 0 for minute and lifetime.
    pub start_unix_ms: u64,
    /// What the ledger had of this counter; 0 for a minute.
    pub used: u64,
    /// Until when nothing is left of it, in milliseconds since 1970; `None` = that is not known. Ends by
    /// itself.
    pub full_until_unix_ms: Option<u64>,
}

impl RecordedLimit {
    /// The window that a time is in.
    pub fn span_at(&self, unix_ms: u64) -> WindowSpan {
        self.limit.window.span_at(unix_ms)
    }

    /// The counter of that window.
    pub fn counter_at(&self, subject: LimitSubject, unix_ms: u64) -> CounterId {
        CounterId {
            subject,
            unit: self.limit.unit,
            window: self.limit.window.kind(),
            start_unix_ms: self.span_at(unix_ms).start_unix_ms,
            resets: self.resets,
        }
    }

    /// What is known to be used in a window that begins then.
    pub const fn used_from(&self, start_unix_ms: u64) -> u64 {
        if start_unix_ms == self.start_unix_ms {
            self.used
        } else {
            0
        }
    }

    /// Whether the ledger said that nothing is left at this time: of the window that ends with the mark, and not of
    /// one before it, to which a clock was set back.
    pub fn is_full_at(&self, unix_ms: u64) -> bool {
        let end_unix_ms = self.span_at(unix_ms).end_unix_ms;
        let is_of = |until| end_unix_ms.is_none_or(|end| until <= end || mutant!(MarkTheDayBefore));
        let is_full = |until| unix_ms < until && is_of(until);
        !mutant!(IgnoreTheMark)
            && self
                .full_until_unix_ms
                .is_some_and(|until| is_full(until) || mutant!(KeepTheMark))
    }

    fn write(&self, out: &mut Vec<u8>) {
        let limit = &self.limit;
        let apart = match limit.when_apart {
            WhenApart::Serve => 0,
            WhenApart::Refuse => FLAG_REFUSE_WHEN_APART,
        };
        let unmetered = match limit.unmetered {
            Unmetered::Refuse => 0,
            Unmetered::Charge => FLAG_CHARGE_UNMETERED,
        };
        out.push(limit.unit.code());
        out.push(limit.window.kind().code());
        out.push(limit.window.start_day().map_or(0, StartDay::get));
        out.push(apart | unmetered);
        let offset = limit.window.utc_offset().unwrap_or_default();
        out.put(&offset.minutes().to_le_bytes());
        out.put_u32(limit.expected.get());
        out.put_u64(limit.amount.get());
        out.put_u32(self.resets);
        out.put_u64(self.start_unix_ms);
        out.put_u64(self.used);
        out.put_u64(self.full_until_unix_ms.unwrap_or(0));
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let unit = Unit::from_code(reader.u8()?)?;
        let kind = WindowKind::from_code(reader.u8()?)?;
        let start_day = reader.u8()?;
        let flags = reader.u8()?;
        let offset = UtcOffset::from_minutes(i16::from_le_bytes(reader.array()?))?;
        let limit = Limit {
            unit,
            window: read_window(kind, start_day, offset)?,
            expected: ExpectedTokens::new(reader.u32()?)?,
            amount: Amount::new(reader.u64()?)?,
            when_apart: match flags & FLAG_REFUSE_WHEN_APART {
                0 => WhenApart::Serve,
                _ => WhenApart::Refuse,
            },
            unmetered: match flags & FLAG_CHARGE_UNMETERED {
                0 => Unmetered::Refuse,
                _ => Unmetered::Charge,
            },
        };
        let recorded = Self {
            limit,
            resets: reader.u32()?,
            start_unix_ms: reader.u64()?,
            used: reader.u64()?,
            full_until_unix_ms: Some(reader.u64()?).filter(|until| *until != 0),
        };
        let is_known = flags & !(FLAG_REFUSE_WHEN_APART | FLAG_CHARGE_UNMETERED) == 0;
        (is_known && recorded.is_sound()).then_some(recorded)
    }

    /// Whether its window begins where it says, and has figures only if its sum is in the ledger.
    fn is_sound(&self) -> bool {
        let start = self.limit.window.span_at(self.start_unix_ms).start_unix_ms;
        let has_figures = self.used != 0 || self.full_until_unix_ms.is_some();
        start == self.start_unix_ms && (self.limit.window.kind().is_in_ledger() || !has_figures)
    }
}

/// A window, from its fields; a field that its kind does not have is 0.
fn read_window(kind: WindowKind, start_day: u8, offset: UtcOffset) -> Option<Window> {
    let has_day = kind == WindowKind::Month;
    let has_offset = matches!(kind, WindowKind::Day | WindowKind::Month);
    if (!has_day && start_day != 0) || (!has_offset && offset != UtcOffset::UTC) {
        return None;
    }
    Some(match kind {
        WindowKind::Minute => Window::Minute,
        WindowKind::Day => Window::Day(offset),
        WindowKind::Month => Window::Month(StartDay::new(start_day)?, offset),
        WindowKind::Lifetime => Window::Lifetime,
    })
}

/// One byte that says how many, and each.
pub(crate) fn put_limits(out: &mut Vec<u8>, limits: &[RecordedLimit]) {
    out.push(u8::try_from(limits.len()).unwrap_or(u8::MAX));
    limits.iter().for_each(|limit| limit.write(out));
}

/// Reads what [`put_limits`] writes.
pub(crate) fn read_limits(reader: &mut Reader<'_>) -> Option<Vec<RecordedLimit>> {
    let count = usize::from(reader.u8()?);
    if count > LIMITS_MAX {
        return None;
    }
    let mut limits = Vec::with_capacity(count);
    for _ in 0..count {
        limits.push(RecordedLimit::read(reader)?);
    }
    let is_single = twice(limits.iter().map(|one| &one.limit)).is_none();
    is_single.then_some(limits)
}
