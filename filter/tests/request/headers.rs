//! Envoy's serialised header map: what adds up is read, what does not is no map.

use filter::headers::{HeaderMap, Repeated};
use proptest::collection::vec;
use proptest::prelude::*;

type Pairs = Vec<(Vec<u8>, Vec<u8>)>;

fn map_of(pairs: &Pairs) -> HeaderMap {
    let borrowed: Vec<(&[u8], &[u8])> = pairs.iter().map(|(n, v)| (&n[..], &v[..])).collect();
    HeaderMap::from_pairs(&borrowed)
}

fn pairs_of(map: &HeaderMap) -> Pairs {
    map.iter().map(|(n, v)| (n.to_vec(), v.to_vec())).collect()
}

proptest! {
    #[test]
    fn what_is_serialised_is_read_back(
        pairs in vec((vec(any::<u8>(), 0..12), vec(any::<u8>(), 0..40)), 0..12),
    ) {
        let map = HeaderMap::parse(map_of(&pairs).as_bytes().to_vec()).unwrap();
        prop_assert_eq!(pairs_of(&map), pairs);
    }

    #[test]
    fn damaged_maps_do_no_harm(
        pairs in vec((vec(any::<u8>(), 0..6), vec(any::<u8>(), 0..6)), 0..6),
        damage in vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = map_of(&pairs).as_bytes().to_vec();
        for (place, byte) in damage {
            let at = place.index(bytes.len());
            bytes[at] = byte;
        }
        bytes.truncate(cut.index(bytes.len() + 1));
        if let Some(map) = HeaderMap::parse(bytes) {
            let _ = (pairs_of(&map), map.get(b"a"), map.get_single(b"a"));
        }
    }
}

#[test]
fn a_cut_map_is_no_map() {
    let whole = map_of(&vec![
        (b"a".to_vec(), b"1".to_vec()),
        (b"b".to_vec(), b"22".to_vec()),
    ]);
    let bytes = whole.as_bytes();
    for length in 1..bytes.len() {
        assert!(
            HeaderMap::parse(bytes[..length].to_vec()).is_none(),
            "{length}"
        );
    }
    assert!(HeaderMap::parse([bytes, b"x"].concat()).is_none());
    assert_eq!(HeaderMap::parse(Vec::new()).unwrap().iter().count(), 0);
    assert!(HeaderMap::parse(u32::MAX.to_le_bytes().to_vec()).is_none());
}

#[test]
fn repeated_headers_are_noticed() {
    let line = |name: &str, value: &str| (name.as_bytes().to_vec(), value.as_bytes().to_vec());
    let map = map_of(&vec![line("a", "1"), line("b", "2"), line("a", "1")]);
    assert_eq!(map.get(b"a"), Some(b"1".as_slice()));
    assert_eq!(map.get_single(b"a"), Err(Repeated));
    assert_eq!(map.get_single(b"b"), Ok(Some(b"2".as_slice())));
    assert_eq!(map.get_single(b"c"), Ok(None));
}
