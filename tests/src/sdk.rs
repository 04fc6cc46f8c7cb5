//! An official SDK at the gate: a script that uses it, and what the upstream received of it.
//!
//! The scripts are in `tests/sdk/`. Invariant: what the gate let through is, request by request
//! and byte by byte, what the SDK has sent; what it refused never arrived whole.

use std::path::{Path, PathBuf};

use envoy::{Recorded, Stack, files};
use serde_json::json;

use crate::node::Packages;
use crate::{Admin, Key, python, raw, start};

/// The SDKs from PyPI that live together.
const PYPI: [&str; 8] = [
    "openai==3.54.0",
    "anthropic==2.12.0",
    "google-genai==3.4.0",
    "cohere==7.3.1",
    "ollama==0.6.3",
    "mistralai==3.7.0",
    "boto3==1.44.5",
    "trustme==1.2.1",
];
/// The last anthropic SDK that sends its key as `x-api-key`.
const PYPI_OLD: [&str; 1] = ["anthropic==0.125.0"];
/// The SDKs from npm.
const NPM: [&str; 6] = [
    "openai@6.49.0",
    "@anthropic-ai/sdk@1.12.0",
    "ai@6.0.326",
    "@ai-sdk/openai@3.0.141",
    "@ai-sdk/anthropic@3.0.139",
    "@ai-sdk/google@3.0.141",
];

/// A stack, a key that is limited to a list, and one that is disabled.
#[derive(Debug)]
pub struct Workbench {
    /// The stack.
    pub stack: Stack,
    /// Its admin.
    pub admin: Admin,
    limited: Key,
    disabled: Key,
}

/// What a script says of a request.
#[derive(Debug, PartialEq, Eq)]
struct Sent<'a> {
    status: &'a str,
    method: &'a str,
    target: &'a str,
    body_sha256: &'a str,
}

impl Workbench {
    /// Starts a stack and makes the keys.
    pub fn start() -> Self {
        let (stack, admin) = start();
        let scope = json!({"scope": {"models": ["glm-5.1", "deepseek-*"], "services": []}});
        let limited = admin.create("limited", scope);
        let disabled = admin.create("disabled", json!({}));
        admin.patch(&disabled, &json!({"status": "disabled"}));
        Self {
            stack,
            admin,
            limited,
            disabled,
        }
    }

    /// Runs a script for the SDKs from PyPI; gives what it printed, or says that it is skipped and
    /// gives nothing.
    pub fn python(&self, script: &str) -> Option<String> {
        self.python_at(&self.stack.envoy_url(), script, &[])
    }

    /// The same at another address and with further arguments.
    pub fn python_at(&self, url: &str, script: &str, more: &[&str]) -> Option<String> {
        Some(self.run_python(&interpreter()?, url, script, more))
    }

    /// Runs a script for the old anthropic SDK.
    pub fn old_python(&self, script: &str) -> Option<String> {
        let interpreter = python::with_packages("sdks-old", &PYPI_OLD)?;
        Some(self.run_python(&interpreter, &self.stack.envoy_url(), script, &[]))
    }

    /// Runs a script for the SDKs from npm.
    pub fn node(&self, script: &str) -> Option<String> {
        let printed = packages()?.run(script, &self.arguments(&self.stack.envoy_url()));
        self.check(&printed);
        Some(printed)
    }

    /// Runs a script for other packages from npm.
    pub fn node_with(&self, name: &str, packages: &[&str], script: &str) -> Option<String> {
        let packages = Packages::install(name, packages)?;
        Some(packages.run(script, &self.arguments(&self.stack.envoy_url())))
    }

    fn run_python(&self, interpreter: &Path, url: &str, script: &str, more: &[&str]) -> String {
        let mut args = self.arguments(url).to_vec();
        args.extend(more);
        let printed = python::run(interpreter, script, &args);
        self.check(&printed);
        printed
    }

    fn arguments<'a>(&'a self, url: &'a str) -> [&'a str; 3] {
        [url, &self.limited.value, &self.disabled.value]
    }

    /// Compares what was sent with what arrived.
    fn check(&self, printed: &str) {
        let sent: Vec<Sent<'_>> = printed.lines().filter_map(Sent::parse).collect();
        let let_through: Vec<_> = sent.iter().filter(|sent| sent.status == "200").collect();
        let received = self.stack.upstream().unwrap().requests();
        let whole: Vec<_> = received.iter().filter(|r| r.is_complete).collect();
        for (sent, received) in let_through.iter().zip(&whole) {
            sent.must_be(received);
        }
        assert_eq!(let_through.len(), whole.len(), "{printed}");
        assert!(!whole.is_empty() && sent.len() > whole.len(), "{printed}");
        let stats = format!(
            "{}/stats?filter=headers_removed",
            self.stack.envoy_admin_url()
        );
        assert_eq!(raw::get_text(&stats).trim(), "", "an SDK's headers pass");
        println!(
            "{} requests let through untouched, {} refused",
            whole.len(),
            sent.len() - whole.len()
        );
    }
}

/// An interpreter that has the SDKs.
pub fn interpreter() -> Option<PathBuf> {
    python::with_packages("sdks", &PYPI)
}

/// A directory that has the SDKs for Node.
pub fn packages() -> Option<Packages> {
    Packages::install("sdks", &NPM)
}

impl<'a> Sent<'a> {
    fn parse(line: &'a str) -> Option<Self> {
        let words: Vec<_> = line.strip_prefix("sent ")?.split(' ').collect();
        let [status, method, target, body_sha256] = words.try_into().ok()?;
        Some(Self {
            status,
            method,
            target,
            body_sha256,
        })
    }

    fn must_be(&self, received: &Recorded) {
        assert_eq!(self.method, received.method);
        // Lists of models are asked for whole: a page that the gate empties would end an SDK's paging.
        let asked = received.target.strip_suffix("?limit=1000");
        assert_eq!(self.target, asked.unwrap_or(&received.target));
        assert_eq!(
            self.body_sha256,
            files::hex(&received.body_sha256),
            "{}: the body is another one",
            self.target
        );
    }
}
