//! A registry that does not answer is an excuse, and nothing else is; one process installs at a time.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use envoy::provision::apt;

use super::*;
use crate::{node, python};

/// An address at which nobody listens.
fn dead() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}/", listener.local_addr().unwrap())
}

/// A registry that has nothing.
fn empty() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let head = b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            let _ = stream.write_all(head);
        }
    });
    url
}

/// What an installer gave that was sent to a registry.
fn asked(command: &mut Command, url: &str) -> Output {
    let settings = [
        ("PIP_INDEX_URL", url),
        ("npm_config_registry", url),
        ("npm_config_fetch_retries", "0"),
    ];
    command.envs(settings).env("PIP_CONFIG_FILE", "/dev/null");
    command.output().unwrap()
}

fn pip() -> Command {
    python::pip_install(Path::new("python3"), &["latchkey-has-no-such-package==1.0"])
}

fn npm() -> Option<(files::RunDir, Command)> {
    let dir = files::RunDir::temporary().unwrap();
    let mut npm = node::npm_install(&["latchkey-has-no-such-package@1.0.0"])?;
    npm.current_dir(dir.path());
    Some((dir, npm))
}

#[test]
fn a_dead_registry_is_an_excuse() {
    assert!(!Registry::Pypi.has_given("pip", &asked(&mut pip(), &dead())));
    let Some((_dir, mut npm)) = npm() else { return };
    assert!(!Registry::Npm.has_given("npm", &asked(&mut npm, &dead())));
}

#[test]
#[should_panic = "pip failed"]
fn a_package_that_pypi_does_not_have_is_none() {
    Registry::Pypi.has_given("pip", &asked(&mut pip(), &empty()));
}

#[test]
#[should_panic = "npm failed"]
fn a_package_that_npm_does_not_have_is_none() {
    let Some((_dir, mut npm)) = npm() else {
        panic!("npm failed, since there is none")
    };
    Registry::Npm.has_given("npm", &asked(&mut npm, &empty()));
}

#[test]
fn a_dead_mirror_of_debian_is_told_from_a_missing_package() {
    let dir = files::RunDir::temporary().unwrap();
    let sources = dir.file("sources.list");
    fs::write(&sources, format!("deb {} stable main\n", dead())).unwrap();
    let settings = format!(
        "Dir::Etc::sourcelist \"{}\";\nDir::Etc::sourceparts \"-\";\nDir::State::lists \"{}\";\n\
         Acquire::Retries \"0\";\n",
        sources.display(),
        dir.path().display(),
    );
    let config = dir.file("apt.conf");
    fs::write(&config, settings).unwrap();
    assert!(!apt::update(Some(&config)), "nobody listens there");
}

#[test]
fn a_directory_is_filled_once_however_many_want_it() {
    let name = format!("once-{}", std::process::id());
    let filled = AtomicUsize::new(0);
    let fill = |home: &Path| {
        filled.fetch_add(1, Ordering::SeqCst);
        fs::write(home.join("file"), "whole").is_ok()
    };
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let home = installed(&name, "it", fill).unwrap();
                assert_eq!(fs::read_to_string(home.join("file")).unwrap(), "whole");
            });
        }
    });
    assert_eq!(filled.load(Ordering::SeqCst), 1);
    assert!(installed(&name, "other", |_| false).is_none());
    assert!(installed(&name, "other", |_| true).is_some(), "tried anew");
    let tools = files::target().join("tools");
    fs::remove_dir_all(tools.join(&name)).unwrap();
    fs::remove_file(tools.join(format!("{name}.lock"))).unwrap();
}
