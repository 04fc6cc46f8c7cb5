//! Where the ring comes from, and when it is refused.

use std::path::PathBuf;

use super::*;
use crate::domain::audit::Actor;

const NOW: UnixMillis = UnixMillis::new(1_800_000_000_000);

/// A data directory that goes with the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let name = format!("sidecar-master-{}-{name}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }

    fn store(&self) -> Store {
        Store::open(&self.0, 50).unwrap()
    }

    fn file(&self) -> PathBuf {
        self.0.join(FILE)
    }

    fn open(&self, store: &Store) -> Result<Keyring, MasterKeyError> {
        open(&MasterKeySource::DataDirectory(self.0.clone()), store, NOW)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn act() -> Act {
    Act {
        actor: Actor::System,
        address: None,
        at: NOW,
    }
}

#[test]
fn a_new_store_gets_a_ring_of_its_owner_alone_and_keeps_it() {
    let scratch = Scratch::new("new");
    let store = scratch.store();
    let ring = scratch.open(&store).unwrap();
    let mode = fs::metadata(scratch.file()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(scratch.open(&store).unwrap().current(), ring.current());
    assert_eq!(store.master_keys().unwrap(), [ring.current()]);
}

#[test]
fn a_ring_that_is_missing_wrong_or_open_to_others_is_refused_and_left_as_it_is() {
    let scratch = Scratch::new("missing");
    let store = scratch.store();
    scratch.open(&store).unwrap();
    let text = fs::read(scratch.file()).unwrap();
    fs::remove_file(scratch.file()).unwrap();
    assert!(matches!(
        scratch.open(&store),
        Err(MasterKeyError::Missing(_))
    ));
    assert!(!scratch.file().exists(), "no new one was drawn");
    write(&scratch.file(), &Keyring::draw().unwrap()).unwrap();
    assert!(matches!(
        scratch.open(&store),
        Err(MasterKeyError::Lacks(..))
    ));
    assert_eq!(
        store.master_keys().unwrap().len(),
        1,
        "the wrong one was not noted"
    );
    fs::write(scratch.file(), &text).unwrap();
    fs::set_permissions(scratch.file(), fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(
        scratch.open(&store),
        Err(MasterKeyError::OpenToOthers(_))
    ));
    fs::set_permissions(scratch.file(), fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(scratch.file(), "not a key").unwrap();
    assert!(matches!(
        scratch.open(&store),
        Err(MasterKeyError::Form(..))
    ));
    fs::write(scratch.file(), &text).unwrap();
    scratch.open(&store).unwrap();
}

#[test]
fn a_passage_puts_a_new_key_in_front_and_an_interrupted_one_goes_on() {
    let scratch = Scratch::new("passage");
    let store = scratch.store();
    let first = scratch.open(&store).unwrap();
    let source = MasterKeySource::DataDirectory(scratch.0.clone());
    let passage = rotate(&source, &store, &act()).unwrap();
    let ring = scratch.open(&store).unwrap();
    assert_eq!(ring.current(), passage.current);
    assert!(ring.has(first.current()), "older backups still need it");
    // Killed behind the new file: the ring has its new key, the store does not know.
    let longer = ring.with_new_key().unwrap();
    write(&scratch.file(), &longer).unwrap();
    let passage = rotate(&source, &store, &act()).unwrap();
    assert_eq!(
        passage.current,
        longer.current(),
        "no further key was drawn"
    );
    assert_eq!(store.master_keys().unwrap(), [longer.current()]);
}

#[test]
fn a_descriptor_is_read_and_never_written() {
    let scratch = Scratch::new("descriptor");
    let store = scratch.store();
    let ring = Keyring::draw().unwrap();
    let path = scratch.0.join("ring");
    write(&path, &ring).unwrap();
    let file = File::open(&path).unwrap();
    let number = std::os::fd::AsRawFd::as_raw_fd(&file);
    let source = MasterKeySource::Descriptor(number);
    let opened = open(&source, &store, NOW).unwrap();
    assert_eq!(opened.current(), ring.current());
    let refused = rotate(&source, &store, &act());
    assert!(matches!(refused, Err(MasterKeyError::NoNewKey)));
}
