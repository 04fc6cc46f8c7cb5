//! What the demo tells a person: where to look and which lines to try.
//!
//! Invariant: every line that is shown with a key works as it stands.

use serde_json::json;

use super::samples::{REQUESTS_A_DAY, Samples};
use crate::error::StackError;
use crate::stack::Stack;

/// What the kinds of secrets are for, by how they begin.
const SECRETS: &str = "
What each secret is for:
  sk-...   an API key: clients show it to Envoy when they call a model
  lkt-...  a token: scripts show it to the sidecar's REST API and manage keys
  lku-...  a setup secret: a person sets a password with it in the console, once
";

/// The text for the terminal.
pub(super) fn text(stack: &Stack, samples: &Samples) -> Result<String, StackError> {
    let secret = stack.setup_secret().filter(|_| !samples.has_password);
    let (page, log_in) = console(&stack.console_url(), secret);
    let mut text = format!(
        "\nLatchkey is running.\n\n  console         {page}\n                  {log_in}\n  \
         operator token  {}\n  Envoy           {}\n  Envoy's admin   {}\n  logs and data   {}\n",
        stack.operator_token()?,
        stack.envoy_url(),
        stack.envoy_admin_url(),
        stack.run_dir().display(),
    );
    text.push_str(SECRETS);
    text.push_str(&tries(&stack.envoy_url(), samples));
    text.push_str("\nCtrl-C stops everything.");
    Ok(text)
}

/// The page to open, and how a person gets in there.
fn console(url: &str, setup_secret: Option<String>) -> (String, String) {
    match setup_secret {
        Some(secret) => (
            format!("{url}/#/setup"),
            format!("set the password of the user operator with the setup secret {secret}"),
        ),
        None => (
            format!("{url}/"),
            "log in as operator, with the password that you have set".to_owned(),
        ),
    }
}

/// Lines to try; without key values when none is known.
fn tries(envoy: &str, samples: &Samples) -> String {
    let (inside, outside) = (samples.model_in_scope(), samples.model_out_of_scope());
    let counted = format!(
        "a key with a limit: 200 {REQUESTS_A_DAY} times a day, then 429 insufficient_quota"
    );
    let tries = [
        (&samples.all, inside, "a key for everything: 200"),
        (&samples.limited, inside, "a key for some models: 200"),
        (
            &samples.limited,
            outside,
            "the same key, a model out of its scope: 403 model_not_found",
        ),
        (
            &samples.by_address,
            inside,
            "a key with the IP list 10.0.0.0/8, used from here: 403 ip_not_allowed",
        ),
        (&samples.by_count, inside, &counted),
    ];
    let with_key = tries.into_iter().filter_map(|(key, model, what)| {
        let line = curl(envoy, key.as_deref()?, model?);
        Some(format!("\n# {what}\n{line}\n"))
    });
    let shown: String = with_key.collect();
    let without_key = format!("\n# no key: 401 invalid_api_key\ncurl {envoy}/v1/models\n");
    match shown.is_empty() {
        false => shown + &without_key,
        true => {
            "\nNo sample key is known here; make keys in the console.\n".to_owned() + &without_key
        }
    }
}

fn curl(envoy: &str, key: &str, model: &str) -> String {
    let body = json!({"model": model, "messages": [{"role": "user", "content": "Hello"}]});
    format!(
        "curl {envoy}/v1/chat/completions -H 'Authorization: Bearer {key}' \\\n  \
         -H 'Content-Type: application/json' \\\n  -d '{body}'"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples() -> Samples {
        Samples {
            all: Some("sk-all".to_owned()),
            limited: Some("sk-limited".to_owned()),
            by_count: Some("sk-counted".to_owned()),
            models: vec!["glm-5.1".to_owned(), "kimi-k2.6".to_owned()],
            ..Samples::default()
        }
    }

    #[test]
    fn known_keys_are_shown_in_lines_to_try() {
        let text = tries("http://127.0.0.1:1", &samples());
        assert!(text.contains("Authorization: Bearer sk-all"), "{text}");
        assert!(text.contains(r#""model":"glm-5.1""#), "{text}");
        assert!(text.contains(r#""model":"kimi-k2.6""#), "{text}");
        assert!(text.contains("200 3 times a day"), "{text}");
        assert_eq!(text.matches("curl ").count(), 5);
    }

    #[test]
    fn a_line_that_needs_a_model_is_not_shown_without_one() {
        let one_model = Samples {
            models: vec!["only".to_owned()],
            ..samples()
        };
        let text = tries("http://127.0.0.1:1", &one_model);
        assert!(!text.contains("out of its scope"), "{text}");
        let text = tries("http://127.0.0.1:1", &Samples::default());
        assert_eq!(text.matches("curl ").count(), 1);
    }

    #[test]
    fn the_setup_page_is_shown_until_a_password_is_set() {
        let (page, log_in) = console("http://127.0.0.1:9301", Some("lku-1".to_owned()));
        assert_eq!(page, "http://127.0.0.1:9301/#/setup");
        assert!(log_in.contains("operator") && log_in.contains("lku-1"));
        let (page, log_in) = console("http://127.0.0.1:9301", None);
        assert!(page.ends_with("9301/") && log_in.contains("as operator"));
    }
}
