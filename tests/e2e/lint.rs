//! `sidecar envoy lint`: clean for what we run, and for what a running Envoy says of itself.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use envoy::{Stack, StackOptions};
use tests::recipes::recipe;
use tests::{raw, start};

fn lint(stack: &mut Stack, file: &Path) -> Output {
    let sidecar = stack.sidecar_settings().binary.clone();
    let mut lint = Command::new(sidecar);
    lint.args(["envoy", "lint"]).arg(file).output().unwrap()
}

fn assert_clean(output: &Output) {
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert_eq!(said, "nothing to say\n");
}

#[test]
fn our_bootstrap_and_the_config_dump_of_a_running_envoy_are_clean() {
    let (mut stack, _) = start();
    let bootstrap = stack.envoy_settings().config.clone();
    assert_clean(&lint(&mut stack, &bootstrap));

    let url = format!("{}/config_dump", stack.envoy_admin_url());
    let dump = stack.run_dir().join("dump.json");
    fs::write(&dump, raw::get_text(&url)).unwrap();
    assert_clean(&lint(&mut stack, &dump));
}

#[test]
fn a_mistake_in_the_dump_of_a_running_envoy_is_found_with_exit_code_1() {
    let (mut stack, _) = start();
    let url = format!("{}/config_dump", stack.envoy_admin_url());
    let dump = raw::get_text(&url);
    let open = dump.replace("\"failure_policy\": \"FAIL_RELOAD\"", "\"fail_open\": true");
    assert_ne!(open, dump);
    let file = stack.run_dir().join("dump.json");
    fs::write(&file, open).unwrap();
    let output = lint(&mut stack, &file);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.starts_with("fail-open: listener gate, filter latchkey: "),
        "{said}"
    );
}

#[test]
fn what_cannot_be_read_is_exit_code_2() {
    let mut stack = Stack::prepare(StackOptions::default()).unwrap();
    let file = stack.run_dir().join("none.yaml");
    assert_eq!(lint(&mut stack, &file).status.code(), Some(2));
    fs::write(&file, "hello: world\n").unwrap();
    let output = lint(&mut stack, &file);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("no bootstrap and no config dump"), "{said}");
}

#[test]
fn the_recipes_are_clean_but_for_the_route_that_means_to_need_no_key() {
    let headings = [
        ("Rate limit per key", ""),
        ("Access log with key id, resource and reason", ""),
        ("Services by route", "route-without-gate: listener gate"),
        ("Browsers: CORS", ""),
        ("Behind a load balancer: X-Forwarded-For", ""),
        ("Behind a load balancer: PROXY protocol", ""),
        ("A provider over TLS, with a key of its own", ""),
        ("Start without the sidecar", ""),
        ("Several listeners", ""),
    ];
    let mut stack = Stack::prepare(StackOptions::default()).unwrap();
    for (heading, finding) in headings {
        let mut bootstrap = stack.envoy_settings().bootstrap.clone();
        bootstrap.additions = recipe(heading, &[]);
        let file = stack.run_dir().join("recipe.yaml");
        fs::write(&file, bootstrap.render().unwrap()).unwrap();
        let output = lint(&mut stack, &file);
        match finding {
            "" => assert_clean(&output),
            name => {
                let said = String::from_utf8_lossy(&output.stdout).into_owned();
                assert!(said.starts_with(name), "{said}");
                assert!(said.ends_with("\n1 finding\n"), "{said}");
            }
        }
    }
}
