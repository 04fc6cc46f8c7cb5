//! What SQLite does for the store in a test: each statement that it runs, and in how many steps.
//!
//! Takes statements from the connections, not from the program's text, so that a plan is that of
//! what really runs. Invariant: whatever the store runs on this thread after [`Traced::of`] is seen.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use rusqlite::trace::{StmtRef, TraceEvent, TraceEventCodes};
use rusqlite::{Connection, StatementStatus};

use crate::store::file::connect;
use crate::store::{Store, lock};

/// What one store runs.
pub(crate) struct Traced {
    store: Store,
    connections: [Arc<Mutex<Seen>>; 2],
}

/// What one connection has run.
#[derive(Default)]
struct Seen {
    /// Each statement with the steps of its machine so far: SQLite counts on while it is kept.
    statements: BTreeMap<String, i64>,
    steps: i64,
    /// How many statements were run.
    runs: u64,
}

impl Traced {
    /// Tracedes all that `store` runs from now on.
    pub(crate) fn of(store: &Store) -> Self {
        let mut reader = connect::reader(&store.file().path).unwrap();
        let connections = [
            watched(&mut lock(&store.file().writer)),
            watched(&mut reader),
        ];
        *lock(&store.file().readers) = vec![reader];
        Self {
            store: store.clone(),
            connections,
        }
    }

    /// The steps of SQLite's machine that `work` takes.
    pub(crate) fn steps(&self, work: impl FnOnce()) -> i64 {
        let steps = || {
            self.connections
                .iter()
                .map(|seen| lock(seen).steps)
                .sum::<i64>()
        };
        let before = steps();
        work();
        steps() - before
    }

    /// How many statements `work` runs.
    pub(crate) fn runs(&self, work: impl FnOnce()) -> u64 {
        let runs = || self.connections.iter().map(|seen| lock(seen).runs);
        let before: u64 = runs().sum();
        work();
        runs().sum::<u64>() - before
    }

    /// Every statement that was run so far, with the steps of its plan.
    pub(crate) fn plans(&self) -> BTreeMap<String, Vec<String>> {
        let sqls = self.connections.iter().flat_map(|seen| {
            let sqls: Vec<_> = lock(seen).statements.keys().cloned().collect();
            sqls
        });
        let planned = |sql: &String| {
            ["SELECT", "INSERT", "UPDATE", "DELETE"]
                .iter()
                .any(|verb| sql.starts_with(verb))
        };
        let reader = connect::reader(&self.store.file().path).unwrap();
        sqls.filter(planned)
            .map(|sql| (sql.clone(), plan(&reader, &sql)))
            .collect()
    }
}

impl Seen {
    fn note(&mut self, statement: &StmtRef<'_>) {
        let steps = statement.get_status(StatementStatus::VmStep).into();
        let before = self.statements.insert(statement.sql().into_owned(), steps);
        // One that was forgotten and prepared anew counts from 0.
        let earlier = before.filter(|before| *before <= steps).unwrap_or(0);
        self.steps += steps - earlier;
        self.runs += 1;
    }
}

fn watched(connection: &mut Connection) -> Arc<Mutex<Seen>> {
    let seen = Arc::new(Mutex::new(Seen::default()));
    let noted = Arc::clone(&seen);
    let note = move |event: TraceEvent<'_>| {
        if let TraceEvent::Profile(statement, _) = event {
            lock(&noted).note(&statement);
        }
    };
    connection
        .trace_v2(TraceEventCodes::SQLITE_TRACE_PROFILE, Some(note))
        .unwrap();
    seen
}

fn plan(connection: &Connection, sql: &str) -> Vec<String> {
    let mut statement = connection
        .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
        .unwrap();
    let mut rows = statement.raw_query();
    let mut steps = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        steps.push(row.get(3).unwrap());
    }
    steps
}
