//! Generated requests through Envoy: whatever names a model out of scope, wherever it stands, is not
//! forwarded whole; nor is one that names a model in scope where the server does not read it.
//!
//! The same requests as the filter's own tests make, fewer of them, judged by what an upstream has
//! received. `E2E_SEED` repeats a run, `E2E_REQUESTS` says how many, `E2E_BUDGET_S` after how many
//! seconds no more are sent. Invariant: the same requests in scope arrive, so that it is the name
//! that is judged.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use envoy::Stack;
use keytable::AxisKind;
use serde_json::json;
use tests::{Admin, Key, raw, start};

use super::closed::placing::{self, IN_LIST, OBJECTS, TEXTS};
use super::closed::words::{Kind, SPELLINGS};
use super::rows::{Row, mount_of, rows};
use crate::differential::{corpus::Corpus, number};

const CLIENTS: usize = 4;
/// One request of so many is in scope.
const ONE_IN_SCOPE: usize = 10;
/// One of so many has nothing where the server reads.
const ONE_DECOY: usize = 5;

/// What a request is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    OutOfScope,
    Decoy,
    InScope,
}

/// A rule's honest request and a key that may call what it names, and `good-1`.
struct Target {
    path: String,
    row: Row,
    key: Key,
}

struct Generated<'a> {
    target: &'a Target,
    sort: Sort,
    body: String,
}
