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
mod litellm;
mod models;
mod portkey;
