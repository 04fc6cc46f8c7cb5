//! What goes wrong around a call: the database is locked, the client is gone. Cases A-29 and D-13.

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
    let scratch = Scratch::new();
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
