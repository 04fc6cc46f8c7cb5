//! A person at the console: a stack, a browser, and the operator who has logged in.
//!
//! Invariant: nothing here calls the API in the page's place, except where it says so.

use std::fs;

use envoy::{Stack, StackOptions};
use serde_json::{Value, json};

use crate::Admin;
use crate::browser::{Browser, Look, keys};

/// What the operator logs in with.
pub const PASSWORD: &str = "correct horse battery staple";

/// Every view of an operator.
pub const VIEWS: [&str; 11] = [
    "keys", "usage", "advice", "audit", "catalog", "fleet", "accounts", "regions", "limits",
    "people", "profile",
];

/// A stack and a browser that shows its console.
#[derive(Debug)]
pub struct Console {
    /// Everything but the browser.
    pub stack: Stack,
    /// The window.
    pub browser: Browser,
    /// The REST API, for what a test needs to be there already.
    pub admin: Admin,
}

impl Console {
    /// Sidecar and Envoy; the operator has set a password and is logged in.
    pub fn start() -> Option<Self> {
        Self::with(StackOptions::default(), Look::default(), true)
    }

    /// The sidecar alone.
    pub fn without_envoy() -> Option<Self> {
        Self::with(StackOptions::default(), Look::default(), false)
    }

    /// The same with options.
    pub fn with(options: StackOptions, look: Look, has_envoy: bool) -> Option<Self> {
        let console = Self::at_the_door(options, look, has_envoy)?;
        console.set_password();
        Some(console)
    }

    /// Nobody has logged in yet. Nothing, with a word, where there is no browser to be had.
    pub fn at_the_door(options: StackOptions, look: Look, has_envoy: bool) -> Option<Self> {
        let stack = match has_envoy {
            true => Stack::start(options),
            false => Stack::prepare(options).and_then(|mut stack| {
                stack.start_sidecar()?;
                Ok(stack)
            }),
        };
        let mut stack = stack.unwrap_or_else(|error| panic!("{error}"));
        let admin = Admin::of(&stack);
        let browser = Browser::start(look)?;
        browser.open(&stack.console_url());
        stack.sidecar().unwrap();
        Some(Self {
            stack,
            browser,
            admin,
        })
    }

    /// The secret that the first start has printed.
    pub fn setup_secret(&self) -> String {
        let file = self.stack.run_dir().join("setup-secret");
        fs::read_to_string(file).unwrap().trim().to_owned()
    }

    fn set_password(&self) {
        let browser = &self.browser;
        browser.click("I have a setup secret");
        browser.fill("[name=setup_secret]", &self.setup_secret());
        browser.fill("[name=new-password]", PASSWORD);
        browser.click("Set your password");
        browser.see("Log out");
    }

    /// Logs in.
    pub fn log_in(&self, user: &str, password: &str) {
        self.browser.fill("[name=user]", user);
        self.browser.fill("[name=password]", password);
        self.browser.click("Log in");
    }

    /// Goes to a view and waits until it has its content.
    pub fn go(&self, view: &str) {
        let code = "document.querySelector('#main > *')?.setAttribute('data-left', '');\
                    const isThere = location.hash === arguments[0];\
                    location.hash = arguments[0];\
                    return isThere";
        if self.browser.script(code, &[json!(format!("#/{view}"))]) == true {
            self.browser.reload();
        }
        self.settle();
    }

    /// Presses Tab until the focus is on something of this name.
    pub fn tab_to(&self, name: &str) {
        let code = "const node = document.activeElement;\
                    const names = [node.ariaLabel, node.textContent, node.labels?.[0]?.textContent];\
                    return names.some((text) => text?.trim().startsWith(arguments[0])) && node !== document.body";
        for _ in 0..80 {
            self.browser.press(&[keys::TAB]);
            if self.browser.script(code, &[json!(name)]) == true {
                return;
            }
        }
        panic!("Tab does not reach {name}");
    }

    /// What the sidecar has logged.
    pub fn sidecar_log(&self) -> String {
        fs::read_to_string(self.stack.sidecar_log()).unwrap()
    }

    /// Waits until nothing is on its way.
    pub fn settle(&self) {
        crate::wait_for("the view has its content", || {
            let code = "return document.querySelector('#main h1') !== null && \
                        document.querySelector('.skeleton, [aria-busy=true], [data-left]') === null";
            self.browser.script(code, &[]) == true
        });
    }

    /// A model or service in the catalog, made by the API.
    pub fn list_models(&self, names: &[&str]) {
        let data: Vec<_> = names.iter().map(|name| json!({"id": name})).collect();
        let body = json!({"data": data});
        let (status, answer) = self
            .admin
            .call("POST", "/v1/catalog/local/import", Some(&body));
        assert_eq!(status, 200, "{answer}");
    }

    /// The one key of this name, by the API.
    pub fn key(&self, name: &str) -> Value {
        let path = "/v1/keys?account=demo&region=local&limit=200";
        let (_, list) = self.admin.call("GET", path, None);
        let keys = list["keys"].as_array().unwrap();
        let mut named = keys.iter().filter(|key| key["name"] == name);
        let key = named.next().unwrap_or_else(|| panic!("no key {name}"));
        key.clone()
    }
}
