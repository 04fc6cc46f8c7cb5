//! Scopes: which names a key may call, and which only look like them.
//!
//! Does not test the rest of a decision (package `grid`). Invariant: names are compared byte by
//! byte; a prefix covers plain names only; a list that covers nothing never means everything.

#![cfg(test)]

use keytable::limits::{SCOPE_ENTRIES_MAX, SCOPE_ENTRY_BYTES_MAX};
use keytable::scope::name_is_sound;
use keytable::{
    AccountId, AddressList, Axis, AxisKind, KeyHash, KeyId, Norm, Record, RecordError, RecordView,
    Scope, ScopeEntry, ScopeEntryError, Status,
};

fn listed(entries: &[&str]) -> Axis {
    let parse = |text: &&str| ScopeEntry::parse(text).unwrap();
    Axis::Listed(entries.iter().map(parse).collect())
}

fn record_with(models: Axis, services: Axis) -> Record {
    Record {
        key_hash: KeyHash::from_bytes([7; 32]),
        key_id: KeyId::parse("ak-1").unwrap(),
        account: AccountId::parse("demo").unwrap(),
        status: Status::Enabled,
        expires_at_unix_ms: None,
        addresses: AddressList::default(),
        scope: Scope { models, services },
        limits: None,
        is_account_limited: false,
    }
}

/// Whether a record with this scope covers `name`.
fn covers(models: Axis, services: Axis, name: &str) -> bool {
    let bytes = record_with(models, services).encode().unwrap();
    RecordView::parse(&bytes)
        .unwrap()
        .covers(name.as_bytes(), Norm::Plain)
}

/// Whether this entry alone, on the models axis, covers `name`; asked in both of its forms.
fn entry_covers(entry: &str, name: &str) -> bool {
    let parsed = ScopeEntry::parse(entry).unwrap();
    let in_record = covers(listed(&[entry]), listed(&[]), name);
    assert_eq!(
        parsed.covers(name.as_bytes()),
        in_record,
        "{entry} {name:?}"
    );
    in_record
}

#[test]
fn an_exact_entry_covers_its_name_and_no_other() {
    assert!(entry_covers("good-1", "good-1"));
    for name in [
        "",
        "good-",
        "good-11",
        "good-1 ",
        " good-1",
        "GOOD-1",
        "Good-1",
        "good-1\n",
        "good-1\0",
        "good-1%00",
        "good-1,bad-1",
        "good-1/../bad-1",
        "bad-1",
        "good-1*",
        "*",
    ] {
        assert!(!entry_covers("good-1", name), "{name:?}");
    }
}

#[test]
fn a_prefix_entry_covers_plain_longer_names() {
    for name in [
        "good-1",
        "good-v2.1",
        "good-1:nitro",
        "good-1@2024",
        "good-a/b",
        "good-_",
        "good-1+x",
        "good--",
        "good-.",
    ] {
        assert!(entry_covers("good-*", name), "{name}");
    }
}

#[test]
fn a_prefix_entry_covers_nothing_that_another_reader_could_split_or_shorten() {
    for name in [
        "good-",
        "good",
        "GOOD-1",
        "bad-good-1",
        "good-1/../bad-1",
        "good-..",
        "good-1//bad-1",
        "good-1\n",
        "good-1 ",
        "good- 1",
        "good-1%00",
        "good-1\0",
        "good-1,bad-1",
        "good-1;bad-1",
        "good-1|bad-1",
        "good-1\\bad-1",
        "good-1?x",
        "good-1#x",
        "good-*",
        "good-\"",
        "good-é",
        "good-\u{200b}1",
        "good-1@preset/x",
        "good-1@Preset/x",
    ] {
        assert!(!entry_covers("good-*", name), "{name:?}");
    }
}

#[test]
fn dots_and_slashes_are_also_seen_across_the_end_of_the_prefix() {
    assert!(!entry_covers("good.*", "good..bad"));
    assert!(!entry_covers("good/*", "good//bad"));
    assert!(!entry_covers("a..b*", "a..bc"));
    assert!(entry_covers("good/*", "good/bad"));
}

#[test]
fn names_that_only_look_alike_are_other_names() {
    for name in [
        "g\u{43e}\u{43e}d-1",
        "\u{ff47}ood-1",
        "good\u{2010}1",
        "good-\u{661}",
        "good-1\u{feff}",
    ] {
        assert!(!entry_covers("good-1", name), "{name}");
        assert!(!entry_covers("good-*", name), "{name}");
    }
    assert!(entry_covers("caf\u{e9}", "caf\u{e9}"));
    assert!(!entry_covers("caf\u{e9}", "cafe\u{301}"));
}

#[test]
fn variants_of_a_name_must_be_listed_themselves() {
    for name in [
        "ft:good-1:org::id",
        "good-1:nitro",
        "provider/good-1",
        "good-1@2024",
    ] {
        assert!(!entry_covers("good-1", name), "{name}");
        assert!(entry_covers(name, name), "{name}");
    }
    assert!(!entry_covers("good-*", "ft:good-1:org::id"));
    assert!(!entry_covers("good-*", "provider/good-1"));
}

#[test]
fn names_that_are_no_utf8_are_covered_by_all_alone() {
    let name = b"good-\xff";
    let all = record_with(Axis::All, listed(&[])).encode().unwrap();
    assert!(RecordView::parse(&all).unwrap().covers(name, Norm::Plain));
    let some = record_with(listed(&["good-*"]), Axis::All)
        .encode()
        .unwrap();
    assert!(!RecordView::parse(&some).unwrap().covers(name, Norm::Plain));
}

#[test]
fn the_name_says_which_axis_judges_it() {
    for name in ["ep-1", "ep-", "@team/chat", "@"] {
        assert_eq!(AxisKind::of(name.as_bytes()), AxisKind::Services, "{name}");
    }
    for name in [
        "", "e", "ep", "EP-1", "Ep-1", " ep-1", "glm-5.1", "x@y", "deep-1", "ep_1",
    ] {
        assert_eq!(AxisKind::of(name.as_bytes()), AxisKind::Models, "{name}");
    }
}

#[test]
fn each_axis_judges_its_own_names_alone() {
    let models = || listed(&["glm-5.1", "ep-1", "@a", "ep-*", "e*"]);
    let services = || listed(&["ep-2", "@team/*", "deepseek-v3"]);
    for (name, covered) in [
        ("glm-5.1", true),
        ("e5-large", true),
        ("ep-2", true),
        ("@team/chat", true),
        ("ep-1", false),
        ("@a", false),
        ("deepseek-v3", false),
        ("@team/", false),
    ] {
        assert_eq!(covers(models(), services(), name), covered, "{name}");
    }
}

#[test]
fn all_on_one_axis_says_nothing_about_the_other() {
    assert!(covers(Axis::All, listed(&[]), "anything at all"));
    assert!(!covers(Axis::All, listed(&[]), "ep-1"));
    assert!(!covers(Axis::All, listed(&["ep-1"]), "ep-2"));
    assert!(covers(listed(&[]), Axis::All, "ep-1"));
    assert!(!covers(listed(&[]), Axis::All, "glm-5.1"));
    assert!(!covers(listed(&["glm-5.1"]), Axis::All, "glm-5"));
}

#[test]
fn an_empty_list_covers_nothing() {
    for name in ["", "*", "glm-5.1", "ep-1", "@a", "all"] {
        assert!(!covers(listed(&[]), listed(&[]), name), "{name}");
    }
    let bytes = record_with(listed(&[]), listed(&[])).encode().unwrap();
    assert!(!RecordView::parse(&bytes).unwrap().is_unrestricted());
    let all = record_with(Axis::All, Axis::All).encode().unwrap();
    assert!(RecordView::parse(&all).unwrap().is_unrestricted());
}

#[test]
fn unfit_texts_are_no_entries() {
    use ScopeEntryError::{Character, Empty, OnlyStar, Star, TooLong};
    let long = "a".repeat(SCOPE_ENTRY_BYTES_MAX + 1);
    let stars = "a*".repeat(100);
    for (text, error) in [
        ("", Empty),
        (long.as_str(), TooLong),
        ("*", OnlyStar),
        ("**", Star),
        ("*a", Star),
        ("a*b", Star),
        ("a**", Star),
        (stars.as_str(), Star),
        (" a", Character),
        ("a ", Character),
        ("\u{a0}a", Character),
        ("a\nb", Character),
        ("a\0", Character),
        ("a\u{7f}", Character),
        ("a\u{ad}b", Character),
        ("a\u{200b}", Character),
        ("\u{202e}a", Character),
        ("a\u{2066}b", Character),
        ("\u{feff}a", Character),
    ] {
        assert_eq!(ScopeEntry::parse(text), Err(error), "{text:?}");
    }
    assert!(ScopeEntry::parse(&long[1..]).is_ok());
    assert!(ScopeEntry::parse("a b").is_ok());
}

#[test]
fn sound_names_read_the_same_to_everybody() {
    for name in ["a", "a b", "glm-5.1", "caf\u{e9}", "a*"] {
        assert!(name_is_sound(name), "{name}");
    }
    for name in ["", " ", " a", "a\t", "a\0b", "a\u{200d}b", "a\u{feff}"] {
        assert!(!name_is_sound(name), "{name:?}");
    }
}

#[test]
fn a_record_takes_as_many_entries_as_the_limit_says() {
    let axis = |count: usize| {
        let entry = |at| ScopeEntry::Exact(format!("model-{at}"));
        Axis::Listed((0..count).map(entry).collect())
    };
    assert!(
        record_with(axis(SCOPE_ENTRIES_MAX), Axis::All)
            .encode()
            .is_ok()
    );
    for (models, services) in [
        (axis(SCOPE_ENTRIES_MAX + 1), Axis::All),
        (Axis::All, axis(SCOPE_ENTRIES_MAX + 1)),
        (axis(70_000), Axis::All),
    ] {
        let record = record_with(models, services);
        assert_eq!(record.encode(), Err(RecordError::TooLarge));
    }
}

#[test]
fn the_longest_record_is_within_its_limit() {
    let entry = |at| ScopeEntry::Exact(format!("{at:0>width$}", width = SCOPE_ENTRY_BYTES_MAX));
    let axis = || Axis::Listed((0..SCOPE_ENTRIES_MAX).map(entry).collect());
    let bytes = record_with(axis(), axis()).encode().unwrap();
    assert!(RecordView::parse(&bytes).is_ok());
}

/// Entries are public values; one that no text gives must not come to be a record that every
/// reader refuses.
#[test]
fn entries_that_no_text_gives_are_not_encoded() {
    for entry in [
        ScopeEntry::Exact(String::new()),
        ScopeEntry::Prefix(String::new()),
        ScopeEntry::Exact("a".repeat(SCOPE_ENTRY_BYTES_MAX + 1)),
        ScopeEntry::Prefix("a".repeat(70_000)),
    ] {
        let record = record_with(Axis::Listed(vec![entry]), Axis::All);
        assert!(record.encode().is_err());
    }
}

#[test]
fn a_name_of_any_length_is_judged() {
    let entries: Vec<_> = (0..SCOPE_ENTRIES_MAX)
        .map(|at| ScopeEntry::Prefix("a".repeat(1 + at / 2)))
        .collect();
    let bytes = record_with(Axis::Listed(entries), Axis::All)
        .encode()
        .unwrap();
    let view = RecordView::parse(&bytes).unwrap();
    let name = vec![b'a'; 64 * 1024];
    assert!(view.covers(&name, Norm::Plain));
    assert!(!view.covers(&[name.as_slice(), b"!"].concat(), Norm::Plain));
}
