//! Rules of the connection manager: who is calling, and which request it is.
//!
//! Filters and routes are judged elsewhere. Invariant: a setting that is left out is judged by what
//! Envoy then does.

use super::value::{is_on, text};
use super::view::Door;
use super::{Finding, Rule};

const REMOTE_ADDRESS: Rule = Rule {
    name: "remote-address",
    wrong: "use_remote_address is not true",
    breaks: "`source.address` is what the client wrote into X-Forwarded-For: every IP \
            allowlist is open",
    write: "use_remote_address: true (behind load balancers also xff_num_trusted_hops: their \
            number)",
};

const NORMALIZE_PATH: Rule = Rule {
    name: "normalize-path",
    wrong: "normalize_path is not true",
    breaks: "/v1/x/../chat/completions reaches gate and upstream as written, and they may read \
            it differently",
    write: "normalize_path: true",
};

const MERGE_SLASHES: Rule = Rule {
    name: "merge-slashes",
    wrong: "merge_slashes is not true",
    breaks: "//v1/chat/completions is another path for the gate than for many upstreams",
    write: "merge_slashes: true",
};

const ESCAPED_SLASHES: Rule = Rule {
    name: "escaped-slashes",
    wrong: "path_with_escaped_slashes_action unescapes",
    breaks: "%2F becomes a separator of segments, and a model's name with a slash another \
            endpoint",
    write: "path_with_escaped_slashes_action: KEEP_UNCHANGED (or REJECT_REQUEST)",
};

const UNDERSCORES: Rule = Rule {
    name: "underscores",
    wrong: "headers with underscores are allowed",
    breaks: "x_api_key passes the gate unread and reaches upstreams that take it for x-api-key",
    write: "common_http_protocol_options: { headers_with_underscores_action: REJECT_REQUEST }",
};

/// Judges one connection manager.
pub(super) fn check(door: &Door<'_>, findings: &mut Vec<Finding>) {
    let underscores = text(
        door.manager,
        "/common_http_protocol_options/headers_with_underscores_action",
    );
    let slashes = text(door.manager, "/path_with_escaped_slashes_action");
    let broken = [
        (!is_on(door.manager, "/use_remote_address"), &REMOTE_ADDRESS),
        (!is_on(door.manager, "/normalize_path"), &NORMALIZE_PATH),
        (!is_on(door.manager, "/merge_slashes"), &MERGE_SLASHES),
        (slashes.starts_with("UNESCAPE"), &ESCAPED_SLASHES),
        (
            !["REJECT_REQUEST", "DROP_HEADER"].contains(&underscores),
            &UNDERSCORES,
        ),
    ];
    let broken = broken.into_iter().filter(|(is_broken, _)| *is_broken);
    findings.extend(broken.map(|(_, rule)| Finding::at(&door.place, rule)));
}
