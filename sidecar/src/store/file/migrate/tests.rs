//! What the migrations make of rows that earlier versions wrote.

use std::fs;

use rusqlite::{Connection, params};

use crate::store::tests::fixture::{BEFORE_PORTABLE, Scratch, WITHOUT_LIMITS, add, target};

/// A value of our own format and one of another's.
const SECRETS: [&str; 2] = [
    "sk-ant-api03-AbCdEfGhIjKlMnOpQrStUvWx0123456789",
    "hf_AbCdEfGhIjKlMnOpQrStUvWxYz01234567",
];

/// Takes a database back to the version before the one that cleans texts, with these statements done
/// under it.
fn as_before(scratch: &Scratch, statements: &str) {
    let connection = Connection::open(scratch.database()).unwrap();
    connection.execute_batch(WITHOUT_LIMITS).unwrap();
    for figure in ["input", "cached", "output", "reasoning"] {
        for column in [figure.to_owned(), format!("{figure}_estimated")] {
            let drop = format!("ALTER TABLE usage DROP COLUMN {column}");
            connection.execute(&drop, []).unwrap();
        }
    }
    connection.execute_batch(BEFORE_PORTABLE).unwrap();
    connection.execute_batch(statements).unwrap();
    let later = "DROP INDEX access_keys_by_maker; ALTER TABLE access_keys DROP COLUMN maker; \
        ALTER TABLE keys DROP COLUMN labels;";
    connection.execute_batch(later).unwrap();
    connection.pragma_update(None, "user_version", 8).unwrap();
    // A process that was killed leaves its log behind.
    connection
        .pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))
        .unwrap();
}

fn usage(scratch: &Scratch) -> Vec<(String, i64)> {
    let connection = Connection::open(scratch.database()).unwrap();
    let mut statement = connection
        .prepare("SELECT resource, count FROM usage ORDER BY resource")
        .unwrap();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    rows.unwrap().map(Result::unwrap).collect()
}

#[test]
fn credentials_are_taken_out_of_every_text_and_out_of_the_files() {
    let scratch = Scratch::new();
    let store = scratch.open_file();
    add(&store, 1, "local");
    let epoch = store.epoch();
    drop(store);
    let [one, other] = SECRETS;
    let mut statements = format!(
        "UPDATE keys SET name = '{one}', description = 'use {other}!', team = '{one}', \
            models = '[\"glm-5.1\",\"{one}\"]';
         UPDATE accounts SET name = 'the {one}';
         INSERT INTO dead_keys VALUES ('ak-9', 'demo', 'local', '{one}', 1);
         INSERT INTO tokens (id, hash, account, name, capabilities, creator, created_at)
            VALUES ('lt-1', zeroblob(32), 'demo', '{one}', 'admin', 'system', 1);
         INSERT INTO catalog VALUES ('local', '{one}', 'model', 'd', '[]', 1, 1, 1),
            ('local', 'kept', 'model', '{one}', '[\"{other}\",\"alias\"]', 1, 1, 1);
         INSERT INTO once VALUES ('user:a', '{one}', zeroblob(32), 't', NULL, 1);
         INSERT INTO limit_requests (id, account, key_limit, reason, status, note, requested_by,
            created_at, revision) VALUES ('lr-1', 'demo', 9, '{one}', 'open', '{other}', 'u', 1, 1);"
    );
    let point = |resource: &str, count: u32| {
        format!(
            "INSERT INTO usage (key, period_s, start_s, resource, outcome, account, count) \
             VALUES ('ak-1', 60, 0, {resource}, 1, 'demo', {count});"
        )
    };
    statements += &point(&format!("'{one}'"), 2);
    statements += &point(&format!("'x/{other}'"), 3);
    statements += &point("'glm-5.1'", 5);
    statements += &point("'a' || char(0) || 'b'", 7);
    as_before(&scratch, &statements);

    let store = scratch.open_file();
    let key = store.get(&target(1)).unwrap();
    assert_eq!(key.name.as_str(), "(redacted)");
    assert_eq!(key.policy.description.as_str(), "(redacted)");
    let models = key.policy.scope.models.entries().iter();
    let models: Vec<_> = models.map(ToString::to_string).collect();
    assert_eq!(models, ["glm-5.1", "(redacted)"]);
    // Envoys that have the old list take the table anew.
    assert_ne!(store.epoch(), epoch);
    let account = store.account(&key.account).unwrap();
    assert_eq!(account.name.as_str(), "(redacted)");
    drop(store);
    let expected = [("(redacted)", 5), ("a\u{fffd}b", 7), ("glm-5.1", 5)];
    assert_eq!(
        usage(&scratch),
        expected.map(|(name, count)| (name.to_owned(), count))
    );
    let connection = Connection::open(scratch.database()).unwrap();
    let aliases: String = connection
        .query_row(
            "SELECT group_concat(name || aliases) FROM catalog",
            params![],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(aliases, "kept[\"(redacted)\",\"alias\"]");
    drop(connection);
    for entry in fs::read_dir(&scratch.0).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        for secret in SECRETS {
            let piece = &secret.as_bytes()[8..];
            let is_there = bytes.windows(piece.len()).any(|window| window == piece);
            assert!(!is_there, "{secret} is in {path:?}");
        }
    }
}
