//! The columns of tokens.
//!
//! Does not know whose they are. Invariant: what is written in this order is read in it.

use keytable::{TokenCounts, Tokens};

use crate::store::row::{Columns, integer};
use crate::store::sql::{self};

/// Largest figure of one row; sums of as many rows as fit on a disk do not overflow.
const FIGURE_MAX: u64 = 1 << 44;

/// Tokens of a row that was counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountedTokens {
    /// The id of the account whose they are.
    pub account: String,
    /// What was named, as it is told; empty: that is not known.
    pub resource: String,
    /// The tokens.
    pub tokens: Tokens,
}

/// Their sums, in the order that [`read`] reads.
pub(super) const SUMS: &str = "CAST(sum(input) AS bigint), \
     CAST(sum(cached) AS bigint), \
     CAST(sum(output) AS bigint), \
     CAST(sum(reasoning) AS bigint), \
     CAST(sum(input_estimated) AS bigint), \
     CAST(sum(cached_estimated) AS bigint), \
     CAST(sum(output_estimated) AS bigint), \
     CAST(sum(reasoning_estimated) AS bigint)";

/// Their values, in the same order.
pub(super) fn values(tokens: &Tokens) -> [i64; 8] {
    let Tokens {
        reported,
        estimated,
    } = tokens;
    [
        reported.input,
        reported.cached,
        reported.output,
        reported.reasoning,
        estimated.input,
        estimated.cached,
        estimated.output,
        estimated.reasoning,
    ]
    .map(|figure| integer(figure.min(FIGURE_MAX)))
}

/// Reads the sums.
pub(super) fn read(columns: &mut Columns<'_>) -> sql::Result<Tokens> {
    let mut counts = || -> sql::Result<TokenCounts> {
        Ok(TokenCounts {
            input: columns.unsigned()?,
            cached: columns.unsigned()?,
            output: columns.unsigned()?,
            reasoning: columns.unsigned()?,
        })
    };
    Ok(Tokens {
        reported: counts()?,
        estimated: counts()?,
    })
}
