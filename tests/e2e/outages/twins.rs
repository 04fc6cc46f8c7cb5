//! Two sidecars by mistake: one on a copy of the other's database, behind one cluster.
//!
//! Envoy asks them in turn, as it does when a name has two addresses. Invariant: a key that is dead
//! at both never passes, and one that lives at both is always served.

use std::fs;
use std::time::Instant;

use envoy::files::RunDir;
use envoy::sidecar::{Sidecar, SidecarSettings};
use envoy::{MaxStaleness, ports};
use tests::raw::sidecar_metric;
use tests::verdict::Span;
use tests::wait_for;

use super::clusters::Movable;
use super::world::World;

/// A sidecar on a copy of what the other one has on the disk, at ports of its own.
fn twin(world: &mut World, dir: &RunDir) -> Sidecar {
    world.stack.stop_sidecar().unwrap();
    let settings = world.stack.sidecar_settings().clone();
    for entry in fs::read_dir(&settings.data_dir).unwrap() {
        let file = entry.unwrap().path();
        let name = file.file_name().unwrap();
        if file.is_file() && name != "latchkey.lock" {
            fs::copy(&file, dir.path().join(name)).unwrap();
        }
    }
    world.stack.start_sidecar().unwrap();
    Sidecar::start(SidecarSettings {
        data_dir: dir.path().to_owned(),
        admin_port: ports::free().unwrap(),
        feed_port: ports::free().unwrap(),
        ..settings
    })
    .unwrap()
}

/// The cluster with a second address.
fn with_another(cluster: &str, port: u16, another: u16) -> String {
    let mark = "- endpoint:";
    let line = cluster.lines().find(|line| line.contains(mark)).unwrap();
    let (_, behind) = cluster.split_once(line).unwrap();
    let address = behind.lines().nth(1).unwrap();
    let value = |port: u16| format!("port_value: {port} ");
    let other = address.replace(&value(port), &value(another));
    assert_ne!(address, other, "{cluster}");
    cluster.replacen(address, &format!("{address}\n{line}\n{other}"), 1)
}

/// an Envoy that hears two sidecars has the table of one or of the other, serves all the while,
/// and is told of by both.
#[test]
fn an_envoy_behind_two_sidecars_mixes_nothing_and_is_noticed() {
    let mut world = World::without_envoy(MaxStaleness::default());
    let movable = Movable::start(&mut world.stack);
    movable.put(&movable.cluster);
    world.converge();
    let load = world.load();
    let begun = Instant::now();

    let doomed = world.doomed("doomed");
    let dir = RunDir::temporary().unwrap();
    let other = twin(&mut world, &dir);
    let urls = [world.stack.console_url(), other.settings().admin_url()];
    assert_eq!(
        urls.each_ref()
            .map(|url| sidecar_metric(url, "database_copied")),
        [0, 1]
    );
    let port = world.stack.envoy_settings().bootstrap.sidecar.port();
    movable.put(&with_another(
        &movable.cluster,
        port,
        other.settings().feed_port,
    ));
    wait_for("both have noticed", || {
        urls.iter()
            .all(|url| sidecar_metric(url, "envoys_astray_total") > 0)
    });
    let log = fs::read_to_string(world.stack.sidecar_log()).unwrap();
    assert!(log.contains("an Envoy of this sidecar follows another one, too"));
    // Here it is deleted, there it is not.
    world.remove(&doomed, "wait=none");
    load.settle();

    movable.put(&movable.cluster);
    world.converge();
    world.bury(&doomed, Instant::now());
    drop(other);
    load.settle();
    world.judge("two sidecars", load, &[Span::since(begun)]);
}
