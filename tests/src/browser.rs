//! A person at a browser: real Chromium, driven over WebDriver (W3C) as plain HTTP calls.
//!
//! Does not know the console. Clicks and keys are the browser's own, so what is covered or disabled
//! cannot be used. Invariants: every wait is for something that can be seen, bounded, and says what
//! it waited for; a step is over when the calls of the API that it caused have been answered, so that a
//! test that asks the API next sees what it did; an error in the page's console or a breach of its policy
//! ends the test.

use std::fs;
use std::path::PathBuf;

use envoy::process::{Process, Program};
use envoy::provision::apt;
use envoy::{files, ports};
use serde_json::{Value, json};

use crate::node::Packages;
use crate::{PATIENCE, registry, wait_for};

/// Keys that have no character (W3C WebDriver, 17.4.2).
pub mod keys {
    /// Tab.
    pub const TAB: &str = "\u{e004}";
    /// Enter.
    pub const ENTER: &str = "\u{e007}";
    /// Escape.
    pub const ESCAPE: &str = "\u{e00c}";
    /// Arrow down.
    pub const DOWN: &str = "\u{e015}";
    /// Control.
    pub const CONTROL: &str = "\u{e009}";
}

/// How a browser looks at a page.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Width of the window, in pixels.
    pub width: u32,
    /// Height of the window, in pixels.
    pub height: u32,
    /// Whether the system prefers dark.
    pub is_dark: bool,
}

/// Counts the calls that are on their way, in every page before its own scripts run. A call is over
/// when its whole answer is there and the page has had its turn with it.
const COUNT_CALLS: &str = "(() => {\
    const call = window.fetch.bind(window);\
    window.callsUnderWay = 0;\
    window.fetch = async (...what) => {\
        window.callsUnderWay += 1;\
        try {\
            const answer = await call(...what);\
            await answer.clone().arrayBuffer().catch(() => {});\
            return answer;\
        } finally {\
            setTimeout(() => { window.callsUnderWay -= 1; }, 0);\
        }\
    };\
})()";

/// Whether nothing is on its way, nor begins while the page has a few turns.
const IS_QUIET: &str = "return new Promise((tell) => {\
    const look = (turns) => {\
        if (window.callsUnderWay > 0) tell(false);\
        else if (turns === 0) tell(true);\
        else setTimeout(() => look(turns - 1), 0);\
    };\
    look(10);\
})";

/// A window. Dropping it ends the browser.
#[derive(Debug)]
pub struct Browser {
    session: String,
    agent: ureq::Agent,
    home: PathBuf,
    _driver: Process,
}

impl Default for Look {
    fn default() -> Self {
        Self {
            width: 1280,
            height: 900,
            is_dark: false,
        }
    }
}

impl Look {
    /// A phone.
    pub const PHONE: Self = Self {
        width: 500,
        height: 850,
        is_dark: false,
    };

    fn capabilities(self, home: &str) -> Value {
        let size = format!("--window-size={},{}", self.width, self.height);
        let profile = format!("--user-data-dir={home}/profile");
        let mut args = vec![
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--hide-scrollbars",
            "--force-prefers-reduced-motion",
            "--lang=en",
            &size,
            &profile,
        ];
        if self.is_dark {
            args.push("--blink-settings=preferredColorScheme=0");
        }
        json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            "unhandledPromptBehavior": "accept",
            "goog:chromeOptions": {"args": args},
            "goog:loggingPrefs": {"browser": "ALL"},
        }}})
    }
}

impl Browser {
    /// Opens a window; nothing, with a word, where there is no browser and Debian does not answer.
    pub fn start(look: Look) -> Option<Self> {
        if !registry::is_there(apt::ensure_browser()) {
            return None;
        }
        let port = ports::free().unwrap();
        let home = files::target().join("browsers").join(port.to_string());
        let _ = fs::remove_dir_all(&home);
        fs::create_dir_all(&home).unwrap();
        let driver = Process::start(Program {
            name: "chromedriver".to_owned(),
            path: "/usr/bin/env".into(),
            args: vec!["chromedriver".into(), format!("--port={port}").into()],
            stdout: home.join("driver.out"),
            stderr: home.join("driver.log"),
        });
        let config = ureq::Agent::config_builder().http_status_as_error(false);
        let agent: ureq::Agent = config.timeout_global(Some(PATIENCE * 4)).build().into();
        let driver_url = format!("http://127.0.0.1:{port}");
        wait_for("chromedriver listens", || {
            agent.get(format!("{driver_url}/status")).call().is_ok()
        });
        let mut browser = Self {
            session: driver_url,
            agent,
            _driver: driver.unwrap(),
            home: home.clone(),
        };
        let capabilities = look.capabilities(&home.to_string_lossy());
        let made = browser.call("POST", "/session", &capabilities);
        let id = made["sessionId"].as_str().unwrap().to_owned();
        browser.session = format!("{}/session/{id}", browser.session);
        let command = json!({
            "cmd": "Page.addScriptToEvaluateOnNewDocument",
            "params": {"source": COUNT_CALLS},
        });
        browser.call("POST", "/goog/cdp/execute", &command);
        Some(browser)
    }

    /// Waits until the page has no call on its way. A page that goes meanwhile is asked again.
    fn be_quiet(&self, after: &str) {
        let body = json!({"script": IS_QUIET, "args": []});
        wait_for(&format!("what {after} has caused is over"), || {
            self.try_call("POST", "/execute/sync", &body) == Ok(json!(true))
        });
    }

    /// A command; the error is the driver's own.
    fn try_call(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let url = format!("{}{path}", self.session);
        let answer = match method {
            "GET" => self.agent.get(url).call(),
            "DELETE" => self.agent.delete(url).call(),
            _ => self.agent.post(url).send_json(body),
        };
        let mut answer = answer.map_err(|error| error.to_string())?;
        let text = answer
            .body_mut()
            .with_config()
            .limit(100 << 20)
            .read_to_string();
        let text = text.map_err(|error| error.to_string())?;
        let mut answer: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
        match answer["value"]["error"].as_str() {
            Some(error) => Err(format!("{error}: {}", answer["value"]["message"])),
            None => Ok(answer["value"].take()),
        }
    }

    fn call(&self, method: &str, path: &str, body: &Value) -> Value {
        let outcome = self.try_call(method, path, body);
        outcome.unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// Goes to an address.
    pub fn open(&self, url: &str) {
        self.call("POST", "/url", &json!({"url": url}));
        self.be_quiet(url);
    }

    /// Loads the page anew.
    pub fn reload(&self) {
        self.call("POST", "/refresh", &json!({}));
        self.be_quiet("the reload");
    }

    /// Runs a function's body in the page; its promise is waited for.
    pub fn script(&self, code: &str, args: &[Value]) -> Value {
        let body = json!({"script": code, "args": args});
        self.call("POST", "/execute/sync", &body)
    }

    /// Waits for an element that can be seen. `code` looks for it in the page.
    fn element(&self, what: &str, code: &str, args: &[Value]) -> String {
        let mut found = Value::Null;
        let mut is_found = || {
            found = self.script(code, args);
            !found.is_null()
        };
        if envoy::wait::until(PATIENCE, || is_found().then_some(())).is_none() {
            panic!("never seen: {what}; instead:\n{}", self.text());
        }
        let id = found
            .as_object()
            .and_then(|element| element.values().next());
        id.and_then(Value::as_str).unwrap().to_owned()
    }

    fn by_css(&self, css: &str) -> String {
        let code = "return [...document.querySelectorAll(arguments[0])]\
                    .findLast((node) => node.checkVisibility()) ?? null";
        self.element(css, code, &[json!(css)])
    }

    /// Clicks the last visible thing of this name, as a person would: a button, link or label.
    pub fn click(&self, name: &str) {
        let code = "const is = (node) => [node.textContent, node.ariaLabel]\
                      .some((text) => text?.trim() === arguments[0]);\
                    const kinds = 'button, a, summary, label, [role=option]';\
                    return [...document.querySelectorAll(kinds)]\
                      .findLast((node) => is(node) && node.checkVisibility() && !node.disabled) ?? null";
        self.click_when_free(name, || self.element(name, code, &[json!(name)]));
    }

    /// Clicks the last visible element of a selector.
    pub fn click_css(&self, css: &str) {
        self.click_when_free(css, || self.by_css(css));
    }

    /// What is covered for a moment (by a dialog that comes or goes) is tried again.
    fn click_when_free(&self, what: &str, find: impl Fn() -> String) {
        let mut refused = String::new();
        let mut is_done = || {
            let path = format!("/element/{}/click", find());
            match self.try_call("POST", &path, &json!({})) {
                Ok(_) => true,
                Err(error) => {
                    refused = error;
                    false
                }
            }
        };
        if envoy::wait::until(PATIENCE, || is_done().then_some(())).is_none() {
            panic!("cannot click {what}: {refused}");
        }
        self.be_quiet(what);
    }

    /// Types into a field, in place of what it has.
    pub fn fill(&self, css: &str, text: &str) {
        let id = self.by_css(css);
        self.call("POST", &format!("/element/{id}/clear"), &json!({}));
        let path = format!("/element/{id}/value");
        self.call("POST", &path, &json!({"text": text}));
        self.be_quiet(css);
    }

    /// Chooses an entry of a picker.
    pub fn choose(&self, css: &str, value: &str) {
        self.by_css(css);
        let code = "const node = [...document.querySelectorAll(arguments[0])].at(-1);\
                    node.value = arguments[1];\
                    node.dispatchEvent(new Event('change', {bubbles: true}))";
        self.script(code, &[json!(css), json!(value)]);
        self.be_quiet(css);
    }

    /// Presses keys one after the other, wherever the focus is; the first may be held.
    pub fn press(&self, keys: &[&str]) {
        let down = |key: &&str| json!({"type": "keyDown", "value": key});
        let up = |key: &&str| json!({"type": "keyUp", "value": key});
        let actions: Vec<_> = match keys {
            [held, rest @ ..] if *held == keys::CONTROL => {
                let pressed = rest.iter().flat_map(|key| [down(key), up(key)]);
                let held = [down(held)].into_iter().chain(pressed).chain([up(held)]);
                held.collect()
            }
            keys => keys.iter().flat_map(|key| [down(key), up(key)]).collect(),
        };
        let keyboard = json!({"type": "key", "id": "keyboard", "actions": actions});
        self.call("POST", "/actions", &json!({"actions": [keyboard]}));
        self.be_quiet("a key");
    }

    /// Types a text wherever the focus is.
    pub fn type_text(&self, text: &str) {
        let keys: Vec<String> = text.chars().map(String::from).collect();
        let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
        self.press(&keys);
    }

    /// What can be read on the page, and in the fields that only show.
    pub fn text(&self) -> String {
        let code = "return document.body.innerText";
        self.script(code, &[])
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// Waits until a text can be read.
    pub fn see(&self, text: &str) {
        let is_seen = || self.text().contains(text).then_some(());
        if envoy::wait::until(PATIENCE, is_seen).is_none() {
            panic!("never read: {text}; instead:\n{}", self.text());
        }
    }

    /// Waits until a text cannot be read any more.
    pub fn see_no_more(&self, text: &str) {
        wait_for(&format!("{text} goes"), || !self.text().contains(text));
    }

    /// What is in the clipboard, by pasting it into a field of the test's own.
    pub fn paste(&self) -> String {
        let add = "document.body.append(Object.assign(document.createElement('textarea'), {id: 'pasted'}))";
        self.script(add, &[]);
        self.click_css("#pasted");
        self.press(&[keys::CONTROL, "a", "v"]);
        let take =
            "const node = document.querySelector('#pasted'); node.remove(); return node.value";
        self.script(take, &[]).as_str().unwrap().to_owned()
    }

    /// Forgets every cookie, as a session that has ended.
    pub fn forget_session(&self) {
        self.call("DELETE", "/cookie", &Value::Null);
    }

    /// A picture of what the window shows, as PNG in base64.
    pub fn screenshot(&self) -> String {
        let picture = self.call("GET", "/screenshot", &Value::Null);
        picture.as_str().unwrap().to_owned()
    }

    /// Makes the page's window as wide as a phone, narrower than the browser's own could be.
    pub fn be_phone(&self) {
        let metrics = json!({"width": 360, "height": 780, "deviceScaleFactor": 2, "mobile": true});
        self.devtools("Emulation.setDeviceMetricsOverride", metrics);
    }

    /// Makes the page's window so wide, in pixels.
    pub fn be_wide(&self, width: u32) {
        let metrics =
            json!({"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false});
        self.devtools("Emulation.setDeviceMetricsOverride", metrics);
    }

    /// Shows the page in few colours of the system's choice, as for readers who need that.
    pub fn force_colours(&self) {
        let features = json!({"features": [{"name": "forced-colors", "value": "active"}]});
        self.devtools("Emulation.setEmulatedMedia", features);
    }

    /// A command of Chromium's own protocol.
    fn devtools(&self, cmd: &str, params: Value) {
        let body = json!({"cmd": cmd, "params": params});
        self.call("POST", "/goog/cdp/execute", &body);
    }

    /// Puts so many milliseconds between the page and the sidecar: each call takes them.
    pub fn be_far(&self, latency_ms: u32) {
        let params = json!({
            "offline": false, "latency": latency_ms, "downloadThroughput": -1, "uploadThroughput": -1,
        });
        for (cmd, params) in [
            ("Network.enable", json!({})),
            ("Network.emulateNetworkConditions", params),
        ] {
            self.devtools(cmd, params);
        }
    }

    /// What the page's console has said since the last look, but for refusals of the API, which are
    /// part of the work, and advice.
    pub fn complaints(&self) -> Vec<String> {
        let entries = self.call("POST", "/se/log", &json!({"type": "browser"}));
        let entries = entries.as_array().cloned().unwrap_or_default();
        let counts = |entry: &Value| {
            let is_call = entry["source"] == "network"
                && entry["message"]
                    .as_str()
                    .is_some_and(|text| text.contains("/v1/"));
            let is_grave = matches!(entry["level"].as_str(), Some("SEVERE" | "WARNING"));
            is_grave && !is_call
        };
        let grave = entries.into_iter().filter(counts);
        grave
            .map(|entry| format!("{}: {}", entry["source"], entry["message"]))
            .collect()
    }

    /// Panics if the page has complained.
    pub fn assert_quiet(&self) {
        let complaints = self.complaints();
        assert!(complaints.is_empty(), "the page complains: {complaints:#?}");
    }
}

// === impl Browser ===

impl Drop for Browser {
    fn drop(&mut self) {
        // Whether it worked or not: the driver is ended next, and its files go.
        let _ = self.try_call("DELETE", "", &Value::Null);
        let _ = fs::remove_dir_all(&self.home);
    }
}

/// axe-core from npm; nothing, with a word, where it cannot be had.
pub fn axe() -> Option<String> {
    let axe = Packages::install("axe", &["axe-core@4.14.1"])?;
    fs::read_to_string(axe.path("node_modules/axe-core/axe.min.js")).ok()
}
