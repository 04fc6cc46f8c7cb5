//! Tokens in an answer: what requests used.
//!
//! Does not count. Invariant: what was worked out is never shown as reported.

use keytable::{TokenCounts, Tokens};
use schemars::JsonSchema;
use serde::Serialize;

/// What requests used, in tokens.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[schemars(rename = "Tokens")]
pub(crate) struct TokensAnswer {
    /// As whole answers of the upstream stated it
    reported: TokenCountsAnswer,
    /// Worked out, where an answer stated nothing or was cut
    estimated: TokenCountsAnswer,
}

/// Tokens of one kind of statement.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[schemars(rename = "TokenCounts")]
pub(crate) struct TokenCountsAnswer {
    /// The whole prompts, what was read from or written to a cache included
    input: u64,
    /// Read from a cache: a part of the input
    cached: u64,
    /// Everything that was made, reasoning included
    output: u64,
    /// Thought and not said: a part of the output
    reasoning: u64,
}

// === impl TokensAnswer ===

impl From<Tokens> for TokensAnswer {
    fn from(tokens: Tokens) -> Self {
        Self {
            reported: tokens.reported.into(),
            estimated: tokens.estimated.into(),
        }
    }
}

// === impl TokenCountsAnswer ===

impl From<TokenCounts> for TokenCountsAnswer {
    fn from(counts: TokenCounts) -> Self {
        Self {
            input: counts.input,
            cached: counts.cached,
            output: counts.output,
            reasoning: counts.reasoning,
        }
    }
}
