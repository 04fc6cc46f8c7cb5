//! The agent writes while a worker reads: from any step to any later one, between any two calls.

use std::cell::RefCell;
use std::rc::Rc;

use crate::support::{Rig, hash, record};

/// More calls than a permitted request makes.
const CALLS: usize = 14;

/// An Envoy whose lease is over, with a worker that remembers key 1.
fn left_alone() -> Rig {
    let rig = Rig::with(&[record(1)]);
    assert_eq!(rig.post().bearer(1).send_bodyless().status(), 200);
    rig.host.advance_ms(60_000);
    assert_eq!(rig.post().bearer(1).send_bodyless().status(), 503);
    rig
}

/// Nobody waits for an Envoy whose lease is over: what comes with its next lease must be seen with it.
#[test]
fn a_new_lease_is_not_seen_before_what_it_came_with() {
    let mut rig = left_alone();
    let steps = Rc::new(RefCell::new(vec![rig.host.table()]));
    let seen = Rc::clone(&steps);
    *rig.host.shared.onlooker.borrow_mut() =
        Some(Box::new(move |host| seen.borrow_mut().push(host.table())));
    rig.change(|sidecar| sidecar.remove(&hash(1)));
    let steps = steps.borrow();
    let (first, last) = (steps.first(), steps.last());
    assert!(first != last && steps.len() > 3);

    for from in 0..steps.len() {
        for to in from..steps.len() {
            for call in 0..CALLS {
                let rig = left_alone();
                rig.host.set_table(steps[from].clone());
                *rig.host.shared.later.borrow_mut() = Some((call, steps[to].clone()));
                let status = rig.post().bearer(1).send_bodyless().status();
                assert_ne!(status, 200, "from {from} to {to} before call {call}");
            }
        }
    }
}
