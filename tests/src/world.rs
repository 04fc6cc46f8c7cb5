//! An Envoy of a test's own making: its bootstrap edited, its listeners pushed by file, its clock
//! faked, another one taking over from it.
//!
//! Follows the sidecar and calls the upstream of a stack. Does not judge. Invariant: what is edited
//! is the shipped bootstrap, and an edit that finds nothing to replace ends the test.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use envoy::process::{Process, Program};
use envoy::{EnvoySettings, Stack};

use crate::raw::{get_text, post_chat_with};
use crate::{chat, wait_for};

/// Where the listeners stand in the bootstrap.
const LISTENERS: &str = "  listeners:\n";
const BEHIND_LISTENERS: &str = "  # place: listeners\n";
const DYNAMIC: &str = "\
dynamic_resources:
  lds_config:
    resource_api_version: V3
    path_config_source: { path: LISTENERS, watched_directory: { path: DIRECTORY } }

static_resources:
";
const LISTENER_TYPE: &str =
    "- \"@type\": type.googleapis.com/envoy.config.listener.v3.Listener\n    name: gate\n";

/// What an Envoy will be started with.
#[derive(Clone, Debug)]
pub struct Plan {
    settings: EnvoySettings,
    bootstrap: String,
    /// The file of listeners, if they are pushed.
    listeners: Option<PathBuf>,
    args: Vec<OsString>,
    environment: Vec<OsString>,
}

/// A running Envoy.
#[derive(Debug)]
pub struct World {
    /// What it was started with.
    pub plan: Plan,
    /// Its process.
    pub process: Process,
}

// === impl Plan ===

impl Plan {
    /// The bootstrap of the stack, for an Envoy with this node id.
    pub fn of(stack: &Stack, name: &str) -> Self {
        let settings = stack.another_envoy(name).unwrap();
        Self {
            bootstrap: settings.bootstrap.render().unwrap(),
            settings,
            listeners: None,
            args: vec!["--disable-hot-restart".into()],
            environment: Vec::new(),
        }
    }

    /// Replaces every place of a text in the bootstrap (and in the listeners, unless they were
    /// taken out already).
    pub fn edit(mut self, from: &str, to: &str) -> Self {
        assert!(self.bootstrap.contains(from), "the bootstrap has no {from}");
        self.bootstrap = self.bootstrap.replace(from, to);
        self
    }

    /// Puts another module in the place of the gate's, or (`agent`) of the agent's.
    pub fn with_module(self, role: &str, wasm: &Path) -> Self {
        let (before, after) = self.bootstrap.split_once("static_resources:\n").unwrap();
        let ours = self.settings.bootstrap.filter_wasm.to_str().unwrap();
        let theirs = wasm.to_str().unwrap();
        let (before, after) = match role {
            "agent" => (before.replace(ours, theirs), after.to_owned()),
            _ => (before.to_owned(), after.replace(ours, theirs)),
        };
        let bootstrap = format!("{before}static_resources:\n{after}");
        assert_ne!(bootstrap, self.bootstrap, "{role} has no module");
        Self { bootstrap, ..self }
    }

    /// Takes the listeners out of the bootstrap into a file from which Envoy takes them whenever
    /// it is replaced.
    pub fn with_pushed_listeners(mut self) -> Self {
        let directory = self.settings.config.with_extension("pushed");
        fs::create_dir_all(&directory).unwrap();
        let file = directory.join("listeners.yaml");
        let (before, rest) = self.bootstrap.split_once(LISTENERS).unwrap();
        let (listeners, behind) = rest.split_once(BEHIND_LISTENERS).unwrap();
        let listeners = listeners.replacen("- name: gate\n", LISTENER_TYPE, 1);
        let dynamic = DYNAMIC
            .replace("LISTENERS", file.to_str().unwrap())
            .replace("DIRECTORY", directory.to_str().unwrap());
        let bootstrap = before.replacen("static_resources:\n", &dynamic, 1) + behind;
        fs::write(&file, format!("resources:\n{listeners}")).unwrap();
        self.bootstrap = bootstrap;
        self.listeners = Some(file);
        self
    }

    /// Other arguments than `--disable-hot-restart`.
    pub fn with_args(mut self, args: &[&str]) -> Self {
        self.args = args.iter().map(Into::into).collect();
        self
    }

    /// A variable of its environment, as `NAME=value`.
    pub fn with_variable(mut self, variable: impl Into<OsString>) -> Self {
        self.environment.push(variable.into());
        self
    }

    /// What every Envoy is started with.
    pub fn settings(&self) -> &EnvoySettings {
        &self.settings
    }

    /// Starts it; it may have no listener and no table yet.
    pub fn start(self) -> World {
        fs::write(&self.settings.config, &self.bootstrap).unwrap();
        let concurrency = self.settings.concurrency.to_string();
        let usual = ["--concurrency", &concurrency, "--log-level", "info"];
        let flush = ["--file-flush-interval-msec", "200", "--config-path"];
        let mut args = self.environment.clone();
        args.push(self.settings.binary.clone().into());
        args.extend(usual.iter().chain(&flush).map(Into::into));
        args.push(self.settings.config.clone().into());
        args.extend(self.args.clone());
        let program = Program {
            name: self.settings.bootstrap.node_id.clone(),
            path: "/usr/bin/env".into(),
            args,
            stdout: self.settings.config.with_extension("out"),
            stderr: self.settings.log.clone(),
        };
        let process = Process::start(program).unwrap();
        World {
            plan: self,
            process,
        }
    }

    /// Starts it and waits until its gate decides by a table.
    pub fn start_with_table(self) -> World {
        let mut world = self.start();
        world.wait_for_table();
        world
    }
}

// === impl World ===

impl World {
    /// Where clients call.
    pub fn url(&self) -> String {
        self.plan.settings.url()
    }

    /// The status of a chat with this key.
    pub fn ask(&self, key: &str) -> u16 {
        post_chat_with(&self.url(), key, &chat("glm-5.1")).status
    }

    /// Waits until its gate decides by a table.
    pub fn wait_for_table(&mut self) {
        let url = format!("{}/latchkey/ready", self.url());
        let log = self.plan.settings.log.clone();
        let process = &mut self.process;
        wait_for("the gate has a table", || {
            assert!(process.is_running(), "Envoy ended: {}", log.display());
            ureq::get(&url).call().is_ok()
        });
    }

    /// One of its figures; 0 if it does not exist.
    pub fn stat(&self, name: &str) -> u64 {
        crate::stat_of(&self.plan.settings.admin_url(), name)
    }

    /// A page of its admin interface.
    pub fn admin(&self, path: &str) -> String {
        get_text(&format!("{}{path}", self.plan.settings.admin_url()))
    }

    /// Its log so far.
    pub fn log(&self) -> String {
        let bytes = fs::read(&self.plan.settings.log).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The listeners that were pushed last.
    pub fn listeners(&self) -> String {
        fs::read_to_string(self.plan.listeners.as_ref().unwrap()).unwrap()
    }

    /// Pushes listeners; waits until Envoy has taken them, or (`is_good` false) has refused them.
    pub fn push(&self, listeners: &str, is_good: bool) {
        let outcome = match is_good {
            true => "listener_manager.lds.update_success",
            false => "listener_manager.lds.update_rejected",
        };
        let before = self.stat(outcome);
        let file = self.plan.listeners.as_ref().unwrap();
        let unfinished = file.with_extension("unfinished");
        fs::write(&unfinished, listeners).unwrap();
        fs::rename(&unfinished, file).unwrap();
        wait_for("Envoy has read the push", || self.stat(outcome) > before);
    }
}
