//! What the store promises on a PostgreSQL server: the same tables, every statement off an index, one process
//! at a time, and an honest word where an outcome is not known.

use std::collections::BTreeSet;

use super::cluster::Cluster;
use super::fixture::{self, NOW, account, add, minted, new_key, region, seeded, target};
use super::*;
use crate::store::postgres::migrate;
use crate::store::postgres::place::Place;
use crate::store::sql::session::{Session, Wire};
use crate::store::tests::scale;

/// A database on a server, and a session with it that nobody else has; a test without one has said so.
fn server() -> Option<(Other, Server)> {
    let server = fixture::database(Cluster::shared()?);
    Some((Other::of(&server), server))
}

/// Somebody else who has the database.
struct Other {
    session: Session,
    _wire: Wire,
}

impl Other {
    fn of(server: &Server) -> Self {
        let (place, wire) = (Place::of(server).unwrap(), Wire::start().unwrap());
        let session = wire.connect(place.config().clone(), place.tls()).unwrap();
        Self {
            session,
            _wire: wire,
        }
    }
}

fn open(server: &Server) -> Store {
    seeded(Store::open_at(&StorePlace::Server(server.clone()), 50).unwrap())
}

fn refusal(server: &Server) -> OpenError {
    Store::open_at(&StorePlace::Server(server.clone()), 50).unwrap_err()
}

fn database(store: &Store) -> &ServerDatabase {
    match &store.0.engine {
        Engine::Server(database) => database,
        Engine::File(_) => panic!("it is a file"),
    }
}

/// The first column of every row, in order.
fn texts(connection: &Connection, sql: &str) -> BTreeSet<String> {
    let mut statement = connection.prepare(sql).unwrap();
    let rows = statement.query_map(params![], |row| row.get::<String>(0));
    rows.unwrap().into_iter().collect()
}

#[test]
fn both_engines_have_the_same_tables_columns_and_indexes() {
    let Some((other, _)) = server() else {
        return;
    };
    let session = &other.session;
    let connection = Connection::Postgres(session);
    let here = texts(
        &connection,
        "SELECT table_name || '.' || column_name FROM information_schema.columns \
         WHERE table_schema = 'public' AND table_name <> 'installation'",
    );
    let indexes_here = texts(
        &connection,
        "SELECT CAST(indexname AS text) FROM pg_indexes WHERE schemaname = 'public' AND indexname LIKE '%\\_by\\_%' \
         OR indexname = 'keys_in_order'",
    );
    let scratch = Scratch::new();
    let file = scratch.open_file();
    let writer = lock(&file.file().writer);
    let connection = Connection::Sqlite(&writer);
    let there = texts(
        &connection,
        "SELECT t.name || '.' || c.name FROM sqlite_schema AS t, pragma_table_info(t.name) AS c \
         WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite%'",
    );
    let indexes_there = texts(
        &connection,
        "SELECT name FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL",
    );
    let known = crate::store::file::migrate::known();
    assert_eq!(i64::try_from(known).unwrap(), migrate::newest());
    assert!(here.len() > 100, "{here:?}");
    assert_eq!(here, there);
    assert_eq!(indexes_here, indexes_there);
}

/// The plan of a statement whose parameters are not known.
fn plan(session: &Session, sql: &str) -> String {
    let parameters = (1..=30)
        .rev()
        .find(|number| sql.contains(&format!("${number}")));
    let nulls = vec!["NULL"; parameters.unwrap_or(0)].join(", ");
    let values = if nulls.is_empty() {
        nulls
    } else {
        format!("({nulls})")
    };
    session.batch(&format!("PREPARE planned AS {sql}")).unwrap();
    let explained = format!("EXPLAIN EXECUTE planned{values}");
    let steps = session.lines(&explained).unwrap();
    session.batch("DEALLOCATE planned").unwrap();
    steps.join("\n")
}

#[test]
fn no_statement_reads_a_whole_table_on_a_server() {
    let Some((other, server)) = server() else {
        return;
    };
    let session = &other.session;
    let store = open(&server);
    add(&store, 7, "local");
    scale::read_pages(&store, &account());
    scale::read_audit(&store, &account());
    scale::change(&store);
    session
        .batch("SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan")
        .unwrap();
    let statements = database(&store).understood_so_far();
    let planned = |sql: &&String| {
        let verbs = ["SELECT", "INSERT", "UPDATE", "DELETE"];
        verbs.iter().any(|verb| sql.starts_with(verb))
            && !sql.contains("pg_")
            && !sql.contains("current_setting")
    };
    let statements: Vec<_> = statements.iter().filter(planned).collect();
    for sql in &statements {
        let plan = plan(session, sql);
        let scans = plan.lines().find(|step| {
            let one_row = ["meta", "audit_head", "installation"];
            step.contains("Seq Scan")
                && !one_row
                    .iter()
                    .any(|table| step.contains(&format!("on {table}")))
        });
        assert_eq!(scans, None, "{sql}\n{plan}");
    }
    println!("{} statements, none scans", statements.len());
    assert!(
        statements.len() > 100,
        "the pages were not seen: {}",
        statements.len()
    );
}

#[test]
fn one_sidecar_at_a_time_has_a_database() {
    let Some((_, server)) = server() else {
        return;
    };
    let store = open(&server);
    assert!(matches!(refusal(&server), OpenError::InUse));
    add(&store, 1, "local");
    let epoch = store.epoch();
    drop(store);
    let store = open(&server);
    assert_eq!(store.epoch(), epoch, "it is at home");
    assert_eq!(store.generation().unwrap(), Generation::new(1));
}

#[test]
fn an_empty_database_is_refused_and_made_once() {
    let Some(cluster) = Cluster::shared() else {
        return;
    };
    let server = fixture::server(&cluster.database(None));
    assert!(matches!(refusal(&server), OpenError::NotCreated));
    create(&server).unwrap();
    assert!(matches!(create(&server), Err(OpenError::Created)));
    assert_eq!(upgrade(&server).unwrap(), migrate::newest());
    add(&open(&server), 1, "local");
}

#[test]
fn a_newer_or_older_schema_is_refused() {
    let Some((other, server)) = server() else {
        return;
    };
    let session = &other.session;
    session
        .batch("UPDATE installation SET schema = 12")
        .unwrap();
    assert!(matches!(
        refusal(&server),
        OpenError::Older { found: 12, .. }
    ));
    session
        .batch("UPDATE installation SET schema = 1000")
        .unwrap();
    assert!(matches!(
        refusal(&server),
        OpenError::Newer { found: 1000, .. }
    ));
}

/// The backends of a store's database, but for the one that asks.
const OTHERS: &str =
    "pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";

#[test]
fn whoever_has_lost_the_lock_stops_and_the_next_one_goes_on() {
    let Some((other, server)) = server() else {
        return;
    };
    let session = &other.session;
    let store = open(&server);
    add(&store, 1, "local");
    session
        .batch(&format!("SELECT pg_terminate_backend(pid) FROM {OTHERS}"))
        .unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let lost =
        async { tokio::time::timeout(std::time::Duration::from_secs(60), store.lost()).await };
    runtime.block_on(lost).expect("it hears of it");
    assert!(matches!(store.generation(), Err(StoreError::Ousted)));
    assert!(matches!(store.require_alone(), Err(StoreError::Ousted)));
    let refused = insert(&store, new_key("local"), minted(2)).unwrap_err();
    assert!(matches!(refused, StoreError::Ousted), "{refused}");
    let next = open(&server);
    add(&next, 2, "local");
    assert_eq!(next.generation().unwrap(), Generation::new(2));
}

#[test]
fn a_change_of_an_earlier_term_is_refused() {
    let Some((other, server)) = server() else {
        return;
    };
    let session = &other.session;
    let store = open(&server);
    session
        .batch("UPDATE installation SET term = term + 1")
        .unwrap();
    let refused = insert(&store, new_key("local"), minted(1)).unwrap_err();
    assert!(matches!(refused, StoreError::Ousted), "{refused}");
    let kept = Connection::Postgres(session);
    assert!(texts(&kept, "SELECT id FROM keys").is_empty());
}

#[test]
fn a_connection_that_is_cut_in_a_change_leaves_nothing_and_the_next_change_goes_on() {
    let Some((other, server)) = server() else {
        return;
    };
    let session = &other.session;
    let store = open(&server);
    let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE \
               datname = current_database() AND state = 'idle in transaction'";
    let cut_off = store.write(|connection| {
        tenancy::seed_account(connection, &AccountId::parse("lost").unwrap(), NOW)?;
        session.batch(cut).unwrap();
        Ok(())
    });
    assert!(
        matches!(cut_off, Err(StoreError::Unavailable(_))),
        "{cut_off:?}"
    );
    assert!(
        !store
            .has_account(&AccountId::parse("lost").unwrap())
            .unwrap()
    );
    add(&store, 1, "local");
    assert_eq!(store.get(&target(1)).unwrap().id, minted(1).id);
}

#[test]
fn what_became_of_a_commit_is_found_out() {
    let Some((_, server)) = server() else {
        return;
    };
    let store = open(&server);
    let [committed, aborted] = database(&store).outcomes();
    assert!(committed.is_ok());
    assert!(matches!(aborted, Err(StoreError::Unavailable(_))));
}

#[test]
fn a_database_on_another_timeline_is_a_new_history_with_somebody_for_the_envoys_that_were_lost() {
    let Some((other, server)) = server() else {
        return;
    };
    let session = &other.session;
    let store = open(&server);
    let (epoch, before) = (store.epoch(), add(&store, 1, "local"));
    drop(store);
    session.batch("UPDATE meta SET home = 'elsewhere'").unwrap();
    let store = open(&server);
    assert!(store.was_copied());
    assert_ne!(store.epoch(), epoch);
    assert_eq!(store.generation().unwrap(), before);
    let news = store
        .news(&region("local"), Some((epoch, before)), NOW)
        .unwrap();
    assert!(matches!(news, News::Gap { .. }));
    let nodes: Vec<_> = store.known_envoys().unwrap();
    assert_eq!(nodes.len(), 2, "one for each region: {nodes:?}");
}

#[test]
fn what_cannot_be_promised_is_refused() {
    for (url, advice) in [
        ("postgres://role:secret@host/db", "password"),
        ("postgres://role@host/db?sslmode=disable", "parameters"),
        ("mysql://role@host/db", "must be"),
        ("postgres://host/db", "must be"),
        ("postgres://role@host", "must be"),
    ] {
        let refused = DatabaseUrl::parse(url).unwrap_err();
        assert!(refused.contains(advice), "{url}: {refused}");
    }
    let elsewhere = Server {
        url: DatabaseUrl::parse("postgres://role@db.example/latchkey").unwrap(),
        password_file: None,
        ca_file: None,
    };
    assert!(matches!(refusal(&elsewhere), OpenError::NoAuthority(_)));
}

#[test]
fn a_server_that_takes_no_changes_is_refused() {
    let Some((other, server)) = server() else {
        return;
    };
    let session = &other.session;
    let read_only = "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET \
                     default_transaction_read_only = on', current_database()); END $$";
    session.batch(read_only).unwrap();
    let OpenError::Database(refused) = refusal(&server) else {
        panic!("opened");
    };
    assert!(
        refused.to_string().contains("does not allow writes"),
        "{refused}"
    );
}
