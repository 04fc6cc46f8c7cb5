//! The agent and the feed: what is followed, in what order it takes effect, and what is refused.

mod altered;
mod faults;
mod follow;
mod lease;
mod nonsense;
mod order;
mod signed;
mod simulated;
mod simulation;
mod snapshots;
