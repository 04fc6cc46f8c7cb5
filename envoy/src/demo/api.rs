//! The sidecar's REST API, as the operator.
//!
//! It knows no sample. Invariant: an error names the call that failed.

use std::time::Duration;

use serde_json::Value;

use crate::error::StackError;
use crate::stack::Stack;

/// Longest time for one call.
const CALL_LIMIT: Duration = Duration::from_secs(10);

/// The API of one stack.
pub(super) struct Api {
    agent: ureq::Agent,
    url: String,
    authorization: String,
}

// === impl Api ===

impl Api {
    pub(super) fn of(stack: &Stack) -> Result<Self, StackError> {
        Ok(Self {
            agent: agent(),
            url: stack.console_url(),
            authorization: format!("Bearer {}", stack.operator_token()?),
        })
    }

    pub(super) fn get(&self, path: &str) -> Result<Value, StackError> {
        let request = self.agent.get(format!("{}{path}", self.url));
        let answer = request.header("authorization", &self.authorization).call();
        answer
            .and_then(|mut answer| answer.body_mut().read_json())
            .map_err(failed("get", path))
    }

    pub(super) fn post(&self, path: &str, body: &Value) -> Result<Value, StackError> {
        let request = self.agent.post(format!("{}{path}", self.url));
        let request = request.header("authorization", &self.authorization);
        request
            .send_json(body)
            .and_then(|mut answer| answer.body_mut().read_json())
            .map_err(failed("post to", path))
    }
}

/// A client that goes through no proxy.
pub(super) fn agent() -> ureq::Agent {
    let config = ureq::Agent::config_builder()
        .timeout_global(Some(CALL_LIMIT))
        .proxy(None);
    config.build().new_agent()
}

/// For `map_err`: names the call.
pub(super) fn failed(attempt: &'static str, what: &str) -> impl FnOnce(ureq::Error) -> StackError {
    move |error| StackError::io(attempt, what)(error.into_io())
}
