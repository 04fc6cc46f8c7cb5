//! Proxy-Wasm's host calls, raw: bytes in, bytes or a status out.
//!
//! The SDK's own wrappers panic on non-UTF-8 headers and on every status they do not expect, and
//! convert what they read into strings; a panic here is an outage, so the request path and the
//! agent use these instead. The only unsafe blocks of the project; beside them, `wasm` and the tests'
//! `grid` export a name by an unsafe attribute. Does not interpret anything.
//!
//! Invariant: every pointer handed to the host lives for the call; every buffer the host hands
//! out was allocated by this module's allocator (the SDK exports it) with exactly that size, and
//! is freed by being owned as a `Vec`.

#![allow(
    unsafe_code,
    reason = "host functions can only be imported as extern \"C\""
)]

use std::ptr;

use crate::host::HostError;

/// Where a buffer is.
pub(crate) const REQUEST_BODY: u32 = 0;
/// The body of the upstream's answer.
pub(crate) const RESPONSE_BODY: u32 = 1;
/// The body of an answer to a callout.
pub(crate) const CALL_RESPONSE_BODY: u32 = 4;
/// The plugin's configuration.
pub(crate) const PLUGIN_CONFIGURATION: u32 = 7;
/// The headers of the request.
pub(crate) const REQUEST_HEADERS: u32 = 0;
/// The trailers of the request.
pub(crate) const REQUEST_TRAILERS: u32 = 1;
/// The headers of the upstream's answer.
pub(crate) const RESPONSE_HEADERS: u32 = 2;
/// The trailers of the upstream's answer.
pub(crate) const RESPONSE_TRAILERS: u32 = 3;
/// The headers of an answer to a callout.
pub(crate) const CALL_RESPONSE_HEADERS: u32 = 6;
/// A metric that is counted up.
pub(crate) const METRIC_COUNTER: u32 = 0;
/// A metric that is set, not counted.
pub(crate) const METRIC_GAUGE: u32 = 1;

/// The answer of a request, as a stream that can be closed.
const RESPONSE_STREAM: u32 = 1;
const STATUS_OK: u32 = 0;
const STATUS_NOT_FOUND: u32 = 1;
const STATUS_EMPTY: u32 = 7;
const STATUS_CAS_MISMATCH: u32 = 8;
const CLOCK_MONOTONIC: u32 = 1;
/// No gRPC status in a local reply.
const GRPC_STATUS_NONE: i32 = -1;

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    fn proxy_log(level: u32, data: *const u8, size: usize) -> u32;
    fn proxy_get_current_time_nanoseconds(time: *mut u64) -> u32;
    fn proxy_get_buffer_bytes(
        buffer: u32,
        start: usize,
        length: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    fn proxy_set_buffer_bytes(
        buffer: u32,
        start: usize,
        length: usize,
        data: *const u8,
        size: usize,
    ) -> u32;
    fn proxy_get_header_map_pairs(map: u32, data: *mut *mut u8, size: *mut usize) -> u32;
    fn proxy_replace_header_map_value(
        map: u32,
        name: *const u8,
        name_size: usize,
        value: *const u8,
        value_size: usize,
    ) -> u32;
    fn proxy_remove_header_map_value(map: u32, name: *const u8, name_size: usize) -> u32;
    fn proxy_get_property(
        path: *const u8,
        path_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
    ) -> u32;
    fn proxy_set_property(
        path: *const u8,
        path_size: usize,
        value: *const u8,
        value_size: usize,
    ) -> u32;
    fn proxy_get_shared_data(
        key: *const u8,
        key_size: usize,
        data: *mut *mut u8,
        size: *mut usize,
        cas: *mut u32,
    ) -> u32;
    fn proxy_set_shared_data(
        key: *const u8,
        key_size: usize,
        value: *const u8,
        value_size: usize,
        cas: u32,
    ) -> u32;
    fn proxy_register_shared_queue(name: *const u8, name_size: usize, id: *mut u32) -> u32;
    fn proxy_resolve_shared_queue(
        vm_id: *const u8,
        vm_id_size: usize,
        name: *const u8,
        name_size: usize,
        id: *mut u32,
    ) -> u32;
    fn proxy_enqueue_shared_queue(id: u32, data: *const u8, size: usize) -> u32;
    fn proxy_dequeue_shared_queue(id: u32, data: *mut *mut u8, size: *mut usize) -> u32;
    fn proxy_define_metric(kind: u32, name: *const u8, name_size: usize, id: *mut u32) -> u32;
    fn proxy_record_metric(id: u32, value: u64) -> u32;
    fn proxy_increment_metric(id: u32, offset: i64) -> u32;
    fn proxy_get_metric(id: u32, value: *mut u64) -> u32;
    fn proxy_set_effective_context(context: u32) -> u32;
    fn proxy_close_stream(stream: u32) -> u32;
    fn proxy_send_local_response(
        status: u32,
        details: *const u8,
        details_size: usize,
        body: *const u8,
        body_size: usize,
        headers: *const u8,
        headers_size: usize,
        grpc_status: i32,
    ) -> u32;
}

#[link(wasm_import_module = "wasi_snapshot_preview1")]
unsafe extern "C" {
    fn clock_time_get(clock: u32, precision: u64, time: *mut u64) -> u32;
    fn random_get(buffer: *mut u8, size: usize) -> u32;
}

fn checked(status: u32) -> Result<(), HostError> {
    if status == STATUS_OK {
        Ok(())
    } else {
        Err(HostError(status))
    }
}

/// Runs a call that hands out a buffer; `None` if the host has none.
fn returned(
    call: impl FnOnce(*mut *mut u8, *mut usize) -> u32,
) -> Result<Option<Vec<u8>>, HostError> {
    let mut data: *mut u8 = ptr::null_mut();
    let mut size = 0;
    match call(&raw mut data, &raw mut size) {
        STATUS_OK if data.is_null() => Ok(None),
        // SAFETY: the host obtained `data` from this module's allocator with this very size.
        STATUS_OK => Ok(Some(unsafe { Vec::from_raw_parts(data, size, size) })),
        STATUS_NOT_FOUND => Ok(None),
        status => Err(HostError(status)),
    }
}

pub(crate) fn log(level: u32, message: &str) {
    // SAFETY: the slice lives for the call.
    let _ = unsafe { proxy_log(level, message.as_ptr(), message.len()) };
}

pub(crate) fn unix_ns() -> Result<u64, HostError> {
    let mut time = 0;
    // SAFETY: the host writes one u64.
    checked(unsafe { proxy_get_current_time_nanoseconds(&raw mut time) }).map(|()| time)
}

pub(crate) fn monotonic_ns() -> Result<u64, HostError> {
    let mut time = 0;
    // SAFETY: the host writes one u64.
    checked(unsafe { clock_time_get(CLOCK_MONOTONIC, 0, &raw mut time) }).map(|()| time)
}

pub(crate) fn random<const N: usize>() -> Result<[u8; N], HostError> {
    let mut bytes = [0; N];
    // SAFETY: the host writes N bytes.
    checked(unsafe { random_get(bytes.as_mut_ptr(), N) }).map(|()| bytes)
}

pub(crate) fn buffer(buffer: u32, start: usize, length: usize) -> Result<Vec<u8>, HostError> {
    // SAFETY: the host writes one pointer and one size.
    returned(|data, size| unsafe { proxy_get_buffer_bytes(buffer, start, length, data, size) })
        .map(Option::unwrap_or_default)
}

/// Replaces `length` bytes from `start`.
pub(crate) fn set_buffer(
    buffer: u32,
    start: usize,
    length: usize,
    bytes: &[u8],
) -> Result<(), HostError> {
    // SAFETY: the slice lives for the call.
    checked(unsafe { proxy_set_buffer_bytes(buffer, start, length, bytes.as_ptr(), bytes.len()) })
}

pub(crate) fn header_map(map: u32) -> Result<Vec<u8>, HostError> {
    // SAFETY: the host writes one pointer and one size.
    returned(|data, size| unsafe { proxy_get_header_map_pairs(map, data, size) })
        .map(Option::unwrap_or_default)
}

pub(crate) fn set_header(map: u32, name: &[u8], value: &[u8]) -> Result<(), HostError> {
    // SAFETY: the slices live for the call.
    checked(unsafe {
        proxy_replace_header_map_value(map, name.as_ptr(), name.len(), value.as_ptr(), value.len())
    })
}

pub(crate) fn remove_header(map: u32, name: &[u8]) -> Result<(), HostError> {
    // SAFETY: the slice lives for the call.
    checked(unsafe { proxy_remove_header_map_value(map, name.as_ptr(), name.len()) })
}

/// `path`: the segments, separated by zero bytes.
pub(crate) fn property(path: &[u8]) -> Result<Option<Vec<u8>>, HostError> {
    // SAFETY: the slice lives for the call; the host writes one pointer and one size.
    returned(|data, size| unsafe { proxy_get_property(path.as_ptr(), path.len(), data, size) })
}

pub(crate) fn set_property(path: &[u8], value: &[u8]) -> Result<(), HostError> {
    // SAFETY: the slices live for the call.
    checked(unsafe { proxy_set_property(path.as_ptr(), path.len(), value.as_ptr(), value.len()) })
}

pub(crate) fn shared_data(name: &str) -> Result<Option<Vec<u8>>, HostError> {
    numbered_shared_data(name).map(|value| value.map(|(bytes, _)| bytes))
}

pub(crate) fn set_shared_data(name: &str, value: &[u8]) -> Result<(), HostError> {
    // SAFETY: the slices live for the call.
    checked(unsafe {
        proxy_set_shared_data(name.as_ptr(), name.len(), value.as_ptr(), value.len(), 0)
    })
}

/// The same, with the number of its last write.
pub(crate) fn numbered_shared_data(name: &str) -> Result<Option<(Vec<u8>, u32)>, HostError> {
    let mut cas = 0;
    // SAFETY: the slice lives for the call; the host writes one pointer, one size, one u32.
    let value = returned(|data, size| unsafe {
        proxy_get_shared_data(name.as_ptr(), name.len(), data, size, &raw mut cas)
    })?;
    Ok(value.map(|value| (value, cas)))
}

/// Replaces a value that was last written under this number; false if it was written since.
pub(crate) fn set_numbered_shared_data(
    name: &str,
    value: &[u8],
    cas: u32,
) -> Result<bool, HostError> {
    // SAFETY: the slices live for the call.
    let status = unsafe {
        proxy_set_shared_data(name.as_ptr(), name.len(), value.as_ptr(), value.len(), cas)
    };
    match status {
        STATUS_CAS_MISMATCH => Ok(false),
        status => checked(status).map(|()| true),
    }
}

/// Makes a queue on which this VM is told of messages.
pub(crate) fn register_queue(name: &str) -> Result<u32, HostError> {
    let mut id = 0;
    // SAFETY: the slice lives for the call; the host writes one u32.
    checked(unsafe { proxy_register_shared_queue(name.as_ptr(), name.len(), &raw mut id) })
        .map(|()| id)
}

/// Finds the queue of another VM.
pub(crate) fn resolve_queue(vm_id: &[u8], name: &str) -> Result<u32, HostError> {
    let mut id = 0;
    // SAFETY: the slices live for the call; the host writes one u32.
    checked(unsafe {
        proxy_resolve_shared_queue(
            vm_id.as_ptr(),
            vm_id.len(),
            name.as_ptr(),
            name.len(),
            &raw mut id,
        )
    })
    .map(|()| id)
}

pub(crate) fn enqueue(id: u32, bytes: &[u8]) -> Result<(), HostError> {
    // SAFETY: the slice lives for the call.
    checked(unsafe { proxy_enqueue_shared_queue(id, bytes.as_ptr(), bytes.len()) })
}

/// The next message; `None` if there is none.
pub(crate) fn dequeue(id: u32) -> Result<Option<Vec<u8>>, HostError> {
    // SAFETY: the host writes one pointer and one size.
    match returned(|data, size| unsafe { proxy_dequeue_shared_queue(id, data, size) }) {
        Err(HostError(STATUS_EMPTY)) => Ok(None),
        returned => returned,
    }
}

pub(crate) fn define_metric(kind: u32, name: &str) -> Result<u32, HostError> {
    let mut id = 0;
    // SAFETY: the slice lives for the call; the host writes one u32.
    checked(unsafe { proxy_define_metric(kind, name.as_ptr(), name.len(), &raw mut id) })
        .map(|()| id)
}

pub(crate) fn record_metric(id: u32, value: u64) -> Result<(), HostError> {
    // SAFETY: plain values.
    checked(unsafe { proxy_record_metric(id, value) })
}

pub(crate) fn increment_metric(id: u32, by: u64) -> Result<(), HostError> {
    let by = i64::try_from(by).unwrap_or(i64::MAX);
    // SAFETY: plain values.
    checked(unsafe { proxy_increment_metric(id, by) })
}

pub(crate) fn metric(id: u32) -> Result<u64, HostError> {
    let mut value = 0;
    // SAFETY: the host writes one u64.
    checked(unsafe { proxy_get_metric(id, &raw mut value) }).map(|()| value)
}

/// Makes the calls that follow about another context.
pub(crate) fn set_effective_context(context: u32) -> Result<(), HostError> {
    // SAFETY: plain values.
    checked(unsafe { proxy_set_effective_context(context) })
}

/// Resets the request in hand.
pub(crate) fn close_response() -> Result<(), HostError> {
    // SAFETY: plain values.
    checked(unsafe { proxy_close_stream(RESPONSE_STREAM) })
}

/// `headers`: a serialised header map.
pub(crate) fn send_local_response(
    status: u16,
    details: &str,
    headers: &[u8],
    body: &[u8],
) -> Result<(), HostError> {
    // SAFETY: the slices live for the call.
    checked(unsafe {
        proxy_send_local_response(
            u32::from(status),
            details.as_ptr(),
            details.len(),
            body.as_ptr(),
            body.len(),
            headers.as_ptr(),
            headers.len(),
            GRPC_STATUS_NONE,
        )
    })
}
