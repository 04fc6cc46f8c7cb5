//! Decoys: with nothing in the place that the server reads, no other place lets a request pass.

use serde_json::{Value, json};

use super::placing::{quoted, with, without};
use super::words::{IN_ROOT, Kind, SPELLINGS};
use super::{Target, targets};
use crate::support::form::{content_type, form};
use crate::support::{Rig, names, record};
use keytable::Record;

/// The honest body without what it names; `None` if the path names it.
fn unnamed(target: &Target) -> Option<Value> {
    let blank = without(&target.row.body, &target.row.names);
    (blank != target.row.body && !path_names(target)).then_some(blank)
}

/// Whether the rule is served without a body.
fn path_names(target: &Target) -> bool {
    target.send("{}") == 200
}

#[test]
fn no_decoy_stands_in_for_the_place_that_is_read() {
    let mut tried = 0;
    for target in targets() {
        let Some(body) = unnamed(&target) else {
            continue;
        };
        let mut refused = |path: &str, members: &str| {
            let text = with(&body.to_string(), members);
            let status = target.send_to(path, &text);
            assert!(
                [400, 403].contains(&status),
                "{}: {status} {path} {text}",
                target.row.rule
            );
            tried += 1;
        };
        refused(&target.path, "");
        let choosers = SPELLINGS.iter().filter(|(kind, _)| *kind != Kind::Ref);
        let choosers = choosers.flat_map(|(_, names)| names.iter());
        for name in choosers.chain(&IN_ROOT) {
            // What a lenient reader takes for the member that is read is refused as its variant.
            for value in [r#""good-1""#, r#"["good-1"]"#, r#"[{"model":"good-1"}]"#] {
                let is_read = target.row.body.get(*name).is_some() && value.starts_with('"');
                let member = format!("{}:{value}", quoted(name));
                if !is_read {
                    refused(&target.path, &member);
                }
                refused(&target.path, &format!(r#""x":{{{member}}}"#));
                refused(&target.path, &format!(r#""tools":[{{{member}}}]"#));
            }
        }
        let mark = if target.path.contains('?') { '&' } else { '?' };
        for query in [
            "model=good-1",
            "deployment=good-1",
            "engine=good-1",
            "fallbacks[]=good-1",
        ] {
            refused(&format!("{}{mark}{query}", target.path), "");
        }
    }
    println!("{tried} refused");
    assert!(tried >= 5_000, "{tried}");
}

fn one(scope: &[&str]) -> Rig {
    Rig::with(&[Record {
        scope: names(scope),
        ..record(1)
    }])
}

#[test]
fn forms_have_decoys_too() {
    let rig = one(&["good-1"]);
    let send = |path: &str, fields: &[(&str, &str)]| {
        let request = rig.post().with(":path", path).bearer(1);
        let request = request.with("content-type", content_type());
        request.send(&[form(fields).as_bytes()]).answered()
    };
    let session = r#"{"audio":{"input":{"transcription":{"model":"good-1"}}}}"#;
    for (path, fields) in [
        (
            "/v1/audio/transcriptions?model=good-1",
            &[("prompt", "x")][..],
        ),
        ("/v1/audio/transcriptions", &[("fallbacks[]", "good-1")]),
        ("/v1/images/edits", &[("svg[model]", "good-1")]),
        ("/v1/images/edits", &[("extra_body[model]", "good-1")]),
        ("/v1/realtime/calls", &[("session", session)]),
    ] {
        assert!(
            [400, 403].contains(&send(path, fields)),
            "{path} {fields:?}"
        );
    }
    assert_eq!(
        send("/v1/realtime/calls?model=good-1", &[("session", session)]),
        200
    );
}

#[test]
fn a_service_is_judged_whatever_else_is_named() {
    let settings = r#""locators":{"service":"my-service"}"#;
    let limited = |scope: &[&str]| Record {
        scope: names(scope),
        ..record(1)
    };
    for (scope, status) in [(&["good-1"][..], 403), (&["good-1", "my-service"], 200)] {
        let rig = Rig::configured(&[limited(scope)], settings);
        let body = json!({"inputs": "x", "adapter_id": "good-1"}).to_string();
        let request = rig.post().with(":path", "/generate").bearer(1);
        assert_eq!(
            request.send(&[body.as_bytes()]).answered(),
            status,
            "{scope:?}"
        );
    }
}

#[test]
fn a_refusal_says_where_to_name_a_model() {
    let rig = one(&["good-1"]);
    for (path, place) in [
        ("/v1/moderations", "`model`"),
        ("/v1/messages/batches", "`requests[].params.model`"),
    ] {
        let request = rig.post().with(":path", path).bearer(1);
        let exchange = request.send(&[b"{}"]);
        assert_eq!(exchange.answered(), 400);
        let message = exchange.message();
        assert!(message.contains(place), "{message}");
    }
}
