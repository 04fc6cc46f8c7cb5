//! Children that are shells.

use super::*;
use crate::files::RunDir;

const PATIENCE: Duration = Duration::from_secs(20);

fn shell(dir: &RunDir, script: &str) -> Process {
    let program = Program {
        name: "shell".to_owned(),
        path: PathBuf::from("/bin/sh"),
        args: vec!["-c".into(), script.into()],
        stdout: dir.file("out"),
        stderr: dir.file("err"),
    };
    Process::start(program).unwrap()
}

fn state(pid: u32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}

#[test]
fn what_a_process_prints_is_kept_and_told_apart_by_start() {
    let dir = RunDir::temporary().unwrap();
    let mut first = shell(&dir, "echo one");
    wait::until(PATIENCE, || first.exit_status()).unwrap();
    let mut second = shell(&dir, "echo two");
    wait::until(PATIENCE, || second.exit_status()).unwrap();
    assert_eq!(second.printed(), "two\n");
    assert_eq!(fs::read_to_string(second.stdout()).unwrap(), "one\ntwo\n");
}

#[test]
fn a_process_ends_when_it_is_asked_to() {
    let dir = RunDir::temporary().unwrap();
    let mut process = shell(
        &dir,
        "trap 'exit 7' TERM; echo ready; while :; do sleep 0.01; done",
    );
    wait::until(PATIENCE, || (process.printed() == "ready\n").then_some(())).unwrap();
    assert!(process.is_running());
    assert_eq!(process.stop().unwrap().code(), Some(7));
    assert_eq!(process.stop().unwrap().code(), Some(7));
    assert!(process.pause().is_err());
}

#[test]
fn a_paused_process_stands_still_and_can_be_stopped() {
    let dir = RunDir::temporary().unwrap();
    let mut process = shell(&dir, "exec sleep 600");
    process.pause().unwrap();
    wait::until(PATIENCE, || {
        (state(process.pid()) == Some('T')).then_some(())
    })
    .unwrap();
    process.resume().unwrap();
    process.pause().unwrap();
    assert!(process.is_running());
    process.stop().unwrap();
    assert!(!process.is_running());
}

#[test]
fn a_process_ends_with_its_handle_and_not_with_the_thread_that_started_it() {
    let dir = RunDir::temporary().unwrap();
    let mut process = thread::scope(|scope| {
        scope
            .spawn(|| shell(&dir, "exec sleep 600"))
            .join()
            .unwrap()
    });
    assert!(process.is_running());
    let pid = process.pid();
    drop(process);
    assert_eq!(state(pid), None);
}

#[test]
fn a_program_that_is_missing_is_named() {
    let dir = RunDir::temporary().unwrap();
    let program = Program {
        name: "nothing".to_owned(),
        path: dir.file("missing"),
        args: Vec::new(),
        stdout: dir.file("out"),
        stderr: dir.path().join("no-such-directory/err"),
    };
    let error = Process::start(program).unwrap_err();
    assert!(
        error.to_string().starts_with("could not start nothing: "),
        "{error}"
    );
}
