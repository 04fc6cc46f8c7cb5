//! The house rules, as a test: each message says where a line belongs.
//!
//! Reads source files as text. What the compiler can enforce is not repeated here.

mod rooms;

use std::fs;
use std::path::{Path, PathBuf};

const FILE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 70;
const LINE_CHARS_MAX: usize = 120;

/// A word, the places where it may stand, and what to do with it elsewhere.
const PLACES: &[(&str, &[&str], &str)] = &[
    (
        "proxy_wasm",
        &["filter/src/wasm.rs"],
        "Proxy-Wasm is named in filter/src/wasm.rs alone",
    ),
    (
        "rusqlite",
        &["sidecar/src/store/", "sidecar/tests/"],
        "SQL is spoken in sidecar/src/store alone: add a method there",
    ),
    (
        "tokio_postgres",
        &[
            "sidecar/src/store/postgres/",
            "sidecar/src/store/sql/",
            "sidecar/src/store/error.rs",
        ],
        "of the store, sql and postgres alone speak with a server",
    ),
    (
        "actix_web",
        &[
            "sidecar/src/http/",
            "sidecar/src/api/",
            "sidecar/src/console",
            "sidecar/src/feed/",
            "sidecar/src/tokenhub/call.rs",
            "sidecar/src/tokenhub/handler.rs",
            "sidecar/src/serve",
            "sidecar/tests/",
            "envoy/src/upstream",
            "latchkey/tests/",
        ],
        "HTTP is spoken by sidecar/src/http, api, tokenhub, feed and console (and the demo upstream) alone",
    ),
    (
        "ureq",
        &[
            "latchkey/src/client",
            "sidecar/benches/",
            "sidecar/tests/",
            "envoy/",
            "tests/",
        ],
        "of the command line, latchkey/src/client.rs alone speaks HTTP: make a Call",
    ),
    (
        "unsafe ",
        &["filter/src/abi.rs"],
        "unsafe code belongs into filter/src/abi.rs, with a SAFETY comment",
    ),
    (
        "unsafe(",
        &["filter/src/wasm.rs", "tests/grid/src/lib.rs"],
        "only the entry point of a module is exported by name",
    ),
];

/// Documents that name files of the tree.
const DOCUMENTS: [&str; 4] = [
    "README.md",
    "docs/architecture.md",
    "docs/cli.md",
    "docs/hostile-cases.md",
];

/// The hostile cases that docs/hostile-cases.md has to tell of.
const CASES: [(&str, &[u32]); 7] = [
    (
        "A",
        &[
            1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24,
            25, 26, 27, 28, 29, 30,
        ],
    ),
    ("S", &[4, 5, 6, 9, 10, 11, 12, 13]),
    ("T", &[1, 4, 5, 6, 7, 9]),
    ("D", &[1, 2, 3, 5, 7, 8, 9, 12, 13, 14, 15, 16]),
    (
        "R",
        &[
            1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24,
            25, 26, 27, 28, 29,
        ],
    ),
    ("G", &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11]),
    ("W", &[6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 20, 21]),
];

/// What keytable and locator must not know, since both sides ask them.
const IMPURE: &[&str] = &[
    "std::time",
    "std::fs",
    "std::net",
    "println!",
    "log::",
    "SystemTime",
];

struct Source {
    /// Path from the root, with `/`.
    path: String,
    text: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    for room in [
        "keytable", "meter", "locator", "filter", "sidecar", "latchkey", "envoy", "tests",
    ] {
        collect(&root().join(room), room, &mut found);
    }
    assert!(found.len() > 50, "the sources are found: {}", found.len());
    found
}

fn collect(dir: &Path, name: &str, found: &mut Vec<Source>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("{name}/{}", path.file_name().unwrap().to_string_lossy());
        if path.is_dir() && !name.ends_with("/target") {
            collect(&path, &name, found);
        } else if name.ends_with(".rs") {
            found.push(Source {
                path: name,
                text: fs::read_to_string(&path).unwrap(),
            });
        }
    }
}

fn assert_none(faults: &[String]) {
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn each_thing_is_named_in_its_own_room() {
    let mut faults = Vec::new();
    for source in sources()
        .iter()
        .filter(|source| source.path != "tests/e2e/tidy.rs")
    {
        for (word, places, rule) in PLACES {
            let at_home = places.iter().any(|place| source.path.starts_with(place));
            for (number, line) in source.text.lines().enumerate() {
                let code = line.split("//").next().unwrap_or_default();
                if !at_home && code.contains(word) {
                    faults.push(format!("{}:{}: {rule}", source.path, number + 1));
                }
            }
        }
    }
    assert_none(&faults);
}

#[test]
fn keytable_and_locator_know_no_clock_no_file_and_no_log() {
    let mut faults = Vec::new();
    for source in sources().iter().filter(|source| {
        source.path.starts_with("keytable/src") || source.path.starts_with("locator/src")
    }) {
        for word in IMPURE.iter().filter(|word| source.text.contains(**word)) {
            faults.push(format!(
                "{}: {word}: pass it in as an argument",
                source.path
            ));
        }
    }
    let manifest = fs::read_to_string(root().join("keytable/Cargo.toml")).unwrap();
    let dependencies = manifest.split("[dependencies]").nth(1).unwrap();
    let dependencies = dependencies.split('[').next().unwrap();
    let known = [
        "base16ct",
        "crc32fast",
        "ed25519-compact",
        "ipnet",
        "sha2",
        "subtle",
    ];
    for line in dependencies.lines().filter(|line| line.contains('=')) {
        if !known.iter().any(|name| line.starts_with(name)) {
            faults.push(format!(
                "keytable/Cargo.toml: {line}: both sides would have to sign it"
            ));
        }
    }
    assert_none(&faults);
}

#[test]
fn every_file_says_what_it_is_for_and_has_one_subject() {
    let mut faults = Vec::new();
    for source in &sources() {
        if !source.text.starts_with("//!") {
            faults.push(format!(
                "{}: open it with //! (purpose, limits, invariant)",
                source.path
            ));
        }
        let lines = source.text.lines().count();
        if lines > FILE_LINES_MAX {
            faults.push(format!(
                "{}: {lines} lines: split it by subject",
                source.path
            ));
        }
        for (number, line) in source.text.lines().enumerate() {
            if line.chars().count() > LINE_CHARS_MAX {
                faults.push(format!("{}:{}: break this line", source.path, number + 1));
            }
        }
    }
    assert_none(&faults);
}

#[test]
fn functions_do_one_thing() {
    let mut faults = Vec::new();
    for source in &sources() {
        for (name, number, length) in functions(&source.text) {
            if length > FUNCTION_LINES_MAX {
                let path = &source.path;
                faults.push(format!(
                    "{path}:{number}: {name} has {length} lines: split it"
                ));
            }
        }
    }
    assert_none(&faults);
}

/// Name, first line and length of each function, by the indentation that rustfmt gives.
fn functions(text: &str) -> Vec<(String, usize, usize)> {
    let lines: Vec<&str> = text.lines().collect();
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let code = line.trim_start();
        let Some(at) = code.find("fn ").filter(|at| is_signature(&code[..*at])) else {
            continue;
        };
        let indent = &line[..line.len() - code.len()];
        let closing = format!("{indent}}}");
        let body = lines[start..].iter().position(|other| **other == closing);
        let opens = lines[start..]
            .iter()
            .find(|other| other.ends_with(['{', ';', '}']));
        let one_line = opens.is_some_and(|other| !other.ends_with('{'));
        let length = if one_line {
            1
        } else {
            body.map_or(1, |end| end + 1)
        };
        let name = code[at + 3..]
            .split(['(', '<'])
            .next()
            .unwrap_or_default()
            .to_owned();
        found.push((name, start + 1, length));
    }
    found
}

fn is_signature(before: &str) -> bool {
    let words = [
        "pub",
        "pub(crate)",
        "pub(super)",
        "const",
        "async",
        "unsafe",
        "extern",
        "\"C\"",
    ];
    before.split_whitespace().all(|word| words.contains(&word))
}

#[test]
fn every_hostile_case_is_told_once_with_its_test_or_its_reason() {
    let text = fs::read_to_string(root().join("docs/hostile-cases.md")).unwrap();
    let mut faults = Vec::new();
    for (letter, numbers) in CASES {
        for number in numbers {
            let case = format!("| {letter}-{number:02} |");
            let rows: Vec<_> = text
                .lines()
                .filter(|line| line.starts_with(&case))
                .collect();
            let told = rows
                .iter()
                .all(|row| row.contains(".rs`") || row.contains("there is no"));
            if rows.len() != 1 || !told {
                faults.push(format!("docs/hostile-cases.md: {case} {rows:?}"));
            }
        }
    }
    assert_none(&faults);
}

/// Calls of a `RefCell` that panic while it is borrowed.
const BORROWS: [&str; 6] = [
    ".borrow()",
    ".borrow_mut()",
    ".take()",
    ".replace(",
    ".replace_with(",
    ".swap(",
];

/// What the filter is compiled of.
const IN_THE_FILTER: [&str; 4] = ["filter/src", "keytable/src", "locator/src", "meter/src"];

#[test]
fn the_filter_tries_to_borrow_and_never_panics() {
    let mut faults = Vec::new();
    let in_filter = |source: &&Source| {
        let mut rooms = IN_THE_FILTER.iter();
        rooms.any(|room| source.path.starts_with(room))
    };
    for source in sources().iter().filter(in_filter) {
        let cells = cells_of(&source.text);
        for (number, line) in source.text.lines().enumerate() {
            let panics = cells.iter().any(|cell| {
                let mut calls = BORROWS.iter();
                calls.any(|call| line.contains(&format!(".{cell}{call}")))
            });
            if panics || BORROWS[..2].iter().any(|call| line.contains(call)) {
                let path = &source.path;
                faults.push(format!(
                    "{path}:{}: try_borrow or try_borrow_mut, and refuse where it fails",
                    number + 1
                ));
            }
        }
    }
    assert_none(&faults);
}

/// The members of a file's types that are a `RefCell`.
fn cells_of(text: &str) -> Vec<&str> {
    let named = text.lines().filter_map(|line| {
        let (name, _) = line.split_once(": RefCell<")?;
        name.split_whitespace().last()
    });
    let unnamed = text.contains("(RefCell<").then_some("0");
    named.chain(unnamed).collect()
}

#[test]
fn agent_and_gate_share_one_vm_id() {
    let template = fs::read_to_string(root().join("envoy/bootstrap.yaml")).unwrap();
    let ids: Vec<&str> = template
        .lines()
        .filter(|line| line.trim().starts_with("vm_id:"))
        .collect();
    assert_eq!(ids.len(), 2, "one for the agent, one for the gate");
    assert!(
        ids.iter().all(|line| line.trim() == "vm_id: latchkey"),
        "{ids:?}"
    );
}

#[test]
fn the_documents_name_files_that_exist() {
    let mut faults = Vec::new();
    for document in DOCUMENTS {
        let text = fs::read_to_string(root().join(document)).unwrap();
        for word in text.split(|c: char| !(c.is_ascii_alphanumeric() || "/._-".contains(c))) {
            let word = word.trim_end_matches(['.', '/']);
            let is_path = word.contains('/')
                && [".rs", ".md", ".yaml"]
                    .iter()
                    .any(|end| word.ends_with(end));
            if is_path && !root().join(word).exists() {
                faults.push(format!("{document}: {word} does not exist"));
            }
        }
    }
    assert_none(&faults);
}
