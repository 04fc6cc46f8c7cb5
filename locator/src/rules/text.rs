//! The rule language as it is written: profiles with mounts, and rules with places.
//!
//! The default set is `default.json`; a configuration adds to it, replaces rules of the same id,
//! and switches rules off. Does not match anything. Invariant: what is not understood is refused
//! with the profile and rule that it stands in.

use std::collections::BTreeMap;

use keytable::Norm;
use meter::ReportText;
use serde::de::Error;
use serde::{Deserialize, Deserializer};

use crate::chooser::{ChoosersText, OpaqueText};

/// The rule set that is built in.
const DEFAULT: &str = include_str!("default.json");
/// Where answers state what was used, by name.
const REPORTS: &str = include_str!("reports.json");

/// What a configuration says of the rules.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LocatorConfig {
    /// The profiles in force, in this order; empty means all built-in ones.
    pub profiles: Vec<String>,
    /// Other mounts for a profile.
    pub mounts: BTreeMap<String, Vec<String>>,
    /// Rules that replace those of the same id or come before all others of their profile.
    pub rules: BTreeMap<String, Vec<RuleText>>,
    /// Rules that are switched off, as `profile.id` or `profile.*`.
    pub disable: Vec<String>,
    /// More pointers by profile below which nothing chooses.
    pub opaque: BTreeMap<String, Vec<String>>,
    /// The name that a request without one is judged by, for servers of a single model.
    pub service: Option<String>,
}

/// The built-in set as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct BuiltIn {
    choosers: ChoosersText,
    opaque: OpaqueText,
    profiles: Vec<ProfileText>,
}

/// The rules in force, and the names that choose in all of them.
#[derive(Debug)]
pub(super) struct InForce {
    pub(super) profiles: Vec<ProfileText>,
    pub(super) choosers: ChoosersText,
    pub(super) opaque: OpaqueText,
    pub(super) reports: BTreeMap<String, ReportText>,
}

/// The rules of one API.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProfileText {
    /// Its name.
    pub name: String,
    /// Where it is mounted.
    pub mounts: Vec<String>,
    /// Whose error JSON its clients understand.
    pub errors: Family,
    /// Where the answers of what its rules run state what was used.
    #[serde(default)]
    pub usage: Option<String>,
    /// Members that choose a resource which cannot be seen, in each JSON body that one of its
    /// rules reads.
    #[serde(default)]
    pub refs: Vec<String>,
    /// Pointers below which nothing chooses, in each such body.
    #[serde(default)]
    pub opaque: Vec<String>,
    /// Pointers below those which are searched all the same.
    #[serde(default)]
    pub open: Vec<String>,
    /// Its rules; the first that matches counts.
    pub rules: Vec<RuleText>,
}

/// One rule.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleText {
    /// Unique in its profile.
    pub id: String,
    /// `METHOD[,METHOD] TEMPLATE`.
    pub on: String,
    /// What kind of endpoint it is.
    #[serde(default)]
    pub kind: Kind,
    /// Where the server reads its resource: at least one must name one.
    #[serde(default)]
    pub take: Vec<String>,
    /// Where more may be, besides what chooses by its name.
    #[serde(default)]
    pub also: Vec<String>,
    /// Pointers below which nothing chooses.
    #[serde(default)]
    pub opaque: Vec<String>,
    /// Pointers below those which are searched all the same.
    #[serde(default)]
    pub open: Vec<String>,
    /// JSON members that, if present, choose a resource that cannot be seen.
    #[serde(default)]
    pub refs: Vec<String>,
    /// What it means if nothing is named.
    #[serde(default)]
    pub absent: Absent,
    /// Which names are one resource.
    #[serde(default, deserialize_with = "norm")]
    pub norm: Norm,
    /// Only for requests that upgrade to a WebSocket.
    #[serde(default)]
    pub upgrade: bool,
    /// The server takes a body without `Content-Type` for JSON.
    #[serde(default)]
    pub untyped_json: bool,
    /// The name on the services axis that stands for the endpoint.
    #[serde(default)]
    pub service: Option<String>,
    /// Most bytes of a body that are held back while it names nothing.
    #[serde(default)]
    pub hold_bytes_max: Option<usize>,
    /// It stands in the configuration and not in the built-in set.
    #[serde(skip)]
    pub(super) is_configured: bool,
    /// Where its answers state what was used: a report's name, or `none`; that of its profile if it
    /// runs something and says nothing.
    #[serde(default)]
    pub usage: Option<String>,
    /// Its streams state what was used only if `stream_options` of their body ask for it.
    #[serde(default)]
    pub stream_usage: bool,
}

/// What kind of endpoint a rule describes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// It runs what it names.
    #[default]
    Infer,
    /// It lists models; a list-scoped key sees only its own.
    List,
    /// It describes the model it names.
    Item,
    /// It works on objects; a list-scoped key needs the endpoint's service name.
    Object,
    /// It names nothing and runs nothing.
    Open,
}

/// What it means if no place that the server reads names anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Absent {
    /// It is refused, and told where to name one.
    #[default]
    Deny,
    /// It names something that cannot be seen: refused for a list-scoped key.
    Indirect,
    /// The server has one model: the configured service name counts.
    Service,
}

/// Whose error JSON a client understands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// OpenAI and all that imitate it.
    #[default]
    OpenAi,
    /// Azure OpenAI.
    Azure,
    /// Anthropic.
    Anthropic,
    /// Gemini and Vertex.
    Google,
    /// Bedrock.
    Aws,
    /// Cohere.
    Cohere,
    /// Ollama.
    Ollama,
    /// Model Studio.
    DashScope,
    /// TokenHub.
    TokenHub,
    /// Text Embeddings Inference and Text Generation Inference.
    Tei,
    /// Model Context Protocol.
    Mcp,
}

fn norm<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Norm, D::Error> {
    let text = String::deserialize(deserializer)?;
    let unknown = || {
        D::Error::custom(format!(
            "`{text}` is no norm: plain, gemini, vertex, ollama"
        ))
    };
    Norm::parse(&text).ok_or_else(unknown)
}

/// The rules in force, with the configuration's changes applied.
pub(super) fn in_force(config: &LocatorConfig) -> Result<InForce, String> {
    let built_in: BuiltIn = serde_json::from_str(DEFAULT)
        .map_err(|error| format!("the built-in rules cannot be read: {error}"))?;
    let reports = serde_json::from_str(REPORTS)
        .map_err(|error| format!("the built-in reports cannot be read: {error}"))?;
    Ok(InForce {
        reports,
        profiles: profiles(config, built_in.profiles)?,
        choosers: built_in.choosers,
        opaque: built_in.opaque,
    })
}

fn profiles(
    config: &LocatorConfig,
    built_in: Vec<ProfileText>,
) -> Result<Vec<ProfileText>, String> {
    let known = |name: &str| built_in.iter().any(|profile| profile.name == name);
    let named = config
        .mounts
        .keys()
        .chain(config.rules.keys())
        .chain(config.opaque.keys())
        .chain(&config.profiles);
    if let Some(name) = named.into_iter().find(|name| !known(name)) {
        return Err(format!("locators: there is no profile `{name}`"));
    }
    check_disable(&config.disable, &built_in)?;
    check_ids(config)?;
    let mut profiles = match config.profiles.is_empty() {
        true => built_in,
        false => config
            .profiles
            .iter()
            .filter_map(|name| {
                built_in
                    .iter()
                    .find(|profile| profile.name == *name)
                    .cloned()
            })
            .collect(),
    };
    for profile in &mut profiles {
        apply(profile, config);
    }
    Ok(profiles)
}

fn apply(profile: &mut ProfileText, config: &LocatorConfig) {
    if let Some(mounts) = config.mounts.get(&profile.name) {
        profile.mounts.clone_from(mounts);
    }
    let opaque = config.opaque.get(&profile.name);
    profile.opaque.extend(opaque.into_iter().flatten().cloned());
    let off = |id: &str| {
        let full = format!("{}.{id}", profile.name);
        config
            .disable
            .iter()
            .any(|name| *name == full || *name == format!("{}.*", profile.name))
    };
    let mut rules: Vec<RuleText> = profile
        .rules
        .iter()
        .filter(|rule| !off(&rule.id))
        .cloned()
        .collect();
    let own = config
        .rules
        .get(&profile.name)
        .map(Vec::as_slice)
        .unwrap_or_default();
    for rule in own.iter().rev() {
        let rule = RuleText {
            is_configured: true,
            ..rule.clone()
        };
        match rules.iter_mut().find(|known| known.id == rule.id) {
            Some(known) => *known = rule,
            None => rules.insert(0, rule),
        }
    }
    profile.rules = rules;
}

/// Of two rules of one id, or for the same requests, which one counts?
fn check_ids(config: &LocatorConfig) -> Result<(), String> {
    for (profile, rules) in &config.rules {
        for (index, rule) in rules.iter().enumerate() {
            let earlier = rules.get(..index).unwrap_or_default();
            let full = format!("locators: rule {profile}.{}", rule.id);
            if earlier.iter().any(|other| other.id == rule.id) {
                return Err(format!("{full} is given twice"));
            }
            let same = |other: &&RuleText| other.on == rule.on && other.upgrade == rule.upgrade;
            if let Some(other) = earlier.iter().find(same) {
                let first = &other.id;
                return Err(format!("{full} never matches: `{first}` has the same `on`"));
            }
        }
    }
    Ok(())
}

fn check_disable(names: &[String], profiles: &[ProfileText]) -> Result<(), String> {
    let exists = |name: &str| {
        profiles.iter().any(|profile| {
            name.strip_prefix(profile.name.as_str())
                .and_then(|rest| rest.strip_prefix('.'))
                .is_some_and(|id| id == "*" || profile.rules.iter().any(|rule| rule.id == id))
        })
    };
    match names.iter().find(|name| !exists(name)) {
        Some(name) => Err(format!("locators: there is no rule `{name}` to disable")),
        None => Ok(()),
    }
}
