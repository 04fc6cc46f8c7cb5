//! Locators: where a request of a given method and path names its resources.
//!
//! Rules are text (`rules`, `default.json`), compiled once when Envoy configures the filter, and
//! matched against the raw path. Does not read bodies and does not judge names.
//!
//! Invariant: an endpoint without a rule has no locator; nothing is guessed.

mod names;
mod paths;
mod rules;
mod template;

use std::rc::Rc;

use crate::form::FIELDS_MAX;
use crate::headers::HeaderMap;
use crate::json::{Meaning, PATTERNS_MAX, Pattern};
use paths::{Call, Paths};
use rules::ProfileText;
use template::Template;

pub use names::{NameError, check_path, in_query, other_spellings};
pub use rules::{Absent, Family, Kind, LocatorConfig, Norm, RuleText};

/// The rules in force.
#[derive(Debug)]
pub struct Locators {
    paths: Paths,
    rules: Vec<Rule>,
    service: Option<String>,
}

/// One rule, compiled.
#[derive(Debug)]
pub struct Rule {
    /// `profile.id`, as configurations name it.
    pub name: String,
    /// What kind of endpoint it is.
    pub kind: Kind,
    /// Whose error JSON its clients understand.
    pub family: Family,
    /// What it means if nothing is named.
    pub absent: Absent,
    /// How names are compared.
    pub norm: Norm,
    /// What a JSON body is read for; `None` if the rule reads no JSON.
    pub json: Option<Rc<[Pattern]>>,
    /// What a form is read for; `None` if the rule reads no form.
    pub form: Option<Rc<[FormField]>>,
    /// Whether a body must be there: nothing else can name the resource.
    pub body_needed: bool,
    /// Captures whose texts, joined by `/`, name the resource.
    path: Option<Vec<String>>,
    /// The endpoint's name on the services axis, perhaps with a capture in braces.
    service: Option<String>,
}

/// A form field that names resources.
#[derive(Debug)]
pub struct FormField {
    /// Its name.
    pub name: String,
    /// The value is JSON that names them at these places; empty if the value is the name.
    pub json: Rc<[Pattern]>,
}

/// The rule for one request.
#[derive(Clone, Copy, Debug)]
pub struct Located<'a> {
    /// The rule.
    pub rule: &'a Rule,
    template: &'a Template,
}

impl Locators {
    /// Compiles the rules that a configuration wants. The error names profile and rule.
    pub fn compile(config: &LocatorConfig) -> Result<Self, String> {
        let mut compiled = Vec::new();
        let mut templates = Vec::new();
        for profile in rules::profiles(config)? {
            for text in &profile.rules {
                let at = |error| format!("locators: rule {}.{}: {error}", profile.name, text.id);
                let rule = compile_rule(&profile, text).map_err(at)?;
                let of_rule =
                    Template::parse(&text.on, &profile.mounts, compiled.len(), text.upgrade)
                        .map_err(at)?;
                check_captures(&rule, &of_rule).map_err(at)?;
                templates.extend(of_rule);
                compiled.push(rule);
            }
        }
        Ok(Self {
            paths: Paths::new(templates),
            rules: compiled,
            service: config.service.clone(),
        })
    }

    /// The rule for a request with these headers.
    pub fn locate(&self, headers: &HeaderMap) -> Option<Located<'_>> {
        let path = crate::credential::path_only(headers.get(b":path")?);
        let method = headers.get(b":method")?;
        let upgrade = headers
            .iter()
            .any(|(name, _)| name == b"upgrade" || name == b":protocol");
        // WebSockets over HTTP/2 are opened by CONNECT and are GETs to the rules.
        let method = if upgrade && method == b"CONNECT" {
            b"GET"
        } else {
            method
        };
        let template = self.paths.find(Call {
            method,
            path,
            upgrade,
        })?;
        let rule = self.rules.get(template.rule)?;
        Some(Located { rule, template })
    }

    /// The name that a request without one is judged by.
    pub fn service(&self) -> Option<&str> {
        self.service.as_deref()
    }
}

impl Located<'_> {
    /// What the path names; `None` if this rule's paths name nothing.
    pub fn name_in_path(&self, path: &[u8]) -> Result<Option<String>, NameError> {
        let Some(captures) = &self.rule.path else {
            return Ok(None);
        };
        let mut parts = Vec::new();
        for capture in captures {
            let raw = self.template.capture(capture, path).unwrap_or_default();
            parts.push(names::decode(raw)?);
        }
        Ok(Some(parts.join("/")))
    }

    /// The endpoint's own name on the services axis.
    pub fn service(&self, path: &[u8]) -> Option<String> {
        let service = self.rule.service.as_deref()?;
        let Some((before, rest)) = service.split_once('{') else {
            return Some(service.to_owned());
        };
        let (capture, after) = rest.split_once('}')?;
        let text = self.template.capture(capture, path)?;
        Some(format!(
            "{before}{}{after}",
            std::str::from_utf8(text).ok()?
        ))
    }
}

fn compile_rule(profile: &ProfileText, text: &RuleText) -> Result<Rule, String> {
    let mut json = Vec::new();
    let mut form: Vec<(String, Vec<Pattern>)> = Vec::new();
    let mut path = None;
    let reads_json = text
        .take
        .iter()
        .chain(&text.also)
        .any(|place| place.starts_with("json:"));
    let (also, refs) = match reads_json {
        true => (profile.also.as_slice(), profile.refs.as_slice()),
        false => Default::default(),
    };
    for place in text.take.iter().chain(&text.also).chain(also) {
        match place.split_once(':') {
            Some(("json", pointer)) => json.push(Pattern::parse(pointer, Meaning::Name)?),
            Some(("form", field)) => form.push((field.to_owned(), Vec::new())),
            Some(("form.json", place)) => add_json_field(&mut form, place)?,
            Some(("path", captures)) if path.is_none() => {
                path = Some(captures.split('+').map(str::to_owned).collect());
            }
            Some(("path", _)) => return Err("it has two places in its path".to_owned()),
            // Parameters that name a model are judged on every endpoint.
            Some(("query", "model" | "deployment")) => {}
            _ => {
                return Err(format!(
                    "`{place}` is no place: json:, form:, form.json:, path:, query:"
                ));
            }
        }
    }
    for reference in text.refs.iter().chain(refs) {
        json.push(Pattern::parse_reference(reference)?);
    }
    let of_body = |place: &String| place.starts_with("json") || place.starts_with("form");
    let body_needed = !text.take.is_empty() && text.take.iter().all(of_body);
    let field = |(name, json): (String, Vec<Pattern>)| FormField {
        name,
        json: json.into(),
    };
    check_counts(&json, &form)?;
    Ok(Rule {
        name: format!("{}.{}", profile.name, text.id),
        kind: text.kind,
        family: profile.errors,
        absent: text.absent,
        norm: text.norm,
        json: (!json.is_empty()).then(|| json.into()),
        form: (!form.is_empty()).then(|| form.into_iter().map(field).collect()),
        body_needed,
        path,
        service: text.service.clone(),
    })
}

/// Patterns and fields are bits of a `u64` to the readers.
fn check_counts(json: &[Pattern], form: &[(String, Vec<Pattern>)]) -> Result<(), String> {
    let of_fields = form.iter().map(|(_, patterns)| patterns.len());
    let patterns = of_fields.chain([json.len()]).max().unwrap_or_default();
    if patterns > PATTERNS_MAX {
        return Err(format!("more than {PATTERNS_MAX} places in JSON"));
    }
    if form.len() > FIELDS_MAX {
        return Err(format!("more than {FIELDS_MAX} form fields"));
    }
    Ok(())
}

/// Adds `field/pointer`, a place in the JSON that a form field holds.
fn add_json_field(form: &mut Vec<(String, Vec<Pattern>)>, place: &str) -> Result<(), String> {
    let at = place
        .find('/')
        .ok_or_else(|| format!("`{place}` has no pointer behind its field"))?;
    let (field, pointer) = place.split_at(at);
    let pattern = Pattern::parse(pointer, Meaning::Name)?;
    match form.iter_mut().find(|(known, _)| known == field) {
        Some((_, patterns)) => patterns.push(pattern),
        None => form.push((field.to_owned(), vec![pattern])),
    }
    Ok(())
}

/// Every capture that a rule uses must exist in each of its templates.
fn check_captures(rule: &Rule, templates: &[Template]) -> Result<(), String> {
    let of_service = match rule.service.as_deref().and_then(|s| s.split_once('{')) {
        Some((_, rest)) => {
            let inside = rest.split_once('}').map(|(name, _)| name);
            Some(inside.ok_or("its service name has an open brace")?)
        }
        None => None,
    };
    let used = rule
        .path
        .iter()
        .flatten()
        .map(String::as_str)
        .chain(of_service);
    for capture in used {
        if !templates.iter().all(|template| template.has(capture)) {
            return Err(format!("there is no capture {{{capture}}} in its path"));
        }
    }
    if rule.kind == Kind::Object && rule.service.is_none() {
        return Err("an object endpoint needs a service name that a scope can grant".to_owned());
    }
    Ok(())
}
