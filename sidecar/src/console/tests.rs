//! The page as it is embedded: whole, small, without anything that the policy would refuse.

use super::{FILES, INDEX, media_type};

const BYTES_MAX: usize = 150 * 1000;

#[test]
fn the_whole_page_is_small() {
    let bytes: usize = FILES.iter().map(|file| file.text.len()).sum();
    let bytes = bytes + INDEX.len();
    assert!(bytes < BYTES_MAX, "{bytes} bytes: {BYTES_MAX} are allowed");
}

#[test]
fn nothing_is_inline_and_nothing_comes_from_elsewhere() {
    for forbidden in [
        "<style",
        " style=",
        " onclick=",
        " onload=",
        "http:",
        "https:",
        "//",
    ] {
        assert!(!INDEX.contains(forbidden), "index.html has {forbidden}");
    }
    let scripts = INDEX.matches("<script").count();
    assert_eq!(
        scripts,
        INDEX.matches("\"></script>").count(),
        "a script has a body"
    );
    for file in FILES {
        for forbidden in [
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
        ] {
            assert!(
                !file.text.contains(forbidden),
                "{} has {forbidden}",
                file.path
            );
        }
    }
}

#[test]
fn every_import_is_served() {
    let paths: Vec<_> = FILES.iter().map(|file| file.path).collect();
    for file in FILES.iter().filter(|file| file.path.ends_with(".js")) {
        for line in file.text.lines().filter(|line| line.contains(" from './")) {
            let name = line.split(" from './").nth(1).unwrap_or_default();
            let name = name.split('\'').next().unwrap_or_default();
            assert!(paths.contains(&name), "{} imports {name}", file.path);
        }
    }
}

#[test]
fn every_file_has_a_type_of_its_own() {
    for file in FILES {
        assert_ne!(
            media_type(file.path),
            "application/octet-stream",
            "{}",
            file.path
        );
    }
}
