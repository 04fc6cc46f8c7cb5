//! Paths and queries, percent-encoded.
//!
//! Does not send. Invariant: a text that holds a credential makes no URL.

use std::fmt::Write;

use keytable::find_credential;

use crate::error::CliError;

/// A path below the sidecar's address, and its query.
#[derive(Debug)]
pub(crate) struct Target {
    text: String,
    has_query: bool,
    is_refused: bool,
}

impl Target {
    /// A path of ours, as it stands.
    pub(crate) fn new(path: &str) -> Self {
        Self {
            text: path.to_owned(),
            has_query: false,
            is_refused: false,
        }
    }

    /// With one more part of the path.
    pub(crate) fn part(mut self, text: &str) -> Self {
        self.text.push('/');
        self.write(text);
        self
    }

    /// With a path of ours behind it, as it stands.
    pub(crate) fn below(mut self, path: &str) -> Self {
        self.text.push_str(path);
        self
    }

    /// With one more parameter, if there is one.
    pub(crate) fn with(mut self, name: &str, value: Option<&str>) -> Self {
        if let Some(value) = value {
            self.text.push(if self.has_query { '&' } else { '?' });
            self.has_query = true;
            self.text.push_str(name);
            self.text.push('=');
            self.write(value);
        }
        self
    }

    /// The text.
    pub(crate) fn text(&self) -> Result<&str, CliError> {
        match self.is_refused {
            false => Ok(&self.text),
            true => Err(CliError::Usage(
                "an argument reads as the value of a key, which belongs into no URL and no argument: \
                 give the key's id or name; `latchkey key lookup` finds them by a value from stdin. \
                 Other users of this machine could read it here: replace that key"
                    .into(),
            )),
        }
    }

    fn write(&mut self, text: &str) {
        self.is_refused |= find_credential(text.as_bytes()).is_some();
        for byte in text.bytes() {
            match byte {
                b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                    self.text.push(char::from(byte));
                }
                _ => {
                    // Writing into a text does not fail.
                    let _ = write!(self.text, "%{byte:02X}");
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_but_plain_letters_is_encoded() {
        let target = Target::new("/v1/keys")
            .part("a/b")
            .with("confirm", Some("é &="))
            .with("account", None)
            .with("wait", Some("none"));
        assert_eq!(
            target.text().unwrap(),
            "/v1/keys/a%2Fb?confirm=%C3%A9%20%26%3D&wait=none"
        );
    }

    #[test]
    fn a_value_makes_no_url() {
        let body = "sk-q7Rk2ZfXw9LmB4vTsYcH8nJdP3aGeU6oK1iWtE5M";
        let sum = keytable::api_key::checksum(body.as_bytes());
        let value = format!("{body}{}", std::str::from_utf8(&sum).unwrap());
        for target in [
            Target::new("/v1/keys").part(&value),
            Target::new("/v1/keys").with("name", Some(&format!("my {value}"))),
        ] {
            let error = target.text().unwrap_err();
            assert!(!error.to_string().contains(&value));
        }
    }
}
