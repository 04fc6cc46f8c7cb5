//! The sample keys of the demo, made by the same REST API that everybody uses.
//!
//! Invariant: they are made in an account without keys only, so a second run of the demo adds none.

use std::fmt;
use std::time::Duration;

use serde_json::{Value, json};

use crate::error::StackError;
use crate::stack::Stack;

/// Longest time for one call of the sidecar.
const CALL_LIMIT: Duration = Duration::from_secs(10);

/// The values of the sample keys that this run has made; nothing shows them again.
#[derive(Default)]
pub(super) struct Samples {
    /// May call everything.
    pub(super) all: Option<String>,
    /// May call some models.
    pub(super) limited: Option<String>,
    /// May be used from 10.0.0.0/8.
    pub(super) by_address: Option<String>,
    /// Whether the user `operator` has set a password.
    pub(super) has_password: bool,
}

// === impl Samples ===

impl fmt::Debug for Samples {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Samples(..)")
    }
}

/// Makes the sample keys, if the account has no keys yet.
pub(super) fn make_once(stack: &Stack) -> Result<Samples, StackError> {
    let api = Api::of(stack)?;
    let account = stack.account();
    let has_password = api.operator_has_password()?;
    let keys = api.get(&format!("/v1/keys?account={account}&limit=1"))?;
    if keys
        .get("keys")
        .and_then(Value::as_array)
        .is_none_or(|keys| !keys.is_empty())
    {
        return Ok(Samples {
            has_password,
            ..Samples::default()
        });
    }
    let (all, limited, by_address) = (json!({}), limited(), by_address());
    Ok(Samples {
        all: api.make(stack, "Sample: everything", all)?,
        limited: api.make(stack, "Sample: two kinds of models", limited)?,
        by_address: api.make(stack, "Sample: office addresses", by_address)?,
        has_password,
    })
}

fn limited() -> Value {
    json!({"scope": {"models": ["glm-5.1", "deepseek-*"]}})
}

fn by_address() -> Value {
    json!({"ip_allowlist": ["10.0.0.0/8"]})
}

/// The sidecar's REST API, as the operator.
struct Api {
    agent: ureq::Agent,
    url: String,
    authorization: String,
}

// === impl Api ===

impl Api {
    fn of(stack: &Stack) -> Result<Self, StackError> {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(CALL_LIMIT))
            .proxy(None);
        Ok(Self {
            agent: config.build().new_agent(),
            url: stack.console_url(),
            authorization: format!("Bearer {}", stack.operator_token()?),
        })
    }

    fn get(&self, path: &str) -> Result<Value, StackError> {
        let request = self.agent.get(format!("{}{path}", self.url));
        let answer = request.header("authorization", &self.authorization).call();
        answer
            .and_then(|mut answer| answer.body_mut().read_json())
            .map_err(failed("list", path))
    }

    fn operator_has_password(&self) -> Result<bool, StackError> {
        let users = self.get("/v1/users")?;
        let users = users.get("users").and_then(Value::as_array);
        let mut operators = users
            .into_iter()
            .flatten()
            .filter(|user| user.get("name").and_then(Value::as_str) == Some("operator"));
        let has_password = |user: &Value| user.get("password_set").and_then(Value::as_bool);
        Ok(operators.any(|user| has_password(user) == Some(true)))
    }

    /// Makes a key with these fields beside its name; its value.
    fn make(&self, stack: &Stack, name: &str, fields: Value) -> Result<Option<String>, StackError> {
        let mut key = json!({"account": stack.account(), "region": stack.region(), "name": name});
        if let (Some(key), Value::Object(fields)) = (key.as_object_mut(), fields) {
            key.extend(fields);
        }
        let request = self
            .agent
            .post(format!("{}/v1/keys?allow_unlisted=true", self.url));
        let answer = request
            .header("authorization", &self.authorization)
            .send_json(&key);
        let made: Value = answer
            .and_then(|mut answer| answer.body_mut().read_json())
            .map_err(failed("make the key", name))?;
        Ok(made.get("key").and_then(Value::as_str).map(str::to_owned))
    }
}

/// For `map_err`: names the call.
fn failed(attempt: &'static str, what: &str) -> impl FnOnce(ureq::Error) -> StackError {
    move |error| StackError::io(attempt, what)(error.into_io())
}
