//! The contract between Latchkey's sidecar and its Envoy filter.
//!
//! Everything here was signed by both sides: the shape of an API key and of its hash, the record
//! that holds one key's policy, the buckets and frames that carry records, and [`decide`], which
//! turns a record and the facts of a request into a permit or a denial. A thing belongs here if
//! the other side would break when it changed.
//!
//! What this crate does not do: no I/O, no clock, no log, no HTTP, no SQL, no Proxy-Wasm. It is
//! `no_std`, so that the compiler holds it to that.
//!
//! Invariant: nothing here panics on any input, and no allocation is larger than its input or a
//! constant in [`limits`].

#![no_std]
#![deny(missing_docs)]

extern crate alloc;

#[macro_use]
pub mod mutant;

pub mod address;
pub mod api_key;
pub mod bucket;
pub mod cell;
pub mod decision;
mod encoding;
pub mod format;
pub mod frame;
pub mod generation;
pub mod head;
pub mod key_hash;
pub mod key_id;
pub mod limit;
pub mod limits;
pub mod norm;
pub mod record;
pub mod redact;
pub mod scope;
pub mod signed;
pub mod usage;

pub use address::{AddressList, AddressListError, ClientAddress, Network, NetworkError};
pub use api_key::{KeyFormatError, PresentedKey};
pub use decision::{
    Admitted, Denial, Found, Permit, RequestFacts, Resources, admit, decide, judge_resources,
};
pub use format::FormatVersion;
pub use frame::{Change, Delta, Frame, FrameError, Page};
pub use generation::{Epoch, Generation};
pub use head::TableHead;
pub use key_hash::KeyHash;
pub use key_id::{AccountId, IdError, KeyId};
pub use limit::{
    Amount, CounterId, ExpectedTokens, Limit, LimitSubject, Limits, LimitsError, RecordedLimit,
    RecordedLimits, StartDay, Unit, Unmetered, UtcOffset, WhenApart, Window, WindowKind,
    WindowSpan,
};
pub use norm::Norm;
pub use record::{AccountRecord, KeptRecord, Record, RecordError, RecordView, Status};
pub use redact::{CredentialKind, REDACTED, find_credential, redact};
pub use scope::{Axis, AxisKind, Scope, ScopeEntry, ScopeEntryError};
pub use signed::{SignedTable, SignedTableError, SigningKey, VerifyingKey};
pub use usage::{
    Charge, LedgerFigure, TokenCounts, Tokens, UsageAnswer, UsageBatch, UsageError, UsageOutcome,
    UsageRow,
};
