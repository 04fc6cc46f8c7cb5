//! The parameters of an action, taken out one by one.
//!
//! Does not know any action. `null` counts as not given. Invariant: a parameter that nobody took
//! is refused, so that nothing is silently without effect.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use crate::http::fields::Read;
use crate::tokenhub::fault::Fault;

/// The parameters that nobody has taken yet.
#[derive(Debug)]
pub(crate) struct Input {
    members: Map<String, Value>,
    /// Where they stand: empty, or `Filters[0].`.
    place: String,
}

impl Input {
    /// The parameters of an action.
    pub(crate) fn new(members: Map<String, Value>) -> Self {
        Self {
            members,
            place: String::new(),
        }
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        self.members.remove(name).filter(|value| !value.is_null())
    }

    /// The name of a parameter with where it stands.
    pub(crate) fn full(&self, name: &str) -> String {
        format!("{}{name}", self.place)
    }

    /// Takes a text.
    pub(crate) fn text(&mut self, name: &str) -> Result<Option<String>, Fault> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.wrong(name, "must be a string")),
        }
    }

    /// Takes a text that must be there.
    pub(crate) fn required(&mut self, name: &str) -> Result<String, Fault> {
        let text = self.text(name)?;
        text.ok_or_else(|| Fault::missing(&self.full(name)))
    }

    /// Takes a whole number within a range.
    pub(crate) fn number(
        &mut self,
        name: &str,
        range: RangeInclusive<u64>,
    ) -> Result<Option<u64>, Fault> {
        let Some(value) = self.take(name) else {
            return Ok(None);
        };
        let number = value.as_u64().filter(|number| range.contains(number));
        number.map(Some).ok_or_else(|| {
            let (start, end) = (range.start(), range.end());
            self.wrong(
                name,
                &format!("must be a whole number from {start} to {end}"),
            )
        })
    }

    /// Takes a yes or no.
    pub(crate) fn flag(&mut self, name: &str) -> Result<Option<bool>, Fault> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(_) => Err(self.wrong(name, "must be true or false")),
        }
    }

    /// Takes a list of texts.
    pub(crate) fn texts(&mut self, name: &str) -> Result<Option<Vec<String>>, Fault> {
        let Some(items) = self.list(name)? else {
            return Ok(None);
        };
        let text = |item: Value| match item {
            Value::String(text) => Ok(text),
            _ => Err(self.wrong(name, "must be a list of strings")),
        };
        items
            .into_iter()
            .map(text)
            .collect::<Result<_, _>>()
            .map(Some)
    }

    /// Takes a list of texts that differ, at most `max`.
    pub(crate) fn distinct(
        &mut self,
        name: &str,
        max: usize,
    ) -> Result<Option<Vec<String>>, Fault> {
        let texts = self.texts(name)?;
        if let Some(texts) = &texts {
            let mut sorted: Vec<_> = texts.iter().collect();
            sorted.sort_unstable();
            sorted.dedup();
            if sorted.len() < texts.len() || texts.len() > max {
                let detail = format!("must have at most {max} values, each once");
                return Err(self.wrong(name, &detail));
            }
        }
        Ok(texts)
    }

    /// Takes a list of objects.
    pub(crate) fn objects(&mut self, name: &str) -> Result<Option<Vec<Self>>, Fault> {
        let Some(items) = self.list(name)? else {
            return Ok(None);
        };
        let object = |(index, item)| match item {
            Value::Object(members) => Ok(Self {
                members,
                place: format!("{}[{index}].", self.full(name)),
            }),
            _ => Err(self.wrong(name, "must be a list of objects")),
        };
        let objects = items.into_iter().enumerate().map(object);
        objects.collect::<Result<_, _>>().map(Some)
    }

    fn list(&mut self, name: &str) -> Result<Option<Vec<Value>>, Fault> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Array(items)) => Ok(Some(items)),
            Some(_) => Err(self.wrong(name, "must be a list")),
        }
    }

    /// Takes one of a few words.
    pub(crate) fn choice<T: Copy>(
        &mut self,
        name: &str,
        choices: &[(&str, T)],
    ) -> Result<Option<T>, Fault> {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        let found = choices.iter().find(|(word, _)| *word == text);
        found.map(|(_, value)| Some(*value)).ok_or_else(|| {
            let words: Vec<_> = choices.iter().map(|(word, _)| *word).collect();
            self.wrong(name, &format!("must be one of: {}", words.join(", ")))
        })
    }

    /// Takes one of a few words that must be there.
    pub(crate) fn required_choice<T: Copy>(
        &mut self,
        name: &str,
        choices: &[(&str, T)],
    ) -> Result<T, Fault> {
        let choice = self.choice(name, choices)?;
        choice.ok_or_else(|| Fault::missing(&self.full(name)))
    }

    /// Takes a text that `parse` understands.
    pub(crate) fn parsed<T, E: std::fmt::Display>(
        &mut self,
        name: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<Option<T>, Fault> {
        let Some(text) = self.text(name)? else {
            return Ok(None);
        };
        let value = parse(&text).map_err(|error| self.wrong(name, &error.to_string()))?;
        Ok(Some(value))
    }

    /// Takes a value that a rule of the REST API reads.
    pub(crate) fn read<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(Value) -> Read<T>,
    ) -> Result<Option<T>, Fault> {
        let Some(value) = self.take(name) else {
            return Ok(None);
        };
        read(value).map(Some).map_err(|errors| {
            let details: Vec<_> = errors
                .iter()
                .map(|error| format!("{}: {}", error.field, error.detail))
                .collect();
            self.wrong(name, details.join("; ").trim_start_matches(": "))
        })
    }

    /// Refuses parameters of the original that are about what does not exist here.
    pub(crate) fn refuse(&mut self, names: &[&str], why: &str) -> Result<(), Fault> {
        match names.iter().find(|name| self.take(name).is_some()) {
            None => Ok(()),
            Some(name) => {
                let name = self.full(name);
                let message = format!("The parameter `{name}` cannot be given: {why}.");
                Err(Fault::parameter(message))
            }
        }
    }

    /// The refusal of a parameter's value.
    pub(crate) fn wrong(&self, name: &str, detail: &str) -> Fault {
        Fault::value(&self.full(name), detail)
    }

    /// Ends the taking: refuses what is left.
    pub(crate) fn finish(self) -> Result<(), Fault> {
        let mut left = self.members.iter().filter(|(_, value)| !value.is_null());
        match left.next() {
            None => Ok(()),
            Some((name, _)) => {
                let name: String = self.full(name).chars().take(80).collect();
                let message = format!("`{name}` is not a parameter of this action here.");
                Err(Fault::parameter(message))
            }
        }
    }
}
