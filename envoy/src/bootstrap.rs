//! The bootstrap of Envoy: `bootstrap.yaml` with every placeholder replaced, and with what an
//! installation puts into its places.
//!
//! It starts nothing and checks no YAML; Envoy does. Invariant: every placeholder has a value,
//! every value a placeholder, and a value cannot end the string that it stands in.

use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::address::HostPort;
use crate::lease::MaxStaleness;

mod place;

pub use place::{Addition, Place};

/// The template.
pub const TEMPLATE: &str = include_str!("../bootstrap.yaml");

/// The types of TLS settings, of a listener and of a cluster.
const DOWNSTREAM_TLS: &str =
    "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext";
const UPSTREAM_TLS: &str =
    "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext";

/// Envoy's heap, unless it is told otherwise: 2 GiB.
pub const HEAP_BYTES_MAX: u64 = 2 << 30;

/// What differs from one Envoy to the next.
#[derive(Clone, Debug)]
pub struct Bootstrap {
    /// Name of this Envoy, unique in its fleet.
    pub node_id: String,
    /// Port of the admin interface on loopback; 0 lets the kernel choose.
    pub admin_port: u16,
    /// Address on which clients call.
    pub listen_address: IpAddr,
    /// Port on which clients call; 0 lets the kernel choose.
    pub listen_port: u16,
    /// The filter: one module for agent and gate.
    pub filter_wasm: PathBuf,
    /// File that holds `Bearer <token>` for the feed.
    pub feed_token_file: PathBuf,
    /// File for the access log, one JSON object a line.
    pub access_log: PathBuf,
    /// The region whose keys this Envoy enforces.
    pub region: String,
    /// The lease.
    pub max_staleness: MaxStaleness,
    /// Who must have signed the signed table that the agent may start from, if it may.
    pub signed_table_key: Option<String>,
    /// Members that the gate's configuration has beside `role`; an object.
    pub gate_settings: serde_json::Map<String, Value>,
    /// At which size of its heap Envoy takes no more requests, in bytes; well below it frees memory.
    pub heap_bytes_max: u64,
    /// The sidecar's feed.
    pub sidecar: HostPort,
    /// Who must have signed the feed's certificate, as a PEM file; `None` speaks to it in the clear.
    pub sidecar_ca: Option<PathBuf>,
    /// The model servers.
    pub upstream: HostPort,
    /// What clients are served with over TLS; `None` serves them in the clear.
    pub tls: Option<Tls>,
    /// YAML of one's own, at the places that the template has for it.
    pub additions: Vec<Addition>,
}

/// A server's certificate, as PEM files.
#[derive(Clone, Debug)]
pub struct Tls {
    /// The chain, the server's own first.
    pub certificate: PathBuf,
    /// Its private key.
    pub private_key: PathBuf,
}

/// A template and values that do not fit each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplateError {
    /// A placeholder without a value.
    UnknownPlaceholder {
        /// Its name.
        name: String,
    },
    /// Opening braces without closing ones.
    Unclosed {
        /// Line of the template, from 1.
        line: usize,
    },
    /// A value without a placeholder.
    UnusedValue {
        /// Its name.
        name: String,
    },
    /// A path that is not UTF-8 and so cannot stand in YAML.
    PathIsNoText {
        /// The path.
        path: PathBuf,
    },
}

// === impl Bootstrap ===

impl Bootstrap {
    /// The YAML that Envoy reads.
    pub fn render(&self) -> Result<String, TemplateError> {
        let filled = fill(TEMPLATE, &self.values()?)?;
        let add = |text: String, addition: &Addition| addition.put_into(&text);
        Ok(self.additions.iter().fold(filled, add))
    }

    fn values(&self) -> Result<Vec<(&'static str, Value)>, TemplateError> {
        Ok(vec![
            ("node_id", json!(self.node_id)),
            ("admin_port", json!(self.admin_port)),
            ("listen_address", json!(self.listen_address)),
            ("listen_port", json!(self.listen_port)),
            ("filter_wasm", path_value(&self.filter_wasm)?),
            ("feed_token_file", path_value(&self.feed_token_file)?),
            ("access_log", path_value(&self.access_log)?),
            ("heap_bytes_max", json!(self.heap_bytes_max)),
            ("agent_configuration", self.agent_configuration()),
            ("gate_configuration", self.gate_configuration()),
            ("sidecar_discovery", json!(self.sidecar.discovery())),
            ("sidecar_address", json!(self.sidecar.host())),
            ("sidecar_port", json!(self.sidecar.port())),
            ("sidecar_transport_socket", self.sidecar_transport_socket()?),
            ("upstream_discovery", json!(self.upstream.discovery())),
            ("upstream_address", json!(self.upstream.host())),
            ("upstream_port", json!(self.upstream.port())),
            ("transport_socket", self.transport_socket()?),
        ])
    }

    /// What lies between the listener and TCP; nothing in the clear.
    fn transport_socket(&self) -> Result<Value, TemplateError> {
        let Some(tls) = &self.tls else {
            return Ok(Value::Null);
        };
        let certificate = json!({
            "certificate_chain": {"filename": path_value(&tls.certificate)?},
            "private_key": {"filename": path_value(&tls.private_key)?},
        });
        Ok(json!({
            "name": "envoy.transport_sockets.tls",
            "typed_config": {
                "@type": DOWNSTREAM_TLS,
                "common_tls_context": {
                    "alpn_protocols": ["h2", "http/1.1"],
                    "tls_certificates": [certificate],
                },
            },
        }))
    }

    /// What lies between the agent and TCP: the certificate must be the host's.
    fn sidecar_transport_socket(&self) -> Result<Value, TemplateError> {
        let Some(ca) = &self.sidecar_ca else {
            return Ok(Value::Null);
        };
        let host = self.sidecar.host();
        let san_type = match host.parse::<IpAddr>() {
            Ok(_) => "IP_ADDRESS",
            Err(_) => "DNS",
        };
        let validation_context = json!({
            "trusted_ca": {"filename": path_value(ca)?},
            "match_typed_subject_alt_names": [{"san_type": san_type, "matcher": {"exact": host}}],
        });
        Ok(json!({
            "name": "envoy.transport_sockets.tls",
            "typed_config": {
                "@type": UPSTREAM_TLS,
                "sni": host,
                "common_tls_context": {"validation_context": validation_context},
            },
        }))
    }

    fn agent_configuration(&self) -> Value {
        let mut configuration = json!({
            "role": "agent",
            "region": self.region,
            "cluster": "sidecar",
            "wait_s": self.max_staleness.wait_s(),
            "max_staleness_s": self.max_staleness.to_json(),
        });
        if let (Some(key), Some(members)) = (&self.signed_table_key, configuration.as_object_mut())
        {
            let signed_table = json!({"cluster": "signed_table", "public_key": key});
            members.insert("signed_table".to_owned(), signed_table);
        }
        configuration
    }

    fn gate_configuration(&self) -> Value {
        let mut configuration = self.gate_settings.clone();
        configuration.insert("role".to_owned(), json!("gate"));
        Value::Object(configuration)
    }
}

fn path_value(path: &Path) -> Result<Value, TemplateError> {
    match path.to_str() {
        Some(text) => Ok(json!(text)),
        None => Err(TemplateError::PathIsNoText {
            path: path.to_owned(),
        }),
    }
}

/// Replaces every `{{name}}` by the JSON text of its value, which is YAML too: on one line, quoted,
/// with everything escaped that could end the string.
pub fn fill(template: &str, values: &[(&str, Value)]) -> Result<String, TemplateError> {
    let mut filled = String::with_capacity(template.len() * 2);
    let mut used = vec![false; values.len()];
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        filled.push_str(before);
        let line = filled.lines().count();
        let (name, tail) = after
            .split_once("}}")
            .ok_or(TemplateError::Unclosed { line })?;
        filled.push_str(&value_of(name, values, &mut used)?.to_string());
        rest = tail;
    }
    filled.push_str(rest);
    match used.iter().zip(values).find(|(used, _)| !**used) {
        None => Ok(filled),
        Some((_, (name, _))) => Err(TemplateError::UnusedValue {
            name: (*name).to_owned(),
        }),
    }
}

/// The value with this name, which is then used.
fn value_of<'v>(
    name: &str,
    values: &'v [(&str, Value)],
    used: &mut [bool],
) -> Result<&'v Value, TemplateError> {
    let found = values
        .iter()
        .zip(used)
        .find(|((known, _), _)| *known == name);
    let ((_, value), used) = found.ok_or_else(|| TemplateError::UnknownPlaceholder {
        name: name.to_owned(),
    })?;
    *used = true;
    Ok(value)
}

// === impl TemplateError ===

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownPlaceholder { name } => {
                write!(
                    f,
                    "the template asks for `{name}`, which has no value: give it one"
                )
            }
            Self::Unclosed { line } => {
                write!(
                    f,
                    "the placeholder on line {line} of the template is not closed: add `}}}}`"
                )
            }
            Self::UnusedValue { name } => {
                write!(
                    f,
                    "the template does not ask for `{name}`: add the placeholder or drop the value"
                )
            }
            Self::PathIsNoText { path } => {
                write!(f, "{} is not UTF-8: use another path", path.display())
            }
        }
    }
}

impl std::error::Error for TemplateError {}

#[cfg(test)]
mod tests;
