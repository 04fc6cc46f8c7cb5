//! Forms as the official SDKs' HTTP libraries write them: none is refused.

use super::{outcome_as, rig};

fn accepted(content_type: &str, lines: &[&str]) {
    let rig = rig();
    let body = lines.join("\r\n") + "\r\n";
    assert_eq!(outcome_as(&rig, content_type, &body), 200, "{content_type}");
    let other = body.replace("good-1", "bad-1");
    assert_eq!(outcome_as(&rig, content_type, other), 403, "{content_type}");
}

#[test]
fn openai_for_python_by_httpx() {
    accepted(
        "multipart/form-data; boundary=2f2b6a1d0c7d4fd1a3b1f0d9e8c7b6a5",
        &[
            "--2f2b6a1d0c7d4fd1a3b1f0d9e8c7b6a5",
            "Content-Disposition: form-data; name=\"model\"",
            "",
            "good-1",
            "--2f2b6a1d0c7d4fd1a3b1f0d9e8c7b6a5",
            "Content-Disposition: form-data; name=\"timestamp_granularities[]\"",
            "",
            "word",
            "--2f2b6a1d0c7d4fd1a3b1f0d9e8c7b6a5",
            "Content-Disposition: form-data; name=\"file\"; filename=\"Größe %22a%22.mp3\"",
            "Content-Type: audio/mpeg",
            "",
            "ID3",
            "--2f2b6a1d0c7d4fd1a3b1f0d9e8c7b6a5--",
        ],
    );
}

#[test]
fn openai_for_node_by_undici() {
    accepted(
        "multipart/form-data; boundary=----formdata-undici-012345678901",
        &[
            "------formdata-undici-012345678901",
            "Content-Disposition: form-data; name=\"file\"; filename=\"a.mp3\"",
            "Content-Type: application/octet-stream",
            "",
            "ID3",
            "------formdata-undici-012345678901",
            "Content-Disposition: form-data; name=\"model\"",
            "",
            "good-1",
            "------formdata-undici-012345678901--",
        ],
    );
}

#[test]
fn requests_and_urllib3() {
    accepted(
        "multipart/form-data; boundary=d41d8cd98f00b204e9800998ecf8427e",
        &[
            "--d41d8cd98f00b204e9800998ecf8427e",
            "Content-Disposition: form-data; name=\"model\"",
            "",
            "good-1",
            "--d41d8cd98f00b204e9800998ecf8427e",
            "Content-Disposition: form-data; name=\"file\"; filename*=utf-8''Gr%C3%B6%C3%9Fe.mp3",
            "",
            "ID3",
            "--d41d8cd98f00b204e9800998ecf8427e--",
        ],
    );
}

#[test]
fn curl_browsers_and_go() {
    for boundary in [
        "------------------------1f2e3d4c5b6a7988",
        "----WebKitFormBoundaryA1b2C3d4E5f6G7h8",
        "---------------------------9051914041544843365972754266",
        "6c3b2c0f7e1a4d5b8f9e0a1b2c3d4e5f6a7b8c9d0e1f2a3b4c5d6e7f8091",
    ] {
        let delimiter = format!("--{boundary}");
        accepted(
            &format!("multipart/form-data; boundary={boundary}"),
            &[
                &delimiter,
                "Content-Disposition: form-data; name=\"file\"; filename=\"a b (1).mp3\"",
                "Content-Type: audio/mpeg",
                "",
                "ID3",
                &delimiter,
                "Content-Disposition: form-data; name=\"model\"",
                "",
                "good-1",
                &format!("{delimiter}--"),
            ],
        );
    }
}

#[test]
fn okhttp_and_dot_net() {
    accepted(
        "multipart/form-data; boundary=6b1f7c1e-0b1c-4b52-9a52-1c8f5b0e7a11",
        &[
            "--6b1f7c1e-0b1c-4b52-9a52-1c8f5b0e7a11",
            "Content-Disposition: form-data; name=\"model\"",
            "Content-Type: text/plain; charset=utf-8",
            "Content-Length: 6",
            "",
            "good-1",
            "--6b1f7c1e-0b1c-4b52-9a52-1c8f5b0e7a11--",
        ],
    );
    accepted(
        "multipart/form-data; boundary=\"6b1f7c1e-0b1c-4b52-9a52-1c8f5b0e7a11\"",
        &[
            "--6b1f7c1e-0b1c-4b52-9a52-1c8f5b0e7a11",
            "Content-Type: text/plain; charset=utf-8",
            "Content-Disposition: form-data; name=model",
            "",
            "good-1",
            "--6b1f7c1e-0b1c-4b52-9a52-1c8f5b0e7a11",
            "Content-Disposition: form-data; name=file; filename=a.mp3; filename*=utf-8''a.mp3",
            "",
            "ID3",
            "--6b1f7c1e-0b1c-4b52-9a52-1c8f5b0e7a11--",
        ],
    );
}
