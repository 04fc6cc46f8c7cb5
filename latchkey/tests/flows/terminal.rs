//! What the program does on a terminal: values are shown, secrets are typed unseen, deletions asked.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Stdio};

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use crate::support::World;

/// A program on a terminal of its own.
struct Session {
    child: Child,
    terminal: File,
    seen: String,
}

impl Session {
    fn start(mut command: std::process::Command) -> Self {
        let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&terminal).unwrap();
        unlockpt(&terminal).unwrap();
        let name = ptsname(&terminal, Vec::new()).unwrap();
        let side = rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
        let stdio = |side: &OwnedFd| Stdio::from(side.try_clone().unwrap());
        command
            .stdin(stdio(&side))
            .stdout(stdio(&side))
            .stderr(stdio(&side));
        let child = command.spawn().unwrap();
        Self {
            child,
            terminal: File::from(terminal),
            seen: String::new(),
        }
    }

    /// Reads until this is seen, then types.
    fn answer(&mut self, question: &str, line: &str) {
        while !self.seen.contains(question) {
            let mut bytes = [0; 1024];
            let count = self.terminal.read(&mut bytes).unwrap_or(0);
            assert!(count > 0, "never asked {question:?}: {}", self.seen);
            self.seen
                .push_str(&String::from_utf8_lossy(&bytes[..count]));
        }
        writeln!(self.terminal, "{line}").unwrap();
    }

    /// The exit code, and all that was seen.
    fn end(mut self) -> (i32, String) {
        let mut bytes = [0; 1024];
        // A terminal whose other side is gone is an error, not an end.
        while let Ok(count @ 1..) = self.terminal.read(&mut bytes) {
            self.seen
                .push_str(&String::from_utf8_lossy(&bytes[..count]));
        }
        (self.child.wait().unwrap().code().unwrap(), self.seen)
    }
}

#[test]
fn a_value_is_shown_on_a_terminal() {
    let world = World::new();
    let (code, seen) = Session::start(world.operator(&["key", "create", "a"])).end();
    assert_eq!(code, 0, "{seen}");
    assert!(
        seen.contains("sk-") && seen.contains("in force     0 of 0 Envoys"),
        "{seen}"
    );
}

#[test]
fn a_token_is_typed_unseen() {
    let world = World::new();
    let mut session = Session::start(world.program(&["login", "--url", &world.url]));
    session.answer("API token: ", &world.token);
    let (code, seen) = session.end();
    assert_eq!(code, 0, "{seen}");
    assert!(!seen.contains(&world.token), "{seen}");
}

#[test]
fn a_deletion_asks_for_the_name() {
    let world = World::new();
    world.make("a");
    for (typed, wanted) in [("b", 2), ("a", 0)] {
        let mut session = Session::start(world.operator(&["key", "delete", "a"]));
        session.answer("for good: ", typed);
        let (code, seen) = session.end();
        assert_eq!(code, wanted, "{seen}");
    }
    assert_eq!(world.run(&["key", "show", "a"]).code, 4);
}
