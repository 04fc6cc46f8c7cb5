//! Which key is meant, and whether whoever names it is sure.
//!
//! Does not do anything to it. Invariant: of several keys of one name none is chosen.

use serde_json::Value;

use crate::args::key::KeyArg;
use crate::commands::{Context, text};
use crate::error::CliError;
use crate::query::Target;
use crate::terminal;

impl Context {
    /// The path of a key, and what follows it.
    pub(crate) fn key(&self, id: &str, action: &str) -> Target {
        let target = Target::new("/v1/keys").part(id).below(action);
        target.with("account", self.account.as_deref())
    }

    /// The id of the key that is meant.
    pub(crate) fn key_id(&self, key: &KeyArg) -> Result<String, CliError> {
        let name = key.key.as_str();
        if is_id(name) {
            return Ok(name.to_owned());
        }
        let target = || self.in_account("/v1/keys").with("name", Some(name));
        let found = self.client.list(target, "keys", None)?;
        // A rotated key goes on beside its successor, which is the one that people mean.
        let (current, retired): (Vec<_>, Vec<_>) = found
            .iter()
            .partition(|key| key.get("successor").is_none_or(Value::is_null));
        match (current.as_slice(), retired.as_slice()) {
            ([one], _) | ([], [one]) => Ok(text(one, "id").to_owned()),
            ([], []) => Err(CliError::NotFound(format!(
                "there is no key of this name: {name}"
            ))),
            _ => Err(CliError::Usage(ambiguous(name, &found))),
        }
    }
}

fn ambiguous(name: &str, keys: &[Value]) -> String {
    let line = |key: &Value| {
        let part = |member| text(key, member);
        format!("\n  {}  {}  {}", part("id"), part("masked"), part("region"))
    };
    let lines: String = keys.iter().map(line).collect();
    format!("several keys are called {name}: give the id of one{lines}")
}

/// Whether a text is the id of a key rather than a name: `ak-`, a day, 16 hexadecimal digits.
fn is_id(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("ak-") else {
        return false;
    };
    let rest = ["cp-", "tp-"]
        .iter()
        .find_map(|plan| rest.strip_prefix(plan))
        .unwrap_or(rest);
    let digits = |part: &str, count| {
        part.len() == count && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    };
    rest.split_once('-')
        .is_some_and(|(day, number)| digits(day, 8) && digits(number, 16))
}

/// A name that somebody has typed to confirm that it is this one.
pub(crate) fn confirmed(what: &str, name: &str, given: Option<&str>) -> Result<String, CliError> {
    let advice = format!("to delete {what} for good, confirm it: --confirm {name:?}");
    match given {
        Some(given) if given == name => Ok(name.to_owned()),
        None if terminal::can_ask() => {
            let question = format!("Type the name of {what}, {name}, to delete it for good: ");
            match terminal::ask(&question)? == name {
                true => Ok(name.to_owned()),
                false => Err(CliError::Usage(
                    "that is another name: nothing was deleted".into(),
                )),
            }
        }
        _ => Err(CliError::Usage(advice)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_told_from_names() {
        for id in [
            "ak-20261124-a864668cf3c246bd",
            "ak-tp-20261124-a864668cf3c246bd",
        ] {
            assert!(is_id(id), "{id}");
        }
        for name in [
            "ak-prod",
            "search",
            "ak-20261124-a864668cf3c246b",
            "ak-2026112-a864668cf3c246bdd",
        ] {
            assert!(!is_id(name), "{name}");
        }
    }

    #[test]
    fn a_confirmation_is_the_name_or_nothing_is_deleted() {
        assert_eq!(confirmed("it", "a key", Some("a key")).unwrap(), "a key");
        for given in [Some("A key"), None] {
            assert_eq!(confirmed("it", "a key", given).unwrap_err().exit_code(), 2);
        }
    }
}
