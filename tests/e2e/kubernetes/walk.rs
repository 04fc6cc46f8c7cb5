//! The manifests without a cluster: the Secrets made by the commands of docs/kubernetes.md, every
//! command of every container with its arguments, every probe and the hook, in the order in which a
//! kubelet takes them.
//!
//! What differs are the values that a cluster gives: directories, ports, addresses, and the pause of
//! the hook. Invariant: every word of a command comes from the manifests.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use envoy::files::RunDir;
use envoy::process::{Process, Program};
use envoy::{Stack, StackOptions, Upstream, UpstreamAt, ports, wait};
use serde_json::{Value, json};
use tests::raw::{self, post_chat_with};
use tests::{chat, wait_for};

use super::{manifest, read};

const POD: &str = "latchkey-envoy-7d9f6c9b5d-x2vzn";

/// One pod on this machine.
struct Pod {
    spec: Value,
    /// What containers are given, and what stands for it here.
    values: Vec<(String, String)>,
    dir: PathBuf,
    programs: Vec<(String, PathBuf)>,
}

impl Pod {
    /// A text of the manifests, with the values of this machine.
    fn here(&self, text: &str) -> String {
        let text = text.replace("$(POD_NAME)", POD);
        let replace = |text: String, (name, value): &(String, String)| text.replace(name, value);
        self.values.iter().fold(text, replace)
    }

    fn container(&self, list: &str, name: &str) -> &Value {
        let containers = self.spec[list].as_array().unwrap();
        assert_eq!(containers.len(), 1, "{list}: one that this test knows");
        assert_eq!(containers[0]["name"], name);
        &containers[0]
    }

    fn words(&self, value: &Value) -> Vec<String> {
        let words = value.as_array().into_iter().flatten();
        words
            .map(|word| self.here(word.as_str().unwrap()))
            .collect()
    }

    fn command(&self, words: &[String]) -> Command {
        let known = self.programs.iter().find(|(name, _)| *name == words[0]);
        let program = known.map_or_else(|| PathBuf::from(&words[0]), |(_, path)| path.clone());
        let mut command = Command::new(program);
        command.args(&words[1..]).env("POD_NAME", POD);
        command
    }

    /// Runs an initial container to its end.
    fn run_first(&self, name: &str) {
        let container = self.container("initContainers", name);
        let words = [
            self.words(&container["command"]),
            self.words(&container["args"]),
        ]
        .concat();
        let output = self.command(&words).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{name}: {said}");
    }

    /// Starts the container.
    fn start(&self, name: &str) -> Process {
        let container = self.container("containers", name);
        let words = [
            self.words(&container["command"]),
            self.words(&container["args"]),
        ]
        .concat();
        let environment = container["env"].as_array().into_iter().flatten();
        let environment = environment.filter_map(|variable| {
            let value = self.here(variable["value"].as_str()?);
            Some(format!("{}={value}", variable["name"].as_str().unwrap()))
        });
        let command = self.command(&words);
        let mut args: Vec<_> = environment.map(Into::into).collect();
        args.push(command.get_program().to_owned());
        args.extend(command.get_args().map(ToOwned::to_owned));
        let program = Program {
            name: name.to_owned(),
            path: "/usr/bin/env".into(),
            args,
            stdout: self.dir.join(format!("{name}.out")),
            stderr: self.dir.join(format!("{name}.log")),
        };
        Process::start(program).unwrap()
    }

    /// Asks a probe as a kubelet would.
    fn passes(&self, container: &str, probe: &str) -> bool {
        let container = self.container("containers", container);
        let probe = &container[probe];
        if let Some(get) = probe["httpGet"].as_object() {
            return self.get(container, get).status.success();
        }
        let words = self.words(&probe["exec"]["command"]);
        assert!(!words.is_empty(), "{probe} is not understood here");
        self.command(&words).output().unwrap().status.success()
    }

    fn get(&self, container: &Value, get: &serde_json::Map<String, Value>) -> Output {
        let ports = container["ports"].as_array().unwrap();
        let port = ports
            .iter()
            .find(|port| port["name"] == get["port"])
            .unwrap();
        let scheme = get.get("scheme").map_or("http", |_| "https");
        let address = self.here(&format!("127.0.0.1/{}", port["containerPort"]));
        let address = address.replace('/', ":");
        let url = format!("{scheme}://{address}{}", get["path"].as_str().unwrap());
        // A kubelet does not verify the certificate.
        curl(&["--fail", "--insecure", &url])
    }

    fn wait_until(&self, container: &str, probe: &str, process: &mut Process) {
        wait_for(probe, || {
            let log = || fs::read_to_string(self.dir.join(format!("{container}.log")));
            assert!(process.is_running(), "{container}: {:?}", log());
            self.passes(container, probe)
        });
    }
}

fn curl(args: &[&str]) -> Output {
    Command::new("curl")
        .arg("--silent")
        .args(args)
        .output()
        .unwrap()
}

/// Makes the Secrets' files in a directory, by the commands of the page.
fn make_secrets(dir: &Path) {
    let page = fs::read_to_string(super::home().join("../../docs/kubernetes.md")).unwrap();
    let (_, rest) = page.split_once("<!-- secrets -->\n```sh\n").unwrap();
    let (commands, _) = rest.split_once("```").unwrap();
    let made = commands
        .lines()
        .filter(|line| !line.starts_with("kubectl "));
    let script: Vec<&str> = made.collect();
    let mut shell = Command::new("sh");
    let output = shell
        .args(["-euc", &script.join("\n")])
        .current_dir(dir)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
}

/// Directories, ports and programs of one walk.
struct Ground {
    dir: RunDir,
    stack: Stack,
    upstream: Upstream,
    admin: u16,
    feed: u16,
    gate: u16,
}

impl Ground {
    fn new() -> Self {
        let options = StackOptions {
            upstream: UpstreamAt::External("127.0.0.1:1".parse().unwrap()),
            ..StackOptions::default()
        };
        let dir = RunDir::temporary().unwrap();
        for volume in ["secrets", "run", "volume", "filter"] {
            fs::create_dir(dir.file(volume)).unwrap();
        }
        make_secrets(&dir.file("secrets"));
        let [admin, feed, gate] = [(); 3].map(|()| ports::free().unwrap());
        Self {
            stack: Stack::prepare(options).unwrap(),
            upstream: Upstream::start(("127.0.0.1", 0)).unwrap(),
            dir,
            admin,
            feed,
            gate,
        }
    }

    fn path(&self, name: &str) -> String {
        self.dir.file(name).to_str().unwrap().to_owned()
    }

    fn sidecar(&mut self) -> Pod {
        let set = manifest("StatefulSet", "latchkey-sidecar");
        let binary = self.stack.sidecar_settings().binary.display().to_string();
        let values = vec![
            ("exec sidecar ".to_owned(), format!("exec {binary} ")),
            ("/secrets/feed".to_owned(), self.path("secrets")),
            ("/secrets/tls".to_owned(), self.path("secrets")),
            ("/run/latchkey".to_owned(), self.path("run")),
            ("/data".to_owned(), self.path("volume")),
            (
                "0.0.0.0:9301".to_owned(),
                format!("127.0.0.1:{}", self.admin),
            ),
            (
                "0.0.0.0:9302".to_owned(),
                format!("127.0.0.1:{}", self.feed),
            ),
            (
                "127.0.0.1/9301".to_owned(),
                format!("127.0.0.1/{}", self.admin),
            ),
        ];
        Pod {
            spec: set["spec"]["template"]["spec"].clone(),
            values,
            dir: self.dir.path().to_owned(),
            programs: Vec::new(),
        }
    }

    fn envoy(&mut self) -> Pod {
        let deployment = manifest("Deployment", "latchkey-envoy");
        let settings = self.stack.envoy_settings();
        let wasm = settings.bootstrap.filter_wasm.display().to_string();
        let binary = settings.binary.clone();
        let admin = ports::free().unwrap();
        let goodbye = ports::free().unwrap();
        let bootstrap = self.bootstrap(admin, goodbye);
        let values = vec![
            ("/etc/latchkey/filter.wasm".to_owned(), wasm),
            (
                "/filter/filter.wasm".to_owned(),
                self.path("filter/filter.wasm"),
            ),
            ("/etc/latchkey/envoy.yaml".to_owned(), bootstrap),
            ("127.0.0.1/9901".to_owned(), format!("127.0.0.1/{admin}")),
            ("127.0.0.1/9903".to_owned(), format!("127.0.0.1/{goodbye}")),
            (
                "127.0.0.1/10000".to_owned(),
                format!("127.0.0.1/{}", self.gate),
            ),
            ("sleep 15".to_owned(), "sleep 0".to_owned()),
        ];
        Pod {
            spec: deployment["spec"]["template"]["spec"].clone(),
            values,
            dir: self.dir.path().to_owned(),
            programs: vec![("/usr/local/bin/envoy".to_owned(), binary)],
        }
    }

    /// The shipped bootstrap with the addresses of this machine.
    fn bootstrap(&self, admin: u16, goodbye: u16) -> String {
        let at = |host: &str, port: u16| format!("address: {host}, port_value: {port}");
        let here = |port: u16| at("127.0.0.1", port);
        let upstream = self.upstream.address().port();
        let values = [
            (
                at("\"latchkey-sidecar.latchkey.svc\"", 9302),
                here(self.feed),
            ),
            (at("\"models.models.svc\"", 8000), here(upstream)),
            (at("\"0.0.0.0\"", 10000), here(self.gate)),
            (at("127.0.0.1", 9901), here(admin)),
            (at("127.0.0.1", 9903), here(goodbye)),
            (at("0.0.0.0", 9902), here(ports::free().unwrap())),
            ("/run/latchkey/feed".to_owned(), self.path("secrets")),
            ("/run/latchkey/ca".to_owned(), self.path("secrets")),
            ("/etc/latchkey/filter".to_owned(), self.path("filter")),
            (
                "\"/dev/stdout\"".to_owned(),
                json!(self.path("access.log")).to_string(),
            ),
        ];
        let text = values
            .iter()
            .fold(read("bootstrap.yaml"), |text, (from, to)| {
                assert!(text.contains(from), "the bootstrap has no {from}");
                text.replace(from, to)
            });
        let file = self.path("envoy.yaml");
        fs::write(&file, text).unwrap();
        file
    }

    /// A call of the REST API, over TLS with the certificate's issuer.
    fn call(&self, method: &str, path: &str, body: &str) -> Value {
        let token = fs::read_to_string(self.dir.file("volume/latchkey/operator-token")).unwrap();
        let name = "latchkey-sidecar.latchkey.svc";
        let port = self.admin;
        let output = curl(&[
            "--cacert",
            &self.path("secrets/ca.crt"),
            "--resolve",
            &format!("{name}:{port}:127.0.0.1"),
            "--request",
            method,
            "--header",
            &format!("Authorization: Bearer {}", token.trim()),
            "--header",
            "Content-Type: application/json",
            "--data",
            body,
            &format!("https://{name}:{port}{path}"),
        ]);
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"))
    }
}

#[test]
fn what_the_manifests_start_becomes_ready_serves_and_drains() {
    let mut ground = Ground::new();
    let pod = ground.sidecar();
    pod.run_first("private");
    pod.run_first("private");
    let mut sidecar = pod.start("sidecar");
    for probe in ["startupProbe", "readinessProbe", "livenessProbe"] {
        pod.wait_until("sidecar", probe, &mut sidecar);
    }
    // The node restarts, the pod comes back to its volume.
    sidecar.stop().unwrap();
    assert!(!pod.passes("sidecar", "readinessProbe"));
    let envoys = ground.envoy();
    envoys.run_first("filter");
    let mut envoy = envoys.start("envoy");
    envoys.wait_until("envoy", "livenessProbe", &mut envoy);
    assert!(
        !envoys.passes("envoy", "readinessProbe"),
        "no table, no traffic"
    );
    pod.run_first("private");
    let mut sidecar = pod.start("sidecar");
    pod.wait_until("sidecar", "startupProbe", &mut sidecar);
    envoys.wait_until("envoy", "readinessProbe", &mut envoy);

    let gate = format!("http://127.0.0.1:{}", ground.gate);
    let key = |name: &str, scope: Value| -> String {
        let body = json!({"account": "demo", "region": "local", "name": name, "scope": scope});
        let made = ground.call("POST", "/v1/keys", &body.to_string());
        assert_eq!(made["propagation"]["applied"], json!(1), "{made}");
        made["key"].as_str().unwrap().to_owned()
    };
    let listed = key("list", json!({"models": ["glm-5.1"]}));
    let everything = key("all", json!({"models": "all", "services": "all"}));
    let ask = |model: &str| post_chat_with(&gate, &listed, &chat(model)).status;
    assert_eq!((ask("glm-5.1"), ask("kimi-k2.6")), (200, 403));
    let fleet = ground.call("GET", "/v1/envoys", "");
    assert_eq!(fleet["envoys"][0]["envoy"], POD);

    assert_drains(&envoys, &gate, &everything, &mut envoy);
    // It said that it ends: no change waits for its lease.
    wait_for("the stopped Envoy counts no more", || {
        let scope = json!({"models": "all", "services": "all"});
        let body = json!({"account": "demo", "region": "local", "name": "later", "scope": scope});
        let made = ground.call("POST", "/v1/keys", &body.to_string());
        made["propagation"]["envoys"] == json!(0)
    });
    let announced = fs::read_to_string(ground.dir.file("volume/latchkey/announced")).unwrap();
    assert!(announced.contains("\"setup_secret\":\"lku-"), "{announced}");
    let log = fs::read_to_string(ground.dir.file("sidecar.log")).unwrap();
    assert!(!log.contains("lku-") && !log.contains("sk-"));
}

/// The hook ends when the last stream has ended, and not before; then SIGTERM ends Envoy.
fn assert_drains(envoys: &Pod, gate: &str, key: &str, envoy: &mut Process) {
    let stream = crate::streams::chat_stream_at(gate, key, 5);
    let hook = &envoys.container("containers", "envoy")["lifecycle"]["preStop"]["exec"]["command"];
    let mut command = envoys.command(&envoys.words(hook));
    let mut hook = command.spawn().unwrap();
    assert!(
        envoys.passes("envoy", "livenessProbe"),
        "a draining Envoy lives"
    );
    let bearer = format!("authorization: Bearer {key}");
    wait_for("answers say good-bye", || {
        let request = b"GET /v1/models HTTP/1.1\r\nhost: gate\r\n".as_slice();
        let request = [request, bearer.as_bytes(), b"\r\n\r\n"].concat();
        let answer = raw::send(gate, &request);
        answer.head.contains("connection: close")
    });
    assert!(
        hook.try_wait().unwrap().is_none(),
        "the hook waits for the stream"
    );
    drop(stream);
    let ended = wait::until(tests::PATIENCE, || hook.try_wait().unwrap());
    assert!(ended.is_some_and(|status| status.success()), "{ended:?}");
    envoy.stop().unwrap();
}
