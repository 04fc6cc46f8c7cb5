//! The filter as it is shipped, but with a trap that a test can spring, and less memory if it
//! likes.
//!
//! The module that is built stays as it is: its text is wrapped, so that no trap is in any source.
//! A request with the header `x-trap` traps the gate's VM, an answer of [`TRAP_BYTES`] to a callout
//! the agent's. Invariant: without a trap that is sprung, the wrapped module does what the other does.

use std::fs;
use std::path::{Path, PathBuf};

/// How long an answer of the feed is that traps the agent.
pub const TRAP_BYTES: usize = 666;

/// The name of a property, at an address that the stack of a module never grows down to, and room
/// for what the host gives back.
const NAME: &str = "request\\00headers\\00x-trap";
const NAME_BYTES: usize = 22;
const NAME_AT: usize = 64;
const DATA_AT: usize = 128;
const SIZE_AT: usize = 132;

/// Writes the wrapped module; gives its file.
pub fn with_traps(filter_wasm: &Path, dir: &Path) -> PathBuf {
    let text = text_of(filter_wasm);
    let (text, headers) = take_export(&text, "proxy_on_request_headers");
    let (text, answer) = take_export(&text, "proxy_on_http_call_response");
    let (_, property) = import_of(&text, "proxy_get_property");
    let wrapped = format!(
        r#"
  (data (i32.const {NAME_AT}) "{NAME}")
  (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32)
    i32.const {NAME_AT} i32.const {NAME_BYTES} i32.const {DATA_AT} i32.const {SIZE_AT}
    call {property} i32.eqz
    if unreachable end
    local.get 0 local.get 1 local.get 2 call {headers})
  (func (export "proxy_on_http_call_response") (param i32 i32 i32 i32 i32)
    local.get 3 i32.const {TRAP_BYTES} i32.eq
    if unreachable end
    local.get 0 local.get 1 local.get 2 local.get 3 local.get 4 call {answer})
)"#
    );
    let text = text.trim_end().strip_suffix(')').unwrap().to_owned() + &wrapped;
    write(&text, &dir.join("trapped.wasm"))
}

/// Writes the module with so many pages of 64 KiB of memory above what it begins with, and no more.
pub fn with_little_memory(filter_wasm: &Path, dir: &Path, pages: usize) -> PathBuf {
    let text = text_of(filter_wasm);
    let at = text.find("(memory (;0;) ").expect("it has a memory");
    let (before, rest) = text.split_at(at + "(memory (;0;) ".len());
    let (first, behind) = rest.split_once(')').unwrap();
    let most = first.trim().parse::<usize>().unwrap() + pages;
    write(
        &format!("{before}{first} {most}){behind}"),
        &dir.join("little.wasm"),
    )
}

fn text_of(filter_wasm: &Path) -> String {
    wasmprinter::print_file(filter_wasm).expect("it is a module")
}

fn write(text: &str, file: &Path) -> PathBuf {
    let bytes = wat::parse_str(text).unwrap_or_else(|error| panic!("{error}"));
    fs::write(file, bytes).unwrap();
    file.to_owned()
}

/// Takes the export of a function away; gives the function's name in the text.
fn take_export(text: &str, name: &str) -> (String, String) {
    let begin = format!("(export \"{name}\" (func ");
    let (before, rest) = text.split_once(&begin).expect(name);
    let (function, behind) = rest.split_once("))").unwrap();
    (format!("{before}{behind}"), function.to_owned())
}

/// The line of an imported function, and its name in the text.
fn import_of(text: &str, name: &str) -> (String, String) {
    let begin = format!("(import \"env\" \"{name}\" (func ");
    let line = text.lines().find(|line| line.contains(&begin));
    let line = line.expect(name);
    let function = line.split(&begin).nth(1).unwrap();
    let function = function.split_whitespace().next().unwrap();
    (line.to_owned(), function.to_owned())
}
