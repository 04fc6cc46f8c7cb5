//! Which report an endpoint's answers make.
//!
//! Does not read answers (`meter` does). Invariant: a rule that runs something has a report or says
//! `none`; a name that is neither is refused.

use std::collections::BTreeMap;
use std::rc::Rc;

use meter::{Report, ReportText};

use super::text::{Kind, ProfileText, RuleText};

/// What an endpoint says that runs nothing by itself, or whose answers are later or elsewhere.
const NONE: &str = "none";

pub(super) type Reports = BTreeMap<String, Rc<Report>>;

pub(super) fn compile(texts: &BTreeMap<String, ReportText>) -> Result<Reports, String> {
    let compiled = |(name, text): (&String, &ReportText)| match Report::compile(text) {
        Ok(report) => Ok((name.clone(), Rc::new(report))),
        Err(error) => Err(format!("locators: report {name}: {error}")),
    };
    texts.iter().map(compiled).collect()
}

pub(super) fn of_rule(
    profile: &ProfileText,
    text: &RuleText,
    reports: &Reports,
) -> Result<Option<Rc<Report>>, String> {
    let of_profile = profile.usage.as_ref().filter(|_| text.kind == Kind::Infer);
    let Some(name) = text.usage.as_ref().or(of_profile) else {
        return Ok(None);
    };
    match reports.get(name) {
        Some(report) => Ok(Some(Rc::clone(report))),
        None if name == NONE => Ok(None),
        None => {
            let known: Vec<&str> = reports.keys().map(String::as_str).collect();
            let known = known.join(", ");
            Err(format!("`{name}` is no report: {known}, {NONE}"))
        }
    }
}
