//! The bootstrap of the compose demo is that of `cargo demo`, but for the values.

use std::net::IpAddr;

use super::*;
use crate::bootstrap::TEMPLATE;
use crate::files;

fn words<'a>(args: &'a [&str]) -> impl Iterator<Item = &'a str> {
    std::iter::once("render").chain(args.iter().copied())
}

fn rendered(args: &[&str]) -> String {
    match parse(words(args)) {
        Ok(RenderCommand::Print(bootstrap)) => bootstrap.render().unwrap(),
        other => panic!("{other:?}"),
    }
}

fn refusal(args: &[&str]) -> String {
    parse(words(args)).unwrap_err().to_string()
}

/// What the image build passes to `render`.
fn args_in_dockerfile() -> Vec<String> {
    let file = files::workspace().join("envoy/Dockerfile");
    let text = fs::read_to_string(file).unwrap().replace("\\\n", " ");
    let line = text.lines().find(|line| line.contains("/render "));
    let line = line.expect("the image build renders the bootstrap");
    let words = line.split_whitespace();
    let args = words.skip_while(|word| !word.ends_with("/render"));
    let args = args.skip(1).take_while(|word| !word.starts_with('>'));
    args.map(str::to_owned).collect()
}

/// What `cargo demo` renders, with values that no image has.
fn demo() -> String {
    let least = ["--sidecar", "127.0.0.1:3", "--upstream", "127.0.0.1:4"];
    let Ok(RenderCommand::Print(mut bootstrap)) = parse(words(&least)) else {
        panic!("the least that is needed is refused");
    };
    bootstrap.node_id = "demo-envoy".to_owned();
    bootstrap.admin_port = 1;
    bootstrap.listen_address = IpAddr::from([127, 0, 0, 1]);
    bootstrap.listen_port = 2;
    bootstrap.filter_wasm = PathBuf::from("/demo/filter.wasm");
    bootstrap.feed_token_file = PathBuf::from("/demo/feed-token");
    bootstrap.access_log = PathBuf::from("/demo/access.log");
    bootstrap.render().unwrap()
}

#[test]
fn the_image_and_the_demo_differ_in_values_only() {
    let args = args_in_dockerfile();
    let image = rendered(&args.iter().map(String::as_str).collect::<Vec<_>>());
    let demo = demo();
    let lines = TEMPLATE.lines().zip(image.lines().zip(demo.lines()));
    assert_eq!(image.lines().count(), TEMPLATE.lines().count());
    assert_eq!(demo.lines().count(), TEMPLATE.lines().count());
    for (template, (image, demo)) in lines {
        let may_differ = template.contains("{{");
        assert!(may_differ || image == demo, "{image}\n{demo}");
    }
}

#[test]
fn a_signed_table_may_be_asked_for_by_its_first_name() {
    let key = "ab".repeat(32);
    let of = |option| {
        let to = ["--sidecar", "s:1", "--upstream", "u:1", option, &key];
        rendered(&to)
    };
    assert!(of("--signed-table-key").contains("signed_table"));
    assert_eq!(of("--sealed-table-key"), of("--signed-table-key"));
}

#[test]
fn envoys_admin_interface_stays_on_loopback() {
    let args = args_in_dockerfile();
    let image = rendered(&args.iter().map(String::as_str).collect::<Vec<_>>());
    let admin = image.split("admin:").nth(1).unwrap();
    let address = admin.split("address: { socket_address").nth(1).unwrap();
    assert!(
        address.starts_with(": { address: 127.0.0.1,"),
        "{}",
        &address[..80]
    );
}

#[test]
fn a_place_takes_a_file() {
    let dir = files::RunDir::temporary().unwrap();
    let file = dir.file("route.yaml");
    fs::write(
        &file,
        "- match: { path: /healthz }\n  direct_response: { status: 200 }\n",
    )
    .unwrap();
    let add = format!("routes={}", file.display());
    let both = ["--sidecar", "s:1", "--upstream", "u:2", "--add", &add];
    assert!(rendered(&both).contains("              - match: { path: /healthz }\n"));
    let nowhere = [
        "--sidecar",
        "s:1",
        "--upstream",
        "u:2",
        "--add",
        "nowhere=/f",
    ];
    assert!(refusal(&nowhere).contains("no such place"));
}

#[test]
fn what_is_missing_or_unknown_is_named() {
    assert!(refusal(&["--sidecar", "s:1"]).contains("--upstream HOST:PORT must be given"));
    let both = ["--sidecar", "s:1", "--upstream", "u:2"];
    let with = |more: [&'static str; 2]| refusal(&[both.as_slice(), more.as_slice()].concat());
    assert!(with(["--colour", "red"]).contains("no option --colour"));
    assert!(with(["--listen", "10000"]).contains("--listen"));
}

#[test]
fn a_certificate_needs_its_key() {
    let both = ["--sidecar", "s:1", "--upstream", "u:2"];
    let certificate = ["--tls-certificate", "/chain.pem"];
    let key = ["--tls-key", "/key.pem"];
    for half in [certificate, key] {
        let said = refusal(&[both.as_slice(), half.as_slice()].concat());
        assert!(said.contains("belong together"), "{said}");
    }
    let yaml = rendered(&[both.as_slice(), certificate.as_slice(), key.as_slice()].concat());
    assert!(yaml.contains(r#""certificate_chain":{"filename":"/chain.pem"}"#));
}

#[test]
fn the_help_names_every_place() {
    let help = help();
    let (_, places) = help.split_once("Places:").unwrap();
    let (places, _) = places.split_once("--help").unwrap();
    let named: Vec<&str> = places
        .split([',', ' ', '\n'])
        .filter(|word| !word.is_empty())
        .collect();
    assert_eq!(named, Place::ALL.map(Place::name));
}
