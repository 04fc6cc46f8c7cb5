//! The plugin configuration: which role this instance has, and its settings.
//!
//! Does not apply anything. Invariant: a configuration that is not understood whole is refused,
//! so that Envoy keeps the old one or does not start, rather than run half configured.

use std::fmt;
use std::ops::RangeInclusive;

use keytable::VerifyingKey;
use serde::{Deserialize, Deserializer};

use crate::locator::{
    Family, HELD_BYTES_TOTAL_MAX, HOLD_BYTES_MAX, HoldBounds, KeyPlaces, LocatorConfig,
};

/// Longest wait that the agent asks the sidecar for, in seconds.
const WAIT_S_MAX: u64 = 60;
/// What a held request may take beyond the wait that was asked for, in milliseconds.
const TIMEOUT_MS_SPARE: u64 = 10_000;
/// Shortest lease, in seconds: below it one lost answer would stop traffic.
const MAX_STALENESS_S_MIN: u64 = 5;
/// How often running requests may be checked, in milliseconds: the end of the lease is noticed then,
/// and the sidecar allows a second for it.
const STREAM_CHECK_MS: RangeInclusive<u64> = 50..=1_000;

/// One plugin instance.
#[derive(Debug, Deserialize)]
#[serde(tag = "role", rename_all = "lowercase")]
pub enum Config {
    /// The singleton that follows the sidecar.
    Agent(AgentConfig),
    /// The HTTP filter.
    Gate(GateConfig),
}

/// Settings of the agent.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AgentConfig {
    /// Whose keys this Envoy holds.
    pub region: String,
    /// The Envoy cluster that leads to the sidecar's feed.
    #[serde(default = "default_cluster")]
    pub cluster: String,
    /// How long the sidecar may hold a request when there is nothing new, in seconds.
    #[serde(default = "default_wait_s")]
    pub wait_s: u64,
    /// How long traffic goes on without word from the sidecar.
    #[serde(default = "default_staleness", rename = "max_staleness_s")]
    pub max_staleness: MaxStaleness,
    /// A table to start from while the sidecar cannot be reached.
    #[serde(default, alias = "sealed_table")]
    pub signed_table: Option<SignedTableConfig>,
}

/// Where a signed table is, and who must have signed it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedTableConfig {
    /// The Envoy cluster that answers every GET with the file.
    pub cluster: String,
    /// What `sidecar snapshot` prints.
    #[serde(deserialize_with = "public_key")]
    pub public_key: VerifyingKey,
}

/// Settings of the gate.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GateConfig {
    /// Most body bytes that are held back while it is not known what a request names; `None`: what
    /// each rule says. Must be below Envoy's own buffer limit, or Envoy answers first, with a text
    /// nobody understands.
    #[serde(default)]
    pub hold_bytes_max: Option<usize>,
    /// What becomes of a body of which more would have to be held.
    #[serde(default)]
    pub beyond_hold: BeyondHold,
    /// Most bytes that are held back in one worker, over all requests and lists of models.
    #[serde(default = "default_held_bytes_total_max")]
    pub held_bytes_total_max: usize,
    /// Hold the whole body until it is judged, for upstreams that act on a part of it.
    #[serde(default)]
    pub hold_whole_body: bool,
    /// Look at what a key for everything calls, so that usage and advice know it. Nothing else
    /// depends on it.
    #[serde(default = "yes")]
    pub observe_resources: bool,
    /// Whether answers are read for what they say that was used.
    #[serde(default)]
    pub meter: MeterSetting,
    /// Whether keys that have limits are served: their cells are written, which is a right that a gate
    /// needs for nothing else (docs/gate-rights.md).
    #[serde(default)]
    pub limits: LimitsSetting,
    /// What becomes of streams that would not state what they use, of keys with a limit of tokens.
    #[serde(default)]
    pub stream_usage: StreamUsage,
    /// Whether answers tell how the limits of their keys stand.
    #[serde(default)]
    pub limit_headers: bool,
    /// Where requests name their resources.
    #[serde(default)]
    pub locators: LocatorConfig,
    /// How often running requests are asked whether their key still has its right, in milliseconds:
    /// one that is silent is cut at most so much later, one that sends or receives at once.
    #[serde(default = "default_stream_check_ms")]
    pub stream_check_ms: u64,
    /// Whose error JSON to answer with where OpenAI's would be.
    #[serde(default)]
    pub errors: Option<Family>,
    /// What happens to a key for everything on an endpoint that no rule knows.
    #[serde(default)]
    pub unknown_endpoint: UnknownEndpoint,
    /// The path on which the gate tells probes whether it has a table in force; `None` = on none.
    #[serde(default = "default_ready_path")]
    pub ready_path: Option<String>,
    /// What clients that look for an authorization server are told.
    #[serde(default)]
    pub oauth_discovery: OauthDiscovery,
    /// Where requests carry their keys.
    #[serde(default)]
    pub key_places: KeyPlaces,
    /// Headers that pass for every key besides those that the gate knows: names, and for keys with
    /// a list beginnings that end in `*`.
    #[serde(default)]
    pub pass_headers: Vec<String>,
}

/// What becomes of a body of which more would have to be held than may be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum BeyondHold {
    /// It is refused.
    #[default]
    Refuse,
    /// It flows, and its end is withheld until it is judged: the upstream has a part of a request
    /// before there is a permit, and never the whole of one that is refused.
    Flow,
}

/// Whether answers are read for what was used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MeterSetting {
    /// They are, as they pass by.
    #[default]
    On,
    /// They are not: usage knows no tokens.
    Off,
}

/// What becomes of keys that have limits, of their own or of their account's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LimitsSetting {
    /// They are refused.
    #[default]
    Refuse,
    /// Their limits are kept.
    Keep,
}

/// What becomes of a stream that would not state what it uses, if its key has a limit of tokens.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StreamUsage {
    /// It is asked to, by a word in its request's body.
    #[default]
    Ask,
    /// The same, and in each of its pieces, so that one that is cut is exact, too.
    Continuous,
    /// It is estimated.
    Estimate,
}

/// What a key for everything may do on an endpoint that no rule knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UnknownEndpoint {
    /// Call it.
    #[default]
    Allow,
    /// Not call it.
    Deny,
}

/// What becomes of requests for `/.well-known/oauth-...` and its like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OauthDiscovery {
    /// There is none: 404, for everybody.
    #[default]
    Absent,
    /// They are requests like any other.
    Judge,
}

/// How old the table may grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "StalenessText")]
pub enum MaxStaleness {
    /// Seconds since the sidecar was last heard.
    Seconds(u64),
    /// Without limit: an Envoy that lost its sidecar serves the last table for good.
    Never,
}

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "max_staleness_s must be a number of seconds from 5 or \"never\""
)]
enum StalenessText {
    Seconds(u64),
    Word(String),
}

/// Why a configuration is refused.
#[derive(Debug)]
pub enum ConfigError {
    /// Not JSON, or not of this shape.
    Shape(serde_json::Error),
    /// `wait_s` is 0 or too long.
    Wait,
    /// `stream_check_ms` is too short or too long.
    StreamCheck,
    /// `held_bytes_total_max` has no room for the largest body.
    Held,
    /// A body is to be held whole, and to flow.
    HoldAndFlow,
    /// `ready_path` is no path.
    ReadyPath,
    /// A region or cluster name that is empty or cannot stand in a URL.
    Name(&'static str),
}

impl Config {
    /// Reads the configuration that Envoy passes in.
    pub fn parse(bytes: &[u8]) -> Result<Self, ConfigError> {
        let config: Self = serde_json::from_slice(bytes).map_err(ConfigError::Shape)?;
        match &config {
            Self::Agent(agent) => agent.check()?,
            Self::Gate(gate) => gate.check()?,
        }
        Ok(config)
    }
}

impl AgentConfig {
    fn check(&self) -> Result<(), ConfigError> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
        if self.region.is_empty() || !self.region.bytes().all(plain) {
            return Err(ConfigError::Name("region"));
        }
        if self.cluster.is_empty() {
            return Err(ConfigError::Name("cluster"));
        }
        if self.wait_s == 0 || self.wait_s > WAIT_S_MAX {
            Err(ConfigError::Wait)
        } else {
            Ok(())
        }
    }
}

impl GateConfig {
    fn check(&self) -> Result<(), ConfigError> {
        let is_path = |text: &String| text.starts_with('/') && !text.contains(['?', '#']);
        if !self.ready_path.iter().all(is_path) {
            return Err(ConfigError::ReadyPath);
        }
        if !STREAM_CHECK_MS.contains(&self.stream_check_ms) {
            return Err(ConfigError::StreamCheck);
        }
        if self.held_bytes_total_max / 2 < self.hold_bytes_max.unwrap_or(HOLD_BYTES_MAX) {
            return Err(ConfigError::Held);
        }
        if self.hold_whole_body && self.beyond_hold == BeyondHold::Flow {
            return Err(ConfigError::HoldAndFlow);
        }
        Ok(())
    }

    /// How much of a body may be held back.
    pub fn hold_bounds(&self) -> HoldBounds {
        HoldBounds {
            bytes_max: self.hold_bytes_max,
            total_bytes_max: self.held_bytes_total_max,
        }
    }
}

impl MaxStaleness {
    /// The end of a lease that was renewed by a request sent at `sent_ns`, in milliseconds.
    pub fn lease_until_ms(self, sent_ns: u64) -> u64 {
        match self {
            Self::Seconds(s) => (sent_ns / 1_000_000).saturating_add(s.saturating_mul(1000)),
            Self::Never => u64::MAX,
        }
    }

    /// The length of a lease in seconds; `None` = without end.
    pub fn seconds(self) -> Option<u64> {
        match self {
            Self::Seconds(seconds) => Some(seconds),
            Self::Never => None,
        }
    }

    /// The end of a lease that began `age_ms` ago; `None` if that is over already.
    pub fn lease_left_until_ms(self, age_ms: u64, now_ns: u64) -> Option<u64> {
        match self {
            Self::Seconds(s) => {
                let left_ms = s.saturating_mul(1000).checked_sub(age_ms)?;
                Some((now_ns / 1_000_000).saturating_add(left_ms))
            }
            Self::Never => Some(u64::MAX),
        }
    }

    /// The longest wait at which one answer may be lost without the lease ending, in seconds: a
    /// wait before it, one for it with its spare time, and one after it.
    pub fn wait_s_max(self) -> u64 {
        match self {
            Self::Seconds(s) => (s / 4).max(1),
            Self::Never => WAIT_S_MAX,
        }
    }

    /// After which a request that may be held `wait_s` counts as lost, in milliseconds.
    pub fn timeout_ms(self, wait_s: u64) -> u64 {
        let spare_ms = match self {
            Self::Seconds(s) => (s.saturating_mul(1000) / 5).min(TIMEOUT_MS_SPARE),
            Self::Never => TIMEOUT_MS_SPARE,
        };
        wait_s.saturating_mul(1000).saturating_add(spare_ms)
    }
}

fn public_key<'de, D: Deserializer<'de>>(deserializer: D) -> Result<VerifyingKey, D::Error> {
    let text = String::deserialize(deserializer)?;
    let wrong = "public_key must be the 64 hexadecimal digits that `sidecar snapshot` prints";
    VerifyingKey::parse(&text).ok_or_else(|| serde::de::Error::custom(wrong))
}

fn default_cluster() -> String {
    "sidecar".to_owned()
}

fn default_wait_s() -> u64 {
    25
}

fn default_staleness() -> MaxStaleness {
    MaxStaleness::Seconds(3600)
}

fn default_ready_path() -> Option<String> {
    Some("/latchkey/ready".to_owned())
}

fn default_stream_check_ms() -> u64 {
    250
}

fn yes() -> bool {
    true
}

fn default_held_bytes_total_max() -> usize {
    HELD_BYTES_TOTAL_MAX
}

// === impl MaxStaleness ===

impl TryFrom<StalenessText> for MaxStaleness {
    type Error = String;

    fn try_from(text: StalenessText) -> Result<Self, String> {
        match text {
            StalenessText::Seconds(s) if s >= MAX_STALENESS_S_MIN => Ok(Self::Seconds(s)),
            StalenessText::Word(word) if word == "never" => Ok(Self::Never),
            _ => Err(format!(
                "max_staleness_s must be a number of seconds from {MAX_STALENESS_S_MIN} or \"never\""
            )),
        }
    }
}

// === impl ConfigError ===

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shape(source) => {
                write!(f, "the plugin configuration is not understood: {source}")
            }
            Self::Wait => write!(f, "wait_s must be from 1 to {WAIT_S_MAX} seconds"),
            Self::StreamCheck => write!(
                f,
                "stream_check_ms must be from {} to {} milliseconds",
                STREAM_CHECK_MS.start(),
                STREAM_CHECK_MS.end()
            ),
            Self::Held => write!(
                f,
                "held_bytes_total_max must be at least twice hold_bytes_max: one key may hold half of it"
            ),
            Self::HoldAndFlow => write!(
                f,
                "hold_whole_body lets nothing go on before it is judged, and beyond_hold \"flow\" does: \
                 leave one of them out"
            ),
            Self::ReadyPath => write!(
                f,
                "ready_path must be a path without a query, as \"/latchkey/ready\", or null"
            ),
            Self::Name(field) => {
                write!(f, "{field} must be a plain name of a-z, 0-9, '-', '_', '.'")
            }
        }
    }
}

impl std::error::Error for ConfigError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Shape(source) => Some(source),
            Self::Wait
            | Self::StreamCheck
            | Self::Held
            | Self::HoldAndFlow
            | Self::ReadyPath
            | Self::Name(_) => None,
        }
    }
}
