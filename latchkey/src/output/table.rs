//! Tables: the columns of a list, and the lines of one thing.
//!
//! Does not print. Invariant: a cell is one line without control characters.

use serde_json::Value;

use super::Column;

/// Between two columns.
const GAP: &str = "  ";
/// Where there is nothing.
const NOTHING: &str = "-";

/// One thing, a line for each of its parts; parts that it does not have are left out.
pub(super) fn one(value: &Value, lines: &[Column]) -> String {
    let lines = lines.iter().filter_map(|(name, pointer)| {
        let part = value.pointer(pointer)?;
        Some(vec![(*name).to_owned(), cell(Some(part))])
    });
    aligned(&lines.collect::<Vec<_>>())
}

/// A list, with the heads of its columns.
pub(super) fn list(items: &[Value], columns: &[Column]) -> String {
    let head = columns.iter().map(|(name, _)| (*name).to_owned()).collect();
    let row = |item: &Value| {
        let cells = columns
            .iter()
            .map(|(_, pointer)| cell(item.pointer(pointer)));
        cells.collect::<Vec<_>>()
    };
    let rows: Vec<_> = std::iter::once(head).chain(items.iter().map(row)).collect();
    aligned(&rows)
}

/// A value in one line.
pub(super) fn cell(value: Option<&Value>) -> String {
    let text = match value {
        None | Some(Value::Null) => NOTHING.to_owned(),
        Some(Value::String(text)) if text.is_empty() => NOTHING.to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Bool(flag)) => if *flag { "yes" } else { "no" }.to_owned(),
        Some(Value::Number(number)) => number.to_string(),
        Some(Value::Array(items)) => joined(items.iter().map(|item| cell(Some(item)))),
        Some(Value::Object(members)) => joined(
            members
                .iter()
                .map(|(name, member)| format!("{name}={}", cell(Some(member)))),
        ),
    };
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

fn joined(parts: impl Iterator<Item = String>) -> String {
    let text = parts.collect::<Vec<_>>().join(",");
    if text.is_empty() {
        NOTHING.to_owned()
    } else {
        text
    }
}

fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns)
        .map(|column| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| width(cell)).max().unwrap_or(0)
        })
        .collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width_of_column) in row.iter().zip(&widths) {
            line.push_str(cell);
            line.push_str(&" ".repeat(width_of_column - width(cell)));
            line.push_str(GAP);
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// How many places of a terminal a text takes: ideographs, kana, hangul and emoji take two.
fn width(text: &str) -> usize {
    let places = |c: char| match u32::from(c) {
        0x1100..=0x115f | 0x2e80..=0xa4cf | 0xac00..=0xd7a3 | 0xf900..=0xfaff => 2,
        0xfe30..=0xfe6f | 0xff00..=0xff60 | 0xffe0..=0xffe6 | 0x1f300..=0x1faff => 2,
        0x20000..=0x3fffd => 2,
        0x300..=0x36f | 0x200c..=0x200d | 0xfe00..=0xfe0f => 0,
        _ => 1,
    };
    text.chars().map(places).sum()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn columns_are_aligned_whatever_stands_in_them() {
        let items = [
            json!({"name": "生产", "scope": {"models": ["a", "b"]}, "at": null}),
            json!({"name": "x", "scope": {"models": "all"}, "at": "now"}),
            json!({}),
        ];
        let columns = [
            ("NAME", "/name"),
            ("MODELS", "/scope/models"),
            ("AT", "/at"),
        ];
        let text = "NAME  MODELS  AT\n生产  a,b     -\nx     all     now\n-     -       -\n";
        assert_eq!(list(&items, &columns), text);
    }

    #[test]
    fn parts_that_are_not_there_have_no_line() {
        let value = json!({"id": "ak-1", "ip_allowlist": [], "labels": {"team": "search"}});
        let lines = [
            ("id", "/id"),
            ("key", "/key"),
            ("ips", "/ip_allowlist"),
            ("labels", "/labels"),
        ];
        assert_eq!(
            one(&value, &lines),
            "id      ak-1\nips     -\nlabels  team=search\n"
        );
    }

    #[test]
    fn no_cell_moves_the_cursor() {
        assert_eq!(cell(Some(&json!("a\u{1b}[2J\nb\u{9b}"))), "a [2J b ");
    }
}
