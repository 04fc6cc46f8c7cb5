//! Tokens that requests used, by account and model.
//!
//! Does not count requests. Invariant: the number of series is bounded, whatever callers send: what is one too
//! many is counted under one name.

use std::collections::BTreeMap;

use keytable::{AccountId, TokenCounts, Tokens};

use super::Text;
use crate::domain::usage::OTHER_RESOURCES;
use crate::store::CountedTokens;

/// Models of all accounts together that are kept apart.
const MODELS_MAX: usize = 1_000;

/// What was used since this process started.
#[derive(Debug, Default)]
pub(super) struct TokenTotals(BTreeMap<(String, String), Tokens>);

impl TokenTotals {
    pub(super) fn add(&mut self, counted: CountedTokens) {
        let key = (counted.account, counted.resource);
        let is_apart = self.0.len() < MODELS_MAX || self.0.contains_key(&key);
        let key = match is_apart {
            true => key,
            false => (key.0, OTHER_RESOURCES.to_owned()),
        };
        self.0.entry(key).or_default().add(&counted.tokens);
    }

    /// Those of this account, or of all.
    pub(super) fn show(&self, of: Option<&AccountId>, text: &mut Text) {
        let help =
            "Tokens that requests used, as answers have stated them or as they were worked out.";
        text.announce_counter("tokens_total", help);
        let is_shown = |account: &str| of.is_none_or(|of| of.as_str() == account);
        let shown = self.0.iter().filter(|((account, _), _)| is_shown(account));
        for ((account, model), tokens) in shown {
            let bases = [
                ("reported", &tokens.reported),
                ("estimated", &tokens.estimated),
            ];
            for (basis, counts) in bases {
                for (kind, count) in kinds(counts) {
                    let labels = [
                        ("account", account.as_str()),
                        ("model", model),
                        ("kind", kind),
                        ("basis", basis),
                    ];
                    text.counter("tokens_total", help, &labels, count);
                }
            }
        }
    }
}

fn kinds(counts: &TokenCounts) -> [(&'static str, u64); 4] {
    [
        ("input", counts.input),
        ("cached", counts.cached),
        ("output", counts.output),
        ("reasoning", counts.reasoning),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(model: &str, input: u64) -> CountedTokens {
        let reported = TokenCounts {
            input,
            ..TokenCounts::default()
        };
        CountedTokens {
            account: "demo".to_owned(),
            resource: model.to_owned(),
            tokens: Tokens {
                reported,
                estimated: TokenCounts::default(),
            },
        }
    }

    #[test]
    fn models_are_apart_until_there_are_too_many() {
        let mut totals = TokenTotals::default();
        for number in 0..MODELS_MAX {
            totals.add(counted(&format!("m{number}"), 1));
        }
        for model in ["m7", "new", "newer"] {
            totals.add(counted(model, 5));
        }
        let of = |model: &str| {
            let key = ("demo".to_owned(), model.to_owned());
            totals.0.get(&key).map(|tokens| tokens.reported.input)
        };
        assert_eq!(
            (of("m7"), of("new"), of(OTHER_RESOURCES)),
            (Some(6), None, Some(10))
        );
        let mut text = Text::default();
        totals.show(None, &mut text);
        let line = "{account=\"demo\",model=\"m7\",kind=\"input\",basis=\"reported\"} 6\n";
        assert!(text.finish().contains(line));
    }
}
