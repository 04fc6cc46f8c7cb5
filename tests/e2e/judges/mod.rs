//! Real gateways and real readers of forms behind the gate: what they run and read for a key that
//! is limited to a list.
//!
//! They are installed from PyPI and npm as they were published; where a registry does not answer,
//! that judge is skipped with a word. Invariant: each is shown to fall for what it is tried with.

mod attack;
mod corpus;
mod court;
mod endpoints;
mod form_corpus;
mod forms;
mod generated;
mod litellm;
mod models;
mod portkey;

// What the filter's own tests make requests of.
#[path = "../../../filter/tests/closed/placing.rs"]
mod placing;
#[path = "../../../filter/tests/locator/rows.rs"]
mod rows;
#[path = "../../../filter/tests/closed/words.rs"]
#[expect(dead_code, reason = "the filter's own tests need more of it")]
mod words;
