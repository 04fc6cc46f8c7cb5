//! What many keys cost the sidecar: making them, starting on them, showing pages of them, giving
//! an Envoy all of them; in time and memory.
//!
//! `cargo bench -p sidecar --bench scale` prints a table and writes it into docs/performance.md;
//! `-- --data DIR` says where the databases are made, `-- --million` adds a million keys. Keys are
//! made by the store's own code, one transaction each; everything else is asked of the real
//! program over HTTP. Asserts nothing about time.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "a benchmark that cannot go on has failed"
)]

mod program;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use keytable::{AccountId, AddressList, Axis, Network, Scope, ScopeEntry, Status};
use sidecar::config::{Command, Config};
use sidecar::domain::act::Act;
use sidecar::domain::audit::{Actor, AuditAction};
use sidecar::domain::clock::{Clock, SystemClock};
use sidecar::domain::key::{NewKey, Policy};
use sidecar::domain::label::Labels;
use sidecar::domain::name::{Description, KeyName};
use sidecar::domain::origin::Origin;
use sidecar::domain::region::RegionId;
use sidecar::domain::secrets::entropy;
use sidecar::domain::secrets::keyring::Keyring;
use sidecar::domain::secrets::secret::{KeyPrefix, Secret};
use sidecar::master_key;
use sidecar::store::{CreateOptions, Minted, Store, value_place};

use program::{Program, mib};
use serde_json::json;

const BEGIN: &str = "<!-- many-keys: begin -->";
const END: &str = "<!-- many-keys: end -->";
const HEADER: &str = "| keys | accounts | made each second: first tenth, last tenth | database, MiB | \
     ready again, s: stopped, killed | page of a list, of a search, of usage, of advice, ms | \
     whole table for an Envoy: s, MiB | resident, MiB: ready, after pages, after the table |\n\
     |---|---|---|---|---|---|---|---|";

/// Keys and the accounts that they are spread over.
const CASES: [(u32, u32); 2] = [(30_000, 1), (100_000, 1_000)];
/// Keys that are made just before the process is killed.
const CHANGES: u32 = 200;
const MILLION: (u32, u32) = (1_000_000, 10_000);

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let place = args.iter().position(|arg| arg == "--data");
    let place = place.map_or_else(
        || PathBuf::from(env!("CARGO_TARGET_TMPDIR")),
        |index| PathBuf::from(&args[index + 1]),
    );
    let million = args.iter().any(|arg| arg == "--million");
    let mut rows = vec![HEADER.to_owned()];
    for (keys, accounts) in CASES.into_iter().chain(million.then_some(MILLION)) {
        let row = row(&place.join("sidecar-scale"), keys, accounts);
        println!("{row}");
        rows.push(row);
    }
    write_table(&format!("{}\n", rows.join("\n")));
}

/// One row of the table, from an empty directory on.
fn row(directory: &Path, keys: u32, accounts: u32) -> String {
    let _ = fs::remove_dir_all(directory);
    fs::create_dir_all(directory).unwrap();
    let (first, last) = make(directory, keys, accounts);
    let stopped = Program::start(directory);
    let after_stop_s = stopped.ready_s;
    drop(stopped);
    let killed = Program::start(directory);
    for number in 0..CHANGES {
        let key = json!({"account": "acc-0", "region": "local", "name": format!("late {number}")});
        killed.call("POST", "/v1/keys?wait=none", Some(&key));
    }
    killed.kill();
    let program = Program::start(directory);
    let ready_mib = program.resident_mib();
    let pages = pages(&program);
    let pages_mib = program.resident_mib();
    let (table_s, table_mib) = program.whole_table();
    let row = format!(
        "| {keys} | {accounts} | {first:.0}, {last:.0} | {:.0} | {after_stop_s:.1}, {:.1} | {pages} | \
         {table_s:.1}, {table_mib:.0} | {ready_mib:.0}, {pages_mib:.0}, {:.0} |",
        mib(fs::metadata(database(directory)).unwrap().len()),
        program.ready_s,
        program.resident_mib(),
    );
    drop(program);
    let _ = fs::remove_dir_all(directory);
    row
}

/// The medians of what pages take, in milliseconds.
fn pages(program: &Program) -> String {
    let paths = [
        "/v1/keys?account=acc-0",
        "/v1/keys?account=acc-0&name_contains=77&sort=name",
        "/v1/usage?account=acc-0",
        "/v1/recommendations?account=acc-0",
    ];
    let medians = paths.map(|path| {
        let mut taken_ms: Vec<f64> = (0..21)
            .map(|_| {
                let begin = Instant::now();
                program.call("GET", path, None);
                begin.elapsed().as_secs_f64() * 1000.0
            })
            .collect();
        taken_ms.sort_by(f64::total_cmp);
        format!("{:.1}", taken_ms[taken_ms.len() / 2])
    });
    medians.join(", ")
}

fn database(directory: &Path) -> PathBuf {
    directory.join("data").join("latchkey.db")
}

/// Makes the keys; how many each second in the first and in the last tenth.
fn make(directory: &Path, keys: u32, accounts: u32) -> (f64, f64) {
    let config = config(directory);
    let store = Store::open_at(&config.store, u64::from(keys)).unwrap();
    let now = SystemClock.now();
    let keyring = master_key::open(&config.master_key, &store, now).unwrap();
    store.seed_region(&region(), now).unwrap();
    for number in 0..accounts {
        store.seed_account(&account(number), now).unwrap();
    }
    let (mut begin, mut rates) = (Instant::now(), Vec::new());
    for number in 0..keys {
        make_one(&store, &keyring, number, accounts);
        if (number + 1) % (keys / 10) == 0 {
            rates.push(f64::from(keys / 10) / begin.elapsed().as_secs_f64());
            begin = Instant::now();
        }
    }
    (rates[0], rates[rates.len() - 1])
}

fn make_one(store: &Store, keyring: &Keyring, number: u32, accounts: u32) {
    let act = Act {
        actor: Actor::System,
        address: None,
        at: SystemClock.now(),
    };
    let secret = Secret::mint(&KeyPrefix::standard()).unwrap();
    let id = entropy::new_key_id(Origin::Standard, act.at).unwrap();
    let place = value_place(id.as_str(), 1);
    let sealed = keyring.seal(&place, secret.as_str().as_bytes()).unwrap();
    let minted = Minted {
        sealed: Some(sealed),
        hash: secret.hash(),
        masked: secret.mask(),
        predecessor: None,
        creator: act.actor.to_string(),
        id,
    };
    let manner = CreateOptions {
        action: AuditAction::KeyCreated,
        allow_unlisted: true,
    };
    let new = new_key(number, accounts);
    store.insert(new, minted, &manner, None, &act).unwrap();
}

/// A key with two models and one network.
fn new_key(number: u32, accounts: u32) -> NewKey {
    let entries = ["glm-5.1", "deepseek-*"].map(|entry| ScopeEntry::parse(entry).unwrap());
    NewKey {
        account: account(number % accounts),
        region: region(),
        origin: Origin::Standard,
        name: KeyName::parse(&format!("key {number}")).unwrap(),
        team: None,
        policy: Policy {
            description: Description::parse("made by the benchmark").unwrap(),
            status: Status::Enabled,
            scope: Scope {
                models: Axis::Listed(entries.to_vec()),
                services: Axis::All,
            },
            addresses: AddressList::new(vec![Network::parse("10.0.0.0/8").unwrap()]).unwrap(),
            expires_at: None,
            labels: Labels::default(),
        },
        limits: Default::default(),
    }
}

fn account(number: u32) -> AccountId {
    AccountId::parse(&format!("acc-{number}")).unwrap()
}

fn region() -> RegionId {
    RegionId::parse("local").unwrap()
}

fn config(directory: &Path) -> Config {
    let feed_token = directory.join("feed-token");
    fs::write(&feed_token, program::FEED_TOKEN).unwrap();
    fs::set_permissions(&feed_token, Permissions::from_mode(0o600)).unwrap();
    match Command::parse(program::flags(directory).into_iter().map(Into::into)) {
        Ok(Command::Serve(config)) => *config,
        _ => panic!("the flags are wrong"),
    }
}

/// Replaces what stands between the two marks in docs/performance.md.
fn write_table(table: &str) {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/performance.md");
    let text = fs::read_to_string(&file).unwrap();
    let (before, rest) = text.split_once(BEGIN).expect("the first mark");
    let (_, after) = rest.split_once(END).expect("the second mark");
    fs::write(file, format!("{before}{BEGIN}\n{table}{END}{after}")).unwrap();
}
