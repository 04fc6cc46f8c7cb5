//! Sidecar, Envoy and what lies between them fail: cut off, standing still, killed, answering
//! nonsense. Good requests go on, dead keys stay dead, and changes arrive in the end.
//!
//! docs/feed.md has what each case comes to, and the commands of the long runs.

mod away;
mod clusters;
mod cold;
mod garbage;
mod keys;
mod partitions;
mod restarts;
mod resync;
mod twins;
mod world;
