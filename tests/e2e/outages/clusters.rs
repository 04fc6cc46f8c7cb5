//! Envoy does not find the sidecar, or finds another one in its place: the cluster is taken away, its
//! name has no address, and whoever listens there cannot prove who it is.
//!
//! The feed's cluster comes from a file here, as it would from a control plane. Invariant: a change
//! of the file is one rename.

use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use envoy::files::{self, RunDir};
use envoy::process::{Process, Program};
use envoy::sidecar::{Sidecar, SidecarSettings};
use envoy::{MaxStaleness, Stack};
use serde_json::json;
use tests::name_server::NameServer;
use tests::verdict::Span;
use tests::{stat, wait_for};

use super::world::World;

const CLUSTER_TYPE: &str = "type.googleapis.com/envoy.config.cluster.v3.Cluster";
const RESOLVER: &str = "type.googleapis.com/envoy.extensions.network.dns_resolver.cares.v3";
const TLS: &str = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3";

/// An Envoy whose feed cluster can be changed while it runs.
pub(super) struct Movable {
    /// Ends when this is dropped.
    _process: Process,
    file: PathBuf,
    /// The cluster of the template, as the item of a list.
    pub(super) cluster: String,
}

impl Movable {
    /// Starts it without a cluster for the feed.
    pub(super) fn start(stack: &mut Stack) -> Self {
        let dir = stack.run_dir().to_owned();
        let file = dir.join("clusters.yaml");
        let settings = stack.envoy_settings();
        let yaml = settings.bootstrap.render().unwrap();
        let (before, rest) = yaml.split_once("  - name: sidecar\n").unwrap();
        let (cluster, behind) = rest.split_once("\n  # The model servers.").unwrap();
        let dynamic = format!(
            "\ndynamic_resources:\n  cds_config:\n    resource_api_version: V3\n    \
             path_config_source: {{ path: {} }}\n",
            file.display()
        );
        fs::write(&settings.config, [before, behind, &dynamic].concat()).unwrap();
        put(&file, "");
        let arguments = format!(
            "--concurrency 2 --disable-hot-restart --log-level info --config-path {}",
            settings.config.display()
        );
        let process = Process::start(Program {
            name: "movable".to_owned(),
            path: settings.binary.clone(),
            args: arguments.split(' ').map(Into::into).collect(),
            stdout: dir.join("movable.out"),
            stderr: settings.log.clone(),
        });
        let cluster = cluster
            .lines()
            .map(|line| format!("\n{}", line.get(2..).unwrap_or(line)));
        let movable = Self {
            _process: process.unwrap(),
            file,
            cluster: format!(
                "- \"@type\": {CLUSTER_TYPE}\n  name: sidecar{}",
                cluster.collect::<String>()
            ),
        };
        let ready = format!("{}/ready", stack.envoy_admin_url());
        wait_for("Envoy listens", || ureq::get(&ready).call().is_ok());
        movable
    }

    pub(super) fn put(&self, cluster: &str) {
        put(&self.file, cluster);
    }

    /// The feed under a name that this server knows.
    fn by_name(&self, server: &NameServer) -> String {
        let resolver = format!(
            "type: STRICT_DNS\n  dns_refresh_rate: 0.1s\n  \
             dns_failure_refresh_rate: {{ base_interval: 0.1s, max_interval: 0.2s }}\n  \
             typed_dns_resolver_config:\n    name: envoy.network.dns_resolver.cares\n    typed_config:\n      \
             \"@type\": {RESOLVER}.CaresDnsResolverConfig\n      \
             resolvers: [{{ socket_address: {{ address: 127.0.0.1, port_value: {} }} }}]\n      \
             dns_resolver_options: {{ no_default_search_domain: true }}",
            server.port()
        );
        let cluster = self.cluster.replace("type: \"STATIC\"", &resolver);
        cluster.replace("address: \"127.0.0.1\"", "address: sidecar.test")
    }

    /// The feed over TLS, if it has this certificate; straight, since the wire reads HTTP.
    fn over_tls(&self, wire_port: u16, feed_port: u16, certificate: &str) -> String {
        let port = |port: u16| format!("port_value: {port} ");
        let cluster = self.cluster.replace(&port(wire_port), &port(feed_port));
        format!(
            "{cluster}\n  transport_socket:\n    name: envoy.transport_sockets.tls\n    typed_config:\n      \
             \"@type\": {TLS}.UpstreamTlsContext\n      sni: localhost\n      common_tls_context:\n        \
             validation_context: {{ trusted_ca: {{ filename: {certificate} }} }}\n"
        )
    }
}

fn put(file: &PathBuf, cluster: &str) {
    let next = file.with_extension("next");
    let resources = match cluster {
        "" => "resources: []\n".to_owned(),
        cluster => format!("resources:\n{cluster}\n"),
    };
    fs::write(&next, resources).unwrap();
    fs::rename(&next, file).unwrap();
}

fn log_has(stack: &Stack, text: &str) -> bool {
    fs::read_to_string(stack.envoy_log()).is_ok_and(|log| log.contains(text))
}

/// a cluster that is not there yet, is taken away, or whose name has no address any more: the
/// agent lives, tries again, and goes on when there is one.
#[test]
fn a_cluster_that_is_gone_or_has_no_address_is_tried_again() {
    let mut world = World::without_envoy(MaxStaleness::default());
    let movable = Movable::start(&mut world.stack);
    let unable = "cannot call cluster sidecar";
    wait_for("the agent cannot call", || log_has(&world.stack, unable));
    assert_eq!(world.ask(&world.good).status, 503);
    movable.put(&movable.cluster);
    world.converge();

    let load = world.load();
    let begun = Instant::now();
    let servers = NameServer::start();
    let by_name = movable.by_name(&servers);
    for (turn, cluster) in [&movable.cluster, &by_name].into_iter().enumerate() {
        let doomed = world.doomed(&format!("doomed-{turn}"));
        movable.put("");
        wait_for("the cluster is gone", || {
            stat(&world.stack, "cluster_manager.active_clusters") == 1
        });
        let answer = world.remove(&doomed, "wait=none");
        assert_eq!(answer["propagation"]["applied"], 0, "{answer}");
        load.settle();
        movable.put(cluster);
        world.converge();
        world.bury(&doomed, Instant::now());
    }
    servers.know(false);
    wait_for("the name has no address", || {
        stat(&world.stack, "cluster.sidecar.membership_total") == 0
    });
    // What is still asked is answered; what is asked then has nowhere to go.
    world
        .admin
        .patch(&world.good, &json!({"description": "news"}));
    wait_for("the agent hears of it", || {
        stat(&world.stack, "cluster.sidecar.upstream_cx_none_healthy") > 1
    });
    load.settle();
    let doomed = world.doomed("doomed-in-the-end");
    servers.know(true);
    world.delete(&doomed);
    load.settle();
    world.judge("no cluster, no address", load, &[Span::since(begun)]);
}

/// A second sidecar with a database of its own, at the same ports.
fn impostor(world: &mut World, dir: &RunDir, feed_token: &str, args: Vec<String>) -> Sidecar {
    let feed_token_file = dir.file("token-of-the-feed");
    files::write_secret(&feed_token_file, feed_token).unwrap();
    let settings = SidecarSettings {
        data_dir: dir.path().to_owned(),
        feed_token_file,
        args,
        ..world.stack.sidecar_settings().clone()
    };
    Sidecar::start(settings).unwrap()
}

/// a sidecar of another installation does not know this one's token, and refuses; nothing
/// changes.
#[test]
fn a_sidecar_with_another_token_changes_nothing() {
    let mut world = World::start(MaxStaleness::default());
    let load = world.load();
    let begun = Instant::now();
    world.stack.stop_sidecar().unwrap();
    let dir = RunDir::temporary().unwrap();
    let other = impostor(&mut world, &dir, "Bearer 0123456789abcdef0123", Vec::new());
    let asked = world.wire.asked().len();
    wait_for("it is asked", || world.wire.asked().len() > asked + 1);
    load.settle();
    drop(other);
    world.stack.start_sidecar().unwrap();
    world.converge();
    world.judge("another token", load, &[Span::since(begun)]);
}

/// A certificate of its own for loopback, and the flags with which a sidecar uses it.
fn certificate(dir: &RunDir) -> (String, Vec<String>) {
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (public, private) = (dir.file("feed-certificate.pem"), dir.file("feed-key.pem"));
    fs::write(&public, made.cert.pem()).unwrap();
    files::write_secret(&private, &made.signing_key.serialize_pem()).unwrap();
    let text = |path: &PathBuf| path.to_str().unwrap().to_owned();
    let flags = vec![
        "--tls-certificate-file".to_owned(),
        text(&public),
        "--tls-key-file".to_owned(),
        text(&private),
    ];
    (text(&public), flags)
}

/// over TLS nobody else speaks for the sidecar, whatever token, table and history it has.
#[test]
fn a_sidecar_with_another_certificate_is_not_listened_to() {
    let mut world = World::without_envoy(MaxStaleness::default());
    let doomed = world.doomed("doomed");
    let (own_dir, other_dir) = (RunDir::temporary().unwrap(), RunDir::temporary().unwrap());
    let (trusted, own_flags) = certificate(&own_dir);
    let wire_port = world.stack.envoy_settings().bootstrap.sidecar.port();
    let feed_port = world.stack.sidecar_settings().feed_port;
    let in_the_clear = world.stack.sidecar_settings().args.clone();
    let over_tls = [in_the_clear.clone(), own_flags].concat();
    let restart = |world: &mut World, args: &[String]| {
        world.stack.stop_sidecar().unwrap();
        world.stack.sidecar_settings().args = args.to_vec();
        world.stack.start_sidecar().unwrap();
    };
    restart(&mut world, &over_tls);
    let movable = Movable::start(&mut world.stack);
    movable.put(&movable.over_tls(wire_port, feed_port, &trusted));
    wait_for("the sidecar is trusted", || {
        world.ask(&world.good).status == 200
    });

    let load = world.load();
    let begun = Instant::now();
    world.stack.stop_sidecar().unwrap();
    let token = fs::read_to_string(world.stack.feed_token_file()).unwrap();
    let other = impostor(&mut world, &other_dir, &token, certificate(&other_dir).1);
    let failed = "cluster.sidecar.ssl.fail_verify_error";
    wait_for("another is not", || stat(&world.stack, failed) > 1);
    load.settle();
    drop(other);
    restart(&mut world, &in_the_clear);
    world.remove(&doomed, "wait=none");
    restart(&mut world, &over_tls);
    wait_for("the change arrives", || world.ask(&doomed).status == 401);
    world.bury(&doomed, Instant::now());
    load.settle();
    world.judge("another certificate", load, &[Span::since(begun)]);
}
