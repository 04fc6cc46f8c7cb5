//! Matching takes a time that grows with the length of what is matched, and no faster.
//!
//! Times are compared with each other, not with a clock's figure: sixteen times the input may not
//! take a hundred times as long. A busy machine can make one comparison wrong, not all of them;
//! what is quadratic takes 256 times as long in each.

use std::time::{Duration, Instant};

use filter::headers::HeaderMap;
use filter::locator::{LocatorConfig, Locators, check_path};

/// The shortest of some runs: what the machine does besides only makes a run longer.
fn shortest(mut run: impl FnMut()) -> Duration {
    let time = |_| {
        let begin = Instant::now();
        run();
        begin.elapsed()
    };
    (0..7).map(time).min().unwrap()
}

fn assert_linear(what: &str, run: impl Fn(usize)) {
    let is_linear = |_| shortest(|| run(16)) < shortest(|| run(1)) * 100;
    assert!((0..20).any(is_linear), "{what}");
}

#[test]
fn paths_of_sixty_kibibytes() {
    let locators = Locators::compile(&LocatorConfig::default()).unwrap();
    let locate = |path: String| {
        let headers = HeaderMap::from_pairs(&[(b":method", b"POST"), (b":path", path.as_bytes())]);
        if let Some(located) = locators.locate(&headers) {
            let _ = located.name_in_path(path.as_bytes());
            let _ = located.service(path.as_bytes());
        }
        let _ = check_path(path.as_bytes());
    };
    assert_linear("one segment", |n| {
        locate(format!(
            "/v1beta/models/{}:generateContent",
            "a".repeat(3750 * n)
        ));
    });
    assert_linear("many segments", |n| {
        locate(format!("/model{}/invoke", "/a".repeat(1875 * n)))
    });
    assert_linear("many slashes", |n| locate("/".repeat(3750 * n)));
    assert_linear("almost verbs", |n| {
        locate(format!("/v1/models/{}", ":generateConten".repeat(250 * n)));
    });
    assert_linear("percent signs", |n| {
        locate(format!("/v1/files/{}", "%61".repeat(1250 * n)))
    });
}

#[test]
fn ten_thousand_query_pairs() {
    let locators = Locators::compile(&LocatorConfig::default()).unwrap();
    let headers = HeaderMap::from_pairs(&[(b":method", b"POST"), (b":path", b"/v1/completions")]);
    let located = locators.locate(&headers).unwrap();
    for pair in [
        "a=1&",
        "mode=good-1&",
        "m%6fdel=x&",
        "model[=&",
        "draft_model=x&",
        "%",
        "&",
        ";",
    ] {
        assert_linear(pair, |n| {
            let _ = located.in_target(b"/v1/models", pair.repeat(625 * n).as_bytes());
        });
    }
}
