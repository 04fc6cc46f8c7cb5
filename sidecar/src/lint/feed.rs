//! Rules of the way to the sidecar, and of Envoy's admin interface.
//!
//! Whether the sidecar answers is not asked. Invariant: an address is loopback only if it says so.

use std::net::IpAddr;

use serde_json::Value;

use super::agent::agent_in;
use super::document::Document;
use super::value::{list, text};
use super::{LintFinding, LintRule};

const OPTIONS: &str = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions";
const INJECTOR: &str = "credential_injector.v3.CredentialInjector";

const CLUSTER_MISSING: LintRule = LintRule {
    name: "cluster-missing",
    wrong: "the agent's cluster does not exist",
    breaks: "the agent cannot call the sidecar: no table ever arrives, 503 for everybody",
    write: "the cluster `sidecar` of the documented bootstrap, or the agent's `cluster`: its name",
};

const NO_CREDENTIAL: LintRule = LintRule {
    name: "feed-credential",
    wrong: "the sidecar's cluster sends no credential",
    breaks: "the feed answers 401: no table ever arrives, 503 for everybody",
    write: "the credential_injector of the documented bootstrap, or a client certificate",
};

const IN_THE_CLEAR: LintRule = LintRule {
    name: "feed-in-clear",
    wrong: "the feed is on another machine and the cluster has no TLS",
    breaks: "whoever is on the way reads the feed's token and can follow the feed, or answers it",
    write: "transport_socket with TLS; without it only on a network that nobody else is on",
};

const SECRET_INLINE: LintRule = LintRule {
    name: "token-inline",
    wrong: "a secret stands in the configuration itself",
    breaks: "whoever reads the configuration file has the feed's token",
    write: "secret: { filename: FILE } with mode 0600, or environment_variable",
};

const ADMIN_OPEN: LintRule = LintRule {
    name: "admin-open",
    wrong: "Envoy's admin interface is reachable from other machines",
    breaks: "it asks for no password: anybody can read the configuration and stop Envoy",
    write: "admin: { address: { socket_address: { address: 127.0.0.1, ... } } }",
};

/// Judges the cluster of the sidecar, the secrets and the admin interface.
pub(super) fn check(document: &Document, findings: &mut Vec<LintFinding>) {
    if let Some((_, agent)) = agent_in(document) {
        let name = match text(&agent.settings, "/cluster") {
            "" => "sidecar",
            name => name,
        };
        match document.cluster(name) {
            Some(cluster) => check_cluster(name, cluster, findings),
            None => findings.push(LintFinding::at(format!("cluster {name}"), &CLUSTER_MISSING)),
        }
    }
    for secret in list(&document.bootstrap, "/static_resources/secrets") {
        let value = secret.pointer("/generic_secret/secret");
        let stands_in = |name: &str| value.is_some_and(|value| value.get(name).is_some());
        if stands_in("inline_string") || stands_in("inline_bytes") {
            let place = format!("secret {}", text(secret, "/name"));
            findings.push(LintFinding::at(place, &SECRET_INLINE));
        }
    }
    if let Some(address) = document.bootstrap.pointer("/admin/address/socket_address")
        && !is_loopback(address)
    {
        findings.push(LintFinding::at("admin", &ADMIN_OPEN));
    }
}

fn check_cluster(name: &str, cluster: &Value, findings: &mut Vec<LintFinding>) {
    let place = format!("cluster {name}");
    let has_tls = has_tls(cluster);
    if !injects_a_credential(cluster) && !has_tls {
        findings.push(LintFinding::at(&place, &NO_CREDENTIAL));
    }
    if !has_tls && !is_on_loopback(cluster) {
        findings.push(LintFinding::at(&place, &IN_THE_CLEAR));
    }
}

/// Whether it says so; the plain socket is a transport socket as well.
fn has_tls(cluster: &Value) -> bool {
    let socket = cluster.get("transport_socket");
    let kind = |socket| text(socket, "/typed_config/@type");
    socket.is_some_and(|socket| {
        !kind(socket).ends_with("RawBuffer") && !text(socket, "/name").ends_with("raw_buffer")
    })
}

/// Whether all of a cluster is on this machine; what xDS will bring is not.
pub(super) fn is_on_loopback(cluster: &Value) -> bool {
    let mut endpoints = endpoints(cluster).peekable();
    endpoints.peek().is_some() && endpoints.all(is_loopback)
}

fn injects_a_credential(cluster: &Value) -> bool {
    let options = cluster.get("typed_extension_protocol_options");
    let options = options.and_then(|options| options.get(OPTIONS));
    let filters = options.map_or(&[][..], |options| list(options, "/http_filters"));
    let mut kinds = filters
        .iter()
        .map(|filter| text(filter, "/typed_config/@type"));
    kinds.any(|kind| kind.ends_with(INJECTOR))
}

fn endpoints(cluster: &Value) -> impl Iterator<Item = &Value> {
    let localities = list(cluster, "/load_assignment/endpoints").iter();
    let endpoints = localities.flat_map(|locality| list(locality, "/lb_endpoints"));
    endpoints.filter_map(|endpoint| endpoint.pointer("/endpoint/address/socket_address"))
}

/// Whether a socket is of this machine alone.
pub(super) fn is_loopback(socket_address: &Value) -> bool {
    let address = text(socket_address, "/address");
    let parsed = address.parse::<IpAddr>();
    parsed.is_ok_and(|address| address.is_loopback()) || address == "localhost"
}
