//! A sidecar in this process, and the program beside it.

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use serde_json::Value;
use sidecar::config;
use sidecar::serve::{self, announce::Event};
use tokio::sync::oneshot;

/// A running sidecar, a directory, and an operator's token.
pub(crate) struct World {
    dir: PathBuf,
    pub(crate) url: String,
    pub(crate) token: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What the program did.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with(|_| Vec::new())
    }

    /// With more flags of the sidecar, of files in the directory.
    pub(crate) fn with(flags: impl FnOnce(&Path) -> Vec<String>) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let dir =
            std::env::temp_dir().join(format!("latchkey-flows-{}-{number}", std::process::id()));
        fs::create_dir(&dir).unwrap();
        let feed_token = dir.join("feed-token");
        fs::write(&feed_token, "Bearer feed-token-of-the-tests").unwrap();
        fs::set_permissions(&feed_token, Permissions::from_mode(0o600)).unwrap();
        let path = |name: &str| dir.join(name).to_str().unwrap().to_owned();
        let (data, feed, token) = (path("data"), path("feed-token"), path("operator-token"));
        let secret = path("setup-secret");
        let words = [
            "serve",
            "--json",
            "--data",
            &data,
            "--admin",
            "127.0.0.1:0",
            "--feed",
            "127.0.0.1:0",
            "--feed-token-file",
            &feed,
            "--operator-token-file",
            &token,
            "--setup-secret-file",
            &secret,
            "--seed-account",
            "demo",
            "--seed-region",
            "local",
            "--seed-region",
            "other",
        ];
        let words = words.map(str::to_owned).into_iter().chain(flags(&dir));
        let Ok(config::Command::Serve(config)) = config::Command::parse(words.map(Into::into))
        else {
            panic!("the flags are wrong");
        };
        let (events, heard) = mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let thread = thread::spawn(move || {
            let announce = |event| events.send(event).unwrap();
            let until = async {
                let _ = stopped.await;
            };
            let serving = serve::serve(&config, announce, until);
            actix_web::rt::System::new().block_on(serving).unwrap();
        });
        let url = loop {
            if let Event::Ready { admin, tls, .. } = heard.recv().expect("the sidecar starts") {
                break format!("{}://{admin}", if tls { "https" } else { "http" });
            }
        };
        let token = fs::read_to_string(token).unwrap().trim().to_owned();
        Self {
            dir,
            url,
            token,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        fs::write(self.path(name), text).unwrap();
        self.path(name).to_str().unwrap().to_owned()
    }

    /// The program with nothing but this environment.
    pub(crate) fn program(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_latchkey"));
        command
            .args(words)
            .env_clear()
            .env("LATCHKEY_CONFIG_DIR", self.path("config"));
        command
    }

    /// The program as an operator who acts in `demo` and `local`.
    pub(crate) fn operator(&self, words: &[&str]) -> Command {
        let mut command = self.program(words);
        command
            .env("LATCHKEY_URL", &self.url)
            .env("LATCHKEY_TOKEN", &self.token)
            .env("LATCHKEY_ACCOUNT", "demo")
            .env("LATCHKEY_REGION", "local");
        command
    }

    pub(crate) fn run(&self, words: &[&str]) -> Run {
        run(self.operator(words), "")
    }

    /// The answer of a command that succeeds.
    pub(crate) fn json(&self, words: &[&str]) -> Value {
        let words = [words, &["--output", "json"]].concat();
        let run = self.run(&words);
        assert_eq!(run.code, 0, "{words:?}: {run:?}");
        serde_json::from_str(&run.out).unwrap_or_else(|_| panic!("{words:?}: {run:?}"))
    }

    /// A new key: what the command says.
    pub(crate) fn make(&self, name: &str) -> Value {
        self.json(&["key", "create", name, "--show"])
    }
}

impl Drop for World {
    fn drop(&mut self) {
        drop(self.stop.take());
        let ended = self.thread.take().unwrap().join();
        let _ = fs::remove_dir_all(&self.dir);
        if !thread::panicking() {
            ended.expect("the sidecar failed");
        }
    }
}

/// Runs a program to its end, with this on stdin.
pub(crate) fn run(mut command: Command, input: &str) -> Run {
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A program that does not read its input may be gone already.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    Run {
        code: output.status.code().unwrap(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A member that is a text.
pub(crate) fn text<'a>(value: &'a Value, member: &str) -> &'a str {
    value[member]
        .as_str()
        .unwrap_or_else(|| panic!("{member}: {value}"))
}
