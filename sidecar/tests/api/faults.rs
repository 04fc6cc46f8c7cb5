//! What goes wrong around a call: the database is locked, the client is gone. Cases A-29 and D-13.
//! And an Envoy cannot be written down.

use std::io::Write;
use std::net::TcpStream;

use rusqlite::Connection;
use serde_json::json;

use crate::support::agent::Agent;
use crate::support::{Scratch, Sidecar};

fn database(scratch: &Scratch) -> Connection {
    Connection::open(scratch.data().join("latchkey.db")).unwrap()
}

#[test]
fn while_the_database_is_locked_changes_are_refused_and_reads_go_on() {
    let scratch = Scratch::in_file();
    let sidecar = Sidecar::start(&scratch);
    sidecar.make("before", "local");
    let other = database(&scratch);
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let body = json!({"account": "demo", "region": "local", "name": "locked"});
    let refused = sidecar.post("/v1/keys?wait=none", &body);
    assert_eq!(refused.status, 503, "{}", refused.text);
    assert!(!refused.json()["request_id"].as_str().unwrap().is_empty());
    for leak in ["SQL", "sqlite", "locked", "latchkey.db", "/src/"] {
        assert!(!refused.text.contains(leak), "{leak}: {}", refused.text);
    }
    assert_eq!(sidecar.total(), 1);
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(sidecar.post("/v1/keys?wait=none", &body).status, 201);
}

/// It is served, and written down as soon as that is possible.
#[test]
fn an_envoy_that_could_not_be_written_down_is_at_its_next_request() {
    let scratch = Scratch::in_file();
    let sidecar = Sidecar::start(&scratch);
    sidecar.make("there", "local");
    let other = database(&scratch);
    let count = || -> i64 {
        let count = "SELECT count(*) FROM envoys";
        other.query_row(count, [], |row| row.get(0)).unwrap()
    };
    let trigger =
        "CREATE TRIGGER broken BEFORE INSERT ON envoys BEGIN SELECT RAISE(ABORT, ''); END";
    other.execute_batch(trigger).unwrap();
    let mut agent = Agent::new(&sidecar, 'a', "edge", "local");
    agent.catch_up();
    assert_eq!((agent.table.len(), count()), (1, 0));
    other.execute_batch("DROP TRIGGER broken").unwrap();
    agent.catch_up();
    assert_eq!(count(), 1);
}

#[test]
fn a_key_whose_client_has_gone_is_in_the_list_if_it_is_in_the_table() {
    let scratch = Scratch::new();
    let sidecar = Sidecar::start(&scratch);
    let address = sidecar.admin().strip_prefix("http://").unwrap();
    for number in 0..30 {
        let body = json!({"account": "demo", "region": "local", "name": format!("gone {number}")});
        let body = body.to_string();
        let head = format!(
            "POST /v1/keys HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            sidecar.token(),
            body.len()
        );
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body.as_bytes()).unwrap();
    }
    // Whatever is still under way is behind this one, or its client is heard to be gone.
    sidecar.make("last", "local");
    let mut agent = Agent::new(&sidecar, 'a', "edge", "local");
    loop {
        agent.catch_up();
        let (_, generation) = agent.position.unwrap();
        let total = sidecar.total();
        let table = u64::try_from(agent.table.len()).unwrap();
        if generation.get() == table && table == total {
            break;
        }
    }
    assert!(sidecar.total() >= 1);
}
