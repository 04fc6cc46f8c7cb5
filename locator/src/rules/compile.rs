//! One rule as it is written becomes one that can be asked.
//!
//! Does not match paths. Invariant: what is not understood is refused, with a text that says what
//! may stand there.

use std::rc::Rc;

use meter::Report;

use crate::form::{FIELDS_MAX, FormField};
use crate::json::{Meaning, PATTERNS_MAX, Pattern};

use super::Rule;
use super::hold::RuleHold;
use super::text::{Kind, ProfileText, RuleText};

/// What the places of a rule come to.
#[derive(Debug, Default)]
struct Places {
    json: Vec<Pattern>,
    form: Vec<Field>,
    path: Option<Vec<String>>,
    query: Vec<String>,
}

#[derive(Debug)]
struct Field {
    name: String,
    is_read: bool,
    json: Vec<Pattern>,
}

pub(super) fn rule(
    profile: &ProfileText,
    text: &RuleText,
    usage: Option<Rc<Report>>,
) -> Result<Rule, String> {
    if text.stream_usage && usage.is_none() {
        return Err("`stream_usage` needs answers that state what was used".to_owned());
    }
    let mut places = Places::default();
    for place in &text.take {
        places.add(place, Meaning::Take)?;
    }
    for place in &text.also {
        places.add(place, Meaning::Name)?;
    }
    for reference in &text.refs {
        places.add_reference(reference)?;
    }
    let runs = matches!(text.kind, Kind::Infer | Kind::Item);
    let reads_json = !places.json.is_empty() || (runs && places.form.is_empty());
    if reads_json {
        for pointer in &profile.refs {
            places.add_reference(pointer)?;
        }
        for (pointers, meaning) in [
            (profile.opaque.iter().chain(&text.opaque), Meaning::Opaque),
            (profile.open.iter().chain(&text.open), Meaning::Open),
        ] {
            for pointer in pointers {
                places.json.push(Pattern::parse(pointer, meaning.clone())?);
            }
        }
    }
    places.check_counts()?;
    let of_body = |place: &String| place.starts_with("json") || place.starts_with("form");
    Ok(Rule {
        name: format!("{}.{}", profile.name, text.id),
        kind: text.kind,
        family: profile.errors,
        absent: text.absent,
        norm: text.norm,
        json: reads_json.then(|| places.json.into()),
        form: (!places.form.is_empty())
            .then(|| places.form.into_iter().map(FormField::from).collect()),
        form_texts: texts(profile.opaque.iter().chain(&text.opaque)),
        untyped_json: text.untyped_json,
        usage,
        stream_usage: text.stream_usage,
        body_needed: !text.take.is_empty() && text.take.iter().all(of_body),
        reads: text
            .take
            .first()
            .map(String::as_str)
            .map(said)
            .unwrap_or_default(),
        hold: hold_of(text),
        path: places.path,
        query: places.query,
        service: text.service.clone(),
    })
}

/// Opaque members of the body itself: as fields of a form they hold texts.
fn texts<'a>(opaque: impl Iterator<Item = &'a String>) -> Rc<[String]> {
    let names = opaque.filter_map(|pointer| pointer.strip_prefix('/'));
    names
        .filter(|name| !name.contains('/'))
        .map(str::to_owned)
        .collect()
}

fn hold_of(text: &RuleText) -> RuleHold {
    match text.hold_bytes_max {
        Some(bytes) if text.is_configured => RuleHold::Configured(bytes),
        Some(bytes) => RuleHold::BuiltIn(bytes),
        None => RuleHold::Unsaid,
    }
}

/// A place as people write it: `json:/session/model` is `session.model`.
fn said(place: &str) -> String {
    let (kind, rest) = place.split_once(':').unwrap_or(("", place));
    let dotted = |pointer: &str| {
        let pointer = pointer.trim_start_matches('/').replace("/*", "[]");
        format!("`{}`", pointer.replace('/', "."))
    };
    match kind {
        "form" => format!("the form field `{rest}`"),
        "path" => "the path".to_owned(),
        "query" => format!("the query parameter `{rest}`"),
        _ => dotted(rest),
    }
}

impl Places {
    fn add(&mut self, place: &str, meaning: Meaning) -> Result<(), String> {
        match place.split_once(':') {
            Some(("json", pointer)) => self.json.push(Pattern::parse(pointer, meaning)?),
            Some(("form", name)) => self.form.push(Field {
                name: name.to_owned(),
                is_read: meaning == Meaning::Take,
                json: Vec::new(),
            }),
            Some(("form.json", place)) => {
                let (field, pointer) = split_field(place)?;
                self.add_to_field(field, Pattern::parse(pointer, meaning)?);
            }
            Some(("path", captures)) if self.path.is_none() => {
                self.path = Some(captures.split('+').map(str::to_owned).collect());
            }
            Some(("path", _)) => return Err("it has two places in its path".to_owned()),
            Some(("query", name @ ("model" | "deployment"))) => {
                if meaning == Meaning::Take {
                    self.query.push(name.to_owned());
                }
            }
            _ => {
                return Err(format!(
                    "`{place}` is no place: json:, form:, form.json:, path:, query:"
                ));
            }
        }
        Ok(())
    }

    /// A pointer into the body, or `form.json:field/pointer`.
    fn add_reference(&mut self, reference: &str) -> Result<(), String> {
        match reference.strip_prefix("form.json:") {
            Some(place) => {
                let (field, pointer) = split_field(place)?;
                self.add_to_field(field, Pattern::parse_reference(pointer)?);
            }
            None => self.json.push(Pattern::parse_reference(reference)?),
        }
        Ok(())
    }

    /// Adds a place in the JSON that a form field holds.
    fn add_to_field(&mut self, name: &str, pattern: Pattern) {
        match self.form.iter_mut().find(|field| field.name == name) {
            Some(field) => field.json.push(pattern),
            None => self.form.push(Field {
                name: name.to_owned(),
                is_read: false,
                json: vec![pattern],
            }),
        }
    }

    /// Patterns and fields are bits of a `u64` to the readers.
    fn check_counts(&self) -> Result<(), String> {
        let of_fields = self.form.iter().map(|field| field.json.len());
        let patterns = of_fields.chain([self.json.len()]).max().unwrap_or_default();
        if patterns > PATTERNS_MAX {
            return Err(format!("more than {PATTERNS_MAX} places in JSON"));
        }
        if self.form.len() > FIELDS_MAX {
            return Err(format!("more than {FIELDS_MAX} form fields"));
        }
        Ok(())
    }
}

/// `field/pointer`: both.
fn split_field(place: &str) -> Result<(&str, &str), String> {
    place
        .find('/')
        .and_then(|at| place.split_at_checked(at))
        .ok_or_else(|| format!("`{place}` has no pointer behind its field"))
}

// === impl FormField ===

impl From<Field> for FormField {
    fn from(field: Field) -> Self {
        Self {
            name: field.name,
            is_read: field.is_read,
            json: field.json.into(),
        }
    }
}
