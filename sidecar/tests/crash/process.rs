//! The binary in a directory of its own, with or without a fault.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::{Value, json};
use ureq::http::{Request, request};

use crate::faults::{Ending, Fault};
use crate::ledger::Ledger;
use crate::trace::{self, Calls};
use crate::workload::{Run, Workload};

const FEED_TOKEN: &str = "Bearer feed-token-of-the-tests";
/// Set to leave these tests out where nobody may trace.
const NO_TRACER: &str = "LATCHKEY_NO_TRACER";

/// A data directory after a first start, to be copied for each run.
pub(crate) struct Base {
    directory: PathBuf,
    /// What is in it.
    pub(crate) ledger: Ledger,
}

/// A copy of it; goes with the run.
pub(crate) struct Copy {
    directory: PathBuf,
}

/// A running sidecar; killed with the run.
pub(crate) struct Process {
    child: Child,
    admin: String,
    feed: String,
    token: String,
    agent: ureq::Agent,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) json: Value,
}

impl Base {
    /// Starts a sidecar for the first time and stops it; `None` where it was said that nobody may
    /// trace.
    pub(crate) fn new(name: &str) -> Option<Self> {
        if std::env::var_os(NO_TRACER).is_some() {
            eprintln!("NOT TESTED: {NO_TRACER} is set");
            return None;
        }
        static READY: OnceLock<()> = OnceLock::new();
        READY.get_or_init(provide_tracer);
        let name = format!("sidecar-crash-{}-{name}", std::process::id());
        let directory = std::env::temp_dir().join(name);
        fs::create_dir(&directory).unwrap();
        let feed_token = directory.join("feed-token");
        fs::write(&feed_token, FEED_TOKEN).unwrap();
        fs::set_permissions(&feed_token, Permissions::from_mode(0o600)).unwrap();
        let ledger = Ledger::default();
        let base = Self { directory, ledger };
        let copy = base.copy();
        Process::start(&copy, None).unwrap().stop();
        fs::rename(copy.directory.join("data"), base.directory.join("data")).unwrap();
        fs::rename(copy.token_file(), base.directory.join("token")).unwrap();
        Some(base)
    }

    /// What a workload begins with: for a start and a stop, what a process that was killed has left.
    pub(crate) fn for_workload(name: &str, workload: Workload) -> Option<Self> {
        let mut base = Self::new(name)?;
        if let Workload::Nothing = workload {
            let copy = base.copy();
            let process = Process::start(&copy, None).unwrap();
            let mut run = Run::default();
            for number in 0..3 {
                run.create(&process, &format!("before-{number}"), "standard");
            }
            drop(process);
            fs::remove_dir_all(base.directory.join("data")).unwrap();
            fs::rename(copy.data(), base.directory.join("data")).unwrap();
            base.ledger = run.ledger;
        }
        Some(base)
    }

    /// The data directory.
    pub(crate) fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    /// The operator's token.
    pub(crate) fn token(&self) -> String {
        let text = fs::read_to_string(self.directory.join("token")).unwrap();
        text.trim().into()
    }

    /// A directory to run in.
    pub(crate) fn copy(&self) -> Copy {
        let copy = self.fresh();
        let data = self.directory.join("data");
        if data.exists() {
            fs::create_dir(copy.data()).unwrap();
            for entry in fs::read_dir(&data).unwrap().map(Result::unwrap) {
                fs::copy(entry.path(), copy.data().join(entry.file_name())).unwrap();
            }
            fs::copy(self.directory.join("token"), copy.token_file()).unwrap();
        }
        copy
    }

    /// A directory in which no sidecar was started.
    pub(crate) fn fresh(&self) -> Copy {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let directory = self.directory.join(format!("run-{number}"));
        fs::create_dir(&directory).unwrap();
        fs::copy(
            self.directory.join("feed-token"),
            directory.join("feed-token"),
        )
        .unwrap();
        Copy { directory }
    }
}

impl Copy {
    pub(crate) fn data(&self) -> PathBuf {
        self.directory.join("data")
    }

    /// What the tracer has seen.
    fn trace(&self) -> PathBuf {
        self.directory.join("trace")
    }

    /// The calls that the tracer has seen.
    pub(crate) fn calls(&self) -> Calls {
        trace::calls(&self.trace())
    }

    /// Whether the fault has happened, to a process that has ended.
    pub(crate) fn ending(&self) -> Ending {
        let seen = fs::read_to_string(self.trace()).unwrap_or_default();
        if seen.contains("(INJECTED)") || seen.contains("killed by SIGKILL") {
            Ending::Hit
        } else {
            Ending::Missed
        }
    }

    fn token_file(&self) -> PathBuf {
        self.directory.join("token")
    }

    /// The binary, under a tracer if something is to happen to it.
    pub(crate) fn command(&self, fault: Option<&Fault>) -> Command {
        let binary = env!("CARGO_BIN_EXE_sidecar");
        let Some(fault) = fault else {
            return Command::new(binary);
        };
        let mut command = Command::new("strace");
        // The tracer is the grandchild, so that the child is the sidecar itself.
        command
            .args(["-D", "-f", "-qq", "-o"])
            .arg(self.trace())
            .args(["-e", &format!("trace={}", fault.calls)])
            .args(["-e", &format!("inject={}", fault.injection)])
            .arg(binary);
        command
    }
}

/// Sees to it that there is a tracer and that it may trace.
fn provide_tracer() {
    if traces() {
        return;
    }
    for step in [
        &["update", "--quiet"][..],
        &["install", "--yes", "--quiet", "strace"],
    ] {
        let mut command = Command::new("apt-get");
        let _ = command
            .args(step)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .output();
    }
    assert!(
        traces(),
        "strace is missing or may not trace: install it and allow ptrace, or set {NO_TRACER}=1 to \
         leave the crash tests out"
    );
}

fn traces() -> bool {
    Command::new("strace")
        .args(["-qq", "-e", "trace=none", "true"])
        .output()
        .is_ok_and(|output| output.status.success())
}

impl Process {
    /// Starts a sidecar; `None` if it ended before it was ready.
    pub(crate) fn start(copy: &Copy, fault: Option<&Fault>) -> Option<Self> {
        let path = |name: &str| copy.directory.join(name);
        let mut child = copy
            .command(fault)
            .args([
                "serve",
                "--json",
                "--admin",
                "127.0.0.1:0",
                "--feed",
                "127.0.0.1:0",
            ])
            .args(["--seed-account", "demo", "--seed-region", "local"])
            .args(["--blocking-threads", "1"])
            .args([Path::new("--data"), &copy.data()])
            .args([Path::new("--feed-token-file"), &path("feed-token")])
            .args([Path::new("--operator-token-file"), &copy.token_file()])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let events = stdout.lines().map_while(Result::ok);
        let mut events = events.filter_map(|line| serde_json::from_str::<Value>(&line).ok());
        let Some(ready) = events.find(|event| event["event"] == "ready") else {
            let _ = child.wait();
            return None;
        };
        let config = ureq::Agent::config_builder().http_status_as_error(false);
        Some(Self {
            child,
            admin: ready["admin"].as_str().unwrap().into(),
            feed: ready["feed"].as_str().unwrap().into(),
            token: fs::read_to_string(copy.token_file()).unwrap().trim().into(),
            agent: ureq::Agent::new_with_config(config.proxy(None).build()),
        })
    }

    /// One call; `None` if no answer came.
    pub(crate) fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Option<Answer> {
        self.send(self.request(method, path), body)
    }

    /// A create call with an `Idempotency-Key`, the same each time.
    pub(crate) fn create_once(&self, name: &str) -> Option<Answer> {
        let request = self.request("POST", "/v1/keys?wait=none");
        let body = json!({"account": "demo", "region": "local", "name": name});
        self.send(request.header("idempotency-key", name), Some(&body))
    }

    fn request(&self, method: &str, path: &str) -> request::Builder {
        Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.admin))
            .header("authorization", format!("Bearer {}", self.token))
            .header("content-type", "application/json")
    }

    fn send(&self, request: request::Builder, body: Option<&Value>) -> Option<Answer> {
        let text = body.map(Value::to_string).unwrap_or_default();
        let mut answer = self.agent.run(request.body(text).unwrap()).ok()?;
        let status = answer.status().as_u16();
        let text = answer.body_mut().read_to_string().ok()?;
        let json = serde_json::from_str(&text).unwrap_or(Value::Null);
        Some(Answer { status, json })
    }

    /// Posts a batch of usage; the status, if an answer came.
    pub(crate) fn report(&self, batch: &[u8]) -> Option<u16> {
        let request = self.agent.post(format!("{}/feed/v1/usage", self.feed));
        let mut answer = request
            .header("authorization", FEED_TOKEN)
            .send(batch)
            .ok()?;
        // To its end: the next batch takes the same connection, as an agent's does.
        answer.body_mut().read_to_vec().ok()?;
        Some(answer.status().as_u16())
    }

    /// A table as an Envoy gets it; the status, if an answer came.
    pub(crate) fn table(&self) -> Option<u16> {
        let query = "region=local&node=n&agent=00000000000000000000000000000001&wait_s=0";
        let request = self
            .agent
            .get(format!("{}/feed/v1/table?{query}", self.feed));
        let answer = request.header("authorization", FEED_TOKEN).call().ok()?;
        Some(answer.status().as_u16())
    }

    /// Asks it to stop and waits until it has; whether it ended well.
    pub(crate) fn stop(mut self) -> bool {
        let pid = self.child.id().to_string();
        let asked = Command::new("kill").args(["-TERM", &pid]).status();
        assert!(asked.unwrap().success());
        self.child.wait().unwrap().success()
    }

    /// Whether it has ended; waits for an end that has begun.
    pub(crate) fn wait(mut self) -> bool {
        self.child.wait().unwrap().success()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

impl Drop for Base {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}
