//! Locators: the built-in rules one by one, hostile paths and queries, configured rules, bad rules,
//! and the page that documents them.

mod bad;
mod configured;
mod document;
mod linear;
mod paths;
mod queries;
mod reports;
pub(crate) mod rows;
mod table;
