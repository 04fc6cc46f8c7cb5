//! Waiting until every Envoy has a change in force, and saying meanwhile who does not.
//!
//! Does not decide who counts: the sidecar names the laggards of a change. Invariant: success is told
//! only when the sidecar has said that all of them have it.

use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::args::WaitArgs;
use crate::client::{Call, Client};
use crate::error::CliError;
use crate::output::cell;
use crate::query::Target;
use crate::terminal::Progress;

/// How long the sidecar itself waits before laggards are named on the terminal.
const FIRST_S: u64 = 2;
/// How often they are asked about.
const PAUSE: Duration = Duration::from_millis(500);

impl WaitArgs {
    /// The parameters of a change: how long the sidecar holds its answer.
    pub(crate) fn on(self, target: Target) -> Target {
        match self.no_wait {
            true => target.with("wait", Some("none")),
            false => target
                .with("wait", Some("applied"))
                .with("timeout_s", Some(&self.wait_s.min(FIRST_S).to_string())),
        }
    }

    /// Waits for what is left of the time until the change of an answer is in force everywhere; the
    /// answer is brought up to date.
    pub(crate) fn finish(self, client: &Client, answer: &mut Value, region: Option<&str>) {
        if self.no_wait {
            return;
        }
        let Some(propagation) = answer.get_mut("propagation") else {
            return;
        };
        let until = Instant::now() + Duration::from_secs(self.wait_s.saturating_sub(FIRST_S));
        let mut progress = Progress::default();
        while !laggards(propagation).is_empty() && Instant::now() < until {
            progress.show(&format!("in force on {}", summary(propagation)));
            thread::sleep(PAUSE);
            let call = Call::get(Target::new("/v1/envoys"));
            // What cannot be asked is not known: those that were named stay named.
            let Ok(envoys) = client.call(&call) else {
                return;
            };
            update(propagation, &envoys.body, region);
        }
    }

    /// Whether all have it; for whoever did not want to wait, nobody is late.
    pub(crate) fn verdict(self, answer: &Value) -> Result<(), CliError> {
        let pending = answer.get("propagation").map(laggards).unwrap_or_default();
        match pending.is_empty() || self.no_wait {
            true => Ok(()),
            false => Err(CliError::Pending(format!(
                "stored, but not in force yet on {}: `latchkey envoy list` says how far they are; one \
                 that is gone for good: `latchkey envoy forget`",
                pending.join(", ")
            ))),
        }
    }
}

/// `2 of 3 Envoys; waiting for edge-7 (last seen ...)`.
pub(crate) fn summary(propagation: &Value) -> String {
    let [applied, envoys] = ["applied", "envoys"].map(|member| cell(propagation.get(member)));
    let named = laggards(propagation).join(", ");
    match named.is_empty() {
        true => format!("{applied} of {envoys} Envoys"),
        false => format!("{applied} of {envoys} Envoys; waiting for {named}"),
    }
}

/// The Envoys that do not have it, with when each was seen last.
fn laggards(propagation: &Value) -> Vec<String> {
    let pending = propagation.get("pending").and_then(Value::as_array);
    let name = |entry: &Value| {
        let [name, seen] = ["envoy", "last_seen"].map(|member| cell(entry.get(member)));
        format!("{name} (last seen {seen})")
    };
    pending.into_iter().flatten().map(name).collect()
}

/// Strikes those that have it now, or that cannot serve any more.
fn update(propagation: &mut Value, envoys: &Value, region: Option<&str>) {
    let generation = propagation
        .get("generation")
        .and_then(Value::as_u64)
        .unwrap_or(0);
    let is_behind = |entry: &Value| {
        let sightings = envoys
            .get("envoys")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        let mut same = sightings.filter(|envoy| {
            let is_here = region.is_none_or(|region| envoy.get("region") == Some(&region.into()));
            is_here && envoy.get("envoy") == entry.get("envoy")
        });
        same.any(|envoy| {
            let has = envoy.get("generation").and_then(Value::as_u64).unwrap_or(0);
            has < generation && envoy.get("lease_over") != Some(&json!(true))
        })
    };
    let Some(Value::Array(pending)) = propagation.get_mut("pending") else {
        return;
    };
    let before = pending.len();
    pending.retain(is_behind);
    let caught_up = before - pending.len();
    if let Some(applied) = propagation.get_mut("applied") {
        let count = applied.as_u64().unwrap_or(0);
        *applied = json!(count + u64::try_from(caught_up).unwrap_or(0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAIT: WaitArgs = WaitArgs {
        no_wait: false,
        wait_s: 60,
    };

    fn propagation() -> Value {
        json!({"generation": 8, "envoys": 3, "applied": 1, "pending": [
            {"envoy": "a", "last_seen": "10:00"}, {"envoy": "b", "last_seen": "10:01"}]})
    }

    fn envoy(name: &str, generation: u64, lease_over: bool) -> Value {
        json!({"envoy": name, "region": "local", "generation": generation, "lease_over": lease_over})
    }

    #[test]
    fn whoever_has_it_is_struck_and_the_others_stay_named() {
        let mut state = propagation();
        let envoys = json!({"envoys": [envoy("a", 8, false), envoy("b", 7, false)]});
        update(&mut state, &envoys, Some("local"));
        assert_eq!(
            summary(&state),
            "2 of 3 Envoys; waiting for b (last seen 10:01)"
        );
        let error = WAIT.verdict(&json!({"propagation": state})).unwrap_err();
        assert_eq!(error.exit_code(), 7);
        assert!(error.to_string().contains("b (last seen 10:01)"));
    }

    #[test]
    fn one_that_cannot_serve_any_more_is_not_waited_for() {
        let mut state = propagation();
        let envoys = json!({"envoys": [envoy("a", 7, true), envoy("b", 9, false)]});
        update(&mut state, &envoys, Some("local"));
        assert!(WAIT.verdict(&json!({"propagation": state})).is_ok());
    }

    #[test]
    fn another_region_does_not_count() {
        let mut state = propagation();
        let envoys = json!({"envoys": [envoy("a", 7, false), envoy("b", 9, false)]});
        update(&mut state, &envoys, Some("other"));
        assert!(laggards(&state).is_empty());
        let mut state = propagation();
        update(&mut state, &envoys, None);
        assert_eq!(laggards(&state).len(), 1);
    }
}
