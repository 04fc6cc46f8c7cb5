//! The console in real Chromium: what a person sees and does, and what becomes of it in Envoy.

mod access;
mod door;
mod hostile;
mod keys;
mod lists;
mod operate;
mod texts;
mod views;
