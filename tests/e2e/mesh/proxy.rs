//! An Envoy that is started with what a control plane would tell it, by files in place of xDS.
//!
//! Does not patch. Invariant: nothing but addresses, ports, paths and the source of xDS differs from
//! what was patched.

use std::fs;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use envoy::bootstrap::{Addition, Place};
use envoy::process::{Process, Program};
use envoy::{Stack, StackOptions, ports};
use serde_json::{Value, json};
use tests::admin::assert_applied;
use tests::certificate::certificate_for;
use tests::raw::{self, post_chat, post_chat_with};
use tests::{Admin, chat, wait_for};

/// Under which name Envoys of other namespaces know the sidecar.
const SIDECAR: &str = "latchkey-sidecar.latchkey.svc";

/// Bootstrap and what xDS brings.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    pub(super) bootstrap: Value,
    pub(super) listener: Value,
    pub(super) routes: Value,
    clusters: Value,
}

/// A sidecar whose feed is reached over TLS, and what is behind it.
pub(super) struct World {
    pub(super) stack: Stack,
    pub(super) admin: Admin,
    feed_port: u16,
    ca: String,
    binary: PathBuf,
    wasm: String,
}

/// A running Envoy. Dropping it ends it.
pub(super) struct Proxy<'w> {
    world: &'w mut World,
    process: Process,
    admin_url: String,
    url: String,
}

impl Shape {
    /// Reads a file of `tests/shapes`.
    pub(super) fn of(document: &Value) -> Self {
        Self {
            bootstrap: document["bootstrap"].clone(),
            listener: document["listeners"][0].clone(),
            routes: document["routes"][0].clone(),
            clusters: document["clusters"].clone(),
        }
    }

    /// The connection manager of the listener.
    pub(super) fn manager(&mut self) -> &mut Value {
        let chains = ["/filter_chains/0", "/default_filter_chain"];
        let has_it = |chain: &&&str| self.listener.pointer(chain).is_some();
        let chain = chains.iter().find(has_it).unwrap();
        let manager = format!("{chain}/filters/0/typed_config");
        self.listener.pointer_mut(&manager).unwrap()
    }
}

impl World {
    /// The stack's own Envoy ends TLS in front of the feed.
    pub(super) fn start() -> Self {
        let mut stack = Stack::prepare(StackOptions::default()).unwrap();
        let feed_port = ports::free().unwrap();
        let files = certificate_for(SIDECAR, stack.run_dir());
        let front = tls_front(feed_port, &files.0, &files.1);
        stack.envoy_settings().bootstrap.additions.push(front);
        stack.start_sidecar().unwrap();
        stack.start_envoy().unwrap();
        stack.wait_for_table().unwrap();
        let admin = Admin::of(&stack);
        let ca = files.0.to_str().unwrap().to_owned();
        let settings = stack.envoy_settings();
        Self {
            binary: settings.binary.clone(),
            wasm: settings.bootstrap.filter_wasm.display().to_string(),
            stack,
            admin,
            feed_port,
            ca,
        }
    }

    /// Starts an Envoy and waits until its gate decides by a table.
    pub(super) fn run(&mut self, name: &str, shape: &Shape) -> Proxy<'_> {
        let mut proxy = self.start_with(name, shape);
        proxy.wait_for_table();
        proxy
    }

    /// Starts an Envoy.
    pub(super) fn start_with(&mut self, name: &str, shape: &Shape) -> Proxy<'_> {
        let free = || ports::free().unwrap();
        let (admin, listener) = (free(), free());
        let text = self.here(&bootstrap_by_file(shape, self.stack.run_dir(), name), admin);
        let dir = self.stack.run_dir().to_owned();
        let write =
            |file: &str, text: &str| fs::write(dir.join(format!("{name}.{file}")), text).unwrap();
        write("json", &text);
        let mut shape = shape.clone();
        let routes = dir.join(format!("{name}.rds.json"));
        shape.manager()["rds"]["config_source"] = by_file(&routes);
        shape.listener["address"] = socket_address(listener);
        let listener_type = "type.googleapis.com/envoy.config.listener.v3.Listener";
        let route_type = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration";
        let cluster_type = "type.googleapis.com/envoy.config.cluster.v3.Cluster";
        write("rds.json", &resource(&shape.routes, route_type));
        write(
            "lds.json",
            &self.here(&resource(&shape.listener, listener_type), admin),
        );
        write(
            "cds.json",
            &self.here(&resource(&shape.clusters[0], cluster_type), admin),
        );
        let process = self.start_envoy(name, &dir.join(format!("{name}.json")));
        Proxy {
            process,
            admin_url: format!("http://127.0.0.1:{admin}"),
            url: format!("http://127.0.0.1:{listener}"),
            world: self,
        }
    }

    /// A text with this machine's addresses and paths.
    fn here(&self, text: &str, admin_port: u16) -> String {
        let stack = &self.stack;
        let upstream = stack.upstream().unwrap().address().port().to_string();
        let quoted = |text: &str| json!(text).to_string();
        let values = [
            (
                quoted("/etc/latchkey/filter/filter.wasm"),
                quoted(&self.wasm),
            ),
            (
                quoted("/run/latchkey/feed/feed-token"),
                quoted(stack.feed_token_file().to_str().unwrap()),
            ),
            (quoted("/run/latchkey/ca/ca.crt"), quoted(&self.ca)),
            (
                quoted("/dev/stdout"),
                quoted(stack.run_dir().join("mesh.access.log").to_str().unwrap()),
            ),
            (
                format!(r#""address":"{SIDECAR}","port_value":9302"#),
                here_at(self.feed_port),
            ),
            (
                r#""address":"10.244.2.9","port_value":8000"#.to_owned(),
                here_at(upstream.parse().unwrap()),
            ),
            (
                r#""address":"envoy-gateway","port_value":18000"#.to_owned(),
                here_at(1),
            ),
        ];
        let text = values
            .iter()
            .fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
        let admins = [15000, 19000].map(|port| format!(r#""port_value":{port}"#));
        let text = admins.iter().fold(text, |text, from| {
            text.replace(from, &format!(r#""port_value":{admin_port}"#))
        });
        let others = [15090, 15021, 19001].map(|port| format!(r#""port_value":{port}"#));
        others.iter().fold(text, |text, from| {
            text.replace(from, &format!(r#""port_value":{}"#, ports::free().unwrap()))
        })
    }

    fn start_envoy(&self, name: &str, config: &Path) -> Process {
        let log = self.stack.run_dir().join(format!("{name}.log"));
        let args = [
            "--config-path",
            config.to_str().unwrap(),
            "--concurrency",
            "2",
        ];
        let more = [
            "--disable-hot-restart",
            "--file-flush-interval-msec",
            "200",
            "--service-cluster",
            "models",
            "--service-node",
            name,
        ];
        let program = Program {
            name: name.to_owned(),
            path: self.binary.clone(),
            args: args.iter().chain(&more).map(Into::into).collect(),
            stdout: log.with_extension("out"),
            stderr: log,
        };
        Process::start(program).unwrap()
    }
}

impl Proxy<'_> {
    fn wait_for_table(&mut self) {
        let asked = raw::head("GET", "/v1/models", &[]);
        let (process, url) = (&mut self.process, &self.url);
        let log = process.stderr().to_owned();
        wait_for("the gate has a table", || {
            assert!(
                process.is_running(),
                "{}",
                fs::read_to_string(&log).unwrap()
            );
            TcpStream::connect(raw::address_of(url)).is_ok() && raw::send(url, &asked).status == 401
        });
    }

    /// What it answers without a key, once its agent has acknowledged a table.
    pub(super) fn status_under_a_table(&self) -> u16 {
        wait_for("both agents have a table", || {
            let (_, fleet) = self.world.admin.call("GET", "/v1/envoys", None);
            let envoys = fleet["envoys"].as_array().cloned().unwrap_or_default();
            envoys.len() == 2 && envoys.iter().all(|envoy| envoy["generation"].is_u64())
        });
        raw::send(&self.url, &raw::head("GET", "/v1/models", &[])).status
    }

    /// Keys open it and nothing else does; bodies and headers fit through.
    pub(super) fn assert_is_a_gate(&self, node: &str) {
        let admin = &self.world.admin;
        let everything = admin.create("all", json!({}));
        let listed = admin.create("list", json!({"scope": {"models": ["glm-5.1"]}}));
        let ask = |key: &str, body: &str| post_chat_with(&self.url, key, body).status;
        for key in [&everything.value, &listed.value] {
            assert_eq!(ask(key, &chat("glm-5.1")), 200);
        }
        assert_eq!(ask(&listed.value, &chat("other")), 403);
        assert_eq!(ask("sk-nobody", &chat("glm-5.1")), 401);
        let late = format!(r#"{{"pad":"{}","model":"glm-5.1"}}"#, "x".repeat(50 << 20));
        assert_eq!(
            ask(&listed.value, &late),
            200,
            "what the rules let be held is there"
        );
        let bearer = format!("authorization: Bearer {}", listed.value);
        let lines: [&[u8]; 2] = [bearer.as_bytes(), b"session_id: 1"];
        assert_eq!(
            post_chat(&self.url, &lines, chat("glm-5.1").as_bytes()).status,
            200
        );
        let here = admin.create("there", json!({"ip_allowlist": ["203.0.113.7"]}));
        let bearer = format!("authorization: Bearer {}", here.value);
        let lines: [&[u8]; 2] = [bearer.as_bytes(), b"x-forwarded-for: 203.0.113.7"];
        let forged = post_chat(&self.url, &lines, chat("glm-5.1").as_bytes());
        assert_eq!(forged.refusal(), (403, "ip_not_allowed".to_owned()));
        let applied = admin.patch(&listed, &json!({"status": "disabled"}));
        assert_eq!(applied["propagation"]["envoys"], json!(2));
        assert_applied(&applied);
        assert_eq!(ask(&listed.value, &chat("glm-5.1")), 401);
        let (_, fleet) = admin.call("GET", "/v1/envoys", None);
        let names: Vec<&Value> = fleet["envoys"]
            .as_array()
            .unwrap()
            .iter()
            .map(|envoy| &envoy["envoy"])
            .collect();
        assert!(names.contains(&&json!(node)), "{names:?}");
        self.assert_keys_are_hashes_at_most();
    }

    fn assert_keys_are_hashes_at_most(&self) {
        let log = fs::read_to_string(self.world.stack.run_dir().join("mesh.access.log"));
        let log = log.unwrap_or_default();
        assert!(!log.contains("sk-"), "{log}");
        let dump = raw::get_text(&format!("{}/config_dump", self.admin_url));
        let token = fs::read_to_string(self.world.stack.feed_token_file()).unwrap();
        assert!(!dump.contains(token.trim_start_matches("Bearer ")));
    }

    /// What `sidecar envoy lint` says of its config dump.
    pub(super) fn lint(&mut self) -> Output {
        let dump = self.world.stack.run_dir().join("mesh.dump.json");
        fs::write(
            &dump,
            raw::get_text(&format!("{}/config_dump", self.admin_url)),
        )
        .unwrap();
        let sidecar = self.world.stack.sidecar_settings().binary.clone();
        let mut lint = Command::new(sidecar);
        lint.args(["envoy", "lint"]).arg(dump).output().unwrap()
    }

    /// It has nothing to say.
    pub(super) fn assert_clean(&mut self) {
        let output = self.lint();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(said, "nothing to say\n");
    }
}

/// The bootstrap with files in place of xDS, as JSON without blanks.
fn bootstrap_by_file(shape: &Shape, dir: &Path, name: &str) -> String {
    let mut bootstrap = shape.bootstrap.clone();
    let resources = bootstrap["dynamic_resources"].as_object_mut().unwrap();
    assert!(resources.remove("ads_config").is_some());
    for kind in ["lds", "cds"] {
        let source = by_file(&dir.join(format!("{name}.{kind}.json")));
        resources.insert(format!("{kind}_config"), source);
    }
    bootstrap.to_string()
}

fn by_file(path: &Path) -> Value {
    json!({"path_config_source": {"path": path}, "resource_api_version": "V3"})
}

/// A file of xDS with one resource.
fn resource(value: &Value, kind: &str) -> String {
    let mut value = value.clone();
    value["@type"] = json!(kind);
    json!({"resources": [value]}).to_string()
}

fn socket_address(port: u16) -> Value {
    json!({"socket_address": {"address": "127.0.0.1", "port_value": port}})
}

fn here_at(port: u16) -> String {
    format!(r#""address":"127.0.0.1","port_value":{port}"#)
}

/// A listener that ends TLS in front of the feed.
fn tls_front(port: u16, certificate: &Path, key: &Path) -> Addition {
    let socket =
        "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext";
    let proxy = "type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy";
    let pair =
        json!({"certificate_chain": {"filename": certificate}, "private_key": {"filename": key}});
    let listener = json!({
        "name": "feed",
        "address": socket_address(port),
        "filter_chains": [{
            "transport_socket": {"name": "envoy.transport_sockets.tls", "typed_config": {
                "@type": socket, "common_tls_context": {"tls_certificates": [pair]}}},
            "filters": [{"name": "envoy.filters.network.tcp_proxy", "typed_config": {
                "@type": proxy, "stat_prefix": "feed", "cluster": "sidecar"}}],
        }],
    });
    Addition {
        place: Place::Listeners,
        yaml: format!("- {listener}"),
    }
}
