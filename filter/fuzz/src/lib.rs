//! What must hold for any bytes: checks for fuzzers and for the replay of their corpus.
//!
//! Each check panics if its subject does, or breaks a promise. Does not make input. Invariant:
//! plain functions of their bytes, so that an input that was found is a test.

use filter::credential::{Credential, CredentialError, Removal};
use filter::form::FormReader;
use filter::headers::HeaderMap;
use filter::json::{JsonReader, Meaning, Pattern};
use filter::locator::{FormField, KeyPlaces, LocatorConfig, Locators, Mention, check_path};
use keytable::scope::name_is_sound;
use serde::de::IgnoredAny;

type Names = Option<Vec<Mention>>;

/// A body whose first byte says where it is cut: the reading does not depend on the cut, and what
/// is accepted is JSON with these names and no others at the places.
pub fn json(data: &[u8]) {
    let Some((cut, body)) = data.split_first() else {
        return;
    };
    let places = [
        "/model",
        "/models/*",
        "/tools/*/model",
        "/fallbacks/*",
        "/fallbacks/*/model",
    ];
    let read = |chunks: &[&[u8]]| -> Names {
        let patterns = places.map(|place| Pattern::parse(place, Meaning::Name));
        let mut patterns: Vec<Pattern> = patterns.into_iter().flatten().collect();
        patterns.extend(Pattern::parse_reference("/prompt"));
        patterns.extend(Pattern::parse_reference("/fallbacks='default'"));
        let mut reader = JsonReader::new(patterns.into());
        let fed = chunks.iter().try_for_each(|chunk| reader.feed(chunk));
        let names = reader.take_names();
        fed.and_then(|()| reader.finish()).ok().map(|()| names)
    };
    let names = read(&[body]);
    assert_eq!(read(&cut_at(*cut, body)), names);
    assert_eq!(read(&body.chunks(1).collect::<Vec<_>>()), names);
    let Some(names) = names else {
        return;
    };
    assert!(names.iter().all(|name| name_is_sound(&name.name)));
    assert!(
        serde_json::from_slice::<IgnoredAny>(body).is_ok(),
        "what is accepted is JSON"
    );
    // Numbers beyond a double and deep nesting are JSON that this parser does not hold.
    if let Ok(value) = serde_json::from_slice::<serde_json::Value>(body) {
        assert!(value.is_object());
        let model = value.get("model").and_then(|model| model.as_str());
        assert!(model.is_none_or(|model| names.iter().any(|name| name.name == model)));
        assert!(value.get("prompt").is_none_or(serde_json::Value::is_null));
    }
}

/// A form whose first byte says where it is cut: as above, and it is whole.
pub fn form(data: &[u8]) {
    let Some((cut, body)) = data.split_first() else {
        return;
    };
    let read = |chunks: &[&[u8]]| -> Names {
        let inside = Pattern::parse("/model", Meaning::Name)
            .into_iter()
            .collect();
        let field = |name: &str, json| FormField {
            name: name.to_owned(),
            is_read: true,
            json,
        };
        let fields = [
            field("model", [].into()),
            field("svg[model]", [].into()),
            field("session", inside),
        ];
        let mut reader = FormReader::new(b"multipart/form-data; boundary=b", fields.into())?;
        let fed = chunks.iter().try_for_each(|chunk| reader.feed(chunk));
        let names = reader.take_names();
        fed.and_then(|()| reader.finish()).ok().map(|()| names)
    };
    let names = read(&[body]);
    assert_eq!(read(&cut_at(*cut, body)), names);
    assert_eq!(read(&body.chunks(1).collect::<Vec<_>>()), names);
    if let Some(names) = names {
        assert!(names.len() <= 3 || body.windows(9).any(|window| window == b"\"session\""));
        assert!(names.iter().all(|name| name_is_sound(&name.name)));
        assert!(body.starts_with(b"--b") && body.windows(5).any(|window| window == b"--b--"));
    }
    let _ = FormReader::new(body, [].into());
}

/// Method, blank, path: what a path that reads in one way names is one sound name.
pub fn locator(data: &[u8]) {
    thread_local! {
        static LOCATORS: Option<Locators> = Locators::compile(&LocatorConfig::default()).ok();
    }
    let at = data.iter().position(|byte| *byte == b' ').unwrap_or(0);
    let (method, rest) = data.split_at(at);
    let target = rest.get(1..).unwrap_or_default();
    let mut halves = target.splitn(2, |byte| *byte == b'?');
    let (path, query) = (
        halves.next().unwrap_or_default(),
        halves.next().unwrap_or_default(),
    );
    let upgrade: &[u8] = if query.is_empty() { b"x" } else { b"upgrade" };
    let headers = HeaderMap::from_pairs(&[
        (b":method", method),
        (b":path", target),
        (upgrade, b"websocket"),
    ]);
    LOCATORS.with(|locators| {
        let Some(located) = locators
            .as_ref()
            .and_then(|locators| locators.locate(&headers))
        else {
            return;
        };
        let service = located.service(path);
        if check_path(path).is_ok() {
            let text = String::from_utf8_lossy(path);
            let odd = |part: &str| matches!(part, "." | "..") || part.contains('\\');
            assert!(!text.contains("//") && !text.split('/').any(odd));
            assert!(service.is_none_or(|service| service.starts_with('@')));
        }
        if let Ok(finding) = located.in_target(path, query) {
            assert!(finding.first().is_none_or(name_is_sound));
        }
        if let Ok(Some(name)) = located.name_in_path(path) {
            assert!(name_is_sound(&name) && !name.split('/').any(|part| part == ".."));
        }
    });
}

/// Header lines: a credential that was found is gone from every place once it is taken out.
pub fn credential(data: &[u8]) {
    let _ = HeaderMap::parse(data.to_vec()).map(|map| map.iter().count());
    let lines = data.split(|byte| *byte == b'\n');
    let mut pairs: Vec<(Vec<u8>, Vec<u8>)> = lines
        .filter_map(|line| {
            let at = line.iter().skip(1).position(|byte| *byte == b':')? + 1;
            Some((line.get(..at)?.to_vec(), line.get(at + 1..)?.to_vec()))
        })
        .collect();
    // Of pseudo-headers a request has one each.
    let mut paths = 0;
    pairs.retain(|(name, _)| name != b":path" || std::mem::replace(&mut paths, 1) == 0);
    let headers = map_of(&pairs);
    let places = KeyPlaces::default();
    let Ok(found) = Credential::find(&headers, &places) else {
        return;
    };
    for removal in found.removals(&headers) {
        let (name, rest) = match removal {
            Removal::Header(name) => (name, None),
            Removal::Rest(name, rest) => (name, Some(rest)),
        };
        pairs.retain(|(other, _)| other != name);
        pairs.extend(rest.map(|rest| (name.to_vec(), rest)));
    }
    let rest = map_of(&pairs);
    let left = Credential::find(&rest, &places);
    assert_eq!(left.err(), Some(CredentialError::Missing));
}

fn map_of(pairs: &[(Vec<u8>, Vec<u8>)]) -> HeaderMap {
    let pairs: Vec<(&[u8], &[u8])> = pairs
        .iter()
        .map(|(name, value)| (name.as_slice(), value.as_slice()))
        .collect();
    HeaderMap::from_pairs(&pairs)
}

fn cut_at(cut: u8, body: &[u8]) -> [&[u8]; 2] {
    let at = usize::from(cut).min(body.len());
    let (front, back) = body.split_at(at);
    [front, back]
}
