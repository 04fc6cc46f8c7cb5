//! A client of the cloud API that signs as Tencent's do, and lets a test depart from it.

use std::cell::RefCell;
use std::collections::HashSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base16ct::lower::encode_string;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Answer, Sidecar, call};

/// Somebody with an access key.
pub(crate) struct Client {
    admin: String,
    pub(crate) path: String,
    pub(crate) region: String,
    pub(crate) secret_id: String,
    secret_key: String,
    /// What was sent, and in which second.
    sent: RefCell<HashSet<(u64, String)>>,
}

impl Client {
    /// With an access key of `demo` that an operator's token has made.
    pub(crate) fn new(sidecar: &Sidecar) -> Self {
        Self::with(sidecar, &json!({"account": "demo", "name": "sdk"}))
    }

    /// With an access key of which more is said.
    pub(crate) fn with(sidecar: &Sidecar, body: &Value) -> Self {
        let answer = sidecar.post("/v1/access-keys", body);
        assert_eq!(answer.status, 201, "{}", answer.text);
        Self::of(sidecar, &answer.json())
    }

    /// With an access key that was made.
    pub(crate) fn of(sidecar: &Sidecar, made: &Value) -> Self {
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        Self {
            admin: sidecar.admin().into(),
            path: "/".into(),
            region: "local".into(),
            secret_id: text("secret_id"),
            secret_key: text("secret_key"),
            sent: RefCell::default(),
        }
    }

    /// The headers of a request with this body that is signed now.
    pub(crate) fn sign(&self, action: &str, body: &str) -> Vec<(String, String)> {
        let host = self.admin.trim_start_matches("http://");
        let timestamp = now_s();
        let date = jiff::Timestamp::from_second(timestamp.try_into().unwrap()).unwrap();
        let date = date.to_string()[..10].to_owned();
        let canonical = format!(
            "POST\n/\n\ncontent-type:application/json\nhost:{host}\n\ncontent-type;host\n{}",
            encode_string(&Sha256::digest(body))
        );
        let text = format!(
            "TC3-HMAC-SHA256\n{timestamp}\n{date}/tokenhub/tc3_request\n{}",
            encode_string(&Sha256::digest(canonical))
        );
        let first = format!("TC3{}", self.secret_key);
        let parts = [date.as_str(), "tokenhub", "tc3_request", text.as_str()];
        let signature = parts
            .iter()
            .fold(first.into_bytes(), |key, part| hmac(&key, part));
        let authorization = format!(
            "TC3-HMAC-SHA256 Credential={}/{date}/tokenhub/tc3_request, \
             SignedHeaders=content-type;host, Signature={}",
            self.secret_id,
            encode_string(&signature)
        );
        let headers = [
            ("authorization", authorization),
            ("content-type", "application/json".into()),
            ("x-tc-action", action.into()),
            ("x-tc-version", "2026-03-22".into()),
            ("x-tc-region", self.region.clone()),
            ("x-tc-timestamp", timestamp.to_string()),
        ];
        headers.map(|(name, value)| (name.to_owned(), value)).into()
    }

    /// Sends a request as it is.
    pub(crate) fn send(&self, headers: &[(String, String)], body: &str) -> Answer {
        let headers: Vec<_> = headers
            .iter()
            .map(|(n, v)| (n.as_str(), v.as_str()))
            .collect();
        let url = format!("{}{}", self.admin, self.path);
        call(&url, "POST", &headers, Some(body))
    }

    /// Waits while an equal call would be of the same second: it would be a replay.
    fn wait_for_a_signature_of_its_own(&self, action: &str, body: &str) {
        let call = format!("{action} {body}");
        while !self.sent.borrow_mut().insert((now_s(), call.clone())) {
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// A call; gives `Response`. Every answer is HTTP 200 and has the request's id.
    pub(crate) fn call(&self, action: &str, params: &Value) -> Value {
        let body = params.to_string();
        self.wait_for_a_signature_of_its_own(action, &body);
        response(&self.send(&self.sign(action, &body), &body))
    }

    /// A call that is refused; gives the code.
    pub(crate) fn refused(&self, action: &str, params: &Value) -> String {
        let response = self.call(action, params);
        let code = response["Error"]["Code"].as_str();
        code.unwrap_or_else(|| panic!("{action} was not refused: {response}"))
            .to_owned()
    }

    /// A call that is carried out.
    pub(crate) fn succeed(&self, action: &str, params: &Value) -> Value {
        let response = self.call(action, params);
        assert!(response.get("Error").is_none(), "{action}: {response}");
        response
    }

    /// Makes a key; gives its id.
    pub(crate) fn create(&self, name: &str) -> String {
        let params = json!({"ApiKeyName": name, "Platform": "maas", "BindType": "all"});
        let made = self.succeed("CreateApiKey", &params);
        made["ApiKeyId"].as_str().unwrap().to_owned()
    }
}

fn now_s() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

/// `Response` of an answer.
pub(crate) fn response(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.text);
    assert_eq!(answer.header("content-type"), "application/json");
    let response = answer.json()["Response"].clone();
    assert_eq!(response["RequestId"], answer.header("x-request-id"));
    assert_ne!(response["RequestId"], "");
    response
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}
