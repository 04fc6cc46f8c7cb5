//! A running sidecar, and clients of both of its ports.

pub(crate) mod agent;
mod contract;
pub(crate) mod person;
pub(crate) mod tencent;

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};

use serde_json::{Value, json};
use sidecar::config::{Command, Config};
use sidecar::serve::{
    self,
    announce::{Event, SetupSecret},
};
use tokio::sync::oneshot;
use ureq::http::{HeaderMap, Request};

use crate::cluster::{self, Cluster};

pub(crate) const FEED_TOKEN: &str = "Bearer feed-token-of-the-tests";

/// A directory that goes with the test, and a database on a server if tests run on one.
pub(crate) struct Scratch(PathBuf, Option<String>);

impl Scratch {
    /// On the engine that the tests run on.
    pub(crate) fn new() -> Self {
        match cluster::is_asked_for() {
            true => Self::on_server().unwrap(),
            false => Self::in_file(),
        }
    }

    /// With a database on a server; `None` if there is no server.
    pub(crate) fn on_server() -> Option<Self> {
        let scratch = Self::on_empty_server()?;
        let url = scratch.url().unwrap();
        let words = ["store", "create", "--store", url];
        let Ok(Command::CreateStore(server)) = Command::parse(words.map(Into::into)) else {
            panic!("the URL is wrong");
        };
        sidecar::store::create(&server).unwrap();
        Some(scratch)
    }

    /// With a database on a server that has no tables.
    pub(crate) fn on_empty_server() -> Option<Self> {
        let mut scratch = Self::in_file();
        scratch.1 = Some(Cluster::shared()?.database(None));
        std::fs::create_dir(scratch.data()).unwrap();
        Some(scratch)
    }

    /// With the database in a file, for what is about the file.
    pub(crate) fn in_file() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("sidecar-api-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        let feed_token = path.join("feed-token");
        std::fs::write(&feed_token, FEED_TOKEN).unwrap();
        std::fs::set_permissions(&feed_token, Permissions::from_mode(0o600)).unwrap();
        Self(path, None)
    }

    /// Where the database on the server is.
    pub(crate) fn url(&self) -> Option<&str> {
        self.1.as_deref()
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.0.join("data")
    }

    /// The flags of a sidecar in here.
    pub(crate) fn flags(&self) -> Vec<String> {
        let path = |name: &str| self.0.join(name).to_str().unwrap().to_owned();
        let mut flags = vec!["serve".into(), "--json".into()];
        let pairs = [
            ("--data", path("data")),
            ("--admin", "127.0.0.1:0".into()),
            ("--feed", "127.0.0.1:0".into()),
            ("--feed-token-file", path("feed-token")),
            ("--operator-token-file", path("operator-token")),
            ("--seed-account", "demo".into()),
            ("--seed-account", "second".into()),
            ("--seed-region", "local".into()),
            ("--seed-region", "other".into()),
        ];
        for (flag, value) in pairs {
            flags.extend([flag.to_owned(), value]);
        }
        if let Some(url) = &self.1 {
            flags.extend(["--store".into(), url.clone()]);
            flags.extend(["--master-key-file".into(), path("data/master-keys")]);
        }
        flags
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A sidecar in a thread of this process.
pub(crate) struct Sidecar {
    admin: String,
    feed: String,
    token: String,
    setup_secret: Option<String>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Sidecar {
    /// The first start in a directory.
    pub(crate) fn start(scratch: &Scratch) -> Self {
        Self::start_with(scratch, &[])
    }

    pub(crate) fn start_with(scratch: &Scratch, more: &[&str]) -> Self {
        let flags = scratch
            .flags()
            .into_iter()
            .chain(more.iter().map(ToString::to_string));
        let Ok(Command::Serve(config)) = Command::parse(flags.map(Into::into)) else {
            panic!("the flags are wrong");
        };
        Self::run(*config)
    }

    /// A later start in a directory.
    pub(crate) fn restart(scratch: &Scratch) -> Self {
        Self::start(scratch)
    }

    fn run(config: Config) -> Self {
        let token_file = config.operator_token_file.clone().unwrap();
        let mut setup_secret = None;
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
        loop {
            match heard.recv().expect("the sidecar did not start") {
                Event::FirstStart {
                    setup_secret: SetupSecret::Said(secret),
                } => {
                    setup_secret = Some(secret.reveal().to_string());
                }
                Event::FirstStart { .. } => panic!("no file was named"),
                Event::Ready { admin, feed, .. } => {
                    return Self {
                        admin: format!("http://{admin}"),
                        feed: format!("http://{feed}"),
                        token: std::fs::read_to_string(&token_file).unwrap().trim().into(),
                        setup_secret,
                        stop: Some(stop),
                        thread: Some(thread),
                    };
                }
            }
        }
    }

    pub(crate) fn token(&self) -> String {
        self.token.clone()
    }

    /// What the first start told.
    pub(crate) fn setup_secret(&self) -> &str {
        self.setup_secret.as_deref().expect("no first start")
    }

    pub(crate) fn admin(&self) -> &str {
        &self.admin
    }

    pub(crate) fn feed(&self) -> &str {
        &self.feed
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.call("GET", path, &[], None)
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.call("POST", path, &[], Some(&body.to_string()))
    }

    pub(crate) fn patch(&self, path: &str, body: &Value) -> Answer {
        self.call("PATCH", path, &[], Some(&body.to_string()))
    }

    pub(crate) fn delete(&self, path: &str) -> Answer {
        self.call("DELETE", path, &[], None)
    }

    /// A call with the operator's token.
    pub(crate) fn call(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&str>,
    ) -> Answer {
        let token = format!("Bearer {}", self.token);
        let mut all = vec![("authorization", token.as_str())];
        all.extend_from_slice(headers);
        call(&format!("{}{path}", self.admin), method, &all, body)
    }

    /// Makes a key that may call everything; gives the answer's body.
    pub(crate) fn make(&self, name: &str, region: &str) -> Value {
        let body = json!({"account": "demo", "region": region, "name": name});
        let answer = self.post("/v1/keys?wait=none", &body);
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.json()
    }

    /// How many keys of origin `standard` the account has.
    pub(crate) fn total(&self) -> u64 {
        self.get("/v1/keys?account=demo").json()["total"]
            .as_u64()
            .unwrap()
    }
}

impl Drop for Sidecar {
    fn drop(&mut self) {
        drop(self.stop.take());
        let ended = self.thread.take().unwrap().join();
        if !thread::panicking() {
            ended.expect("the sidecar failed");
        }
    }
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// The fields that a refusal names, in its order.
    pub(crate) fn fields(&self) -> Vec<String> {
        assert_eq!(
            self.header("content-type"),
            "application/problem+json",
            "{}",
            self.text
        );
        let errors = self.json()["errors"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        errors
            .iter()
            .map(|error| error["field"].as_str().unwrap().to_owned())
            .collect()
    }
}

/// One call of any port.
pub(crate) fn call(
    url: &str,
    method: &str,
    headers: &[(&str, &str)],
    body: Option<&str>,
) -> Answer {
    let (parts, bytes) = call_bytes(url, method, headers, body);
    let answer = Answer {
        status: parts.status.as_u16(),
        headers: parts.headers,
        text: String::from_utf8(bytes).unwrap(),
    };
    contract::check(url, method, &answer);
    answer
}

/// One call of any port, with whatever bytes come back.
pub(crate) fn call_bytes(
    url: &str,
    method: &str,
    headers: &[(&str, &str)],
    body: Option<&str>,
) -> (ureq::http::response::Parts, Vec<u8>) {
    let config = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .proxy(None);
    let agent = ureq::Agent::new_with_config(config.allow_non_standard_methods(true).build());
    let mut request = Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let answer = match body {
        Some(body) => agent.run(request.body(body).unwrap()),
        None => agent.run(request.body(()).unwrap()),
    };
    let (parts, mut body) = answer.unwrap().into_parts();
    let limit = 32 * 1024 * 1024;
    (
        parts,
        body.with_config().limit(limit).read_to_vec().unwrap(),
    )
}
