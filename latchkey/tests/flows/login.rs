//! `latchkey login`, and the way to the sidecar.

use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::support::{World, run};

#[test]
fn a_token_is_stored_for_its_owner_and_forgotten() {
    let world = World::new();
    let login = world.program(&["login", "--url", &world.url, "--account", "demo"]);
    let done = run(login, &format!("{}\n", world.token));
    assert_eq!(done.code, 0, "{done:?}");
    assert!(!done.err.contains(&world.token) && !done.out.contains(&world.token));
    let stored = world.path("config/login.json");
    assert_eq!(
        fs::metadata(&stored).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let dir = fs::metadata(world.path("config")).unwrap();
    assert_eq!(dir.permissions().mode() & 0o777, 0o700);
    let who = run(world.program(&["whoami", "-o", "json"]), "");
    let who: Value = serde_json::from_str(&who.out).unwrap();
    assert_eq!(who["role"], "operator");
    // The account is remembered, too.
    assert_eq!(run(world.program(&["key", "list"]), "").code, 0);
    // What others can read is not used.
    fs::set_permissions(&stored, Permissions::from_mode(0o644)).unwrap();
    let refused = run(world.program(&["whoami"]), "");
    assert_eq!(refused.code, 3, "{refused:?}");
    assert!(refused.err.contains("chmod 600"), "{refused:?}");
    assert_eq!(run(world.program(&["logout"]), "").code, 0);
    let refused = run(world.program(&["whoami"]), "");
    assert_eq!((refused.code, stored.exists()), (3, false), "{refused:?}");
    assert!(refused.err.contains("latchkey login"), "{refused:?}");
}

#[test]
fn a_wrong_token_is_not_stored() {
    let world = World::new();
    let login = |input: &str| run(world.program(&["login", "--url", &world.url]), input);
    for input in ["lkt-wrong", ""] {
        assert_eq!(login(input).code, 3);
        assert!(!world.path("config/login.json").exists());
    }
    let file = world.write("token", &world.token);
    let login = world.program(&["login", "--url", &world.url, "--token-file", &file]);
    assert_eq!(run(login, "").code, 0);
}

#[test]
fn a_stored_token_goes_to_its_own_sidecar_alone() {
    let (world, other) = (World::new(), World::new());
    let login = world.program(&["login", "--url", &world.url]);
    assert_eq!(run(login, &world.token).code, 0);
    let refused = run(world.program(&["whoami", "--url", &other.url]), "");
    assert_eq!(refused.code, 3, "{refused:?}");
    assert!(refused.err.contains("is for"), "{refused:?}");
    let mut with_token = world.program(&["whoami", "--url", &other.url]);
    with_token.env("LATCHKEY_TOKEN", &other.token);
    assert_eq!(run(with_token, "").code, 0);
}

#[test]
fn tls_wants_a_certificate_that_is_trusted() {
    let mut ca = String::new();
    let world = World::with(|dir| {
        let made = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
        let files = ["certificate.pem", "key.pem"].map(|name| dir.join(name));
        fs::write(&files[0], made.cert.pem()).unwrap();
        fs::write(&files[1], made.signing_key.serialize_pem()).unwrap();
        fs::set_permissions(&files[1], Permissions::from_mode(0o600)).unwrap();
        let [certificate, key] = files.map(|file| file.to_str().unwrap().to_owned());
        ca.clone_from(&certificate);
        vec![
            "--tls-certificate-file".into(),
            certificate,
            "--tls-key-file".into(),
            key,
        ]
    });
    assert!(world.url.starts_with("https://"));
    assert_eq!(world.run(&["whoami", "--ca", &ca]).code, 0);
    let login = world.program(&["login", "--url", &world.url, "--ca", &ca]);
    assert_eq!(run(login, &world.token).code, 0);
    assert_eq!(
        run(world.program(&["whoami"]), "").code,
        0,
        "the certificate is remembered"
    );
    let other = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap();
    let other = world.write("other.pem", &other.cert.pem());
    let refused = world.run(&["whoami", "--ca", &other]);
    assert_eq!(refused.code, 6, "{refused:?}");
    assert!(refused.err.contains("--ca FILE"), "{refused:?}");
    let none = world.run(&["whoami", "--ca", &world.write("none.pem", "nothing")]);
    assert_eq!(none.code, 2, "{none:?}");
}

#[test]
fn whoever_does_not_answer_is_named() {
    let world = World::new();
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let url = format!("http://127.0.0.1:{port}");
    let gone = world.run(&["whoami", "--url", &url]);
    assert_eq!(gone.code, 6, "{gone:?}");
    assert!(gone.err.contains(&url), "{gone:?}");
    let mut nowhere = world.operator(&["whoami"]);
    nowhere.env_remove("LATCHKEY_URL");
    let refused = run(nowhere, "");
    assert_eq!(
        (refused.code, refused.err.contains("LATCHKEY_URL")),
        (2, true),
        "{refused:?}"
    );
    let far = world.run(&["whoami", "--url", "http://192.0.2.1:9301"]);
    assert_eq!((far.code, far.err.contains("https")), (2, true), "{far:?}");
}
