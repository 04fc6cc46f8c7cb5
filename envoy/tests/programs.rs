//! The programs of this package, started as what they are: processes.
//!
//! What they do is judged where the library is. Invariant: nothing that is started here outlives its test.

#![cfg(test)]

use std::process::{Command, Output, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

const PATIENCE: Duration = Duration::from_secs(30);

fn render(args: &[&str]) -> Output {
    let mut render = Command::new(env!("CARGO_BIN_EXE_render"));
    render.args(args).output().unwrap()
}

#[test]
fn render_writes_a_bootstrap_and_nothing_else_to_its_output() {
    let told = "--filter /etc/filter.wasm --sidecar a:1 --upstream b:2 --listen 127.0.0.1:4711";
    let rendered = render(&told.split(' ').collect::<Vec<_>>());
    let said = String::from_utf8_lossy(&rendered.stderr);
    assert!(rendered.status.success(), "{said}");
    let text = String::from_utf8(rendered.stdout).unwrap();
    assert!(
        text.contains("/etc/filter.wasm") && text.contains("4711"),
        "{text}"
    );
}

#[test]
fn render_says_which_argument_it_does_not_know() {
    let refused = render(&["--fliter", "/etc/filter.wasm"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(refused.stdout.is_empty());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("--fliter"));
}

#[test]
fn the_upstream_answers_and_ends_when_it_is_asked_to() {
    let address = format!("127.0.0.1:{}", envoy::ports::free().unwrap());
    let mut upstream = Command::new(env!("CARGO_BIN_EXE_upstream"));
    upstream.args(["--listen", &address]).stdout(Stdio::null());
    let mut upstream = upstream.spawn().unwrap();
    let url = format!("http://{address}/v1/models");
    let answers = || ureq::get(&url).call().is_ok().then_some(());
    let answered = envoy::wait::until(PATIENCE, answers);
    let pid = Pid::from_child(&upstream);
    kill_process(pid, Signal::TERM).unwrap();
    let ended = upstream.wait().unwrap();
    assert!(answered.is_some(), "it answers");
    assert!(ended.success(), "{ended}");
}
