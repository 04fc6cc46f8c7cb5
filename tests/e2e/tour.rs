//! The tours of the README, by curl and by the command line, run line by line as a reader would, and
//! what the README says comes back compared with what comes back.
//!
//! Keys, ids, times, generations and what the README elides with `...` differ from run to run; a key or
//! id that the README shows once stands for the real one from then on. Nothing else may differ.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use envoy::Stack;
use envoy::build::{self, Profile};
use tests::start;

/// Stands for an elided piece.
const ELIDED: char = '\u{0}';

/// A command of the README and what it says comes back.
struct Step {
    command: String,
    expected: String,
}

/// The sections of the README that have a tour.
const BY_CURL: &str = "\n## Five minutes\n";
const BY_COMMAND_LINE: &str = "\n## From a shell\n";

#[test]
fn the_tour_of_the_readme_works_as_it_is_written() {
    let (stack, _) = start();
    take(&variables(&stack));
}

#[test]
fn the_tour_of_the_command_line_works_as_it_is_written() {
    let (stack, _) = start();
    let program = build::command_line(Profile::own()).unwrap_or_else(|error| panic!("{error}"));
    let path = std::env::var("PATH").unwrap();
    let path = format!("{}:{path}", program.parent().unwrap().display());
    let mut variables = variables(&stack);
    variables.push(("PATH", path));
    let mut shell = Shell::new(&variables, stack.run_dir(), " ");
    let steps = steps(BY_COMMAND_LINE);
    assert!(
        steps.len() >= 8,
        "the README has a tour of the command line"
    );
    for step in &steps {
        shell.take(step);
    }
}

fn variables(stack: &Stack) -> Vec<(&'static str, String)> {
    let token = stack.operator_token().unwrap();
    vec![
        ("CONSOLE", stack.console_url()),
        ("ENVOY", stack.envoy_url()),
        ("TOKEN", token),
    ]
}

/// Takes the whole tour by curl with these variables.
pub(crate) fn take(variables: &[(&str, String)]) {
    let mut shell = Shell::new(variables, Path::new("."), "");
    let steps = steps(BY_CURL);
    assert!(steps.len() >= 8, "the README has a tour");
    for step in &steps {
        shell.take(step);
    }
}

/// Every console block of a section of the README, in order.
fn steps(section: &str) -> Vec<Step> {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let text = fs::read_to_string(readme).unwrap();
    let section = text.split_once(section).expect("the section is there").1;
    let section = section.split("\n## ").next().unwrap();
    let blocks = section.split("```console\n").skip(1);
    let blocks = blocks.map(|block| block.split("```").next().unwrap());
    blocks.flat_map(steps_of).collect()
}

fn steps_of(block: &str) -> Vec<Step> {
    let with_newline = format!("\n{block}");
    let steps = with_newline.split("\n$ ").skip(1);
    let steps = steps.map(|step| {
        let lines: Vec<&str> = step.lines().collect();
        let is_last = |line: &&str| !line.ends_with('\\');
        let command_lines = lines.iter().position(is_last).unwrap() + 1;
        let (command, output) = lines.split_at(command_lines);
        Step {
            command: command.join("\n"),
            expected: output.join("\n"),
        }
    });
    steps.collect()
}

/// A shell that remembers variables, and what the README's examples stand for.
struct Shell {
    remembered: String,
    directory: PathBuf,
    /// What stands for the end of a line in what comes back: nothing where a long answer is broken
    /// for reading.
    line_end: &'static str,
    meaning: BTreeMap<String, String>,
}

impl Shell {
    fn new(variables: &[(&str, String)], directory: &Path, line_end: &'static str) -> Self {
        let lines = variables.iter();
        let lines = lines.map(|(name, value)| format!("{name}='{value}'\n"));
        Self {
            remembered: lines.collect(),
            directory: directory.to_owned(),
            line_end,
            meaning: BTreeMap::new(),
        }
    }

    fn take(&mut self, step: &Step) {
        let command = self.understood(&step.command);
        if !["curl ", "latchkey "]
            .iter()
            .any(|program| command.contains(program))
        {
            self.remembered.push_str(&command);
            self.remembered.push('\n');
            return;
        }
        let script = format!("set -eu\n{}{command}", self.remembered);
        let mut shell = Command::new("bash");
        shell.args(["-c", &script]).current_dir(&self.directory);
        let output = shell.output().unwrap();
        let actual = String::from_utf8(output.stdout).unwrap();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success(),
            "{}\n{actual}\n{errors}",
            step.command
        );
        let expected = self.one_line(&step.expected);
        self.compare(&step.command, &expected, &self.one_line(&actual));
    }

    /// An answer in one line, however it is broken and aligned.
    fn one_line(&self, text: &str) -> String {
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        let line = lines.join(self.line_end);
        match self.line_end {
            "" => line,
            _ => line.split_whitespace().collect::<Vec<_>>().join(" "),
        }
    }

    /// The command with real values for the README's examples.
    fn understood(&self, command: &str) -> String {
        let replace =
            |text: String, (example, value): (&String, &String)| text.replace(example, value);
        self.meaning.iter().fold(command.to_owned(), replace)
    }

    fn compare(&mut self, command: &str, expected: &str, actual: &str) {
        let ids = |text: &str| -> Vec<String> {
            let ids = words(text).filter(|word| is_id(word));
            ids.map(str::to_owned).collect()
        };
        self.meaning
            .extend(ids(expected).into_iter().zip(ids(actual)));
        let elided = words(expected).filter(|word| word.ends_with("..."));
        let pieces = pieces(&settled(expected), &settled(actual));
        let pieces = pieces.unwrap_or_else(|| panic!("$ {command}\n{expected}\n{actual}"));
        let named = elided.zip(pieces).filter(|(example, _)| *example != "...");
        self.meaning
            .extend(named.map(|(example, piece)| (example.to_owned(), piece)));
    }
}

/// What stands in the places of the elided pieces; `None` if the rest is not the same.
fn pieces(expected: &str, actual: &str) -> Option<Vec<String>> {
    let Some((first, others)) = expected.split_once(ELIDED) else {
        return (expected == actual).then(Vec::new);
    };
    let (middle, last) = others.rsplit_once(ELIDED).unwrap_or(("", others));
    let mut rest = actual.strip_prefix(first)?.strip_suffix(last)?;
    let mut pieces = Vec::new();
    for literal in middle.split(ELIDED).filter(|literal| !literal.is_empty()) {
        let (piece, behind) = rest.split_once(literal)?;
        pieces.push(piece.to_owned());
        rest = behind;
    }
    pieces.push(rest.to_owned());
    Some(pieces)
}

fn is_in_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-_.*:".contains(c)
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c| !is_in_word(c))
        .filter(|word| !word.is_empty())
}

/// The text with everything that differs from run to run replaced by what kind of thing it is.
fn settled(text: &str) -> String {
    let mut settled = String::new();
    let mut before = "";
    for piece in text.split_inclusive(|c| !is_in_word(c)) {
        let word = piece.trim_end_matches(|c| !is_in_word(c));
        settled.push_str(&kind_of(word, before).unwrap_or_else(|| word.to_owned()));
        settled.push_str(&piece[word.len()..]);
        if !word.is_empty() {
            before = word;
        }
    }
    settled
}

fn kind_of(word: &str, before: &str) -> Option<String> {
    if word.ends_with("...") {
        Some(ELIDED.to_string())
    } else if is_id(word) {
        Some("<id>".to_owned())
    } else if is_time(word) {
        Some("<time>".to_owned())
    } else if word.contains("***") {
        Some("<masked>".to_owned())
    } else if before == "generation" && word.starts_with(':') {
        Some(":<generation>".to_owned())
    } else {
        None
    }
}

fn is_id(word: &str) -> bool {
    let parts: Vec<&str> = word.split('-').collect();
    matches!(parts.as_slice(), ["ak", date, hex] if date.len() == 8 && hex.len() == 16)
}

fn is_time(word: &str) -> bool {
    let shape = |at: usize, c: char| word[at..].starts_with(c);
    word.len() >= 20 && word.is_ascii() && shape(4, '-') && shape(10, 'T') && word.ends_with('Z')
}
