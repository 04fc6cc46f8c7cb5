//! The choices of a stack, without starting one.

use super::*;

#[test]
fn ports_follow_their_base() {
    let ports = Ports::choose(PortChoice::From(20_000)).unwrap();
    assert_eq!((ports.listener, ports.envoy_admin), (20_000, 20_001));
    assert_eq!(
        (ports.sidecar_admin, ports.feed, ports.upstream),
        (20_002, 20_003, 20_004)
    );
}

#[test]
fn a_base_without_room_for_five_ports_is_refused() {
    for base in [0, 65_532, 65_535] {
        let error = Ports::choose(PortChoice::From(base)).unwrap_err();
        assert!(matches!(error, StackError::PortBase { .. }), "{base}");
    }
    assert!(Ports::choose(PortChoice::From(65_531)).is_ok());
}

#[test]
fn the_feed_token_is_made_once() {
    let dir = RunDir::temporary().unwrap();
    let first = fs::read_to_string(feed_token_file(&dir).unwrap()).unwrap();
    let second = fs::read_to_string(feed_token_file(&dir).unwrap()).unwrap();
    assert_eq!(first, second);
    assert_eq!(first.len(), "Bearer ".len() + 64);
}

#[test]
fn logs_of_an_earlier_run_go_and_its_data_stay() {
    let dir = RunDir::temporary().unwrap();
    for name in ["envoy.log", "sidecar.out", "latchkey.db", "operator-token"] {
        fs::write(dir.file(name), "x").unwrap();
    }
    remove_old_evidence(dir.path());
    assert!(!dir.file("envoy.log").exists() && !dir.file("sidecar.out").exists());
    assert!(dir.file("latchkey.db").exists() && dir.file("operator-token").exists());
}
