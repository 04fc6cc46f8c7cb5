//! What wakes a change that waits: the last acknowledgement, and none before.

use std::pin::pin;
use std::sync::atomic::AtomicUsize;
use std::task::{Context, Poll, Wake, Waker};

use std::future::Future as _;

use super::*;
use crate::domain::clock::SystemClock;
use crate::domain::envoy::{Lease, NodeName};
use crate::feed::position::Needs;

const SEVEN: Generation = Generation::new(7);

#[derive(Default)]
struct Counted(AtomicUsize);

impl Wake for Counted {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn region() -> RegionId {
    RegionId::parse("local").unwrap()
}

fn arrive(fleet: &SharedFleet, digit: char) -> LongPoll {
    let who = Introduction {
        region: region(),
        agent: AgentId::parse(&digit.to_string().repeat(32)).unwrap(),
        node: NodeName::parse(&digit.to_string()).unwrap(),
        lease: Lease::Never,
        version: None,
    };
    fleet.arrive(&who, None).0
}

fn acknowledge(poll: &LongPoll, generation: Generation) {
    poll.acknowledge(&AgentPosition {
        acknowledged: Some(generation),
        is_foreign: false,
        needs: Needs::Nothing,
    });
}

fn fleet() -> SharedFleet {
    SharedFleet::new(Arc::new(SystemClock), Vec::new(), SEVEN)
}

#[actix_web::test]
async fn a_change_is_woken_by_the_last_of_those_that_it_waits_for_and_by_no_other() {
    let fleet = fleet();
    let envoys: Vec<LongPoll> = "abcdef"
        .chars()
        .map(|digit| arrive(&fleet, digit))
        .collect();
    let patient = Wait {
        timeout: Duration::from_secs(60),
        awaited: Awaited::Live,
    };
    let home = region();
    let mut settling = pin!(fleet.settle(&home, SEVEN, patient));
    let counted = Arc::new(Counted::default());
    let waker = Waker::from(Arc::clone(&counted));
    let mut context = Context::from_waker(&waker);
    assert!(settling.as_mut().poll(&mut context).is_pending());
    let (last, others) = envoys.split_last().unwrap();
    for envoy in others {
        acknowledge(envoy, Generation::new(6));
        acknowledge(envoy, SEVEN);
        acknowledge(envoy, SEVEN);
    }
    assert_eq!(counted.0.load(Ordering::SeqCst), 0);
    acknowledge(last, Generation::new(8));
    assert_eq!(counted.0.load(Ordering::SeqCst), 1);
    let Poll::Ready(progress) = settling.poll(&mut context) else {
        panic!("all have it");
    };
    assert_eq!((progress.envoys, progress.applied), (6, 6));
    assert!(fleet.state().waits.is_empty(), "nothing of it is left");
}

#[actix_web::test]
async fn a_change_that_nobody_waits_for_any_more_leaves_nothing_and_a_stop_ends_all() {
    let fleet = fleet();
    let _envoy = arrive(&fleet, 'a');
    let patient = Wait {
        timeout: Duration::from_secs(60),
        awaited: Awaited::All,
    };
    let home = region();
    let mut context = Context::from_waker(Waker::noop());
    {
        let mut given_up = pin!(fleet.settle(&home, SEVEN, patient));
        assert!(given_up.as_mut().poll(&mut context).is_pending());
        assert_eq!(fleet.state().waits.len(), 1);
    }
    assert!(fleet.state().waits.is_empty());
    let mut stopped = pin!(fleet.settle(&home, SEVEN, patient));
    assert!(stopped.as_mut().poll(&mut context).is_pending());
    fleet.close();
    assert!(stopped.poll(&mut context).is_ready());
}
