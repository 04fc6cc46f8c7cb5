//! Somebody at a browser: a cookie, the origin of our own page, and JSON bodies.

use serde_json::{Value, json};

use super::{Answer, Sidecar, call};

pub(crate) const PASSWORD: &str = "correct horse battery";

/// Somebody who has logged in, or is about to.
pub(crate) struct Person<'a> {
    sidecar: &'a Sidecar,
    pub(crate) user: String,
    pub(crate) password: String,
    pub(crate) cookie: Option<String>,
}

impl<'a> Person<'a> {
    /// The operator of a first start, with a password and a session.
    pub(crate) fn operator(sidecar: &'a Sidecar) -> Self {
        Self::set_up(sidecar, sidecar.setup_secret())
    }

    /// Whoever a setup secret is for, with a password and a session.
    pub(crate) fn set_up(sidecar: &'a Sidecar, setup_secret: &str) -> Self {
        let body = json!({"setup_secret": setup_secret, "password": PASSWORD});
        let url = format!("{}/v1/setup", sidecar.admin());
        let answer = call(&url, "POST", &[], Some(&body.to_string()));
        assert_eq!(answer.status, 200, "{}", answer.text);
        let user = answer.json()["user"].as_str().unwrap().to_owned();
        let mut person = Self::unknown(sidecar, &user, PASSWORD);
        let answer = person.log_in();
        assert_eq!(answer.status, 200, "{}", answer.text);
        person
    }

    /// A new user of an account, with a password and a session.
    pub(crate) fn of(sidecar: &'a Sidecar, account: Option<&str>, name: &str, role: &str) -> Self {
        let mut body = json!({"name": name, "role": role});
        if let Some(account) = account {
            body["account"] = account.into();
        }
        let answer = sidecar.post("/v1/users", &body);
        assert_eq!(answer.status, 201, "{}", answer.text);
        Self::set_up(sidecar, answer.json()["setup_secret"].as_str().unwrap())
    }

    pub(crate) fn unknown(sidecar: &'a Sidecar, user: &str, password: &str) -> Self {
        Self {
            sidecar,
            user: user.into(),
            password: password.into(),
            cookie: None,
        }
    }

    /// Logs in, with whatever cookie there is; takes the one of the answer over.
    pub(crate) fn log_in(&mut self) -> Answer {
        let body = json!({"user": self.user, "password": self.password});
        self.log_in_with(&body)
    }

    pub(crate) fn log_in_with(&mut self, body: &Value) -> Answer {
        let answer = self.call("POST", "/v1/session", Some(body));
        if answer.status == 200 {
            let cookie = answer.header("set-cookie").split(';').next().unwrap();
            self.cookie = Some(cookie.to_owned());
        }
        answer
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.call("GET", path, None)
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.call("POST", path, Some(body))
    }

    pub(crate) fn call(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let mut headers = vec![
            ("origin", self.sidecar.admin()),
            ("sec-fetch-site", "same-origin"),
        ];
        if body.is_some() {
            headers.push(("content-type", "application/json"));
        }
        self.call_with(method, path, &headers, body)
    }

    /// A call with these headers and the cookie.
    pub(crate) fn call_with(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Answer {
        let mut headers = headers.to_vec();
        if let Some(cookie) = &self.cookie {
            headers.push(("cookie", cookie));
        }
        let url = format!("{}{path}", self.sidecar.admin());
        call(
            &url,
            method,
            &headers,
            body.map(Value::to_string).as_deref(),
        )
    }

    /// Proves who it is again.
    pub(crate) fn verify(&self) {
        let answer = self.post("/v1/verifications", &json!({"password": self.password}));
        assert_eq!(answer.status, 201, "{}", answer.text);
    }
}
