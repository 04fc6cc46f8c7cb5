//! What the rules look at: every HTTP connection manager with its filters and routes, and plugin
//! configurations as JSON.
//!
//! It does not judge. Invariant: what a [`ConnectionManager`] shows is what Envoy would run: filters that xDS
//! brought by their own stand in their places.

use serde_json::{Map, Value};

use super::document::Document;
use super::value::{list, text};

const MANAGER: &str = "HttpConnectionManager";
const WASM_FILTER: &str = "envoy.extensions.filters.http.wasm.v3.Wasm";
const ROUTER: &str = "envoy.extensions.filters.http.router.v3.Router";

/// One HTTP connection manager.
#[derive(Debug)]
pub(super) struct ConnectionManager<'d> {
    /// Where it is, in words.
    pub(super) place: String,
    pub(super) listener: &'d Value,
    pub(super) config: &'d Value,
    pub(super) filters: Vec<HttpFilter<'d>>,
    /// `None` if xDS will bring them.
    pub(super) routes: Option<&'d Value>,
}

/// One HTTP filter.
#[derive(Debug)]
pub(super) struct HttpFilter<'d> {
    pub(super) name: &'d str,
    pub(super) kind: &'d str,
    /// The member of the list of filters.
    pub(super) entry: &'d Value,
    /// The plugin, if it is a Wasm filter with our gate in it.
    pub(super) gate: Option<Plugin<'d>>,
}

/// A Wasm plugin of ours.
#[derive(Debug)]
pub(super) struct Plugin<'d> {
    pub(super) config: &'d Value,
    /// What the filter itself is told.
    pub(super) settings: Value,
}

/// All HTTP connection managers.
pub(super) fn managers(document: &Document) -> Vec<ConnectionManager<'_>> {
    let listeners = document.listeners().iter();
    listeners
        .flat_map(|listener| {
            let chains = list(listener, "/filter_chains").iter();
            let chains = chains.chain(listener.get("default_filter_chain"));
            let filters = chains.flat_map(|chain| list(chain, "/filters"));
            let managers = filters.filter_map(|filter| filter.get("typed_config"));
            let managers = managers.filter(|config| text(config, "/@type").ends_with(MANAGER));
            managers.map(move |config| manager(document, listener, config))
        })
        .collect()
}

fn manager<'d>(
    document: &'d Document,
    listener: &'d Value,
    config: &'d Value,
) -> ConnectionManager<'d> {
    let entries = list(config, "/http_filters").iter();
    let named = config.pointer("/rds/route_config_name");
    let brought = named.and_then(Value::as_str);
    ConnectionManager {
        place: format!("listener {}", text(listener, "/name")),
        listener,
        config,
        filters: entries.map(|entry| filter(document, entry)).collect(),
        routes: config
            .get("route_config")
            .or_else(|| document.routes(brought?)),
    }
}

fn filter<'d>(document: &'d Document, entry: &'d Value) -> HttpFilter<'d> {
    let name = text(entry, "/name");
    let config = entry.get("typed_config");
    let config = config.or_else(|| document.extension(name)?.get("typed_config"));
    let kind = config.map_or("", |config| text(config, "/@type"));
    let gate = config.filter(|_| kind.ends_with(WASM_FILTER));
    let gate = gate.and_then(|config| plugin(config.get("config")?));
    HttpFilter {
        name,
        kind,
        entry,
        gate: gate.filter(|plugin| plugin.role() == "gate"),
    }
}

/// A plugin whose configuration is JSON with a role.
pub(super) fn plugin(config: &Value) -> Option<Plugin<'_>> {
    let value = config.pointer("/configuration/value")?;
    let settings = match value {
        Value::String(text) => serde_json::from_str(text).ok()?,
        tree => tree.clone(),
    };
    settings.get("role")?;
    Some(Plugin { config, settings })
}

impl Plugin<'_> {
    /// `agent` or `gate`.
    pub(super) fn role(&self) -> &str {
        text(&self.settings, "/role")
    }

    /// Whether it serves keys that have limits, whose cells it writes.
    pub(super) fn keeps_limits(&self) -> bool {
        text(&self.settings, "/limits") == "keep"
    }

    /// The name of the shared data.
    pub(super) fn vm_id(&self) -> &str {
        text(self.config, "/vm_config/vm_id")
    }

    /// What tells its VM from others of the same `vm_id` and code.
    pub(super) fn vm_configuration(&self) -> Option<&Value> {
        self.config.pointer("/vm_config/configuration")
    }

    /// The calls of Envoy that it is restricted to, if it is.
    pub(super) fn allowed_calls(&self) -> Option<&Map<String, Value>> {
        let allowed = "/capability_restriction_config/allowed_capabilities";
        self.config.pointer(allowed)?.as_object()
    }
}

impl HttpFilter<'_> {
    pub(super) fn is_router(&self) -> bool {
        self.kind.ends_with(ROUTER)
    }
}

impl<'d> ConnectionManager<'d> {
    /// The gate and its position among the filters.
    pub(super) fn gate(&self) -> Option<(usize, &HttpFilter<'d>, &Plugin<'d>)> {
        let filters = self.filters.iter().enumerate();
        let mut gates =
            filters.filter_map(|(at, filter)| Some((at, filter, filter.gate.as_ref()?)));
        gates.next()
    }

    pub(super) fn router_at(&self) -> Option<usize> {
        self.filters.iter().position(HttpFilter::is_router)
    }

    /// Every virtual host of the routes.
    pub(super) fn hosts(&self) -> &'d [Value] {
        self.routes
            .map_or(&[], |routes| list(routes, "/virtual_hosts"))
    }
}
