//! One path template: `POST {m}/models/{model+}:{verb=generateContent|countTokens}`.
//!
//! `{m}` is each mount of the profile, `{x=a|b}` each of these texts, `{x}` one segment, `{x+}` one
//! or more segments; what follows in the same segment is literal, and so is a slash at the end. Mounts,
//! alternatives and spellings of a colon are written out when a template is read, so that matching knows only
//! literals and captures. Does not decode what it captures.
//!
//! Invariant: a rest is the last capture of a template.

use std::ops::Range;

/// A template with mounts and alternatives written out.
#[derive(Clone, Debug)]
pub(super) struct Template {
    /// The rule it belongs to.
    pub(super) rule: usize,
    methods: Methods,
    upgrade: bool,
    pub(super) segments: Vec<Segment>,
    /// The alternatives that were chosen, by their names.
    chosen: Vec<(String, String)>,
}

/// What a request has to be matched by, besides its path.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call<'a> {
    /// The method, as sent.
    pub(super) method: &'a [u8],
    /// The raw path without its query.
    pub(super) path: &'a [u8],
    /// Whether the client asks to upgrade the connection.
    pub(super) upgrade: bool,
}

/// One part of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Segment {
    Literal(Box<[u8]>),
    Param { name: String, suffix: Box<[u8]> },
    Rest { name: String, tail: Box<[u8]> },
}

/// Which methods a template is for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Methods {
    Any,
    These(Vec<String>),
}

/// Why a text is not a template. Says what is wrong with it.
pub(super) type TemplateError = String;

impl Template {
    /// Reads `METHOD[,METHOD] TEMPLATE` (`*` for any method) for each mount and alternative.
    pub(super) fn parse(
        on: &str,
        mounts: &[String],
        rule: usize,
        upgrade: bool,
    ) -> Result<Vec<Self>, TemplateError> {
        let (methods, text) = on
            .split_once(' ')
            .ok_or_else(|| format!("`{on}` has no method and path"))?;
        let methods = Methods::parse(methods)?;
        let texts: Vec<String> = match text.contains("{m}") {
            true => mounts
                .iter()
                .map(|mount| text.replacen("{m}", mount, 1))
                .collect(),
            false => vec![text.to_owned()],
        };
        let mut templates = Vec::new();
        for text in texts {
            for (text, chosen) in alternatives(&text)? {
                for text in spellings(text) {
                    templates.push(Self {
                        rule,
                        methods: methods.clone(),
                        upgrade,
                        segments: segments(&text)?,
                        chosen: chosen.clone(),
                    });
                }
            }
        }
        Ok(templates)
    }

    /// Whether a call with a matching path is meant.
    pub(super) fn allows(&self, call: Call<'_>) -> bool {
        let method = match &self.methods {
            Methods::Any => true,
            Methods::These(list) => list.iter().any(|method| method.as_bytes() == call.method),
        };
        method && self.upgrade == call.upgrade
    }

    /// What a capture of this name holds, raw; `path` is one that matched.
    pub(super) fn capture<'a>(&'a self, name: &str, path: &'a [u8]) -> Option<&'a [u8]> {
        if let Some((_, text)) = self.chosen.iter().find(|(chosen, _)| chosen == name) {
            return Some(text.as_bytes());
        }
        let mut start = 1;
        for segment in &self.segments {
            let rest = path.get(start..)?;
            let end = rest
                .iter()
                .position(|byte| *byte == b'/')
                .unwrap_or(rest.len());
            let captured = |range: Range<usize>| path.get(range);
            match segment {
                Segment::Param {
                    name: known,
                    suffix,
                } if known == name => {
                    return captured(start..(start + end).checked_sub(suffix.len())?);
                }
                Segment::Rest { name: known, tail } if known == name => {
                    return captured(start..path.len().checked_sub(tail.len())?);
                }
                Segment::Literal(_) | Segment::Param { .. } | Segment::Rest { .. } => {}
            }
            start = start + end + 1;
        }
        None
    }

    /// Whether it is for paths that end in a slash.
    pub(super) fn ends_in_slash(&self) -> bool {
        match self.segments.last() {
            Some(Segment::Literal(text)) => text.is_empty(),
            Some(Segment::Rest { tail, .. }) => tail.ends_with(b"/"),
            Some(Segment::Param { .. }) | None => false,
        }
    }

    /// Whether a capture or alternative of this name exists.
    pub(super) fn has(&self, name: &str) -> bool {
        let captures = |segment: &Segment| match segment {
            Segment::Literal(_) => false,
            Segment::Param { name: known, .. } | Segment::Rest { name: known, .. } => known == name,
        };
        self.segments.iter().any(captures) || self.chosen.iter().any(|(chosen, _)| chosen == name)
    }
}

impl Methods {
    fn parse(text: &str) -> Result<Self, TemplateError> {
        let list: Vec<String> = text.split(',').map(str::to_owned).collect();
        let known = |method: &String| {
            !method.is_empty() && method.bytes().all(|byte| byte.is_ascii_uppercase())
        };
        match text {
            "*" => Ok(Self::Any),
            _ if list.iter().all(known) => Ok(Self::These(list)),
            _ => Err(format!("`{text}` are no methods: write GET,POST or *")),
        }
    }
}

/// A text in which alternatives were chosen, and which, by their names.
type Written = (String, Vec<(String, String)>);

/// Each way of choosing among the alternatives of a text, with what was chosen.
fn alternatives(text: &str) -> Result<Vec<Written>, TemplateError> {
    let mut done = Vec::new();
    let mut open = vec![(text.to_owned(), Vec::new())];
    while let Some((text, chosen)) = open.pop() {
        let Some((name, list, range)) = first_alternatives(&text)? else {
            done.push((text, chosen));
            continue;
        };
        for choice in list.split('|') {
            let mut written = text.clone();
            written.replace_range(range.clone(), choice);
            let mut chosen = chosen.clone();
            chosen.push((name.clone(), choice.to_owned()));
            open.push((written, chosen));
        }
    }
    done.reverse();
    Ok(done)
}

/// A text with the colon behind a capture as it is and encoded: what escapes a last segment as a whole
/// encodes it, and servers decode it before they look for a verb.
fn spellings(text: String) -> Vec<String> {
    match text.contains("}:") {
        true => ["}:", "}%3A", "}%3a"]
            .map(|it| text.replace("}:", it))
            .into(),
        false => vec![text],
    }
}

/// The first `{name=a|b}` of a text: name, list, where.
type Alternatives = (String, String, Range<usize>);

fn first_alternatives(text: &str) -> Result<Option<Alternatives>, TemplateError> {
    let mut from = 0;
    while let Some(begin) = text.get(from..).and_then(|rest| rest.find('{')) {
        let begin = from + begin;
        let length = text.get(begin..).and_then(|rest| rest.find('}'));
        let end = begin + length.ok_or_else(|| format!("`{text}` has an open brace"))?;
        let inside = text.get(begin + 1..end).unwrap_or_default();
        if let Some((name, list)) = inside.split_once('=') {
            return Ok(Some((name.to_owned(), list.to_owned(), begin..end + 1)));
        }
        from = end + 1;
    }
    Ok(None)
}

fn segments(text: &str) -> Result<Vec<Segment>, TemplateError> {
    let path = text
        .strip_prefix('/')
        .ok_or_else(|| format!("`{text}` does not start with /"))?;
    if text.contains("//") {
        return Err(format!("`{text}` has an empty segment"));
    }
    let mut segments = Vec::new();
    let mut rest = Some(path);
    while let Some(text) = rest {
        if let Some((name, tail)) = capture(text).filter(|(name, _)| name.ends_with('+')) {
            let name = name.trim_end_matches('+');
            segments.push(Segment::Rest {
                name: check_name(name)?,
                tail: check_literal(tail)?,
            });
            return Ok(segments);
        }
        let (segment, after) = match text.split_once('/') {
            Some((segment, after)) => (segment, Some(after)),
            None => (text, None),
        };
        segments.push(read_segment(segment)?);
        rest = after;
    }
    Ok(segments)
}

fn read_segment(segment: &str) -> Result<Segment, TemplateError> {
    match capture(segment) {
        Some((name, suffix)) => Ok(Segment::Param {
            name: check_name(name)?,
            suffix: check_literal(suffix)?,
        }),
        None if segment == "*" => Ok(Segment::Param {
            name: String::new(),
            suffix: [].into(),
        }),
        None => check_literal(segment).map(Segment::Literal),
    }
}

/// `{name}tail`: name and tail.
fn capture(text: &str) -> Option<(&str, &str)> {
    text.strip_prefix('{')?.split_once('}')
}

fn check_name(name: &str) -> Result<String, TemplateError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    if name.is_empty() || !name.bytes().all(plain) {
        return Err(format!("`{{{name}}}` is no capture: write {{name}}"));
    }
    Ok(name.to_owned())
}

/// Text that a path has as it stands.
fn check_literal(text: &str) -> Result<Box<[u8]>, TemplateError> {
    if text.contains(['{', '}']) {
        return Err(format!(
            "`{text}`: a capture stands first in its segment, and nothing but text behind a rest"
        ));
    }
    Ok(text.as_bytes().into())
}
