//! The console in real Chromium: what a person sees and does, and what becomes of it in Envoy.

mod access;
mod credentials;
mod door;
mod hostile;
mod keys;
mod layout;
mod limits;
mod lists;
mod many;
mod operate;
mod shell;
mod texts;
mod types;
mod views;
