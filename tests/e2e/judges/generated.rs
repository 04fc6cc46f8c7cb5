//! Generated requests through Envoy: whatever names a model out of scope, wherever it stands, is not
//! forwarded whole; nor is one that names a model in scope where the server does not read it.
//!
//! The same requests as the filter's own tests make, fewer of them, judged by what an upstream has
//! received. `E2E_SEED` repeats a run, `E2E_REQUESTS` says how many, `E2E_BUDGET_S` after how many
//! seconds no more are sent; every other one goes to a gate at which bodies flow.
//! Invariant: the same requests in scope arrive, so that it is the name
//! that is judged.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use envoy::Stack;
use keytable::AxisKind;
use serde_json::{Value, json};
use tests::{Admin, Key, flowing, raw, start_another, start_passing};

use super::placing::{self, OBJECTS, TEXTS};
use super::rows::{Row, mount_of, rows};
use super::words::{Kind, SPELLINGS};
use crate::differential::{corpus::Corpus, number};

const CLIENTS: usize = 4;
const DEPTH_MAX: usize = 6;
/// One request of so many is in scope.
const ONE_IN_SCOPE: usize = 10;
/// One of so many has nothing where the server reads.
const ONE_DECOY: usize = 5;
/// Long enough for all of them on a machine that does nothing else.
const BUDGET_S: u64 = 600;

/// A rule's honest request.
struct Target {
    path: String,
    row: Row,
    /// The body without what it names, if that is where the server reads it.
    unnamed: Option<String>,
}

/// One request, and whether it is to arrive.
struct Generated<'a> {
    target: &'a Target,
    body: String,
    is_in_scope: bool,
}

#[test]
fn of_generated_requests_those_in_scope_arrive_and_no_others() {
    let (seed, count) = (number("E2E_SEED", 1), number("E2E_REQUESTS", 20_000));
    let budget = Duration::from_secs(number("E2E_BUDGET_S", BUDGET_S));
    println!("E2E_SEED={seed} E2E_REQUESTS={count}");
    let (stack, admin) = start_passing(&["x-sample"]);
    let rows = first_of_each_rule();
    let key = key(&admin, &rows);
    let targets: Vec<Target> = rows
        .into_iter()
        .filter_map(|row| target(&stack, &key, row))
        .collect();
    assert!(targets.len() > 30, "{}", targets.len());
    let mut source = Corpus::new(seed);
    let requests: Vec<_> = (0..count)
        .map(|_| generate(&mut source, &targets))
        .collect();
    stack.upstream().unwrap().clear();
    let flowing = start_another(&stack, "flowing", flowing());
    let urls = [stack.envoy_url(), flowing.settings().url()];
    let sent = send(&urls, &key, &requests, budget);
    println!("{sent} sent, about {} rules", targets.len());
    let arrived = arrived(&stack);
    for (at, request) in requests.iter().take(sent).enumerate() {
        let shown = format!("E2E_SEED={seed}: {} {}", request.target.path, request.body);
        assert_eq!(arrived.contains(&at), request.is_in_scope, "{shown}");
    }
    assert!(sent > targets.len(), "{sent} are too few to say anything");
}

/// Every rule that names models in a JSON body, with its first honest request.
fn first_of_each_rule() -> Vec<Row> {
    let mut rules = BTreeSet::new();
    let names_models = |row: &Row| {
        let is_post = row.call.starts_with("POST ") && row.body.is_object();
        is_post && row.names.iter().all(|name| !name.starts_with('@'))
    };
    let rows = rows().into_iter().filter(names_models);
    rows.filter(|row| rules.insert(row.rule.clone())).collect()
}

/// A key that may call what these requests name, and `good-1`.
fn key(admin: &Admin, rows: &[Row]) -> Key {
    let named = rows
        .iter()
        .flat_map(|row| row.names.iter().map(String::as_str));
    let named: BTreeSet<&str> = named.chain(["good-1"]).collect();
    let on = |kind: AxisKind| -> Vec<&str> {
        let names = named.iter().copied();
        names
            .filter(|name| AxisKind::of(name.as_bytes()) == kind)
            .collect()
    };
    let scope = json!({"models": on(AxisKind::Models), "services": on(AxisKind::Services)});
    admin.create("limited", json!({"scope": scope}))
}

/// `None` if another profile's rule has the path, so that the honest request is another one there.
fn target(stack: &Stack, key: &Key, row: Row) -> Option<Target> {
    let (_, path) = row.call.split_once(' ').unwrap();
    let path = path.replace("{m}", &mount_of(&row));
    // What the upstream thinks of it does not matter.
    let is_served = |body: &Value| {
        stack.upstream().unwrap().clear();
        let bytes = bytes(&path, key, &body.to_string(), 0);
        raw::send(&stack.envoy_url(), &bytes);
        !arrived(stack).is_empty()
    };
    if !is_served(&row.body) {
        println!("{} {path} is another rule's", row.rule);
        return None;
    }
    let unnamed = placing::without(&row.body, &row.names);
    let unnamed = (!is_served(&unnamed)).then(|| unnamed.to_string());
    Some(Target { path, row, unnamed })
}

fn generate<'a>(source: &mut Corpus, targets: &'a [Target]) -> Generated<'a> {
    let target = &targets[source.below(targets.len())];
    let is_in_scope = source.below(ONE_IN_SCOPE) == 0;
    let is_decoy = !is_in_scope && source.below(ONE_DECOY) == 0;
    let honest = target.row.body.to_string();
    let (body, name) = match &target.unnamed {
        Some(unnamed) if is_decoy => (unnamed.as_str(), "good-1"),
        _ if is_in_scope => (honest.as_str(), "good-1"),
        _ => (honest.as_str(), "bad-1"),
    };
    let members = member(source, is_in_scope, is_decoy, name);
    Generated {
        target,
        body: placing::with(body, &members),
        is_in_scope,
    }
}

/// A chooser somewhere. One that is to be served has a plain name below the body's own members.
fn member(source: &mut Corpus, is_in_scope: bool, is_decoy: bool, name: &str) -> String {
    let (kind, spellings) = SPELLINGS[source.below(SPELLINGS.len())];
    let (kind, spellings) = match is_in_scope {
        true => (Kind::Name, SPELLINGS[0].1),
        false => (kind, spellings),
    };
    let mut spelling = source.pick(spellings);
    while is_in_scope && !spelling.is_ascii() {
        spelling = source.pick(spellings);
    }
    let values = match kind {
        Kind::Name | Kind::Chain if source.below(2) == 0 => &OBJECTS[..3],
        _ => &TEXTS[..],
    };
    let value = source.pick(values).replace('#', &format!("\"{name}\""));
    // In the body itself a decoy could be what a lenient server reads.
    let shallowest = if is_in_scope || is_decoy { 2 } else { 1 };
    let depth = shallowest + source.below(DEPTH_MAX + 1 - shallowest);
    placing::placed(&mut |end| source.below(end), spelling, &value, depth)
}

/// Sends them to these gates in turn until the time is over; gives how many.
fn send(urls: &[String; 2], key: &Key, requests: &[Generated<'_>], budget: Duration) -> usize {
    let begun = Instant::now();
    let next = AtomicUsize::new(0);
    let next = &next;
    thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| {
                while begun.elapsed() < budget {
                    let at = next.fetch_add(1, Ordering::SeqCst);
                    let Some(request) = requests.get(at) else {
                        break;
                    };
                    let bytes = bytes(&request.target.path, key, &request.body, at);
                    let status = raw::send(&urls[at % urls.len()], &bytes).status;
                    assert!(status != 0 && status != 503, "{status}");
                }
            });
        }
    });
    next.load(Ordering::SeqCst).min(requests.len())
}

/// The numbers of the requests that arrived whole.
fn arrived(stack: &Stack) -> BTreeSet<usize> {
    let received = stack.upstream().unwrap().requests();
    let whole = received.iter().filter(|request| request.is_complete);
    whole
        .map(|request| request.header("x-sample").unwrap().parse().unwrap())
        .collect()
}

fn bytes(path: &str, key: &Key, body: &str, number: usize) -> Vec<u8> {
    let lines = [
        format!("authorization: Bearer {}", key.value),
        "content-type: application/json".to_owned(),
        format!("content-length: {}", body.len()),
        format!("x-sample: {number}"),
    ];
    let lines: Vec<&[u8]> = lines.iter().map(String::as_bytes).collect();
    let mut bytes = raw::head("POST", path, &lines);
    bytes.extend(body.bytes());
    bytes
}
