//! The files of the console as the binary carries them: listed, and compressed.
//!
//! Changes nothing that a browser would run, but for the bare names by which published modules import each
//! other: a page without inline scripts has no import map. Comments on lines of their own become empty lines,
//! so that an error's line is the line of the source. Invariant: the same tree gives the same bytes.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use brotli::enc::BrotliEncoderParams;

/// Where the files are written, from this package's folder.
const WEB: &str = "src/console/web";

/// What a browser does not load.
const LEFT_OUT: [&str; 1] = ["vendor/README.md"];

/// Bare names of published modules, and where they lie.
const BARE: [(&str, &str); 1] = [("\"preact\"", "\"./preact.mjs\"")];

#[allow(clippy::print_stdout, reason = "how a build script speaks to cargo")]
fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed={WEB}");
    let out = PathBuf::from(std::env::var_os("OUT_DIR").unwrap_or_default());
    let mut paths = Vec::new();
    collect(Path::new(WEB), &mut paths)?;
    paths.sort();
    let mut table = String::from("&[\n");
    for (at, path) in paths.iter().enumerate() {
        let source = fs::read_to_string(Path::new(WEB).join(path))?;
        let text = without_comments(path, &with_paths(path, source));
        fs::write(out.join(format!("{at}.txt")), &text)?;
        fs::write(out.join(format!("{at}.br")), compressed(&text)?)?;
        table += &format!(
            "File {{ path: {path:?}, text: include_str!(\"{at}.txt\"), packed: include_bytes!(\"{at}.br\") }},\n"
        );
    }
    fs::write(out.join("console.rs"), table + "]\n")
}

/// Every file below `folder`, by its path from the page's own folder.
fn collect(folder: &Path, paths: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, paths)?;
            continue;
        }
        let below = path.strip_prefix(WEB).unwrap_or(&path);
        let name = below.to_string_lossy().replace('\\', "/");
        if !LEFT_OUT.contains(&name.as_str()) {
            paths.push(name);
        }
    }
    Ok(())
}

fn with_paths(path: &str, text: String) -> String {
    if !path.ends_with(".mjs") {
        return text;
    }
    BARE.iter()
        .fold(text, |text, (bare, at)| text.replace(bare, at))
}

/// A script or a style without the comments that stand on lines of their own.
fn without_comments(path: &str, text: &str) -> String {
    if !path.ends_with(".js") && !path.ends_with(".css") {
        return text.to_owned();
    }
    let mut is_inside = false;
    let mut kept = String::new();
    for line in text.lines() {
        let start = line.trim_start();
        let opens = start.starts_with("/*");
        let closes = line.ends_with("*/");
        let is_comment =
            is_inside || start.starts_with("//") || (opens && (closes || !start.contains("*/")));
        is_inside = (is_inside || (is_comment && opens)) && !closes;
        if !is_comment {
            kept += line;
        }
        kept.push('\n');
    }
    kept
}

fn compressed(text: &str) -> io::Result<Vec<u8>> {
    let mut packed = Vec::new();
    let settings = BrotliEncoderParams {
        quality: 11,
        size_hint: text.len(),
        ..BrotliEncoderParams::default()
    };
    brotli::BrotliCompress(&mut text.as_bytes(), &mut packed, &settings)?;
    Ok(packed)
}
