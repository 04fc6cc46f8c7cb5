//! What only the inside shows: a form of any size costs no more memory than a small one.

use super::{FormField, FormReader, HEAD_BYTES_MAX, Sink, VALUE_BYTES_MAX};

fn reader() -> FormReader {
    let field = FormField {
        name: "model".to_owned(),
        is_read: true,
        json: [].into(),
    };
    FormReader::new(b"multipart/form-data; boundary=b", [field].into()).unwrap()
}

fn state_bytes(reader: &FormReader) -> usize {
    let value = match &reader.sink {
        Sink::Nowhere => 0,
        Sink::Name(value) => value.bytes.capacity(),
        _ => unreachable!("no field here is JSON"),
    };
    let names: usize = reader.names.iter().map(|name| name.name.capacity()).sum();
    size_of::<FormReader>() + reader.head.capacity() + reader.delimiter.len() + value + names
}

#[test]
fn a_file_of_a_hundred_mebibytes_costs_no_memory() {
    let mut reader = reader();
    reader
        .feed(b"--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\n\r\n")
        .unwrap();
    let before = state_bytes(&reader);
    let chunk = b"sound\r\n--\r\n--a\r".repeat(4096);
    for _ in 0..100 * 1024 * 1024 / chunk.len() {
        reader.feed(&chunk).unwrap();
    }
    assert!(state_bytes(&reader) <= before);
    reader
        .feed(b"\r\n--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nm\r\n--b--")
        .unwrap();
    reader.finish().unwrap();
    assert_eq!(reader.take_names()[0].name, "m");
}

#[test]
fn heads_and_values_are_bounded() {
    let bound = size_of::<FormReader>() + 2 * HEAD_BYTES_MAX + 4 * VALUE_BYTES_MAX;
    for begin in [
        "--b\r\nX: ",
        "--b\r\nContent-Disposition: form-data; name=\"",
        "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\n",
    ] {
        let mut reader = reader();
        reader.feed(begin.as_bytes()).unwrap();
        let fed = (0..1000).try_for_each(|_| reader.feed(&[b'm'; 100]));
        assert!(fed.is_err(), "{begin}");
        assert!(state_bytes(&reader) < bound, "{begin}");
    }
}

#[test]
fn many_parts_leave_nothing_behind() {
    let mut reader = reader();
    let part = b"--b\r\nContent-Disposition: form-data; name=\"x\"\r\n\r\ny\r\n";
    reader.feed(part).unwrap();
    let before = state_bytes(&reader);
    (0..10_000).for_each(|_| reader.feed(part).unwrap());
    assert!(state_bytes(&reader) <= before + HEAD_BYTES_MAX);
}
