//! Rules of listener and connection manager: who is calling, and which request it is.
//!
//! Filters and routes are judged elsewhere. Invariant: a setting that is left out is judged by what
//! Envoy then does.

use serde_json::Value;

use super::value::{is_on, list, text};
use super::view::ConnectionManager;
use super::{LintFinding, LintRule};

const REMOTE_ADDRESS: LintRule = LintRule {
    name: "remote-address",
    wrong: "use_remote_address is not true",
    breaks: "`source.address` is what the client wrote into X-Forwarded-For: every IP \
            allowlist is open",
    write: "use_remote_address: true (behind load balancers also xff_num_trusted_hops: their \
            number)",
};

const NORMALIZE_PATH: LintRule = LintRule {
    name: "normalize-path",
    wrong: "normalize_path is not true",
    breaks: "/v1/x/../chat/completions reaches gate and upstream as written, and they may read \
            it differently",
    write: "normalize_path: true",
};

const MERGE_SLASHES: LintRule = LintRule {
    name: "merge-slashes",
    wrong: "merge_slashes is not true",
    breaks: "//v1/chat/completions is another path for the gate than for many upstreams",
    write: "merge_slashes: true",
};

const ESCAPED_SLASHES: LintRule = LintRule {
    name: "escaped-slashes",
    wrong: "path_with_escaped_slashes_action unescapes",
    breaks: "%2F becomes a separator of segments, and a model's name with a slash another \
            endpoint",
    write: "path_with_escaped_slashes_action: KEEP_UNCHANGED (or REJECT_REQUEST)",
};

const UNDERSCORES: LintRule = LintRule {
    name: "underscores",
    wrong: "headers with underscores are allowed",
    breaks: "x_api_key passes the gate unread and reaches upstreams that take it for x-api-key",
    write: "common_http_protocol_options: { headers_with_underscores_action: DROP_HEADER } (or \
            REJECT_REQUEST)",
};

/// Where the kind of a listener filter stands, and how that of the PROXY protocol ends.
const PROXY_KIND: (&str, &str) = (
    "/typed_config/@type",
    "filters.listener.proxy_protocol.v3.ProxyProtocol",
);

const PROXY_OPTIONAL: LintRule = LintRule {
    name: "proxy-protocol-optional",
    wrong: "the PROXY protocol is optional here (allow_requests_without_proxy_protocol)",
    breaks: "behind a load balancer that writes no such line a client writes its own: every IP \
            allowlist is open",
    write: "no allow_requests_without_proxy_protocol, and a load balancer that always writes it",
};

/// Judges one connection manager and its listener.
pub(super) fn check(manager: &ConnectionManager<'_>, findings: &mut Vec<LintFinding>) {
    let underscores = text(
        manager.config,
        "/common_http_protocol_options/headers_with_underscores_action",
    );
    let slashes = text(manager.config, "/path_with_escaped_slashes_action");
    let broken = [
        (may_lack_the_proxy_line(manager.listener), &PROXY_OPTIONAL),
        (
            !is_on(manager.config, "/use_remote_address"),
            &REMOTE_ADDRESS,
        ),
        (!is_on(manager.config, "/normalize_path"), &NORMALIZE_PATH),
        (!is_on(manager.config, "/merge_slashes"), &MERGE_SLASHES),
        (slashes.starts_with("UNESCAPE"), &ESCAPED_SLASHES),
        (
            !["REJECT_REQUEST", "DROP_HEADER"].contains(&underscores),
            &UNDERSCORES,
        ),
    ];
    let broken = broken.into_iter().filter(|(is_broken, _)| *is_broken);
    findings.extend(broken.map(|(_, rule)| LintFinding::at(&manager.place, rule)));
}

fn may_lack_the_proxy_line(listener: &Value) -> bool {
    let filters = list(listener, "/listener_filters").iter();
    let mut proxy = filters.filter(|filter| text(filter, PROXY_KIND.0).ends_with(PROXY_KIND.1));
    let is_optional = "/typed_config/allow_requests_without_proxy_protocol";
    proxy.any(|filter| is_on(filter, is_optional))
}
