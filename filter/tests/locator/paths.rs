//! Hostile paths: none reaches the upstream for a key that may call `good-1` alone, also not for
//! one that may work on files and responses.

use crate::support::{Rig, names, record};
use keytable::Record;

fn rig() -> Rig {
    Rig::with(&[Record {
        scope: names(&[
            "good-1",
            "family-*",
            "@files",
            "@responses",
            "@mcp",
            "@batches",
        ]),
        ..record(1)
    }])
}

fn status(rig: &Rig, call: impl AsRef<[u8]>) -> u16 {
    let call = call.as_ref();
    let at = call.iter().position(|byte| *byte == b' ').unwrap();
    let exchange = rig
        .post()
        .with(":method", &call[..at])
        .with(":path", &call[at + 1..])
        .bearer(1)
        .send(&[b"{}"]);
    assert_eq!(exchange.answered() != 200, exchange.upstream.is_empty());
    exchange.answered()
}

fn refused(calls: &[&str], statuses: &[u16]) {
    let rig = rig();
    for call in calls {
        let status = status(&rig, call);
        assert!(statuses.contains(&status), "{call}: {status}");
    }
}

#[test]
fn the_honest_forms_pass() {
    let rig = rig();
    for call in [
        "POST /v1beta/models/good-1:generateContent",
        "POST /v1beta/models/good%2D1:generateContent",
        "POST /v1beta/models/family-7:streamGenerateContent?alt=sse",
        "POST /model/good-1/converse",
        "POST /v1/publishers/google/models/good-1:generateContent",
        "POST /v1/files",
        "GET /v1/files/file-1/content",
        "GET /v1/responses/resp_1",
        "GET /v1/files/a%2Fb",
        "POST /mcp",
        "POST /mcp/",
    ] {
        assert_eq!(status(&rig, call), 200, "{call}");
    }
}

#[test]
fn path_parameters() {
    refused(
        &[
            "POST /v1beta/models/good-1;x=/../bad-1:generateContent",
            "POST /v1beta/models/good-1;x=1:generateContent",
            "POST /v1beta/models/good-1%3bx:generateContent",
            "GET /v1/..;/models/bad-1",
            "GET /v1/files;x=1/file-1",
            "GET /v1/files/..;/chat/completions",
            "POST /v1/chat/completions;a=b",
        ],
        &[400, 403],
    );
}

#[test]
fn dot_segments_raw_and_encoded() {
    refused(
        &[
            "POST /v1beta/models/good-1/../bad-1:generateContent",
            "POST /v1beta/models/./good-1:generateContent",
            "POST /v1beta/models/good-1/%2e%2e/bad-1:generateContent",
            "POST /v1beta/models/good-1/.%2e/bad-1:generateContent",
            "POST /v1beta/models/good-1%2f..%2fbad-1:generateContent",
            "POST /v1beta/models/family-/../bad-1:generateContent",
            "POST /model/good-1/../bad-1/converse",
        ],
        &[400],
    );
}

#[test]
fn what_is_granted_by_service_is_no_way_to_another_endpoint() {
    refused(
        &[
            "POST /v1/files/../chat/completions",
            "POST /v1/files/%2e%2e/chat/completions",
            "POST /v1/files/.%2E/chat/completions",
            "POST /v1/files/x/..%2f..%2fchat/completions",
            "POST /v1/files/x%5c..%5c..%5cchat/completions",
            "POST /v1/files/x\\..\\..\\chat/completions",
            "POST /v1/files/%252e%252e/chat/completions",
            "POST /v1/files//chat/completions",
            "POST /v1/files/./x",
            "POST /v1/files/x/",
            "GET /v1/responses/..",
            "POST /upload/v1beta/../../v1/chat/completions",
            "GET /v1/files/a%00b",
            "GET /v1/files/a%0d%0ab",
            "GET /v1/files/%ff",
            "GET /v1/files/%zz",
            "GET /v1/files/%",
        ],
        &[400],
    );
}

#[test]
fn doubled_and_turned_slashes() {
    refused(
        &[
            "GET //v1//models//bad-1",
            "GET /v1//models/good-1",
            "GET /v1/models//good-1",
            "GET /v1/models/good-1/",
            "POST /mcp//",
            "POST //mcp/",
            "POST /mcp/./",
            "POST /mcp%2f",
            "GET /v1/files/",
            "GET /v1/files/file-1/",
            "POST /v1/chat/completions/",
            "GET /v1/models/good-1%2f..%2fbad-1",
            "GET /v1/models/good-1%5cbad-1",
            "GET /v1/models\\good-1",
            "GET /v1/models/good-1\\bad-1",
            "POST /v1%2Fchat%2Fcompletions",
            "POST //v1/chat/completions",
        ],
        &[400, 403],
    );
}

#[test]
fn a_name_is_decoded_exactly_once() {
    let rig = rig();
    assert_eq!(status(&rig, "GET /v1/models/b%61d-1"), 404);
    assert_eq!(status(&rig, "GET /v1/models/go%6Fd-1"), 200);
    for call in [
        "GET /v1/models/%2562ad-1",
        "GET /v1/models/go%256fd-1",
        "GET /v1/models/good-1%252e",
        "GET /v1/models/good-1%",
        "GET /v1/models/good-1%4",
        "GET /v1/models/good-1%+1",
    ] {
        assert_eq!(status(&rig, call), 400, "{call}");
    }
}

#[test]
fn bytes_that_are_no_name() {
    let rig = rig();
    for tail in [
        "%c0%af",
        "%ff",
        "%ed%a0%80",
        "%00",
        "%0d%0a",
        "%09",
        "%7f",
        "%20",
        "%e2%80%8b",
        "%c2%a0",
    ] {
        for call in [
            format!("GET /v1/models/good-1{tail}"),
            format!("POST /v1beta/models/good-1{tail}:generateContent"),
            format!("POST /model/good-1{tail}/invoke"),
        ] {
            assert_eq!(status(&rig, &call), 400, "{call}");
        }
    }
    let raw: [&[u8]; 4] = [b"\xff", b"\t", b"\0", b"\xc3\xa9"];
    for byte in raw {
        let call = [b"GET /v1/models/good-1".as_slice(), byte].concat();
        assert!(status(&rig, &call) >= 400, "{}", call.escape_ascii());
    }
}

#[test]
fn other_cases_other_verbs_and_suffixes_are_other_endpoints() {
    refused(
        &[
            "GET /V1/Models/good-1",
            "GET /v1/MODELS/good-1",
            "POST /v1/Chat/completions",
            "POST /v1beta/models/good-1:GenerateContent",
            "POST /v1beta/models/good-1:",
            "POST /v1beta/models/good-1",
            "POST /v1beta/models/good-1:x",
            "POST /v1beta/models/:generateContent",
            "POST /v1/chat/completionsx",
            "POST /v1/chat/completions.json",
            "POST /x/v1/chat/completions",
            "GET /",
            "GET /favicon.ico",
            "POST /v1/next/new/api",
            "POST v1/chat/completions",
            "POST *",
        ],
        &[403],
    );
    // The endpoint of a server of one model, to which it must be named all the same.
    refused(&["POST /"], &[400]);
    refused(
        &[
            "POST /v1beta/models/good-1:x:generateContent",
            "POST /v1beta/models/good-1:generateContent/../../bad-1:generateContent",
            "POST /v1beta/models/good-1/bad-1:generateContent",
            "POST /v1beta/models/bad-1:predict",
        ],
        &[400, 403],
    );
}

#[test]
fn names_out_of_scope_in_every_apis_paths() {
    refused(
        &[
            "POST /openai/deployments/bad-1/chat/completions?api-version=1",
            "POST /openai/deployments/good-1%2Fbad-1/chat/completions?api-version=1",
            "POST /model/bad-1/invoke",
            "POST /model/bad-1/invoke-with-response-stream",
            "POST /model/arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Ainference-profile%2Fbad-1/converse",
            "POST /model/arn:aws:bedrock:us-east-1:1:inference-profile/good-1/converse",
            "POST /v1/projects/p/locations/l/endpoints/123:predict",
            "POST /v1/projects/p/locations/l/publishers/google/models/bad-1:predict",
            "POST /v1/projects/p/locations/l/publishers/anthropic/models/good-1:rawPredict",
            "POST /guardrail/good-2/version/1/apply",
            "POST /api/v1/apps/app1/completion",
            "POST /v1beta/tunedModels/good-1:generateContent",
            "POST /v1beta/models/ft:good-1:org::id:generateContent",
            "POST /v1beta/models/good-1,bad-1:generateContent",
            "POST /v1beta/models/GOOD-1:generateContent",
            "POST /v1/batch/x",
            "GET /v1/organization/users",
            "DELETE /api/delete",
        ],
        &[403],
    );
    refused(&["GET /v1/models/bad-1", "DELETE /v1/models/bad-1"], &[404]);
}

#[test]
fn body_and_path_must_both_be_in_scope() {
    let rig = rig();
    let send = |deployment: &str, model: &str| {
        let path = format!("/openai/deployments/{deployment}/chat/completions?api-version=1");
        let body = format!(r#"{{"messages":[],"model":"{model}"}}"#);
        let request = rig.post().with(":path", path).bearer(1);
        request.send(&[body.as_bytes()]).answered()
    };
    assert_eq!(send("good-1", "family-x"), 200);
    assert_eq!(send("bad-1", "good-1"), 403);
    assert_eq!(send("good-1", "bad-1"), 403);
}
