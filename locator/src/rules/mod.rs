//! Locators: where a request of a given method and path names its resources.
//!
//! Rules are text (`text`, `default.json`), compiled once when Envoy configures the filter, and
//! matched against the raw path. Does not read bodies and does not judge names.
//!
//! Invariant: an endpoint without a rule has no locator; nothing is guessed.

mod compile;
mod hold;
mod names;
mod paths;
mod template;
mod text;
mod usage;

use std::rc::Rc;

use keytable::Norm;
use meter::Report;

use crate::chooser::Choosers;
use crate::flaw::Flaw;
use crate::form::FormField;
use crate::headers::HeaderMap;
use crate::json::Pattern;
use crate::mention::Mention;
use crate::mentions::Mentions;
use paths::Paths;
use template::{Call, Template};
use text::ProfileText;

pub use hold::{HELD_BYTES_TOTAL_MAX, HOLD_BYTES_MAX, HoldBounds, RuleHold};
pub use names::{check_path, path_only};
pub use text::{Absent, Family, Kind, LocatorConfig, RuleText};

/// The rules in force.
#[derive(Debug)]
pub struct Locators {
    paths: Paths,
    rules: Vec<Rule>,
    choosers: Rc<Choosers>,
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
    /// What it means if no place that the server reads names anything.
    pub absent: Absent,
    /// Which names are one resource.
    pub norm: Norm,
    /// What a JSON body is read for; `None` if the rule reads no JSON.
    pub json: Option<Rc<[Pattern]>>,
    /// What a form is read for; `None` if the rule reads no form.
    pub form: Option<Rc<[FormField]>>,
    /// Fields of a form that hold texts, whatever those read like.
    pub form_texts: Rc<[String]>,
    /// The server takes a body without `Content-Type` for JSON.
    pub untyped_json: bool,
    /// Whether a body must be there: nothing else can name the resource.
    pub body_needed: bool,
    /// Where its answers state what was used; `None` if it runs nothing by itself.
    pub usage: Option<Rc<Report>>,
    /// Its streams state it only if `stream_options` of their body ask for it.
    pub stream_usage: bool,
    /// Where the server reads its resource, for people.
    pub reads: String,
    /// How much of a body may be held back.
    pub hold: RuleHold,
    /// Captures whose texts, joined by `/`, name the resource.
    path: Option<Vec<String>>,
    /// Query parameters that the server reads its resource from.
    query: Vec<String>,
    /// The endpoint's name on the services axis, of an object perhaps with a capture in braces.
    pub service: Option<String>,
}

/// The rule for one request.
#[derive(Clone, Copy, Debug)]
pub struct Located<'a> {
    /// The rule.
    pub rule: &'a Rule,
    /// Which names choose, wherever they stand.
    pub choosers: &'a Rc<Choosers>,
    template: &'a Template,
}

impl Locators {
    /// Compiles the rules that a configuration wants. The error names profile and rule.
    pub fn compile(config: &LocatorConfig) -> Result<Self, String> {
        let mut compiled = Vec::new();
        let mut templates = Vec::new();
        let in_force = text::in_force(config)?;
        let reports = usage::compile(&in_force.reports)?;
        for profile in &in_force.profiles {
            for text in &profile.rules {
                let at = |error| format!("locators: rule {}.{}: {error}", profile.name, text.id);
                check_opaque(profile, text, &in_force.opaque.never).map_err(at)?;
                let usage = usage::of_rule(profile, text, &reports).map_err(at)?;
                let rule = compile::rule(profile, text, usage).map_err(at)?;
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
            choosers: Rc::new(Choosers::new(&in_force.choosers, in_force.opaque)),
            service: config.service.clone(),
        })
    }

    /// Which names choose, wherever they stand.
    pub fn choosers(&self) -> &Rc<Choosers> {
        &self.choosers
    }

    /// The rule for a request with these headers.
    pub fn locate(&self, headers: &HeaderMap) -> Option<Located<'_>> {
        let path = path_only(headers.get(b":path")?);
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
        Some(Located {
            rule,
            choosers: &self.choosers,
            template,
        })
    }

    /// The name that a request without one is judged by.
    pub fn service(&self) -> Option<&str> {
        self.service.as_deref()
    }
}

impl Located<'_> {
    /// Refuses a path that some servers would read as another one. Whether it may end in a slash
    /// is the rule's to say: to some servers that is another path, and others insist on it.
    pub fn check_path(&self, path: &[u8]) -> Result<(), Flaw> {
        let bare = path
            .strip_suffix(b"/")
            .filter(|_| self.template.ends_in_slash());
        check_path(bare.unwrap_or(path))
    }

    /// What path and query name: all that must be judged.
    pub fn in_target(&self, path: &[u8], query: &[u8]) -> Result<Mentions, Flaw> {
        let mut finding = Mentions::new(self.rule.norm);
        if let Some(name) = self.name_in_path(path)? {
            finding.add(Mention {
                name,
                is_read: true,
                place: Some("path".to_owned()),
            });
        }
        for name in names::in_query(query, self.rule, self.choosers)? {
            finding.add(name);
        }
        Ok(finding)
    }

    /// What the path names; `None` if this rule's paths name nothing.
    pub fn name_in_path(&self, path: &[u8]) -> Result<Option<String>, Flaw> {
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

    /// The name on the services axis of an endpoint that is granted by it.
    pub fn service(&self, path: &[u8]) -> Option<String> {
        let is_object = self.rule.kind == Kind::Object;
        let service = self.rule.service.as_deref().filter(|_| is_object)?;
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

/// What a server makes requests of is never opaque.
fn check_opaque(profile: &ProfileText, text: &RuleText, never: &[String]) -> Result<(), String> {
    let mut pointers = profile.opaque.iter().chain(&text.opaque);
    match pointers.find(|pointer| never.iter().any(|end| pointer.ends_with(end))) {
        Some(pointer) => Err(format!(
            "`{pointer}` cannot be opaque: servers make requests of what stands there"
        )),
        None => Ok(()),
    }
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
    if rule.kind != Kind::Object && of_service.is_some() {
        return Err("the service name of an object alone may hold a capture".to_owned());
    }
    if rule.kind == Kind::Object && rule.service.is_none() {
        return Err("an object endpoint needs a service name that a scope can grant".to_owned());
    }
    Ok(())
}
