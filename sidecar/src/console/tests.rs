//! The page as it is embedded: whole, small, without anything that the policy would refuse.

use std::collections::BTreeSet;
use std::path::Path;

use sha2::{Digest, Sha256};

use super::{Coding, FILES, INDEX, coding, media_type};

/// What there is to load, compressed: all views in both languages, without the licences' texts.
const BYTES_MAX: usize = 90 * 1000;

/// How long a line of ours may be.
const LINE_CHARS_MAX: usize = 120;

/// What others made, and what it is known by.
const VENDOR: &str = include_str!("web/vendor/README.md");

fn index() -> &'static str {
    FILES
        .iter()
        .find(|file| file.path == INDEX)
        .expect("the page")
        .text
}

#[test]
fn the_whole_page_is_small() {
    let kept = FILES
        .iter()
        .filter(|file| !file.path.ends_with(".license.txt"));
    let bytes: usize = kept.map(|file| file.packed.len()).sum();
    assert!(bytes < BYTES_MAX, "{bytes} bytes: {BYTES_MAX} are allowed");
}

#[test]
fn what_is_compressed_is_the_file() {
    for file in FILES {
        let mut text = Vec::new();
        brotli::BrotliDecompress(&mut &*file.packed, &mut text).expect("brotli");
        assert_eq!(text, file.text.as_bytes(), "{}", file.path);
    }
}

#[test]
fn who_takes_brotli_gets_it() {
    use actix_web::http::header::{ACCEPT_ENCODING, HeaderMap, HeaderValue};
    for (accepted, wanted) in [
        ("br", Coding::Brotli),
        ("BR", Coding::Brotli),
        ("gzip;q=1.0, br;q=0.5", Coding::Brotli),
        ("br;q=0", Coding::Identity),
        ("br; q=0.000, gzip", Coding::Identity),
        ("br;q=much", Coding::Identity),
        ("broken", Coding::Identity),
        ("identity", Coding::Identity),
        ("", Coding::Identity),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(accepted));
        assert_eq!(coding(&headers), wanted, "{accepted}");
    }
    assert_eq!(coding(&HeaderMap::new()), Coding::Identity);
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
        assert!(!index().contains(forbidden), "index.html has {forbidden}");
    }
    let scripts = index().matches("<script").count();
    assert_eq!(
        scripts,
        index().matches("\"></script>").count(),
        "a script has a body"
    );
    for file in FILES
        .iter()
        .filter(|file| !file.path.starts_with("vendor/"))
    {
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
fn every_import_is_served_and_every_module_is_imported() {
    let paths: BTreeSet<_> = FILES.iter().map(|file| file.path.to_owned()).collect();
    let mut imported = BTreeSet::from(["app.js".to_owned(), "early.js".to_owned()]);
    for file in FILES.iter().filter(|file| is_module(file.path)) {
        let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for name in imports(file.text) {
            let path = joined(folder, name);
            assert!(paths.contains(&path), "{} imports {name}", file.path);
            imported.insert(path);
        }
    }
    let modules = paths.into_iter().filter(|path| is_module(path));
    let unused: Vec<_> = modules.filter(|path| !imported.contains(path)).collect();
    assert!(unused.is_empty(), "nothing imports {unused:?}");
}

fn is_module(path: &str) -> bool {
    path.ends_with(".js") || path.ends_with(".mjs")
}

/// What a module imports, as it says it: `from './x.js'`, `import('./x.js')`, `import './x.js'`.
fn imports(text: &str) -> Vec<&str> {
    let text_after = |opening: &'static str| text.split(opening).skip(1);
    let single = ["from '", "import('", "import '"].into_iter();
    let single = single
        .flat_map(text_after)
        .filter_map(|rest| rest.split('\'').next());
    let double = text_after("from\"").filter_map(|rest| rest.split('"').next());
    single.chain(double).collect()
}

/// The path of what a module in `folder` imports as `name`.
fn joined(folder: &str, name: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in name.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}

#[test]
fn what_others_made_is_as_they_published_it() {
    let vendored = FILES.iter().filter(|file| file.path.starts_with("vendor/"));
    let mut seen = 0;
    for file in vendored {
        let name = file.path.trim_start_matches("vendor/");
        let row = VENDOR
            .lines()
            .find(|line| line.starts_with(&format!("| `{name}`")));
        let row = row.unwrap_or_else(|| panic!("vendor/README.md does not name {name}"));
        // The one change of the build, taken back.
        let text = file.text.replace("\"./preact.mjs\"", "\"preact\"");
        let digest = base16ct::lower::encode_string(&Sha256::digest(text.as_bytes()));
        assert!(row.contains(&format!("`{digest}`")), "{name} has {digest}");
        seen += 1;
    }
    assert_eq!(
        VENDOR
            .lines()
            .filter(|line| line.starts_with("| `"))
            .count(),
        seen
    );
}

#[test]
fn lines_can_be_read_and_modules_are_checked() {
    let own = FILES
        .iter()
        .filter(|file| !file.path.starts_with("vendor/"));
    for file in own.filter(|file| file.path.ends_with(".js") || file.path.ends_with(".css")) {
        let source = source(file.path);
        for (at, line) in source.lines().enumerate() {
            let chars = line.chars().count();
            assert!(chars < LINE_CHARS_MAX, "{}:{}: {chars}", file.path, at + 1);
        }
        let is_checked = source.starts_with("// @ts-check\n") || file.path.ends_with(".css");
        assert!(is_checked, "{} does not begin with @ts-check", file.path);
    }
}

/// A file of the page as it is written.
fn source(path: &str) -> String {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/console/web");
    std::fs::read_to_string(folder.join(path)).expect(path)
}

#[test]
fn only_whole_lines_of_comment_are_left_out() {
    let own = FILES
        .iter()
        .filter(|file| !file.path.starts_with("vendor/"));
    let mut left_out = 0;
    for file in own {
        let source = source(file.path);
        assert_eq!(
            source.lines().count(),
            file.text.lines().count(),
            "{}",
            file.path
        );
        let mut block = false;
        for (written, served) in source.lines().zip(file.text.lines()) {
            if written != served {
                assert_eq!(served, "", "{}: {written}", file.path);
                let start = written.trim_start();
                let is_comment = block || start.starts_with("//") || start.starts_with("/*");
                assert!(is_comment || start.is_empty(), "{}: {written}", file.path);
                block = (block || start.starts_with("/*")) && !written.ends_with("*/");
                left_out += 1;
            }
        }
        assert!(!block, "{} has a comment without an end", file.path);
    }
    assert!(left_out > 0);
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
