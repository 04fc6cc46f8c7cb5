//! Sample clients that call at human speed, so that usage, recommendations, fleet and dashboards have
//! something to show.
//!
//! It judges no answer: refusals are part of the picture. Invariant: it ends with the demo.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

use serde_json::json;

use super::api::agent;
use super::samples::Samples;
use crate::command::say;

/// The running clients. Dropping it ends them.
#[derive(Debug)]
pub(super) struct Traffic {
    _running: Vec<Sender<()>>,
}

/// A client, and what it calls one after the other.
struct Client {
    key: Option<String>,
    models: Vec<String>,
    pause: Duration,
}

// === impl Traffic ===

impl Traffic {
    /// Starts the clients that the sample keys allow.
    pub(super) fn start(envoy_url: &str, samples: &Samples) -> Self {
        let clients = clients(samples);
        if samples.all.is_none() || samples.models.is_empty() {
            say("no traffic: there is no sample key or no model here, name another --data");
        }
        let start = |client: Client| {
            let (running, stop) = mpsc::channel();
            let url = format!("{envoy_url}/v1/chat/completions");
            thread::spawn(move || {
                let agent = agent();
                for model in client.models.iter().cycle() {
                    if stop.recv_timeout(client.pause) != Err(RecvTimeoutError::Timeout) {
                        return;
                    }
                    client.call(&agent, &url, model);
                }
            });
            running
        };
        Self {
            _running: clients.into_iter().map(start).collect(),
        }
    }
}

// === impl Client ===

impl Client {
    fn call(&self, agent: &ureq::Agent, url: &str, model: &str) {
        let mut request = agent.post(url);
        if let Some(key) = &self.key {
            request = request.header("authorization", format!("Bearer {key}"));
        }
        let body = json!({"model": model, "messages": [{"role": "user", "content": "Hello"}]});
        // Whatever comes back is in the usage.
        let _ = request.send_json(body);
    }
}

/// A chat that tries every model, an agent that now and then asks for too much, an office key away
/// from the office, one that uses its limit up, and somebody without a key.
fn clients(samples: &Samples) -> Vec<Client> {
    let (Some(all), false) = (&samples.all, samples.models.is_empty()) else {
        return Vec::new();
    };
    let client = |key: Option<&String>, models: Vec<String>, pause_ms| Client {
        key: key.cloned(),
        models,
        pause: Duration::from_millis(pause_ms),
    };
    let mut clients = vec![client(Some(all), samples.models.clone(), 1_300)];
    if let (Some(limited), Some(model)) = (&samples.limited, samples.model_in_scope()) {
        let mut models = vec![model.to_owned(); 5];
        models.extend(samples.model_out_of_scope().map(str::to_owned));
        clients.push(client(Some(limited), models, 2_100));
    }
    let any = || samples.models.iter().take(1).cloned().collect();
    if let Some(office) = &samples.by_address {
        clients.push(client(Some(office), any(), 11_000));
    }
    if let Some(counted) = &samples.by_count {
        clients.push(client(Some(counted), any(), 23_000));
    }
    clients.push(client(None, any(), 17_000));
    clients
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_clients_for_the_keys_that_there_are() {
        assert!(clients(&Samples::default()).is_empty());
        let samples = Samples {
            all: Some("sk-all".to_owned()),
            limited: Some("sk-limited".to_owned()),
            models: vec!["glm-5.1".to_owned(), "kimi-k2.6".to_owned()],
            ..Samples::default()
        };
        let clients = clients(&samples);
        let keys: Vec<_> = clients.iter().map(|client| client.key.as_deref()).collect();
        assert_eq!(keys, [Some("sk-all"), Some("sk-limited"), None]);
        let asked: Vec<&String> = clients.iter().flat_map(|client| &client.models).collect();
        assert!(asked.contains(&&"kimi-k2.6".to_owned()), "{asked:?}");
    }
}
