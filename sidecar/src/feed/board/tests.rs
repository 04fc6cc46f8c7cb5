//! What wakes a change that waits: the last acknowledgement, and none before.

use std::pin::pin;
use std::sync::atomic::AtomicUsize;
use std::task::{Context, Poll, Wake, Waker};

use std::future::Future as _;

use super::*;
use crate::domain::clock::SystemClock;
use crate::domain::envoy::{Lease, NodeName};
use crate::feed::standing::Needs;

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

fn arrive(board: &Board, digit: char) -> Presence {
    let who = Introduction {
        region: region(),
        agent: AgentId::parse(&digit.to_string().repeat(32)).unwrap(),
        node: NodeName::parse(&digit.to_string()).unwrap(),
        lease: Lease::Never,
        version: None,
    };
    board.arrive(&who, None).0
}

fn acknowledge(presence: &Presence, generation: Generation) {
    presence.acknowledge(&Standing {
        acknowledged: Some(generation),
        is_foreign: false,
        needs: Needs::Nothing,
    });
}

fn board() -> Board {
    Board::new(Arc::new(SystemClock), Vec::new(), SEVEN)
}

#[actix_web::test]
async fn a_change_is_woken_by_the_last_of_those_that_it_waits_for_and_by_no_other() {
    let board = board();
    let envoys: Vec<Presence> = "abcdef"
        .chars()
        .map(|digit| arrive(&board, digit))
        .collect();
    let patient = Waiting {
        timeout: Duration::from_secs(60),
        awaited: Awaited::Live,
    };
    let home = region();
    let mut settling = pin!(board.settle(&home, SEVEN, patient));
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
    assert!(board.state().waits.is_empty(), "nothing of it is left");
}

#[actix_web::test]
async fn a_change_that_nobody_waits_for_any_more_leaves_nothing_and_a_stop_ends_all() {
    let board = board();
    let _envoy = arrive(&board, 'a');
    let patient = Waiting {
        timeout: Duration::from_secs(60),
        awaited: Awaited::All,
    };
    let home = region();
    let mut context = Context::from_waker(Waker::noop());
    {
        let mut given_up = pin!(board.settle(&home, SEVEN, patient));
        assert!(given_up.as_mut().poll(&mut context).is_pending());
        assert_eq!(board.state().waits.len(), 1);
    }
    assert!(board.state().waits.is_empty());
    let mut stopped = pin!(board.settle(&home, SEVEN, patient));
    assert!(stopped.as_mut().poll(&mut context).is_pending());
    board.close();
    assert!(stopped.poll(&mut context).is_ready());
}
