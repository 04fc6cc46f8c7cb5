//! The endpoints that a gateway serves, and what a good request to each holds beside its model.
//!
//! Does not say which gateway serves which. Invariant: a body here names no model, unless the
//! server reads it elsewhere than in the member `model`.

use serde_json::{Value, json};

/// Chat completions: what is tried at one endpoint is tried here.
pub(super) const CHAT: &str = "/v1/chat/completions";
/// Transcriptions: what is tried in a form is tried here.
pub(super) const SPEECH: &str = "/v1/audio/transcriptions";

/// An endpoint that reads JSON.
pub(super) struct Endpoint {
    pub(super) path: &'static str,
    body: fn() -> Value,
    /// Whether its path names the model.
    pub(super) by_path: bool,
}

/// Each with its own words for what it is asked.
pub(super) const ALL: [Endpoint; 22] = [
    by_member(CHAT, chat),
    by_member("/v1/completions", || json!({"prompt": "hi"})),
    by_member("/v1/embeddings", || json!({"input": "hi"})),
    by_member("/v1/moderations", || json!({"input": "hi"})),
    by_member("/v1/rerank", || json!({"query": "a", "documents": ["b"]})),
    by_member("/v2/rerank", || json!({"query": "a", "documents": ["b"]})),
    by_member("/v1/images/generations", || json!({"prompt": "hi"})),
    by_member(
        "/v1/audio/speech",
        || json!({"input": "hi", "voice": "alloy"}),
    ),
    by_member("/v1/videos", || json!({"prompt": "hi"})),
    by_member(
        "/v1/ocr",
        || json!({"document": {"type": "document_url", "document_url": "data:,x"}}),
    ),
    by_member(
        "/v1/messages",
        || json!({"messages": chat()["messages"], "max_tokens": 9}),
    ),
    by_member("/v1/messages/count_tokens", chat),
    by_member("/v1/responses", || json!({"input": "hi"})),
    by_member("/v1/responses/compact", || json!({"input": "hi"})),
    by_member(
        "/v1/fine_tuning/jobs",
        || json!({"training_file": "file-1"}),
    ),
    by_member("/v1beta/interactions", || json!({"input": "hi"})),
    by_path("/v1beta/models/{model}:generateContent", contents),
    by_path("/v1beta/models/{model}:streamGenerateContent", contents),
    by_path("/v1beta/models/{model}:countTokens", contents),
    by_path("/openai/deployments/{model}/chat/completions", chat),
    by_path(
        "/openai/deployments/{model}/completions",
        || json!({"prompt": "hi"}),
    ),
    by_path(
        "/openai/deployments/{model}/embeddings",
        || json!({"input": "hi"}),
    ),
];

const fn by_member(path: &'static str, body: fn() -> Value) -> Endpoint {
    Endpoint {
        path,
        body,
        by_path: false,
    }
}

const fn by_path(path: &'static str, body: fn() -> Value) -> Endpoint {
    Endpoint {
        path,
        body,
        by_path: true,
    }
}

fn chat() -> Value {
    json!({"messages": [{"role": "user", "content": "hi"}]})
}

fn contents() -> Value {
    json!({"contents": [{"role": "user", "parts": [{"text": "hi"}]}]})
}

// === impl Endpoint ===

impl Endpoint {
    /// The path of a call for a model.
    pub(super) fn path_for(&self, model: &str) -> String {
        self.path.replace("{model}", model)
    }

    /// A body that names no model.
    pub(super) fn body(&self) -> Value {
        (self.body)()
    }

    /// A body that names a model if the path does not.
    pub(super) fn body_for(&self, model: &str) -> Value {
        let mut body = self.body();
        if !self.by_path {
            body["model"] = json!(model);
        }
        body
    }
}

/// The body of a good request to a path; empty if no endpoint has it.
pub(super) fn body_of(path: &str, model: &str) -> Value {
    let find = |it: &&Endpoint| it.path_for(model) == path;
    ALL.iter()
        .find(find)
        .map_or_else(|| json!({"model": model}), |it| it.body_for(model))
}
