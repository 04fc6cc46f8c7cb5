//! A gateway in use today, as it was published, behind the gate: whatever a key limited to a list
//! is used for, a model that is not on the list never runs; nor where bodies flow before they are judged.
//!
//! Does not know what the gate answers. Invariant: the same attacks with a key for everything, also
//! through the gate, show which of them the gateway falls for, so that the test can fail.

use std::path::Path;
use std::time::{Duration, Instant};

use envoy::bootstrap::Addition;
use envoy::process::{Process, Program};
use envoy::{Envoy, HostPort, Stack, StackOptions, UpstreamAt, ports, wait};
use serde_json::json;
use tests::{Key, chat, raw};

use super::attack::Attack;
use super::models::{DOWN, Models};

/// What the key may call: one that always fails, and one that answers.
pub(super) const IN_SCOPE: [&str; 2] = [DOWN, "good-2"];
/// How long a gateway may take to start: LiteLLM reads a great many files.
const PATIENCE: Duration = Duration::from_secs(240);
/// The one that it may not.
pub(super) const OUT_OF_SCOPE: &str = "bad-1";

/// A gateway between the gate and model servers.
pub(super) struct Court {
    stack: Stack,
    /// A second gate, at which bodies flow before they are judged.
    flowing: Envoy,
    pub(super) models: Models,
    /// The gateway; it runs for as long as this lives.
    _gateway: Process,
    limited: Key,
    unlimited: Key,
}

/// Starts a gateway, as the words of `env`, and waits until it answers at this address.
pub(super) fn run(name: &str, words: &[&str], url: &str, dir: &Path) -> Process {
    let log = dir.join(format!("{name}.log"));
    let mut process = Process::start(Program {
        name: name.to_owned(),
        path: "/usr/bin/env".into(),
        args: words.iter().map(Into::into).collect(),
        stdout: log.clone(),
        stderr: log.clone(),
    })
    .unwrap();
    let answers = wait::until(PATIENCE, || {
        assert!(process.is_running(), "{name} ended: {}", log.display());
        ureq::get(url).call().ok()
    });
    assert!(
        answers.is_some(),
        "{name} does not answer: {}",
        log.display()
    );
    process
}

fn send(url: &str, attack: &Attack, key: &Key) -> u16 {
    raw::send(url, &attack.bytes(&key.value)).status
}

// === impl Court ===

impl Court {
    /// Starts a gateway behind a gate; `run` starts it, on a port, in front of the models and with a
    /// folder for what it writes. The gate's template gets `additions`.
    pub(super) fn start(
        additions: impl FnOnce(&Models) -> Vec<Addition>,
        run: impl FnOnce(u16, &Models, &Path) -> Process,
    ) -> Self {
        let models = Models::start();
        let port = ports::free().unwrap();
        let options = StackOptions {
            upstream: UpstreamAt::External(HostPort::loopback(port)),
            additions: additions(&models),
            filter_wasm: tests::other_filter(),
            ..StackOptions::default()
        };
        let stack = Stack::start(options).unwrap_or_else(|error| panic!("{error}"));
        let gateway = run(port, &models, stack.run_dir());
        Self::new(stack, models, gateway)
    }

    fn new(stack: Stack, models: Models, gateway: Process) -> Self {
        let admin = tests::Admin::of(&stack);
        let limited = admin.create("limited", json!({"scope": {"models": IN_SCOPE}}));
        let unlimited = admin.create("unlimited", json!({}));
        let flowing = tests::start_another(&stack, "flowing", tests::flowing());
        Self {
            stack,
            flowing,
            models,
            _gateway: gateway,
            limited,
            unlimited,
        }
    }

    /// None of the attacks runs what the key may not call; at least so many would without it.
    pub(super) fn withstands(&self, attacks: &[Attack], live_min: usize) {
        let begun = Instant::now();
        self.honest();
        let mut escaped = Vec::new();
        for attack in attacks {
            for url in self.gates() {
                let told = send(&url, attack, &self.limited);
                if let Some(ran) = self.out_of_scope() {
                    escaped.push(format!(
                        "{}: {ran} ran, answered {told} at {url}",
                        attack.name
                    ));
                }
            }
        }
        self.honest();
        assert!(escaped.is_empty(), "\n{}\n", escaped.join("\n"));
        println!(
            "{} attacks withstood in {:?}",
            attacks.len(),
            begun.elapsed()
        );
        let is_live = |attack: &&Attack| {
            send(&self.stack.envoy_url(), attack, &self.unlimited);
            self.out_of_scope().is_some()
        };
        let live: Vec<&str> = attacks
            .iter()
            .filter(is_live)
            .map(|it| it.name.as_str())
            .collect();
        println!(
            "{} of them are live without the list; {:?}",
            live.len(),
            begun.elapsed()
        );
        if std::env::var("E2E_SHOW_LIVE").is_ok() {
            println!("{}", live.join("\n"));
        }
        assert!(live.len() >= live_min, "{} are live: {live:?}", live.len());
    }

    /// These calls, which are what the attacks are made of, reach the model that they name.
    pub(super) fn serves(&self, calls: &[Attack]) {
        for call in calls {
            for url in self.gates() {
                let told = send(&url, call, &self.limited);
                let ran = self.models.take_ran();
                assert!(
                    !ran.is_empty() && ran.iter().all(|model| model == DOWN),
                    "{}: {ran:?} ran, answered {told} at {url}",
                    call.name
                );
            }
        }
    }

    /// Where bodies are held, and where they flow before they are judged.
    fn gates(&self) -> [String; 2] {
        [self.stack.envoy_url(), self.flowing.settings().url()]
    }

    /// An honest request is answered by the model that it names.
    fn honest(&self) {
        let url = self.stack.envoy_url();
        let answer = raw::post_chat_with(&url, &self.limited.value, &chat(IN_SCOPE[1]));
        let told = String::from_utf8_lossy(&answer.body);
        assert_eq!(answer.status, 200, "{told}");
        assert_eq!(
            self.models.take_ran(),
            [IN_SCOPE[1]],
            "and nothing runs late"
        );
    }

    /// A model that has run since the last time and should not have.
    fn out_of_scope(&self) -> Option<String> {
        let mut ran = self.models.take_ran().into_iter();
        ran.find(|model| !IN_SCOPE.contains(&model.as_str()))
    }
}
