//! What the demo tells a person: where to look and which lines to try.
//!
//! Invariant: every line that is shown with a key works as it stands.

use serde_json::json;

use crate::error::StackError;
use crate::stack::Stack;

use super::samples::Samples;

/// The text for the terminal.
pub(super) fn text(stack: &Stack, samples: &Samples) -> Result<String, StackError> {
    let mut text = format!(
        "\nLatchkey is running.\n\n  console         {}\n  log in          {}\n  \
         operator token  {}\n  Envoy           {}\n  Envoy's admin   {}\n  logs and data   {}\n",
        stack.console_url(),
        log_in(stack.setup_secret().filter(|_| !samples.has_password)),
        stack.operator_token()?,
        stack.envoy_url(),
        stack.envoy_admin_url(),
        stack.run_dir().display(),
    );
    text.push_str(&tries(&stack.envoy_url(), samples));
    text.push_str("\nCtrl-C stops everything.");
    Ok(text)
}

/// How a person logs in to the console.
fn log_in(setup_secret: Option<String>) -> String {
    match setup_secret {
        Some(secret) => format!("choose \"I have a setup secret\" and enter {secret}"),
        None => "as operator, with the password that you have set".to_owned(),
    }
}

/// Lines to try; without key values when no key was made in this run.
fn tries(envoy: &str, samples: &Samples) -> String {
    let tries = [
        (
            &samples.all,
            "glm-5.1",
            "a key that may call everything: 200",
        ),
        (
            &samples.limited,
            "deepseek-v3.2",
            "a key for glm-5.1 and deepseek-*: 200",
        ),
        (
            &samples.limited,
            "kimi-k2.6",
            "the same key, another model: 403 model_not_found",
        ),
        (
            &samples.by_address,
            "glm-5.1",
            "a key for 10.0.0.0/8, used from here: 403 ip_not_allowed",
        ),
    ];
    let with_key = tries.into_iter().filter_map(|(key, model, what)| {
        Some(format!(
            "\n# {what}\n{}\n",
            curl(envoy, key.as_deref()?, model)
        ))
    });
    let shown: String = with_key.collect();
    let without_key = format!("\n# no key: 401 invalid_api_key\ncurl {envoy}/v1/models\n");
    match shown.is_empty() {
        false => shown + &without_key,
        true => {
            "\nThe keys of an earlier run are still there; the console makes new ones.\n".to_owned()
                + &without_key
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

    #[test]
    fn keys_of_this_run_are_shown_in_lines_to_try() {
        let samples = Samples {
            all: Some("sk-all".to_owned()),
            ..Samples::default()
        };
        let text = tries("http://127.0.0.1:1", &samples);
        assert!(text.contains("Authorization: Bearer sk-all"), "{text}");
        assert!(text.contains(r#""model":"glm-5.1""#), "{text}");
        assert_eq!(text.matches("curl ").count(), 2);
    }

    #[test]
    fn the_setup_secret_is_shown_until_it_was_used() {
        assert!(log_in(Some("lku-1".to_owned())).contains("lku-1"));
        assert!(log_in(None).contains("as operator"));
    }

    #[test]
    fn without_keys_of_this_run_no_line_needs_one() {
        let text = tries("http://127.0.0.1:1", &Samples::default());
        assert_eq!(text.matches("curl ").count(), 1);
    }
}
