//! What only the inside shows: memory stays bounded, and the fast path agrees with the slow one.

use super::scanner::CAPTURE_BYTES_MAX;
use super::text::{Run, Utf8, plain_run};
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
            }
            assert!(reader.take_names().is_empty());
        }
    }
}

#[test]
fn runs_of_plain_bytes_end_where_they_should() {
    let slow = |bytes: &[u8]| {
        let ends = |b: &u8| *b < 0x20 || *b == b'"' || *b == b'\\';
        let length = bytes.iter().position(ends).unwrap_or(bytes.len());
        let is_ascii = bytes[..length].is_ascii();
        Run { length, is_ascii }
    };
    let check = |length: usize, fillers: &[u8]| {
        for at in 0..length {
            for byte in 0..=255u8 {
                for filler in fillers {
                    let mut bytes = vec![*filler; length];
                    bytes[at] = byte;
                    assert_eq!(
                        plain_run(&bytes),
                        slow(&bytes),
                        "{byte} at {at} of {length}"
                    );
                }
            }
        }
    };
    for length in 0..26 {
        check(
            length,
            &[b'a', 0x20, 0x21, 0x23, 0x7f, 0x80, 0xa0, 0xa2, 0xdc, 0xff],
        );
    }
    for length in [63, 64, 65, 137, 201] {
        check(length, &[0x80, 0x21]);
    }
}

#[test]
fn text_is_checked_the_same_however_it_is_cut() {
    let check = |pieces: &[&[u8]]| {
        let mut utf8 = Utf8::default();
        let is_text = |piece: &&[u8]| utf8.check(piece, piece.is_ascii()).is_ok();
        pieces.iter().all(is_text) && utf8.is_whole()
    };
    let characters: [&[u8]; 24] = [
        b"a",
        b"\x7f",
        b"\xc2\x80",
        b"\xdf\xbf",
        b"\xe0\xa0\x80",
        b"\xed\x9f\xbf",
        b"\xef\xbf\xbf",
        b"\xf0\x90\x80\x80",
        b"\xf4\x8f\xbf\xbf",
        b"\x80",
        b"\xc0\xa7",
        b"\xc1\xbf",
        b"\xc2",
        b"\xe0\x9f\xbf",
        b"\xe0\xa0",
        b"\xed\xa0\x80",
        b"\xf0\x8f\xbf\xbf",
        b"\xf0\x90\x80",
        b"\xf0\x90",
        b"\xf4\x90\x80\x80",
        b"\xf5\x80\x80\x80",
        b"\xff",
        b"\xf8\x88\x80\x80\x80",
        b"",
    ];
    for one in characters {
        for other in characters {
            for filler in ["", "abc", &"\u{4f60}".repeat(30)] {
                let text = [filler.as_bytes(), one, other, filler.as_bytes()].concat();
                let is_text = std::str::from_utf8(&text).is_ok();
                for at in 0..=text.len() {
                    let (front, back) = text.split_at(at);
                    assert_eq!(
                        check(&[front, back]),
                        is_text,
                        "{} {at}",
                        text.escape_ascii()
                    );
                }
                let bytes: Vec<&[u8]> = text.chunks(1).collect();
                assert_eq!(check(&bytes), is_text, "{}", text.escape_ascii());
            }
        }
    }
}
