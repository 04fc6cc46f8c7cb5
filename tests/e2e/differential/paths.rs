//! Whatever a reference router takes for a model out of scope in a path, the gate has refused.
//!
//! Judged by the request targets that the upstream received, which is what its router would read. Half of the paths
//! go to a gate at which bodies flow.

use std::fs;
use std::thread;

use envoy::files;
use serde_json::{Value, json};
use tests::{flowing, node, python, raw, start, start_another};

use super::corpus::Corpus;
use super::{CLIENTS, IN_SCOPE, PYPI, number};

const PATHS: usize = 10_000;

/// Paths with a place for something to go wrong.
const ROUTES: [&str; 8] = [
    "/v1/models/{}",
    "/v1/models/{}",
    "/v1beta/models/{}:generateContent",
    "/v1beta/models/{}:generateContent",
    "/openai/deployments/{}/chat/completions",
    "/model/{}/invoke",
    "/v1{}/models/bad-1",
    "/v1beta/models{}:generateContent",
];
const PIECES: [&str; 30] = [
    "good-1",
    "good-1",
    "good-1",
    "good-2",
    "bad-1",
    "bad-1",
    "/",
    "/..",
    "/.",
    "..",
    ".",
    "%2e%2e",
    "/.%2e",
    "%2f",
    "%5c",
    "\\",
    "//",
    ";",
    ";x=/",
    "%3b",
    "%00",
    "%25",
    "%2562ad-1",
    "b%61d-1",
    ":",
    "%3a",
    "%3f",
    "%23",
    "?",
    "GOOD-1",
];

fn path(corpus: &mut Corpus) -> String {
    let count = 1 + corpus.below(4);
    let inside: String = (0..count).map(|_| corpus.pick(&PIECES)).collect();
    corpus.pick(&ROUTES).replace("{}", &inside)
}

#[test]
fn what_any_router_takes_for_a_model_out_of_scope_was_refused() {
    let seed = number("E2E_SEED", 1);
    println!("E2E_SEED={seed}");
    let (stack, admin) = start();
    let key = admin.create("limited", json!({"scope": {"models": IN_SCOPE}}));
    let mut corpus = Corpus::new(seed);
    let paths: Vec<String> = (0..PATHS).map(|_| path(&mut corpus)).collect();
    let flowing = start_another(&stack, "flowing", flowing());
    let urls = [stack.envoy_url(), flowing.settings().url()];
    let bearer = format!("authorization: Bearer {}", key.value);
    let ask = |(index, path): (usize, &String)| {
        let json = b"content-type: application/json";
        let (method, body) = match path.contains("/v1/") {
            true => ("GET", ""),
            false => ("POST", "{\"model\":\"good-1\"}"),
        };
        let length = format!("content-length: {}", body.len());
        let lines: [&[u8]; 3] = [bearer.as_bytes(), json, length.as_bytes()];
        let bytes = [raw::head(method, path, &lines), body.as_bytes().to_vec()].concat();
        let url = &urls[index / CLIENTS % urls.len()];
        assert_ne!(raw::send(url, &bytes).status, 0, "{path}");
    };
    thread::scope(|scope| {
        for client in 0..CLIENTS {
            let its = paths.iter().enumerate().skip(client).step_by(CLIENTS);
            scope.spawn(move || its.for_each(ask));
        }
    });
    let received = stack.upstream().unwrap().requests();
    let whole = received.iter().filter(|request| request.is_complete);
    let targets: Vec<String> = whole.map(|request| request.target.clone()).collect();
    println!("P-19: {} of {PATHS} paths were let through", targets.len());
    assert!(targets.len() * 50 > PATHS, "some paths are good");
    let file = stack.run_dir().join("targets");
    check(file.to_str().unwrap(), &targets);
}

fn check(file: &str, targets: &[String]) {
    let lines = targets
        .iter()
        .map(|target| files::hex(target.as_bytes()) + "\n");
    fs::write(file, lines.collect::<String>()).unwrap();
    let Some(python) = python::with_packages("readers", &PYPI) else {
        return;
    };
    let Some(by_node) = node::run("routers.mjs", &[file]) else {
        return;
    };
    for printed in [python::run(&python, "routers.py", &[file]), by_node] {
        let mut named = 0;
        for (target, line) in targets.iter().zip(printed.lines()) {
            let routers: Vec<(String, Value)> = serde_json::from_str(line).unwrap();
            for (router, model) in routers {
                let fits = model.as_str().is_none_or(|model| IN_SCOPE.contains(&model));
                assert!(fits, "P-19: {router} takes {model} from {target}");
                named += usize::from(model.is_string());
            }
        }
        assert!(named >= targets.len(), "the routers route: {named}");
    }
}
