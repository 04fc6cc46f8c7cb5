//! Every list is read whole in parts of any size, off an index.

use super::*;
use crate::domain::identity::access_key::AccessKey;
use crate::domain::identity::account::LimitRequest;
use crate::domain::identity::token::ApiToken;
use crate::domain::identity::user::User;
use crate::store::lock;
use crate::store::tests::fixture::{self, Scratch};

const PAGED_TABLES: [&PagedTable; 4] = [
    &User::TABLE,
    &ApiToken::TABLE,
    &AccessKey::TABLE,
    &LimitRequest::TABLE,
];

/// Seven requests of one account between those of another.
const ROWS: &str = "
    INSERT INTO accounts (id, created_at) VALUES ('one', 0), ('two', 0);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 14)
    INSERT INTO limit_requests (id, account, key_limit, reason, status, requested_by, created_at, revision)
    SELECT 'lr-' || i, CASE i % 2 WHEN 1 THEN 'one' ELSE 'two' END, 1, 'r', 'open', 'user:x', 0, 1 FROM n;";

fn ids(store: &Store, account: Option<&AccountId>, limit: usize) -> Vec<String> {
    let (mut behind, mut ids) = (None, Vec::new());
    loop {
        let page = PageRequest { behind, limit };
        let read = |row: &Row<'_>| row.get::<String>(0);
        let part =
            |connection: &Connection| LimitRequest::TABLE.page(connection, account, page, read);
        let found = store.read(part).unwrap();
        assert!(!found.items.is_empty(), "no part is empty but the first");
        ids.extend(found.items);
        assert!(ids.len() <= 14, "it goes round: {ids:?}");
        behind = found.next;
        if behind.is_none() {
            return ids;
        }
    }
}

#[test]
fn a_list_is_read_whole_in_parts_of_any_size() {
    let scratch = Scratch::new();
    let store = scratch.open();
    fixture::run(&store, ROWS).unwrap();
    let one = AccountId::parse("one").unwrap();
    let odd: Vec<_> = [13, 11, 9, 7, 5, 3, 1].map(|i| format!("lr-{i}")).to_vec();
    for limit in 1..=8 {
        assert_eq!(ids(&store, Some(&one), limit), odd, "{limit}");
        assert_eq!(ids(&store, None, limit).len(), 14, "{limit}");
    }
}

#[test]
fn parts_are_read_off_an_index() {
    let scratch = Scratch::new();
    let store = scratch.open_file();
    let connection = lock(&store.file().writer);
    for (table, of_account) in PAGED_TABLES
        .iter()
        .flat_map(|table| [(table, true), (table, false)])
    {
        let page = PageRequest {
            behind: Some(9),
            limit: 3,
        };
        let sql = format!("EXPLAIN QUERY PLAN {}", table.sql(of_account, page));
        let mut statement = connection.prepare(&sql).unwrap();
        // What is not bound is NULL, which changes no plan.
        let mut rows = statement.raw_query();
        let step: String = rows.next().unwrap().unwrap().get(3).unwrap();
        assert!(step.starts_with("SEARCH"), "{}: {step}", table.table);
        assert!(rows.next().unwrap().is_none(), "{}: it sorts", table.table);
    }
}
