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
    /// Its bytes.
    pub text: &'static str,
}

macro_rules! files {
    ($($path:literal)*) => {
        &[$(File { path: $path, text: include_str!(concat!("console/web/", $path)) }),*]
    };
}

/// The page itself.
const INDEX: &str = include_str!("console/web/index.html");

/// Everything that the page loads.
pub const FILES: &[File] = files! {
    "icon.svg" "early.js" "style.css" "parts.css" "lang/en.txt" "lang/zh.txt"
    "app.js" "h.js" "text.js" "api.js" "ui.js" "form.js" "person.js"
    "keys.js" "key-page.js" "key-form.js" "key-acts.js" "addresses.js" "picker.js"
    "usage.js" "advice.js" "audit.js" "catalog.js" "fleet.js" "accounts.js" "people.js"
};

/// The page at `/` and what it loads at `/console/`.
pub(crate) fn routes(config: &mut ServiceConfig) {
    config.route("/", page("index.html", INDEX));
    for file in FILES {
        config.route(
            &format!("/console/{}", file.path),
            page(file.path, file.text),
        );
    }
}

/// Serves one text, or says that the browser has it already.
fn page(path: &'static str, text: &'static str) -> actix_web::Route {
    let tag = tag(text);
    web::get().to(move |request: HttpRequest| {
        let tag = tag.clone();
        async move { serve(&request, path, text, &tag) }
    })
}

fn serve(request: &HttpRequest, path: &str, text: &'static str, tag: &str) -> HttpResponse {
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
        .insert_header((header::CACHE_CONTROL, "no-cache"))
        .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
        .insert_header(("permissions-policy", PERMISSIONS))
        .insert_header(("cross-origin-opener-policy", "same-origin"))
        .insert_header(("cross-origin-resource-policy", "same-origin"));
    match is_known {
        true => answer.finish(),
        false => answer
            .content_type(media_type(path))
            .body(Bytes::from_static(text.as_bytes())),
    }
}

fn media_type(path: &str) -> &'static str {
    match path.rsplit('.').next() {
        Some("html") => "text/html; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("txt") => "text/plain; charset=utf-8",
        Some("svg") => "image/svg+xml",
        _ => "application/octet-stream",
    }
}

/// The name of a text's state: a new release has new tags where something has changed.
fn tag(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    let digits = base16ct::lower::encode_string(&digest);
    format!("\"{digits:.24}\"")
}

#[cfg(test)]
mod tests;
