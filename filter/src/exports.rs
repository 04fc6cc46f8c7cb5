//! The functions that Envoy calls, and which of our contexts each call is about.
//!
//! In place of the SDK's dispatcher, for two reasons. It panics on an id or a status that it does
//! not expect, and a panic is an outage. And every exported callback costs a request 0.17 us, its
//! maps and boxes another 0.6 us, beside about 4 us for the whole decision: so only what the filter
//! needs is exported here. Holds no logic: each callback hands over to `wasm`.
//!
//! Invariant: an id that is not known, or a call within a call, passes nothing on.

#![allow(
    unsafe_code,
    reason = "entry points must be exported under these very names"
)]

use std::cell::RefCell;
use std::collections::HashMap;
use std::panic;

use crate::abi;
use crate::spread::SpreadBuilder;
use crate::wasm::{Action, Request, Root};

type Contexts<T> = RefCell<HashMap<u32, T, SpreadBuilder>>;

thread_local! {
    /// The plugins of this VM; the agent and gates can share one.
    static ROOTS: Contexts<Root> = RefCell::default();
    /// The requests of all of them.
    static REQUESTS: Contexts<Request> = RefCell::default();
}

#[unsafe(no_mangle)]
extern "C" fn proxy_abi_version_0_2_1() {}

#[unsafe(no_mangle)]
extern "C" fn _initialize() {
    panic::set_hook(Box::new(|info| {
        abi::log(abi::LOG_CRITICAL, &format!("latchkey: {info}"));
    }));
}

/// Memory for what a host call hands out: becomes a `Vec` of exactly this size in `abi`.
#[unsafe(export_name = "malloc")]
extern "C" fn allocate(size: usize) -> *mut u8 {
    abi::allocate(size)
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_vm_start(_: u32, _: usize) -> u32 {
    1
}

/// A plugin (`root` is 0) or a request of one.
#[unsafe(no_mangle)]
extern "C" fn proxy_on_context_create(id: u32, root: u32) {
    if root == 0 {
        put(&ROOTS, id, Root::new());
    } else if let Some(Some(request)) = of(&ROOTS, root, |root| root.request()) {
        put(&REQUESTS, id, request);
    }
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_delete(id: u32) {
    if take(&REQUESTS, id).is_none() {
        take(&ROOTS, id);
    }
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_configure(id: u32, size: usize) -> u32 {
    u32::from(of(&ROOTS, id, |root| root.on_configure(size)) == Some(true))
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_tick(id: u32) {
    of(&ROOTS, id, Root::on_tick);
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_queue_ready(id: u32, queue: u32) {
    of(&ROOTS, id, |root| root.on_queue_ready(queue));
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_http_call_response(
    id: u32,
    token: u32,
    headers: usize,
    body: usize,
    _: usize,
) {
    of(&ROOTS, id, |root| {
        root.on_http_call_response(token, headers, body);
    });
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_request_headers(id: u32, _: usize, end_of_stream: u32) -> u32 {
    ask(id, |request| request.on_request_headers(end_of_stream != 0))
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_request_body(id: u32, size: usize, end_of_stream: u32) -> u32 {
    ask(id, |request| {
        request.on_request_body(size, end_of_stream != 0)
    })
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_request_trailers(id: u32, _: usize) -> u32 {
    ask(id, Request::on_request_trailers)
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_response_headers(id: u32, _: usize, end_of_stream: u32) -> u32 {
    ask(id, |request| {
        request.on_response_headers(end_of_stream != 0)
    })
}

#[unsafe(no_mangle)]
extern "C" fn proxy_on_response_body(id: u32, size: usize, end_of_stream: u32) -> u32 {
    ask(id, |request| {
        request.on_response_body(size, end_of_stream != 0)
    })
}

type Local<T> = std::thread::LocalKey<Contexts<T>>;

/// Asks the request with this id; without one nothing goes on.
fn ask(id: u32, question: impl FnOnce(&mut Request) -> Action) -> u32 {
    of(&REQUESTS, id, question).unwrap_or(Action::Pause) as u32
}

fn of<T, A>(contexts: &'static Local<T>, id: u32, job: impl FnOnce(&mut T) -> A) -> Option<A> {
    contexts.with(|contexts| contexts.try_borrow_mut().ok()?.get_mut(&id).map(job))
}

fn put<T>(contexts: &'static Local<T>, id: u32, context: T) {
    contexts.with(|contexts| {
        if let Ok(mut contexts) = contexts.try_borrow_mut() {
            contexts.insert(id, context);
        }
    });
}

fn take<T>(contexts: &'static Local<T>, id: u32) -> Option<T> {
    contexts.with(|contexts| contexts.try_borrow_mut().ok()?.remove(&id))
}
