//! What the gate reads and changes of one request and its answer, by host calls.
//!
//! Does not know which request that is: Envoy does, from the callback that it makes. Invariant: what Envoy
//! refuses is an error, never something empty.

use super::WasmHost;
use crate::abi;
use crate::headers::HeaderMap;
use crate::host::{HostError, RequestHost};
use crate::reply::Reply;

impl RequestHost for WasmHost {
    fn request_headers(&self) -> Result<HeaderMap, HostError> {
        let buffer = abi::header_map(abi::REQUEST_HEADERS)?;
        HeaderMap::parse(buffer).ok_or(HostError(u32::MAX))
    }

    fn set_request_header(&self, name: &[u8], value: &[u8]) -> Result<(), HostError> {
        abi::set_header(abi::REQUEST_HEADERS, name, value)
    }

    fn remove_request_header(&self, name: &[u8]) -> Result<(), HostError> {
        abi::remove_header(abi::REQUEST_HEADERS, name)
    }

    fn request_trailers(&self) -> Result<HeaderMap, HostError> {
        let buffer = abi::header_map(abi::REQUEST_TRAILERS)?;
        HeaderMap::parse(buffer).ok_or(HostError(u32::MAX))
    }

    fn remove_request_trailer(&self, name: &[u8]) -> Result<(), HostError> {
        abi::remove_header(abi::REQUEST_TRAILERS, name)
    }

    fn request_body(&self, start: usize, len: usize) -> Result<Vec<u8>, HostError> {
        abi::buffer(abi::REQUEST_BODY, start, len)
    }

    fn replace_request_body(&self, size: usize, body: &[u8]) -> Result<(), HostError> {
        abi::set_buffer(abi::REQUEST_BODY, 0, size, body)
    }

    fn response_headers(&self) -> Result<HeaderMap, HostError> {
        let buffer = abi::header_map(abi::RESPONSE_HEADERS)?;
        HeaderMap::parse(buffer).ok_or(HostError(u32::MAX))
    }

    fn set_response_header(&self, name: &[u8], value: &[u8]) -> Result<(), HostError> {
        abi::set_header(abi::RESPONSE_HEADERS, name, value)
    }

    fn remove_response_header(&self, name: &[u8]) -> Result<(), HostError> {
        abi::remove_header(abi::RESPONSE_HEADERS, name)
    }

    fn response_trailers(&self) -> Result<HeaderMap, HostError> {
        let buffer = abi::header_map(abi::RESPONSE_TRAILERS)?;
        HeaderMap::parse(buffer).ok_or(HostError(u32::MAX))
    }

    fn remove_response_trailer(&self, name: &[u8]) -> Result<(), HostError> {
        abi::remove_header(abi::RESPONSE_TRAILERS, name)
    }

    fn response_body(&self, start: usize, len: usize) -> Result<Vec<u8>, HostError> {
        abi::buffer(abi::RESPONSE_BODY, start, len)
    }

    fn replace_response_body(&self, size: usize, body: &[u8]) -> Result<(), HostError> {
        abi::set_buffer(abi::RESPONSE_BODY, 0, size, body)
    }

    fn source_address(&self) -> Result<Vec<u8>, HostError> {
        abi::property(b"source\0address").map(Option::unwrap_or_default)
    }

    fn set_filter_state(&self, name: &str, value: &[u8]) -> Result<(), HostError> {
        abi::set_property(name.as_bytes(), value)
    }

    fn cut(&self) -> Result<(), HostError> {
        abi::close_response()
    }

    fn reply(&self, reply: &Reply) -> Result<(), HostError> {
        let pairs: Vec<(&[u8], &[u8])> = reply
            .pairs()
            .map(|(name, value)| (name.as_bytes(), value.as_bytes()))
            .collect();
        let headers = HeaderMap::from_pairs(&pairs);
        abi::send_local_response(reply.status, reply.details, headers.as_bytes(), &reply.body)
    }
}
