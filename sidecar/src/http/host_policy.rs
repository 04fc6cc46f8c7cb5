//! Where this sidecar is on the web: its names, its proxies, and which pages may call it.
//!
//! Does not know who calls. Invariant: a name that is not ours is refused, so that no page can
//! reach a sidecar on loopback under its own name; a browser's request that changes something
//! comes from our own page.

use std::net::IpAddr;

use actix_web::HttpRequest;
use actix_web::dev::ServiceRequest;
use actix_web::http::header::{self, HeaderMap, HeaderName};
use actix_web::http::{Method, Uri};
use keytable::{ClientAddress, Network};

use crate::http::problem::Problem;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// What is known about the way from a browser to here.
#[derive(Clone, Debug, Default)]
pub struct HostPolicy {
    /// Whether what comes from other machines comes through something that ends TLS.
    pub tls: bool,
    /// Where people reach the console: `https://keys.example.com`, or a plain `http://` address of
    /// this machine's loopback, which no other machine can listen to.
    pub public_url: Option<String>,
    /// Further host names under which scripts call.
    pub hosts: Vec<String>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub proxies: Vec<Network>,
    /// Where clients of the cloud API post, a path; they sign the name under which they call.
    pub tokenhub_path: String,
}

/// From where a call comes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CallAddress(pub(crate) Option<IpAddr>);

impl HostPolicy {
    /// Whether browsers come over TLS.
    pub(crate) fn is_secure(&self) -> bool {
        self.tls && !self.is_told_loopback()
    }

    /// Whether people were told to come over this machine's loopback.
    fn is_told_loopback(&self) -> bool {
        let url = self.public_url.as_deref();
        url.is_some_and(|url| url.starts_with("http://"))
    }

    /// Whether a request is for the cloud API.
    pub(crate) fn is_tokenhub(&self, request: &ServiceRequest) -> bool {
        let bare = |path: &str| path.trim_end_matches('/').to_owned();
        request.method() == Method::POST && bare(request.path()) == bare(&self.tokenhub_path)
    }

    /// Refuses a request for a name that we were not given, also where none was given. Addresses cannot
    /// be rebound, so they pass.
    pub(crate) fn check_host(&self, request: &ServiceRequest) -> Result<(), Problem> {
        let mut values = request.headers().get_all(header::HOST);
        let host = match (values.next(), values.next()) {
            (Some(value), None) => value.to_str().ok(),
            _ => None,
        };
        let name = host.and_then(host_name).ok_or_else(Problem::misdirected)?;
        let is_safe = is_address(&name) || name == "localhost";
        if is_safe || self.has_name(&name) {
            Ok(())
        } else {
            Err(Problem::misdirected())
        }
    }

    fn has_name(&self, name: &str) -> bool {
        let public = self.public_url.as_deref().and_then(|url| {
            let authority = url.split_once("://")?.1;
            host_name(authority)
        });
        public.as_deref() == Some(name) || self.hosts.iter().any(|host| host == name)
    }

    /// Refuses a browser's request that another page has made. `strict` is for requests that the
    /// browser's cookie vouches for: those have to say where they come from.
    pub(crate) fn check_origin(
        &self,
        method: &Method,
        headers: &HeaderMap,
        strict: bool,
    ) -> Result<(), Problem> {
        let mut sites = headers.get_all(SEC_FETCH_SITE);
        let foreign = sites.any(|site| !matches!(site.as_bytes(), b"same-origin" | b"none"));
        if foreign {
            return Err(Problem::cross_site());
        }
        if matches!(*method, Method::GET | Method::HEAD) {
            return Ok(());
        }
        let mut origins = headers.get_all(header::ORIGIN);
        match (origins.next(), origins.next()) {
            (None, _) if !strict => Ok(()),
            (Some(origin), None) if self.is_own(origin.as_bytes(), headers) => Ok(()),
            _ => Err(Problem::cross_site()),
        }
    }

    fn is_own(&self, origin: &[u8], headers: &HeaderMap) -> bool {
        let has_one_name = !self.is_told_loopback();
        if let Some(url) = self.public_url.as_ref().filter(|_| has_one_name) {
            return origin == url.as_bytes();
        }
        let host = headers
            .get(header::HOST)
            .and_then(|host| host.to_str().ok());
        let scheme = if self.is_secure() {
            "https://"
        } else {
            "http://"
        };
        host.is_some_and(|host| {
            let is_here = has_one_name || host_name(host).is_some_and(|name| is_loopback(&name));
            is_here && origin == format!("{scheme}{host}").as_bytes()
        })
    }

    /// The address of whoever calls: of the peer, or of the one that a proxy of ours names.
    pub(crate) fn address(&self, request: &ServiceRequest) -> Option<IpAddr> {
        self.address_of(request.request())
    }

    /// The same of a request that has arrived.
    pub(crate) fn address_of(&self, request: &HttpRequest) -> Option<IpAddr> {
        let peer = request.peer_addr()?.ip().to_canonical();
        if !self.is_proxy(peer) {
            return Some(peer);
        }
        let values = request.headers().get_all(X_FORWARDED_FOR);
        let hops: Vec<&str> = values
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .collect();
        let named = hops.iter().rev().map(|hop| hop.trim().parse::<IpAddr>());
        for hop in named {
            match hop {
                Ok(hop) if self.is_proxy(hop.to_canonical()) => {}
                Ok(hop) => return Some(hop.to_canonical()),
                Err(_) => return Some(peer),
            }
        }
        Some(peer)
    }

    fn is_proxy(&self, address: IpAddr) -> bool {
        let address = ClientAddress::new(address);
        self.proxies.iter().any(|network| network.admits(&address))
    }
}

/// The name in `name:port`, in lower case; `None` for what is no authority.
fn host_name(authority: &str) -> Option<String> {
    let uri: Uri = format!("http://{authority}/").parse().ok()?;
    let parsed = uri.authority()?;
    let whole = parsed.as_str() == authority && !authority.contains('@');
    whole.then(|| parsed.host().to_ascii_lowercase())
}

fn is_address(name: &str) -> bool {
    address_of_name(name).is_some()
}

/// Whether a name means the machine that it is said on.
pub(crate) fn is_loopback(name: &str) -> bool {
    name == "localhost" || address_of_name(name).is_some_and(|address| address.is_loopback())
}

fn address_of_name(name: &str) -> Option<IpAddr> {
    let bare = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'));
    bare.unwrap_or(name).parse().ok()
}
