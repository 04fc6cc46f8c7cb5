//! A database of the first schema, as a sidecar of that time has left it. Case D-09.
//!
//! Invariant: it is made by that schema's own statements, which are never edited.

use std::fs;
use std::path::Path;

use keytable::{KeyHash, PresentedKey};
use rusqlite::{Connection, params};

use crate::ledger::State;
use crate::process::Base;

const FIRST_SCHEMA: &str = include_str!("../../src/store/file/migrations/0001_keys.sql");
const CONTENTS: &str = "
    PRAGMA application_id = 0x4c4b4442;
    PRAGMA user_version = 1;
    INSERT INTO accounts (id, created_at) VALUES ('demo', 1);
    INSERT INTO regions (id, created_at) VALUES ('local', 1);
    INSERT INTO keys (id, account, region, origin, name, description, status, models, networks,
        key_hash, masked, key_version, creator, created_at, updated_at, revision)
    VALUES ('ak-old', 'demo', 'local', 'standard', 'old', 'made long ago', 'disabled', '[\"glm-*\"]',
        '[\"10.0.0.0/8\"]', randomblob(32), 'sk-ab***wxyz', 1, 'operator', 1, 2, 3);
    INSERT INTO changes (generation, region, key_hash, kind)
    SELECT 1, 'local', key_hash, 'put' FROM keys;";

/// A directory with such a database, whose operator token is the one of the base's token file.
pub(crate) fn old_base(name: &str) -> Option<Base> {
    let mut base = Base::new(name)?;
    let data = base.data();
    fs::remove_dir_all(&data).unwrap();
    fs::create_dir(&data).unwrap();
    write(&data.join("latchkey.db"), &base.token());
    let state = State::there(&[
        ("status", "disabled".into()),
        ("description", "made long ago".into()),
        ("ip_allowlist", vec!["10.0.0.0/8"].into()),
        ("recoverable", false.into()),
    ]);
    base.ledger.acknowledge("old", state);
    Some(base)
}

fn write(path: &Path, token: &str) {
    let presented = PresentedKey::parse(token.as_bytes()).unwrap();
    let hash = KeyHash::of(&presented);
    let database = Connection::open(path).unwrap();
    database.execute_batch(FIRST_SCHEMA).unwrap();
    database.execute_batch(CONTENTS).unwrap();
    let meta = "INSERT INTO meta (one, epoch, generation, operator_hash) \
                VALUES (1, randomblob(16), 1, ?1)";
    database.execute(meta, params![hash.as_bytes()]).unwrap();
}
