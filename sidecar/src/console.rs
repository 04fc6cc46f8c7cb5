//! The console: the page in the browser, embedded in the binary.
//!
//! Knows neither keys nor people: the page is a client of the REST API like any other. Invariant:
//! the page runs nothing and loads nothing but these files, and makes markup of no text.

use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::web::{self, Bytes, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use sha2::{Digest, Sha256};

/// What the page may load and do. No text becomes markup or code, not even by mistake of ours:
/// the browser refuses (`trusted-types 'none'`).
const POLICY: &str = "default-src 'self'; img-src 'self'; object-src 'none'; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; \
     trusted-types 'none'";

/// What the page asks of the browser: the clipboard, for copies of keys.
const PERMISSIONS: &str = "camera=(), geolocation=(), microphone=(), payment=(), usb=(), \
     clipboard-read=(), clipboard-write=(self)";

/// One file of the page.
#[derive(Clone, Copy, Debug)]
pub struct File {
    /// Its path below `/console/`.
    pub path: &'static str,
    /// Its text.
    pub text: &'static str,
    /// The same, compressed (RFC 7932).
    pub packed: &'static [u8],
}

/// The page itself.
const INDEX: &str = "index.html";

/// The page and everything that it loads, as the build has found it.
pub const FILES: &[File] = include!(concat!(env!("OUT_DIR"), "/console.rs"));

/// The page at `/` and what it loads at `/console/`.
pub(crate) fn routes(config: &mut ServiceConfig) {
    for file in FILES {
        let path = match file.path {
            INDEX => "/".to_owned(),
            path => format!("/console/{path}"),
        };
        config.route(&path, page(file));
    }
}

/// How a file is written in an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Coding {
    Identity,
    Brotli,
}

/// Serves one file, or says that the browser has it already.
fn page(file: &'static File) -> actix_web::Route {
    let digest = digest(file.text);
    web::get().to(move |request: HttpRequest| {
        let coding = coding(request.headers());
        let tag = tag(&digest, coding);
        async move { serve(&request, file, coding, &tag) }
    })
}

fn serve(request: &HttpRequest, file: &File, coding: Coding, tag: &str) -> HttpResponse {
    let known = request.headers().get(header::IF_NONE_MATCH);
    let known = known.and_then(|value| value.to_str().ok());
    let is_known = known.is_some_and(|tags| tags.split(',').any(|known| known.trim() == tag));
    let status = match is_known {
        true => StatusCode::NOT_MODIFIED,
        false => StatusCode::OK,
    };
    let mut answer = HttpResponse::build(status);
    answer
        .insert_header((header::ETAG, tag))
        .insert_header((header::VARY, "accept-encoding"))
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .insert_header(("permissions-policy", PERMISSIONS))
        .insert_header(("cross-origin-opener-policy", "same-origin"))
        .insert_header(("cross-origin-resource-policy", "same-origin"));
    if is_known {
        return answer.finish();
    }
    answer.content_type(media_type(file.path));
    match coding {
        Coding::Identity => answer.body(Bytes::from_static(file.text.as_bytes())),
        Coding::Brotli => answer
            .insert_header((header::CONTENT_ENCODING, "br"))
            .body(Bytes::from_static(file.packed)),
    }
}

/// Compressed for whoever says that they take it (RFC 9110, 12.5.3); a weight of nought is a no.
fn coding(headers: &header::HeaderMap) -> Coding {
    let takes = |item: &str| {
        let mut parts = item.split(';').map(str::trim);
        let is_brotli = parts
            .next()
            .is_some_and(|name| name.eq_ignore_ascii_case("br"));
        let weight = parts.find_map(|part| part.strip_prefix("q="));
        is_brotli
            && weight.is_none_or(|weight| weight.parse().is_ok_and(|weight: f32| weight > 0.0))
    };
    let accepted = headers.get_all(header::ACCEPT_ENCODING);
    let mut texts = accepted.filter_map(|value| value.to_str().ok());
    match texts.any(|text| text.split(',').any(takes)) {
        true => Coding::Brotli,
        false => Coding::Identity,
    }
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js" | "mjs") => "text/javascript; charset=utf-8",
        Some("txt") => "text/plain; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

/// The name of a text's state: a new release has new ones where something has changed.
fn digest(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    let digits = base16ct::lower::encode_string(&digest);
    format!("{digits:.24}")
}

/// A strong tag names bytes: those of each coding have their own.
fn tag(digest: &str, coding: Coding) -> String {
    match coding {
        Coding::Identity => format!("\"{digest}\""),
        Coding::Brotli => format!("\"{digest}-br\""),
    }
}

#[cfg(test)]
mod tests;
