//! What the tests of the store work with: a directory that goes with the test, keys by number.
//!
//! Does not test. Invariant: a key's id, hash and value follow from its number.

use std::cell::OnceCell;
use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use keytable::{
    AccountId, AddressList, Axis, Generation, KeyHash, KeyId, Limits, Network, Scope, ScopeEntry,
    Status,
};

use crate::domain::act::Act;
use crate::domain::audit::{Actor, AuditAction};
use crate::domain::clock::UnixMillis;
use crate::domain::key::{Key, NewKey, Policy};
use crate::domain::label::Labels;
use crate::domain::name::{Description, KeyName};
use crate::domain::origin::Origin;
use crate::domain::region::RegionId;
use crate::store::feed::changes;
use crate::store::keys::lifecycle::{self, CreateOptions, Minted, Target};
use crate::store::sql::{Connection, params};
use crate::store::tests::cluster::{self, Cluster};
use crate::store::{
    DatabaseUrl, Idempotent, OpenError, Server, SqlError, Store, StoreError, StorePlace, Stored,
    create,
};

pub(crate) const NOW: UnixMillis = UnixMillis::new(1_800_000_000_000);

/// Leads a database from the words that every engine understands back to those before.
pub(crate) const BEFORE_PORTABLE: &str = "
    ALTER TABLE sessions        RENAME COLUMN user_id TO user;
    ALTER TABLE known_addresses RENAME COLUMN user_id TO user;
    ALTER TABLE tokens          RENAME COLUMN user_id TO user;
    ALTER TABLE access_keys     RENAME COLUMN user_id TO user;";

/// Takes what the newest version has brought out of a database: to be begun with by whoever goes back
/// further.
pub(crate) const WITHOUT_LIMITS: &str = "ALTER TABLE sessions DROP COLUMN verified_for; \
    ALTER TABLE sessions DROP COLUMN address; \
    ALTER TABLE accounts DROP COLUMN status; ALTER TABLE accounts DROP COLUMN deleted_at; \
    ALTER TABLE regions DROP COLUMN status; ALTER TABLE regions DROP COLUMN updated_at; \
    ALTER TABLE regions DROP COLUMN revision; DROP TRIGGER limits_go_with_the_last_key; \
    DROP INDEX keys_by_subject; ALTER TABLE keys DROP COLUMN subject; \
    ALTER TABLE meta DROP COLUMN counters; DROP TABLE limits; DROP TABLE ledger; \
    DROP TABLE ledger_sources; DROP TABLE ledger_advances;";

/// A database on a server that has the store's tables.
pub(crate) fn database(cluster: &Cluster) -> Server {
    static TEMPLATE: OnceLock<String> = OnceLock::new();
    let template = TEMPLATE.get_or_init(|| {
        let url = cluster.database(None);
        create(&server(&url)).unwrap();
        url.rsplit('/').next().unwrap().to_owned()
    });
    server(&cluster.database(Some(template)))
}

/// The database of a URL on this machine.
pub(crate) fn server(url: &str) -> Server {
    Server {
        url: DatabaseUrl::parse(url).unwrap(),
        password_file: None,
        ca_file: None,
    }
}

/// How long a session on a server may take to end.
const PATIENCE: Duration = Duration::from_secs(20);

/// A directory of its own that goes with the test, or a database that does.
pub(crate) struct Scratch(pub(crate) PathBuf, OnceCell<StorePlace>);

impl Scratch {
    pub(crate) fn new() -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("sidecar-store-{}-{number}", std::process::id());
        Self(std::env::temp_dir().join(name), OnceCell::new())
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.0.join("latchkey.db")
    }

    /// The store, on the engine that the tests run on.
    pub(crate) fn open(&self) -> Store {
        let place = self.1.get_or_init(|| match cluster::is_asked_for() {
            true => StorePlace::Server(database(Cluster::shared().unwrap())),
            false => StorePlace::Directory(self.0.clone()),
        });
        seeded(opened(place))
    }

    /// The store in its file, for what is about the file.
    pub(crate) fn open_file(&self) -> Store {
        seeded(Store::open(&self.0, 50).unwrap())
    }

    pub(crate) fn refusal(&self) -> OpenError {
        Store::open(&self.0, 50).unwrap_err()
    }
}

/// Opens a store. A server may still be ending the session of one that was closed just now.
fn opened(place: &StorePlace) -> Store {
    let open = || Store::open_at(place, 50);
    patiently(open, |opened| matches!(opened, Err(OpenError::InUse))).unwrap()
}

/// Does `what` until it gives something else than what passes by itself, for a while.
pub(crate) fn patiently<T>(what: impl Fn() -> T, passes: impl Fn(&T) -> bool) -> T {
    let begin = Instant::now();
    loop {
        let done = what();
        if !passes(&done) || begin.elapsed() > PATIENCE {
            return done;
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// A store with two regions and an account.
pub(crate) fn seeded(store: Store) -> Store {
    store.seed_account(&account(), NOW).unwrap();
    store.seed_region(&region("local"), NOW).unwrap();
    store.seed_region(&region("other"), NOW).unwrap();
    store
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn account() -> AccountId {
    AccountId::parse("demo").unwrap()
}

pub(crate) fn region(id: &str) -> RegionId {
    RegionId::parse(id).unwrap()
}

pub(crate) fn new_key(home: &str) -> NewKey {
    NewKey {
        account: account(),
        region: region(home),
        origin: Origin::Standard,
        name: KeyName::parse("a key").unwrap(),
        team: None,
        policy: Policy {
            description: Description::parse("for a test").unwrap(),
            status: Status::Enabled,
            scope: Scope {
                models: Axis::Listed(vec![ScopeEntry::parse("glm-*").unwrap()]),
                services: Axis::All,
            },
            addresses: AddressList::new(vec![Network::parse("10.0.0.0/8").unwrap()]).unwrap(),
            expires_at: Some(UnixMillis::new(NOW.get() + 1)),
            labels: Labels::default(),
        },
        limits: Limits::default(),
    }
}

pub(crate) fn minted(number: u32) -> Minted {
    let mut hash = [0; 32];
    hash[28..].copy_from_slice(&number.to_be_bytes());
    Minted {
        id: KeyId::parse(&format!("ak-{number}")).unwrap(),
        hash: KeyHash::from_bytes(hash),
        masked: "sk-ab***wxyz".into(),
        sealed: None,
        predecessor: None,
        creator: "operator".into(),
    }
}

/// What the tests do, at [`NOW`].
pub(crate) fn act() -> Act {
    act_at(NOW)
}

pub(crate) fn act_at(at: UnixMillis) -> Act {
    Act {
        actor: Actor::System,
        address: None,
        at,
    }
}

/// Runs statements as somebody would who has the database.
pub(crate) fn run(store: &Store, statements: &str) -> Result<(), SqlError> {
    let run = |connection: &Connection| -> Result<(), StoreError> {
        match connection {
            Connection::Sqlite(connection) => connection.execute_batch(statements)?,
            Connection::Postgres(session) => session.batch(statements)?,
        }
        Ok(())
    };
    store.write(run).map_err(|error| match error {
        StoreError::Broken(error) => error,
        other => panic!("{other}"),
    })
}

/// The number that a query answers with.
pub(crate) fn number(store: &Store, query: &str) -> i64 {
    let read = |connection: &Connection| {
        Ok(connection
            .prepare(query)?
            .query_row(params![], |row| row.get(0))?)
    };
    store.read(read).unwrap()
}

/// Makes a key that may name whatever it likes.
pub(crate) fn insert(
    store: &Store,
    new: NewKey,
    minted: Minted,
) -> Result<Stored<Key>, StoreError> {
    let options = CreateOptions {
        action: AuditAction::KeyCreated,
        allow_unlisted: true,
    };
    match store.insert(new, minted, &options, None, &act())? {
        Idempotent::Done(stored) => Ok(stored),
        Idempotent::Repeated(_) => panic!("made before"),
    }
}

pub(crate) fn add(store: &Store, number: u32, home: &str) -> Generation {
    insert(store, new_key(home), minted(number))
        .unwrap()
        .generation
}

/// Many keys in one transaction: the disk would take minutes for one each.
pub(crate) fn insert_at_once(store: &Store, keys: impl IntoIterator<Item = (NewKey, Minted)>) {
    store
        .write(|connection| {
            let add = |(new, minted)| {
                let key = lifecycle::add(connection, new, minted, NOW)?;
                Ok(lifecycle::change_of(&key, changes::ChangeKind::Put))
            };
            let added: Result<Vec<_>, StoreError> = keys.into_iter().map(add).collect();
            changes::append(connection, &added?)
        })
        .unwrap();
}

pub(crate) fn add_all(store: &Store, numbers: impl IntoIterator<Item = u32>) {
    for number in numbers {
        add(store, number, "local");
    }
}

pub(crate) fn target(number: u32) -> Target {
    Target {
        id: minted(number).id,
        account: None,
        revisions: None,
    }
}
