//! The recipes of docs/recipes.md, as a reader finds them.
//!
//! It does not read YAML. Invariant: what is run is what is written; a recipe that is not found
//! ends the test.

use std::fs;
use std::path::Path;

use envoy::bootstrap::{Addition, Place};

/// The blocks under a heading, with example values replaced by those of this run.
pub fn recipe(heading: &str, values: &[(&str, &str)]) -> Vec<Addition> {
    let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/recipes.md");
    let text = fs::read_to_string(document).unwrap();
    let begin = format!("\n## {heading}\n");
    let section = text
        .split_once(&begin)
        .unwrap_or_else(|| panic!("docs/recipes.md has no recipe {heading}"))
        .1;
    let section = section.split("\n## ").next().unwrap_or_default();
    for (example, _) in values {
        assert!(section.contains(example), "{heading} has no {example}");
    }
    let blocks = section.split("```yaml\n").skip(1);
    let additions: Vec<Addition> = blocks.map(|block| addition(block, values)).collect();
    assert!(!additions.is_empty(), "{heading} has no blocks");
    additions
}

fn addition(block: &str, values: &[(&str, &str)]) -> Addition {
    let yaml = block.split("```").next().unwrap_or_default();
    let (first, yaml) = yaml.split_once('\n').unwrap();
    let place = Place::ALL
        .into_iter()
        .find(|place| place.is_marked_by(first))
        .unwrap_or_else(|| panic!("{first} is no place"));
    let yaml = values
        .iter()
        .fold(yaml.to_owned(), |yaml, (example, value)| {
            yaml.replace(example, value)
        });
    Addition { place, yaml }
}
