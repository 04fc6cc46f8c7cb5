//! The compose demo without its containers: the same programs with the same arguments, started in
//! the same order, judged by the same health checks; then the tour of the README.
//!
//! What differs are the values that containers give: directories, ports and host names. Invariant:
//! every word of a command comes from the compose file or the Dockerfile.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use envoy::build::{self, Profile};
use envoy::files::RunDir;
use envoy::process::{Process, Program};
use envoy::{Stack, StackOptions, UpstreamAt, ports};
use serde_json::Value;
use tests::wait_for;

use super::{config, root};
use crate::tour;

/// The compose demo on this machine.
struct Walk {
    dir: RunDir,
    config: Value,
    /// What containers are given, and what stands for it here.
    values: Vec<(&'static str, String)>,
}

impl Walk {
    fn new() -> Option<Self> {
        let (dir, config) = (RunDir::temporary().unwrap(), config()?);
        let address = || format!("127.0.0.1:{}", ports::free().unwrap());
        let inside = |name: &str| dir.file(name).to_str().unwrap().to_owned();
        // As the image has them.
        for name in ["data", "secrets"] {
            DirBuilder::new()
                .mode(0o700)
                .create(dir.file(name))
                .unwrap();
        }
        let (admin, feed, upstream, gate) = (address(), address(), address(), address());
        let values = vec![
            ("/run/latchkey", inside("secrets")),
            ("/data", inside("data")),
            ("0.0.0.0:9301", admin),
            ("0.0.0.0:9302", feed.clone()),
            ("sidecar:9302", feed),
            ("0.0.0.0:9400", upstream.clone()),
            ("upstream:9400", upstream),
            ("0.0.0.0:10000", gate),
        ];
        let walk = Self {
            dir,
            config,
            values,
        };
        // Health checks call by port alone.
        let port_of = |name: &'static str| walk.here(name).rsplit_once(':').unwrap().1.to_owned();
        let checked = [
            ("127.0.0.1/9301", port_of("0.0.0.0:9301")),
            ("127.0.0.1/9400", port_of("0.0.0.0:9400")),
            ("127.0.0.1/10000", port_of("0.0.0.0:10000")),
        ];
        let checked = checked.map(|(name, port)| (name, format!("127.0.0.1/{port}")));
        let mut walk = walk;
        walk.values.extend(checked);
        Some(walk)
    }

    /// A text of the compose file or the Dockerfile, with the values of this machine.
    fn here(&self, text: &str) -> String {
        let replace = |text: String, (name, value): &(_, String)| text.replace(name, value);
        self.values.iter().fold(text.to_owned(), replace)
    }

    /// Words of a service; compose writes a dollar sign twice.
    fn words(&self, service: &str, member: &str) -> Vec<String> {
        let member = self.config["services"][service].pointer(member);
        let words = member.and_then(Value::as_array).expect(service);
        let word = |word: &Value| self.here(&word.as_str().unwrap().replace("$$", "$"));
        words.iter().map(word).collect()
    }

    fn start(&self, name: &str, path: &Path, args: Vec<String>) -> Process {
        let program = Program {
            name: name.to_owned(),
            path: path.to_owned(),
            args: args.into_iter().map(Into::into).collect(),
            stdout: self.dir.file(&format!("{name}.out")),
            stderr: self.dir.file(&format!("{name}.log")),
        };
        Process::start(program).unwrap()
    }

    fn is_healthy(&self, service: &str) -> bool {
        let check = self.words(service, "/healthcheck/test");
        assert_eq!(check[0], "CMD");
        let mut command = Command::new(&check[1]);
        command.args(&check[2..]).output().unwrap().status.success()
    }

    fn wait_until_healthy(&self, service: &str, process: &mut Process) {
        wait_for(service, || {
            let log = || fs::read_to_string(self.dir.file(&format!("{service}.log")));
            assert!(process.is_running(), "{service}: {:?}", log());
            self.is_healthy(service)
        });
    }
}

/// The programs that the image build makes besides filter and sidecar.
fn demo_programs() -> [PathBuf; 2] {
    ["upstream", "render"].map(|name| build::own_program(name, Profile::own()).unwrap())
}

/// The arguments behind `render` in the Dockerfile.
fn render_args() -> Vec<String> {
    let text = fs::read_to_string(root().join("envoy/Dockerfile")).unwrap();
    let text = text.replace("\\\n", " ");
    let (_, args) = text.split_once("target/${PROFILE}/render ").unwrap();
    let (args, _) = args.split_once(" > ").unwrap();
    args.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn what_compose_starts_becomes_healthy_and_the_tour_works_on_it() {
    let Some(walk) = Walk::new() else { return };
    let options = StackOptions {
        upstream: UpstreamAt::External("127.0.0.1:1".parse().unwrap()),
        ..StackOptions::default()
    };
    let mut parts = Stack::prepare(options).unwrap();
    let [upstream_binary, render] = demo_programs();

    let token = walk.dir.file("secrets/feed-token");
    let script = walk.words("feed-token", "/command");
    let make_token = || {
        let shell = walk.words("feed-token", "/entrypoint");
        let mut shell = shell.iter().chain(&script);
        let made = Command::new(shell.next().unwrap()).args(shell).status();
        assert!(made.unwrap().success());
        fs::read(&token).unwrap()
    };
    assert_eq!(make_token(), make_token(), "once made, it stays");
    let mode = fs::metadata(&token).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let binary = parts.sidecar_settings().binary.clone();
    assert!(!walk.is_healthy("sidecar"));
    let args = walk.words("sidecar", "/command");
    let mut sidecar = walk.start("sidecar", &binary, args);
    walk.wait_until_healthy("sidecar", &mut sidecar);
    let args = walk.words("upstream", "/command");
    let mut upstream = walk.start("upstream", &upstream_binary, args);
    walk.wait_until_healthy("upstream", &mut upstream);

    let wasm = parts.envoy_settings().bootstrap.filter_wasm.clone();
    let bootstrap = walk.dir.file("envoy.yaml");
    let args = render_args().into_iter().map(|word| match word.as_str() {
        "/etc/latchkey/filter.wasm" => wasm.display().to_string(),
        "9901" => ports::free().unwrap().to_string(),
        "/dev/stdout" => walk.dir.file("access.log").display().to_string(),
        word => walk.here(word),
    });
    let rendered = Command::new(render).args(args).output().unwrap();
    assert!(rendered.status.success());
    fs::write(&bootstrap, rendered.stdout).unwrap();
    let args = ["--config-path", bootstrap.to_str().unwrap()];
    let args = args.into_iter().chain(["--disable-hot-restart"]);
    let envoy_binary = parts.envoy_settings().binary.clone();
    let args = args.map(str::to_owned).collect();
    let mut envoy = walk.start("envoy", &envoy_binary, args);
    walk.wait_until_healthy("envoy", &mut envoy);

    let operator = fs::read_to_string(walk.dir.file("data/operator-token")).unwrap();
    tour::take(&[
        ("CONSOLE", format!("http://{}", walk.here("0.0.0.0:9301"))),
        ("ENVOY", format!("http://{}", walk.here("0.0.0.0:10000"))),
        ("TOKEN", operator.trim().to_owned()),
    ]);
    assert_files(&walk.dir, &operator);
    for process in [&mut upstream, &mut sidecar] {
        assert!(process.stop().unwrap().success(), "it ends when asked to");
    }
}

/// Where the first secret is, and what the logs have of it and of the probes: nothing.
fn assert_files(dir: &RunDir, operator_token: &str) {
    let text = |name: &str| fs::read_to_string(dir.file(name)).unwrap();
    let secret = text("data/setup-secret");
    assert!(secret.starts_with("lku-"), "{secret}");
    let said = text("sidecar.out");
    assert!(said.contains("setup-secret") && !said.contains(secret.trim()));
    let access = text("access.log");
    assert!(!access.contains("/latchkey/ready"), "{access}");
    assert_log(&text("sidecar.log"), operator_token);
}

/// One JSON object a line; calls with their request's id, and no credential.
fn assert_log(log: &str, operator_token: &str) {
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let made = lines.iter().find(|line| line["status"] == 201).expect(log);
    assert_eq!(made["route"], "/v1/keys");
    let id = &made["request_id"];
    let of_same = lines.iter().filter(|line| line["request_id"] == *id);
    assert_eq!(of_same.count(), 2, "the key and the call: {log}");
    assert!(!log.contains(operator_token.trim()) && !log.contains("sk-"));
}
