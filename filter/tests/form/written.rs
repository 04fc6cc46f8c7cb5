//! Forms as the usual writers really write them, with names of files that need care, without a file
//! and with an empty one.
//!
//! `written.json` is made by `write.py`; what cannot run there is copied from what its writers are
//! known to write. Invariant: what is refused is what some reader could take for another field.

use serde::Deserialize;

use super::{rig, send};

#[derive(Deserialize)]
struct Written {
    writer: String,
    /// The file's name; none if there is no file.
    file: Option<String>,
    r#type: String,
    body: String,
}

/// `good-1` is served, and `bad-1` in its place refused as out of scope.
fn served(writer: &str, declared: &str, body: &str) {
    let rig = rig();
    let shown = body.escape_debug();
    assert_eq!(
        send(&rig, declared, &[body.as_bytes()]),
        200,
        "{writer}: {shown}"
    );
    let other = body.replace("good-1", "bad-1");
    assert_eq!(
        send(&rig, declared, &[other.as_bytes()]),
        403,
        "{writer}: {shown}"
    );
}

#[test]
fn what_clients_really_write_is_served() {
    let all: Vec<Written> = serde_json::from_str(include_str!("written.json")).unwrap();
    let mut refused = 0;
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
            assert_eq!(send(&rig(), r#type, &[body.as_bytes()]), 400, "{writer}");
            refused += 1;
            continue;
        }
        served(writer, r#type, body);
    }
    println!("{} forms, {refused} refused", all.len());
    assert!(all.len() > 90 && refused == 10, "{} {refused}", all.len());
}

#[test]
fn those_of_go_java_and_dot_net_are() {
    let declared = "multipart/form-data; boundary=b1";
    let file = |disposition: &str| {
        format!(
            "--b1\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\ngood-1\r\n--b1\r\n\
             Content-Disposition: form-data; name=\"file\"; {disposition}\r\n\
             Content-Type: application/octet-stream\r\n\r\nID3\r\n--b1--\r\n"
        )
    };
    for disposition in [
        r#"filename="a \"b\".txt""#,
        r#"filename="back\\slash.txt""#,
        "filename=\"größe 日本.txt\"",
        "filename=\"a %22b%22.txt\"",
        "filename=a.mp3; filename*=utf-8''gr%C3%B6%C3%9Fe.mp3",
        "filename=\"=?utf-8?B?Z3LDtsOfZQ==?=\"; filename*=utf-8''gr%C3%B6%C3%9Fe",
    ] {
        served("Go, OkHttp, .NET", declared, &file(disposition));
    }
    let http_mime = "--b1\r\nContent-Disposition: form-data; name=\"model\"\r\n\
        Content-Type: text/plain; charset=ISO-8859-1\r\nContent-Transfer-Encoding: 8bit\r\n\r\ngood-1\r\n\
        --b1\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.mp3\"\r\n\
        Content-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\n\r\nID3\r\n--b1--\r\n";
    for declared in [
        declared,
        "multipart/form-data; boundary=b1; charset=UTF-8",
        "multipart/form-data; charset=UTF-8; boundary=b1",
    ] {
        served("Apache HttpMime", declared, http_mime);
    }
}
