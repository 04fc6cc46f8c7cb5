//! The pages under docs/ and the unit for systemd, held to the programs that they describe.
//!
//! The README's tour is `tour`, the recipes are `recipes`. Invariant: a setting that exists is
//! explained, one that is explained exists.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use envoy::{Stack, StackOptions};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn page(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap()
}

fn sidecar(args: &[&str]) -> Output {
    let mut stack = Stack::prepare(StackOptions::default()).unwrap();
    let binary = stack.sidecar_settings().binary.clone();
    Command::new(binary).args(args).output().unwrap()
}

/// Flags at the beginning of lines of `--help`.
fn flags_of_help(help: &str) -> BTreeSet<String> {
    let lines = help.lines();
    let lines = lines.filter_map(|line| line.trim_start().strip_prefix("--"));
    let names = lines.map(|line| line.split([' ', '[']).next().unwrap());
    names.map(|name| format!("--{name}")).collect()
}

/// Flags in the first cells of the table under a heading.
fn flags_of_table(page: &str, heading: &str) -> BTreeSet<String> {
    let section = page.split_once(heading).expect(heading).1;
    let section = section.split("\n#").next().unwrap();
    let cells = section
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .filter_map(|line| line.split('`').next());
    let flags = cells.filter(|cell| cell.starts_with("--"));
    flags
        .map(|cell| cell.split(' ').next().unwrap().to_owned())
        .collect()
}

#[test]
fn every_setting_of_the_sidecar_is_in_the_reference_and_none_besides() {
    let help = String::from_utf8(sidecar(&["--help"]).stdout).unwrap();
    let flags = flags_of_help(&help);
    assert!(flags.len() > 15, "{flags:?}");
    let reference = flags_of_table(&page("docs/operations.md"), "\n### Settings\n");
    assert_eq!(reference, flags);
}

#[test]
fn every_command_of_the_sidecar_is_in_the_operations_page() {
    let help = String::from_utf8(sidecar(&["--help"]).stdout).unwrap();
    let operations = page("docs/operations.md");
    let lines = help.lines();
    let lines = lines.filter_map(|line| line.get(7..)?.strip_prefix("sidecar "));
    let commands: BTreeSet<String> = lines
        .map(|line| {
            let is_word = |word: &&str| word.starts_with(|c: char| c.is_ascii_lowercase());
            let words: Vec<&str> = line.split(' ').take_while(is_word).take(2).collect();
            words.join(" ")
        })
        .collect();
    assert!(
        commands.contains("audit verify") && commands.contains("backup"),
        "{commands:?}"
    );
    for command in commands {
        assert!(
            operations.contains(&format!("sidecar {command}")),
            "{command}"
        );
    }
}

/// The words of `ExecStart=` behind the program, without the command.
fn settings_of_the_unit() -> Vec<String> {
    let unit = page("envoy/latchkey-sidecar.service").replace("\\\n", " ");
    let line = unit
        .lines()
        .find_map(|line| line.strip_prefix("ExecStart="))
        .unwrap();
    let mut words = line.split_whitespace();
    assert_eq!(words.next(), Some("/usr/local/bin/sidecar"));
    assert_eq!(words.next(), Some("serve"));
    words.map(str::to_owned).collect()
}

#[test]
fn the_sidecar_understands_what_the_unit_for_systemd_starts_it_with() {
    let mut stack = Stack::prepare(StackOptions::default()).unwrap();
    let binary = stack.sidecar_settings().binary.clone();
    let token = stack.feed_token_file().display().to_string();
    let data = stack.run_dir().display().to_string();
    let settings = settings_of_the_unit().into_iter().map(|word| {
        let word = word.replace("%d/feed-token", &token);
        word.replace("/var/lib/latchkey", &data)
    });
    let mut check = Command::new(binary);
    let output = check
        .args(["config", "check"])
        .args(settings)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

#[test]
fn every_page_that_is_linked_exists() {
    let pages = fs::read_dir(root().join("docs")).unwrap();
    let pages = pages.map(|entry| entry.unwrap().path());
    let pages = pages.filter(|path| path.extension().is_some_and(|end| end == "md"));
    for page in pages.chain([root().join("README.md")]) {
        let text = fs::read_to_string(&page).unwrap();
        let links = text
            .split("](")
            .skip(1)
            .filter_map(|rest| rest.split(')').next());
        for link in links.filter(|link| !link.starts_with("http") && !link.starts_with('#')) {
            let file = link.split('#').next().unwrap();
            let target = page.parent().unwrap().join(file);
            assert!(target.exists(), "{} links to {link}", page.display());
        }
    }
}
