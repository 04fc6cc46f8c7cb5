//! What only the inside shows: memory stays bounded, and the fast path agrees with the slow one.

use super::scanner::{CAPTURE_BYTES_MAX, plain_run};
use super::{JsonReader, Pattern};

#[test]
fn memory_does_not_grow_with_what_is_read() {
    let long = "n".repeat(1 << 20);
    let accents = "\u{e9}".repeat(1 << 19);
    let escapes = r"\u00e9".repeat(1 << 18);
    for text in [&long, &accents, &escapes] {
        for begin in ["{\"model\":\"", "{\"", "{\"x\":\""] {
            let mut reader = JsonReader::new([Pattern::new(&["model"])].into());
            reader.feed(begin.as_bytes()).unwrap();
            for chunk in text.as_bytes().chunks(1023) {
                reader.feed(chunk).unwrap();
                let scanner = &reader.scanner;
                assert!(scanner.captured.bytes.len() <= CAPTURE_BYTES_MAX);
                assert!(scanner.captured.bytes.capacity() <= 2 * CAPTURE_BYTES_MAX);
                assert!(scanner.partial.len() <= 4);
            }
            assert!(reader.take_names().is_empty());
        }
    }
}

#[test]
fn runs_of_plain_bytes_end_where_they_should() {
    let slow = |bytes: &[u8]| {
        let ends = |b: &u8| *b < 0x20 || *b == b'"' || *b == b'\\';
        bytes.iter().position(ends).unwrap_or(bytes.len())
    };
    for length in 0..26 {
        for at in 0..length {
            for byte in 0..=255u8 {
                for filler in [b'a', 0x20, 0x21, 0x23, 0x7f, 0x80, 0xa0, 0xa2, 0xdc, 0xff] {
                    let mut bytes = vec![filler; length];
                    bytes[at] = byte;
                    assert_eq!(
                        plain_run(&bytes),
                        slow(&bytes),
                        "{byte} at {at} of {length}"
                    );
                }
            }
        }
    }
}
