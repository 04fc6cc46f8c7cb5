//! Calls of the sidecar's REST API: the one place that speaks HTTP.
//!
//! Does not know any call. Invariants: the token goes to the sidecar that was named, over TLS or on
//! this machine, and follows no redirect; what makes something goes out with an idempotency key, so
//! that it can be sent again.

mod tls;

use std::thread;
use std::time::Duration;

use serde_json::Value;
use ureq::Agent;
use ureq::http::{Method, Request, Uri, header};

use crate::error::{CliError, Refusal};
use crate::login::Login;
use crate::query::Target;
use crate::secret::Secret;

/// How long the sidecar may take to answer; it waits for Envoys two seconds at most.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How often a call that may be repeated is sent.
const ATTEMPTS: u32 = 3;
/// How long to pause before the second attempt.
const PAUSE: Duration = Duration::from_millis(300);
/// Longest answer, in bytes.
const ANSWER_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// The sidecar, and who calls.
#[derive(Debug)]
pub(crate) struct Client {
    agent: Agent,
    url: String,
    token: Secret,
}

/// One call.
#[derive(Debug)]
pub(crate) struct Call {
    method: Method,
    target: Target,
    body: Option<Value>,
    headers: Vec<(&'static str, String)>,
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) body: Value,
    /// The state that was read, for a change that wants it unchanged.
    pub(crate) etag: Option<String>,
}

impl Call {
    pub(crate) fn new(method: Method, target: Target) -> Self {
        Self {
            method,
            target,
            body: None,
            headers: Vec::new(),
        }
    }

    pub(crate) fn get(target: Target) -> Self {
        Self::new(Method::GET, target)
    }

    pub(crate) fn post(target: Target, body: Value) -> Self {
        Self::new(Method::POST, target).body(body)
    }

    /// A call that makes something, once however often it is sent.
    pub(crate) fn make(target: Target, body: Value, idempotency_key: Option<&str>) -> Self {
        let drawn = || format!("latchkey-{:032x}", rand::random::<u128>());
        let key = idempotency_key.map_or_else(drawn, str::to_owned);
        let mut call = Self::post(target, body);
        call.headers.push(("idempotency-key", key));
        call
    }

    pub(crate) fn patch(target: Target, body: Value) -> Self {
        Self::new(Method::PATCH, target).body(body)
    }

    pub(crate) fn delete(target: Target) -> Self {
        Self::new(Method::DELETE, target)
    }

    /// Only if it is still as it was read.
    pub(crate) fn if_match(mut self, etag: Option<String>) -> Self {
        self.headers.extend(etag.map(|etag| ("if-match", etag)));
        self
    }

    fn body(self, body: Value) -> Self {
        Self {
            body: Some(body),
            ..self
        }
    }

    /// Whether it can be sent again when nobody knows what became of it.
    fn is_repeatable(&self) -> bool {
        let is_once = |(name, _): &(&str, String)| *name == "idempotency-key";
        self.method == Method::GET || self.headers.iter().any(is_once)
    }
}

impl Client {
    /// For a login.
    pub(crate) fn new(login: Login) -> Result<Self, CliError> {
        let uri: Uri = login.url.parse().map_err(|_| {
            let advice = "write it as https://keys.example.com or http://127.0.0.1:9301";
            CliError::Usage(format!("--url {}: {advice}", keytable::redact(&login.url)))
        })?;
        let is_tls = check_way(&uri, &login)?;
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(TIMEOUT))
            .user_agent(concat!("latchkey/", env!("CARGO_PKG_VERSION")));
        let config = match is_tls {
            true => config.tls_config(tls::config(login.ca.as_deref())?),
            // What is meant for this machine, or is not encrypted, goes by no proxy.
            false => config.proxy(None),
        };
        Ok(Self {
            agent: config.build().new_agent(),
            url: login.url,
            token: login.token,
        })
    }

    /// Makes a call.
    pub(crate) fn call(&self, call: &Call) -> Result<Answer, CliError> {
        let mut attempt = 1;
        loop {
            let outcome = self.send(call);
            let may_pass = matches!(&outcome, Err(error) if error.exit_code() == 6);
            if !may_pass || attempt == ATTEMPTS || !call.is_repeatable() {
                return outcome;
            }
            thread::sleep(PAUSE * attempt);
            attempt += 1;
        }
    }

    /// Every page of a list, or at most `limit` entries: its member `member`.
    pub(crate) fn list(
        &self,
        target: impl Fn() -> Target,
        member: &str,
        limit: Option<usize>,
    ) -> Result<Vec<Value>, CliError> {
        let (mut found, mut cursor) = (Vec::new(), None);
        let limit = limit.unwrap_or(usize::MAX);
        loop {
            let missing = limit.saturating_sub(found.len()).min(200);
            let target = target()
                .with("limit", Some(&missing.to_string()))
                .with("cursor", cursor.as_deref());
            let mut page = self.call(&Call::get(target))?.body;
            if let Some(Value::Array(entries)) = page.get_mut(member).map(Value::take) {
                found.extend(entries);
            }
            cursor = page
                .get("next_cursor")
                .and_then(Value::as_str)
                .map(str::to_owned);
            if cursor.is_none() || found.len() >= limit {
                return Ok(found);
            }
        }
    }

    fn send(&self, call: &Call) -> Result<Answer, CliError> {
        let url = format!("{}{}", self.url, call.target.text()?);
        let mut request = Request::builder()
            .method(call.method.clone())
            .uri(url)
            .header(
                header::AUTHORIZATION,
                format!("Bearer {}", self.token.expose()),
            );
        for (name, value) in &call.headers {
            request = request.header(*name, value);
        }
        let answer = match &call.body {
            Some(body) => {
                let request = request.header(header::CONTENT_TYPE, "application/json");
                let request = request.body(body.to_string()).map_err(malformed)?;
                self.agent.run(request)
            }
            None => self.agent.run(request.body(()).map_err(malformed)?),
        };
        self.read(answer.map_err(|error| self.unreachable(&error))?)
    }

    fn read(&self, mut answer: ureq::http::Response<ureq::Body>) -> Result<Answer, CliError> {
        let status = answer.status();
        let etag = answer.headers().get(header::ETAG);
        let etag = etag.and_then(|etag| Some(etag.to_str().ok()?.to_owned()));
        let body = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX);
        let text = body
            .read_to_string()
            .map_err(|error| self.unreachable(&error))?;
        let body = match text.is_empty() {
            true => Value::Null,
            false => serde_json::from_str(&text).unwrap_or_default(),
        };
        if status.is_success() && (text.is_empty() || !body.is_null()) {
            return Ok(Answer { body, etag });
        }
        Err(match Refusal::of(&body) {
            Some(refusal) => CliError::Refused(Box::new(refusal)),
            None => self.foreign(&format!("it answers {status}, and not as a sidecar does")),
        })
    }

    fn unreachable(&self, error: &ureq::Error) -> CliError {
        let advice = match error {
            ureq::Error::Rustls(_) | ureq::Error::Tls(_) => {
                " (--ca FILE names the certificates to trust)"
            }
            ureq::Error::Io(io) if io.to_string().contains("certificate") => {
                " (--ca FILE names the certificates to trust)"
            }
            _ => "",
        };
        self.foreign(&format!("{error}{advice}"))
    }

    fn foreign(&self, why: &str) -> CliError {
        CliError::Unreachable {
            url: self.url.clone(),
            why: why.to_owned(),
        }
    }
}

/// Whether it is TLS; refuses a way on which others could read the token.
fn check_way(uri: &Uri, login: &Login) -> Result<bool, CliError> {
    let host = uri.host().unwrap_or_default();
    let name = host.trim_start_matches('[').trim_end_matches(']');
    let address: Option<std::net::IpAddr> = name.parse().ok();
    let is_here = name == "localhost" || address.is_some_and(|address| address.is_loopback());
    match uri.scheme_str() {
        Some("https") => Ok(true),
        Some("http") if is_here || login.allow_http => Ok(false),
        Some("http") => Err(CliError::Usage(format!(
            "http://{host} would carry the token readable over the network: use https (with --ca FILE \
             for a certificate of your own), or say --allow-http where something else encrypts the way"
        ))),
        _ => Err(CliError::Usage(format!(
            "--url {}: it must begin with https:// or http://",
            keytable::redact(&login.url)
        ))),
    }
}

fn malformed(error: ureq::http::Error) -> CliError {
    CliError::Usage(format!("this cannot be sent: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(url: &str, allow_http: bool) -> Result<Client, CliError> {
        Client::new(Login {
            url: url.into(),
            token: Secret::new("lkt-x".into()),
            ca: None,
            allow_http,
            account: None,
        })
    }

    #[test]
    fn the_token_goes_in_the_clear_to_this_machine_only() {
        for url in [
            "http://127.0.0.1:9301",
            "http://localhost:1",
            "http://[::1]:1",
        ] {
            assert!(client(url, false).is_ok(), "{url}");
        }
        for url in [
            "http://10.0.0.1:9301",
            "http://localhost.example.com",
            "ftp://localhost",
            "x",
        ] {
            assert_eq!(client(url, false).unwrap_err().exit_code(), 2, "{url}");
        }
        assert!(client("http://10.0.0.1:9301", true).is_ok());
    }

    #[test]
    fn what_makes_something_can_be_sent_again_and_a_change_cannot() {
        let target = || Target::new("/v1/keys");
        assert!(Call::make(target(), Value::Null, None).is_repeatable());
        assert!(Call::get(target()).is_repeatable());
        assert!(!Call::patch(target(), Value::Null).is_repeatable());
        assert!(!Call::delete(target()).is_repeatable());
    }

    #[test]
    fn each_call_that_makes_something_has_a_key_of_its_own() {
        let key = |given| {
            Call::make(Target::new("/"), Value::Null, given).headers[0]
                .1
                .clone()
        };
        assert_ne!(key(None), key(None));
        assert_eq!(key(Some("mine")), "mine");
    }
}
