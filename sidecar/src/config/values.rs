//! What the values of settings may be.
//!
//! Does not know where a value stands. Invariant: a refusal says what to write instead, and repeats
//! nothing of the value.

use std::net::SocketAddr;

use crate::http::host_policy::is_loopback;

const BLOCKING_THREADS_MAX: usize = 512;

pub(super) fn socket(text: &str) -> Result<SocketAddr, &'static str> {
    text.parse()
        .map_err(|_| "must be ADDRESS:PORT, as 127.0.0.1:9301")
}

pub(super) fn whole_number(text: &str) -> Result<u64, &'static str> {
    text.parse().map_err(|_| "must be a whole number, as 50")
}

pub(super) fn threads(text: &str) -> Result<usize, &'static str> {
    let number = text.parse().ok();
    number
        .filter(|number| (1..=BLOCKING_THREADS_MAX).contains(number))
        .ok_or("must be a whole number from 1 to 512")
}

pub(super) fn descriptor(text: &str) -> Result<i32, &'static str> {
    let number = text.parse().ok().filter(|number| *number > 2);
    number.ok_or("must be the number of an open file descriptor, 3 or more")
}

pub(super) fn boolean(text: &str) -> Result<bool, &'static str> {
    text.parse().map_err(|_| "must be true or false")
}

pub(super) fn host(text: &str) -> Result<String, &'static str> {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-.".contains(&b);
    if !text.is_empty() && text.bytes().all(plain) {
        Ok(text.into())
    } else {
        Err("must be a host name in lower case, without scheme and port")
    }
}

pub(super) fn url_path(text: &str) -> Result<String, &'static str> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    let parts = text
        .strip_prefix('/')
        .map(|rest| rest.strip_suffix('/').unwrap_or(rest));
    let fits = |rest: &str| {
        rest.split('/')
            .all(|part| !part.is_empty() && part.bytes().all(plain))
    };
    let is_taken = text == "/v1" || text.starts_with("/v1/");
    match parts {
        Some(rest) if (rest.is_empty() || fits(rest)) && text != "//" && !is_taken => {
            Ok(text.into())
        }
        _ => Err("must be a path outside /v1, of letters, digits, '-', '_' and '.', as /tokenhub"),
    }
}

/// An origin that keeps what is said to it: over TLS, or on this machine's loopback.
pub(super) fn origin(text: &str) -> Result<String, &'static str> {
    let (scheme, authority) = text
        .split_once("://")
        .ok_or("must begin with https://, as https://keys.example.com")?;
    let after_bracket = authority.rfind(']').map_or(0, |end| end + 1);
    let (_, tail) = authority.split_at(after_bracket);
    let name = match tail.split_once(':') {
        Some((_, port)) if port.parse::<u16>().is_err() => None,
        Some((_, port)) => authority
            .strip_suffix(port)
            .and_then(|rest| rest.strip_suffix(':')),
        None => Some(authority),
    };
    match (scheme, name) {
        ("https", Some(name)) if host(name).is_ok() => Ok(text.into()),
        ("http", Some(name)) if is_loopback(name) => Ok(text.into()),
        ("http", _) => Err(
            "must begin with https://, unless it is localhost or a loopback address as in \
             http://127.0.0.1:9301",
        ),
        _ => Err(
            "must be https:// and a host name in lower case, no path, as https://keys.example.com",
        ),
    }
}
