//! Forms as the usual writers really write them, with names of files that need care, without a file
//! and with an empty one.
//!
//! `written.json` is recorded by `write.py`, each writer with its version. Invariant: what is refused is what some
//! reader could take for another field.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::{Rig, rig, send};

#[derive(Deserialize)]
struct Written {
    writer: String,
    /// The file's name; none if there is no file.
    file: Option<String>,
    r#type: String,
    body: String,
}

/// `good-1` is served, and `bad-1` in its place refused as out of scope.
fn served(rig: &Rig, writer: &str, declared: &str, body: &str) {
    let shown = body.escape_debug();
    assert_eq!(
        send(rig, declared, &[body.as_bytes()]),
        200,
        "{writer}: {shown}"
    );
    let other = body.replace("good-1", "bad-1");
    assert_eq!(
        send(rig, declared, &[other.as_bytes()]),
        403,
        "{writer}: {shown}"
    );
}

#[test]
fn what_clients_really_write_is_served() {
    let all: Vec<Written> = serde_json::from_str(include_str!("written.json")).unwrap();
    let (rig, mut refused) = (rig(), 0);
    for Written {
        writer,
        file,
        r#type,
        body,
    } in &all
    {
        // Readers without quotes take it for a field's name.
        if body.contains("filename=\"name=model.txt\"") {
            assert_eq!(file.as_deref(), Some("name=model.txt"));
            assert_eq!(send(&rig, r#type, &[body.as_bytes()]), 400, "{writer}");
            refused += 1;
            continue;
        }
        served(&rig, writer, r#type, body);
    }
    let writers: BTreeSet<&str> = all.iter().map(|form| form.writer.as_str()).collect();
    println!("{} forms, {refused} refused, of {writers:?}", all.len());
    assert!(writers.len() >= 21, "{writers:?}");
    assert!(all.len() >= 14 * writers.len() && refused <= 2 * writers.len());
}

#[test]
fn a_type_may_state_its_charset_on_either_side_of_its_boundary() {
    let form = "--b1\r\nContent-Disposition: form-data; name=\"model\"\r\n\
        Content-Type: text/plain; charset=ISO-8859-1\r\nContent-Transfer-Encoding: 8bit\r\n\r\ngood-1\r\n--b1--\r\n";
    for declared in [
        "multipart/form-data; boundary=b1; charset=UTF-8",
        "multipart/form-data; charset=UTF-8; boundary=b1",
    ] {
        served(&rig(), "HttpMime", declared, form);
    }
}
