//! The catalog as it is stored, and what scopes may name by it.

use keytable::{Axis, ScopeEntry};

use super::*;
use crate::domain::catalog::Unlisted;
use crate::domain::key::KeyEdit;
use crate::store::tests::fixture::{NOW, Scratch, act, insert, minted, new_key, region, target};
use crate::store::{CreateOptions, Idempotent};

fn name(text: &str) -> ResourceName {
    ResourceName::parse(text).unwrap()
}

fn known(text: &str) -> CatalogEntry {
    CatalogEntry {
        name: name(text),
        display_name: text.to_uppercase(),
        aliases: vec![name("alias")],
        created_at: NOW,
        updated_at: NOW,
        revision: 1,
    }
}

fn set(store: &Store, text: &str) -> CatalogEntry {
    store
        .set_catalog_entry(&region("local"), known(text), None, &act())
        .unwrap()
}

fn unlisted<T>(outcome: Result<T, StoreError>) -> Vec<Unlisted> {
    match outcome {
        Err(StoreError::Unlisted(unlisted)) => unlisted,
        Err(error) => panic!("{error}"),
        Ok(_) => Vec::new(),
    }
}

#[test]
fn entries_are_set_read_listed_and_removed() {
    let scratch = Scratch::new();
    let store = scratch.open();
    let first = set(&store, "glm-5.1");
    let again = set(&store, "glm-5.1");
    assert_eq!((first.revision, again.revision), (1, 2));
    set(&store, "ep-chat");
    let here = region("local");
    assert_eq!(store.catalog_entry(&here, &name("glm-5.1")).unwrap(), again);
    let names = |filter: CatalogFilter| {
        let found = store.catalog(&here, &filter, 10).unwrap();
        found
            .into_iter()
            .map(|entry| entry.name.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(CatalogFilter::default()), ["ep-chat", "glm-5.1"]);
    let models = CatalogFilter {
        kind: Some("model"),
        after: None,
    };
    assert_eq!(names(models), ["glm-5.1"]);
    let stale = store.remove_catalog_entry(&here, &name("glm-5.1"), Some(&[1]), &act());
    assert!(matches!(stale, Err(StoreError::Stale)));
    store
        .remove_catalog_entry(&here, &name("glm-5.1"), Some(&[2]), &act())
        .unwrap();
    assert!(store.catalog_entry(&here, &name("glm-5.1")).is_err());
    assert!(
        store
            .catalog(&region("other"), &CatalogFilter::default(), 9)
            .unwrap()
            .is_empty()
    );
    let nowhere = store.catalog(&region("nowhere"), &CatalogFilter::default(), 9);
    assert!(matches!(nowhere, Err(StoreError::Unknown("region"))));
}

#[test]
fn an_import_adds_what_is_new_and_a_full_catalog_refuses_it_whole() {
    let scratch = Scratch::new();
    let store = scratch.open();
    set(&store, "glm-5.1");
    let here = region("local");
    let some = vec![known("glm-5.1"), known("glm-5.2")];
    assert_eq!(store.import_catalog(&here, some, &act()).unwrap(), 1);
    let many = (0..CATALOG_ENTRIES_MAX).map(|number| known(&format!("m-{number}")));
    let full = store.import_catalog(&here, many.collect(), &act());
    assert!(matches!(full, Err(StoreError::Conflict(_))));
    assert_eq!(
        store
            .catalog(&here, &CatalogFilter::default(), 9)
            .unwrap()
            .len(),
        2
    );
}

#[test]
fn scopes_are_held_to_the_catalog_of_their_region() {
    let scratch = Scratch::new();
    let store = scratch.open();
    set(&store, "glm-5.1");
    let options = CreateOptions {
        action: AuditAction::KeyCreated,
        allow_unlisted: false,
    };
    let make = |home, number| {
        let made = store.insert(new_key(home), minted(number), &options, None, &act());
        made.map(|outcome| assert!(matches!(outcome, Idempotent::Done(_))))
    };
    assert!(
        unlisted(make("local", 1)).is_empty(),
        "glm-* covers an entry"
    );
    assert!(
        unlisted(make("other", 2)).is_empty(),
        "a region without a catalog"
    );
    let edit = |entry: &str, allow_unlisted| {
        let models = Axis::Listed(vec![ScopeEntry::parse(entry).unwrap()]);
        let scope = Some(Scope {
            models,
            services: Axis::All,
        });
        let edit = KeyEdit {
            scope,
            ..KeyEdit::default()
        };
        store.edit(&target(1), edit, allow_unlisted, &act())
    };
    let found = unlisted(edit("glm-5.2", false));
    assert_eq!(found[0].field, "scope.models[0]");
    assert!(found[0].advice.contains("did you mean glm-5.1?"));
    edit("glm-5.2", true).unwrap();
    let other_part = KeyEdit {
        status: Some(keytable::Status::Disabled),
        ..KeyEdit::default()
    };
    store.edit(&target(1), other_part, false, &act()).unwrap();
    insert(&store, new_key("local"), minted(3)).unwrap();
}
