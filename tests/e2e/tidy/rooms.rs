//! The rooms of the product's crates, as a test: who imports whom, from the code's own paths.
//!
//! A room is a file or a folder beside others. Reads source files as text, up to their tests: those
//! may look at whatever they test. Invariant: between the rooms of one folder no way leads back.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use super::{Source, assert_none, root, sources};

/// The crates whose rooms are looked at.
const CRATES: [&str; 7] = [
    "keytable", "meter", "locator", "filter", "sidecar", "latchkey", "envoy",
];

/// Files that may lie beside each other in one folder.
const FOLDER_FILES_MAX: usize = 20;

/// Rooms, and what they must not import even where no circle would come of it.
const APART: &[(&str, &[&str])] = &[
    ("sidecar/http", &["feed", "service", "api", "tokenhub"]),
    ("sidecar/feed", &["service", "api", "tokenhub"]),
    ("sidecar/service", &["api", "tokenhub"]),
    ("sidecar/tokenhub", &["api"]),
    ("sidecar/api", &["tokenhub"]),
    (
        "latchkey/client",
        &["commands", "apply", "output", "terminal"],
    ),
];

/// Types that each crate has of its own, as they are the same thing in each.
const SAME: [&str; 4] = ["Config", "ConfigError", "MaxStaleness", "Mutant"];

/// A path of modules, from the crate's root.
type Path = Vec<String>;

/// Which room of a folder imports which, and in which file.
type Imports = BTreeMap<(String, String), String>;

#[test]
fn no_rooms_import_each_other() {
    let mut faults = Vec::new();
    for (folder, imports) in folders() {
        for (from, to) in imports.keys() {
            if leads(&imports, to, from) {
                let file = &imports[&(from.clone(), to.clone())];
                faults.push(format!(
                    "{folder}: {from} and {to} import each other: in {file}, move what both need \
                     into a room below"
                ));
            }
        }
    }
    assert_none(&faults);
}

#[test]
fn the_ways_in_are_siblings_and_the_kit_knows_nobody() {
    let mut faults = Vec::new();
    for (folder, imports) in folders() {
        for ((from, to), file) in &imports {
            let room = format!("{folder}/{from}");
            let others = APART.iter().find(|(name, _)| *name == room);
            if others.is_some_and(|(_, others)| others.contains(&to.as_str())) {
                faults.push(format!("{file}: {from} must not know {to}"));
            }
        }
    }
    assert_none(&faults);
}

/// What each room may depend on besides crates of others, as its manifest says.
const ROOMS: [(&str, &[&str]); 6] = [
    ("keytable", &[]),
    ("locator", &["keytable"]),
    ("filter", &["keytable", "locator"]),
    ("sidecar", &["keytable", "locator"]),
    // Of the contract it reads how networks and scopes are spelled, and knows a credential.
    ("latchkey", &["keytable"]),
    ("envoy", &[]),
];

#[test]
fn the_rooms_arrows_are_those_of_the_manifests() {
    let names: Vec<&str> = ROOMS.iter().map(|(name, _)| *name).collect();
    let mut faults = Vec::new();
    for (room, allowed) in ROOMS {
        let manifest = fs::read_to_string(root().join(room).join("Cargo.toml")).unwrap();
        let dependencies = manifest.split("\n[dependencies]").nth(1).unwrap();
        let dependencies = dependencies.split("\n[").next().unwrap();
        let named = dependencies.lines().filter_map(|line| {
            let name = line.split(['.', ' ', '=']).next().unwrap_or_default();
            names.iter().find(|room| **room == name)
        });
        let beyond = named.filter(|name| !allowed.contains(name));
        faults.extend(beyond.map(|name| format!("{room} must not depend on {name}")));
    }
    assert_none(&faults);
}

#[test]
fn who_may_is_changed_and_told_by_services_alone() {
    let sources = product();
    let handlers = sources
        .iter()
        .filter(|source| source.path.starts_with("sidecar/src/api/identity/"));
    let faults: Vec<String> = handlers
        .filter(|source| production(&source.text).contains(".store("))
        .map(|source| format!("{}: ask sidecar/src/service, not the store", source.path))
        .collect();
    assert_none(&faults);
}

#[test]
fn no_folder_has_more_files_than_one_subject() {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let sources = product();
    for source in &sources {
        let folder = source
            .path
            .rsplit_once('/')
            .map_or("", |(folder, _)| folder);
        *counts.entry(folder).or_default() += 1;
    }
    let full = counts
        .iter()
        .filter(|(_, count)| **count > FOLDER_FILES_MAX);
    let faults: Vec<String> = full
        .map(|(folder, count)| format!("{folder}: {count} files: sort them into folders"))
        .collect();
    assert_none(&faults);
}

#[test]
fn a_name_of_a_public_type_means_one_thing() {
    let mut places: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for source in product() {
        let room = source.path.split('/').next().unwrap_or_default().to_owned();
        for (line, is_outside) in production(&source.text).lines().filter_map(public_type) {
            // What is public for its own crate alone is no word of the others.
            let key = if is_outside {
                line
            } else {
                format!("{room}::{line}")
            };
            places.entry(key).or_default().insert(source.path.clone());
        }
    }
    let twice = places
        .iter()
        .filter(|(name, places)| places.len() > 1 && !SAME.contains(&name.as_str()));
    let faults: Vec<String> = twice
        .map(|(name, places)| format!("{name} is {places:?}: give each its own name"))
        .collect();
    assert_none(&faults);
}

/// The sources of the product, without files that are tests as a whole.
fn product() -> Vec<Source> {
    let mut sources = sources();
    sources.retain(|source| {
        let room = CRATES
            .iter()
            .find(|name| source.path.starts_with(&format!("{name}/src/")));
        room.is_some() && !source.path.contains("/tests/") && !source.path.ends_with("/tests.rs")
    });
    sources
}

/// A file up to its tests.
fn production(text: &str) -> &str {
    text.split("#[cfg(test)]\nmod tests").next().unwrap_or(text)
}

/// The name of the public type that a line begins, and whether other crates see it.
fn public_type(line: &str) -> Option<(String, bool)> {
    let code = line.trim_start().strip_prefix("pub")?;
    let (code, is_outside) = match code.strip_prefix('(') {
        Some(inner) => (inner.split_once(')')?.1, false),
        None => (code, true),
    };
    let mut words = code
        .trim_start()
        .split(|c: char| !(c.is_alphanumeric() || c == '_'));
    let kind = words.next()?;
    let is_type = ["struct", "enum", "trait", "type"].contains(&kind);
    is_type.then(|| (words.next().unwrap_or_default().to_owned(), is_outside))
}

/// Each folder of each crate, with who imports whom in it; named `crate/folder`.
fn folders() -> BTreeMap<String, Imports> {
    let mut found: BTreeMap<String, Imports> = BTreeMap::new();
    for name in CRATES {
        let prefix = format!("{name}/src/");
        let sources = product();
        let files = sources
            .iter()
            .filter(|source| source.path.starts_with(&prefix));
        let files: Vec<(Path, &Source)> = files
            .map(|source| (module(&source.path[prefix.len()..]), source))
            .collect();
        let modules: BTreeSet<&Path> = files.iter().map(|(module, _)| module).collect();
        for (from, source) in &files {
            for path in paths(&code(&source.text), from) {
                let to = longest_module(&modules, &path);
                let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
                if let (Some(from_room), Some(to_room)) = (from.get(shared), to.get(shared)) {
                    let folder = [&[name.to_owned()], &from[..shared]].concat().join("/");
                    let edge = (from_room.clone(), to_room.clone());
                    let imports = found.entry(folder).or_default();
                    imports.insert(edge, source.path.clone());
                }
            }
        }
    }
    assert!(found.len() > 8, "the folders are found: {}", found.len());
    found
}

/// Whether `from` imports `to`, directly or by way of others.
fn leads(imports: &Imports, from: &str, to: &str) -> bool {
    let (mut reached, mut open) = (BTreeSet::new(), vec![from]);
    while let Some(room) = open.pop() {
        let next = imports.keys().filter(|(importer, _)| importer == room);
        for (_, imported) in next {
            if reached.insert(imported.as_str()) {
                open.push(imported);
            }
        }
    }
    reached.contains(to)
}

/// The module that a file below `src/` is.
fn module(file: &str) -> Path {
    let mut path: Path = file
        .trim_end_matches(".rs")
        .split('/')
        .map(str::to_owned)
        .collect();
    if path
        .last()
        .is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str()))
    {
        path.pop();
    }
    path
}

/// The module that a path leads into; what follows it are names of things.
fn longest_module(modules: &BTreeSet<&Path>, path: &[String]) -> Path {
    let lengths = (0..=path.len()).rev();
    let mut heads = lengths.map(|length| path[..length].to_vec());
    heads
        .find(|head| modules.contains(head))
        .unwrap_or_default()
}

/// A file's code without its comments and tests.
fn code(text: &str) -> String {
    let lines = production(text).lines();
    lines
        .map(|line| line.split("//").next().unwrap_or_default())
        .collect::<Vec<_>>()
        .join("\n")
}

/// Every path from the crate's root in the code of the module `own`.
fn paths(code: &str, own: &[String]) -> Vec<Path> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        spread_out(Vec::new(), &code[at + "crate::".len()..], &mut found);
    }
    for (at, _) in code.match_indices("super::") {
        let is_first = !code[..at].ends_with("super::");
        let rest = code[at..].trim_start_matches("super::");
        let up = (code.len() - at - rest.len()) / "super::".len();
        if is_first && up <= own.len() {
            spread_out(own[..own.len() - up].to_vec(), rest, &mut found);
        }
    }
    found
}

/// Adds each path that begins with `head`: one, or those of a group in braces.
fn spread_out(mut head: Path, rest: &str, found: &mut Vec<Path>) {
    if let Some(group) = rest.strip_prefix('{') {
        for item in items(group) {
            spread_out(head.clone(), item.trim(), found);
        }
        return;
    }
    let end = rest
        .find(|c: char| !(c.is_alphanumeric() || c == '_'))
        .unwrap_or(rest.len());
    if end == 0 {
        found.push(head);
        return;
    }
    head.push(rest[..end].to_owned());
    match rest[end..].strip_prefix("::") {
        Some(more) => spread_out(head, more, found),
        None => found.push(head),
    }
}

/// The members of a group whose brace was opened.
fn items(group: &str) -> Vec<&str> {
    let (mut items, mut depth, mut start) = (Vec::new(), 0_u32, 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                items.push(&group[start..at]);
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                items.push(&group[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    items
}

#[test]
fn paths_are_found_in_groups_and_upwards() {
    let own = ["a", "b"].map(str::to_owned);
    let text = "use crate::x::{self, y::{Z, w}};\nuse super::c::D; // crate::no::More\n";
    let found: Vec<String> = paths(&code(text), &own)
        .iter()
        .map(|path| path.join("::"))
        .collect();
    assert_eq!(found, ["x::self", "x::y::Z", "x::y::w", "a::c::D"]);
}
