//! The compose demo on a real container engine, as somebody runs it who has just cloned: built, brought
//! up, walked through, restarted, taken down.
//!
//! `.ci/compose` starts an engine where one can be had and runs this. Invariant: what it brings up has
//! names and ports of its own, and is gone at the end, also when the walk fails.

use std::path::PathBuf;
use std::process::Command;

use envoy::ports;
use tests::browser::{Browser, Look};
use tests::console::PASSWORD;
use tests::wait_for;

use super::{compose, docker_compose, printed};
use crate::tour;

/// The demo in containers, on ports that were free.
struct Demo {
    program: PathBuf,
    console_port: u16,
    envoy_port: u16,
}

impl Demo {
    fn up() -> Option<Self> {
        let program = docker_compose()?;
        let [console_port, envoy_port] = [ports::free().unwrap(), ports::free().unwrap()];
        let demo = Self {
            program,
            console_port,
            envoy_port,
        };
        demo.run(&["up", "--build", "--wait", "--quiet-pull"]);
        Some(demo)
    }

    fn compose(&self) -> Command {
        let mut compose = compose(&self.program);
        compose
            .args(["--project-name", &format!("latchkey-{}", self.envoy_port)])
            .args(["--progress", "plain"])
            .env("LATCHKEY_PROFILE", "local")
            .env("LATCHKEY_CONSOLE_PORT", self.console_port.to_string())
            .env("LATCHKEY_ENVOY_PORT", self.envoy_port.to_string());
        compose
    }

    fn run(&self, words: &[&str]) -> String {
        printed(self.compose().args(words))
    }

    /// A file of the container `sidecar`.
    fn file(&self, path: &str) -> String {
        let text = self.run(&["exec", "--no-TTY", "sidecar", "cat", path]);
        text.trim().to_owned()
    }

    fn console_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.console_port)
    }

    fn envoy_url(&self) -> String {
        format!("http://127.0.0.1:{}", self.envoy_port)
    }

    /// How the container of a service ended.
    fn exit_code(&self, service: &str) -> String {
        let id = self.run(&["ps", "--all", "--quiet", service]);
        let format = ["inspect", "--format", "{{.State.ExitCode}}"];
        let mut docker = Command::new("docker");
        printed(docker.args(format).arg(id.trim()))
            .trim()
            .to_owned()
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let logs = self.compose().args(["logs", "--tail", "40"]).output();
            let logs = logs.map(|output| output.stdout).unwrap_or_default();
            eprintln!("{}", String::from_utf8_lossy(&logs));
        }
        let words = ["down", "--volumes", "--timeout", "5"];
        let _ = self.compose().args(words).output();
    }
}

fn make_key(demo: &Demo, token: &str, fields: &str) -> String {
    let body = format!(r#"{{"account":"demo","region":"local","name":"walk",{fields}}}"#);
    let url = format!("{}/v1/keys?allow_unlisted=true", demo.console_url());
    let request = ureq::post(&url).header("authorization", format!("Bearer {token}"));
    let request = request.header("content-type", "application/json");
    let mut answer = request.send(body).unwrap();
    let made: serde_json::Value = answer.body_mut().read_json().unwrap();
    made["key"].as_str().unwrap().to_owned()
}

/// Status and body of a call of Envoy.
fn models_with(demo: &Demo, key: &str) -> (u16, String) {
    let config = ureq::Agent::config_builder().http_status_as_error(false);
    let agent: ureq::Agent = config.build().into();
    let call = agent.get(format!("{}/v1/models", demo.envoy_url()));
    let call = call.header("authorization", format!("Bearer {key}"));
    let mut answer = call.call().unwrap();
    let text = answer.body_mut().read_to_string().unwrap();
    (answer.status().as_u16(), text)
}

#[test]
#[ignore = "needs a container engine: .ci/compose runs it"]
fn compose_comes_up_and_a_browser_logs_in_and_restarts_lose_nothing() {
    let Some(demo) = Demo::up() else { return };
    let token = demo.file("/data/operator-token");
    tour::take(&[
        ("CONSOLE", demo.console_url()),
        ("ENVOY", demo.envoy_url()),
        ("TOKEN", token.clone()),
    ]);

    let secret = demo.file("/data/setup-secret");
    let log = demo.run(&["logs", "--no-log-prefix", "sidecar"]);
    assert!(
        log.contains("\"setup_secret_file\":\"/data/setup-secret\""),
        "{log}"
    );
    assert!(
        log.contains(&format!("\"console\":\"{}\"", demo.console_url())),
        "{log}"
    );
    assert!(!log.contains(&secret) && !log.contains(&token));

    let Some(browser) = Browser::start(Look::default()) else {
        return;
    };
    browser.open(&format!("{}/#/setup", demo.console_url()));
    browser.fill("[name=setup_secret]", &secret);
    browser.fill("[name=new-password]", PASSWORD);
    browser.click("Set your password");
    browser.see("Log out");

    let everywhere = make_key(&demo, &token, r#""description":"""#);
    let here = make_key(&demo, &token, r#""ip_allowlist":["127.0.0.1"]"#);
    assert_eq!(models_with(&demo, &everywhere).0, 200);
    let (status, said) = models_with(&demo, &here);
    assert_eq!(status, 403, "{said}");
    assert!(
        said.contains("your IP address 172."),
        "it says which: {said}"
    );
    // Envoy writes its access log when there is enough of it, or after some seconds.
    let access = || demo.run(&["logs", "--no-log-prefix", "envoy"]);
    wait_for("the refusal is in the log", || {
        access().contains("latchkey_address")
    });
    assert!(!access().contains("/latchkey/ready"), "probes are no calls");

    demo.run(&["restart", "--timeout", "5"]);
    demo.run(&["up", "--wait"]);
    assert_eq!(models_with(&demo, &everywhere).0, 200);
    assert_eq!(models_with(&demo, "sk-none").0, 401);
    assert_eq!(demo.file("/data/operator-token"), token);
    browser.reload();
    browser.see("Log out");

    demo.run(&["stop", "--timeout", "20"]);
    for service in ["envoy", "sidecar", "upstream"] {
        assert_eq!(
            demo.exit_code(service),
            "0",
            "{service} ends when it is asked to"
        );
    }
}
