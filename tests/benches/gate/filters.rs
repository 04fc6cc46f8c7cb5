//! What is put into Envoy for each filter that is measured.
//!
//! Ours is cut out of the bootstrap that users run, so that it is measured as it is shipped. Does
//! not start anything. Invariant: each filter that checks keys refuses a key that it does not know.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use envoy::bootstrap::{Bootstrap, fill};
use envoy::{HostPort, MaxStaleness};
use serde_json::{Map, Value, json};

use crate::keys::key;

const TEMPLATE: &str = include_str!("envoy.yaml");
/// A filter that does nothing, with the one callback that a filter needs.
const NOOP: &str = include_str!("noop.wat");
const LOOKUP: &str = include_str!("lookup.lua");
const IDENTITY: &str = include_str!("identity.lua");

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Filter {
    /// No filter.
    None,
    /// Envoy's own look-up of so many keys.
    ApiKeyAuth(usize),
    /// A look-up of so many keys in a Lua table.
    Lua(usize),
    /// The same, and the credential replaced by an identity.
    LuaIdentity(usize),
    /// A call to another Envoy, which looks so many keys up.
    ExtAuthz(usize),
    /// A Wasm filter that does nothing.
    NoopWasm,
    /// Ours.
    Latchkey,
}

/// Where a variant's Envoy listens, what it calls and where its files are.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) listen_port: u16,
    pub(crate) admin_port: u16,
    /// The feed, or the server of `ext_authz`.
    pub(crate) other_port: u16,
    pub(crate) dir: PathBuf,
    pub(crate) filter_wasm: PathBuf,
    /// Whether the gate may do what the shipped bootstrap lets it; else whatever it likes, as a build
    /// of another time must be able to.
    pub(crate) is_restricted: bool,
    /// Whether the gate looks what keys for everything name.
    pub(crate) is_observing: bool,
    /// Whether requests have bodies.
    pub(crate) has_bodies: bool,
}

impl Filter {
    /// The bootstrap of an Envoy with this filter.
    pub(crate) fn bootstrap(self, place: &Place) -> String {
        let ports = [
            ("admin_port", json!(place.admin_port)),
            ("listen_port", json!(place.listen_port)),
        ];
        let text = fill(TEMPLATE, &ports).unwrap();
        let put = |text: String, at: &str, part: &str| {
            let mark = format!("# place: {at}\n");
            assert!(text.contains(&mark), "the template has no place {at}");
            text.replacen(&mark, part, 1)
        };
        let text = match place.has_bodies {
            true => put(text, "body", &item(&buffer())),
            false => text,
        };
        match self {
            Self::None => text,
            Self::ApiKeyAuth(keys) => put(text, "filter", &item(&api_key_auth(keys))),
            Self::Lua(keys) => put(text, "filter", &item(&lua(LOOKUP, keys, &place.dir))),
            Self::LuaIdentity(keys) => put(text, "filter", &item(&lua(IDENTITY, keys, &place.dir))),
            Self::NoopWasm => put(text, "filter", &item(&noop(&place.dir))),
            Self::ExtAuthz(_) => {
                let text = put(text, "filter", &item(&ext_authz()));
                put(text, "clusters", &cluster("authz", place.other_port))
            }
            Self::Latchkey => {
                let whole = latchkey(place);
                let cut = |from: &str, to: &str| section(&whole, from, to);
                let agent = cut("bootstrap_extensions:\n", "# The gate's counter");
                let secret = cut("  secrets:\n", "  listeners:\n");
                let gate = cut(
                    "          - name: latchkey\n",
                    "          # place: http_filters",
                );
                let feed = cut("  - name: sidecar\n", "  # The model servers.");
                let gate = match place.is_restricted {
                    true => gate.to_owned(),
                    false => unrestricted(gate),
                };
                let text = put(text, "bootstrap", agent);
                let text = put(text, "resources", secret);
                put(put(text, "filter", &gate), "clusters", feed)
            }
        }
    }
}

/// The shipped bootstrap, rendered.
fn latchkey(place: &Place) -> String {
    let feed_token_file = place.dir.join("feed-token");
    fs::write(&feed_token_file, "Bearer not-a-secret-of-anybody").unwrap();
    let bootstrap = Bootstrap {
        node_id: "bench".to_owned(),
        admin_port: place.admin_port,
        listen_address: IpAddr::V4(Ipv4Addr::LOCALHOST),
        listen_port: place.listen_port,
        filter_wasm: place.filter_wasm.clone(),
        feed_token_file,
        access_log: "/dev/null".into(),
        region: "local".to_owned(),
        max_staleness: MaxStaleness::default(),
        signed_table_key: None,
        gate_settings: Map::from_iter([(
            "observe_resources".to_owned(),
            json!(place.is_observing),
        )]),
        sidecar_ca: None,
        heap_bytes_max: envoy::bootstrap::HEAP_BYTES_MAX,
        sidecar: HostPort::loopback(place.other_port),
        upstream: HostPort::loopback(place.listen_port),
        tls: None,
        additions: Vec::new(),
    };
    bootstrap.render().unwrap()
}

/// The gate's filter without the list of its rights.
fn unrestricted(gate: &str) -> String {
    let (from, to) = (
        "                capability_restriction_config:\n",
        "                vm_config:\n",
    );
    gate.replacen(section(gate, from, to), "", 1)
}

/// What stands between two marks, the first one included.
fn section<'t>(text: &'t str, from: &str, to: &str) -> &'t str {
    let start = text.find(from);
    let start = start.unwrap_or_else(|| panic!("the bootstrap has no {from:?}"));
    let length = text[start..].find(to);
    &text[start..start + length.unwrap_or_else(|| panic!("the bootstrap has no {to:?}"))]
}

/// One filter as an item of the list, at the template's depth.
fn item(filter: &Value) -> String {
    format!("          - {filter}\n")
}

fn cluster(name: &str, port: u16) -> String {
    let address = json!({"socket_address": {"address": "127.0.0.1", "port_value": port}});
    let endpoints = json!([{"lb_endpoints": [{"endpoint": {"address": address}}]}]);
    let cluster = json!({
        "name": name, "type": "STATIC", "connect_timeout": "1s",
        "load_assignment": {"cluster_name": name, "endpoints": endpoints},
    });
    format!("  - {cluster}\n")
}

fn filter(name: &str, message: &str, settings: Value) -> Value {
    let mut config = settings;
    config["@type"] = json!(format!(
        "type.googleapis.com/envoy.extensions.filters.http.{message}"
    ));
    json!({"name": name, "typed_config": config})
}

/// Waits for the whole body, as an upstream does: an answer that comes before it costs the connection.
fn buffer() -> Value {
    filter(
        "buffer",
        "buffer.v3.Buffer",
        json!({"max_request_bytes": 1_048_576}),
    )
}

fn api_key_auth(keys: usize) -> Value {
    let credential = |n| json!({"key": key(n), "client": format!("client-{n}")});
    let credentials: Vec<Value> = (0..keys).map(credential).collect();
    let settings = json!({
        "credentials": credentials, "key_sources": [{"header": "Authorization"}],
    });
    filter("api_key_auth", "api_key_auth.v3.ApiKeyAuth", settings)
}

fn lua(code: &str, keys: usize, dir: &Path) -> Value {
    let file = dir.join("keys.txt");
    let lines: String = (0..keys).map(|n| key(n) + "\n").collect();
    fs::write(&file, lines).unwrap();
    let code = code.replace("FILE", file.to_str().unwrap());
    let settings = json!({"default_source_code": {"inline_string": code}});
    filter("lua", "lua.v3.Lua", settings)
}

fn ext_authz() -> Value {
    let uri = json!({"uri": "http://authz", "cluster": "authz", "timeout": "5s"});
    let settings = json!({
        "transport_api_version": "V3", "http_service": {"server_uri": uri},
    });
    filter("ext_authz", "ext_authz.v3.ExtAuthz", settings)
}

fn noop(dir: &Path) -> Value {
    let file = dir.join("noop.wasm");
    fs::write(&file, wat::parse_str(NOOP).unwrap()).unwrap();
    let settings = json!({"config": {
        "name": "noop", "root_id": "noop",
        "vm_config": {
            "vm_id": "noop", "runtime": "envoy.wasm.runtime.v8",
            "code": {"local": {"filename": file}},
        },
    }});
    filter("noop", "wasm.v3.Wasm", settings)
}
