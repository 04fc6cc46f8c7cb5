//! What must hold for any bytes: checks for fuzzers and for the replay of their corpus.
//!
//! Each check panics if its subject does, or breaks a promise. Lengths and checksums are set right
//! first, so that the checks behind them are reached. Does not make input.

use keytable::{FormatVersion, Frame, RecordView};

/// Where a frame and a record have their own length.
const FRAME_LENGTH: usize = 8;
const RECORD_LENGTH: usize = 0;

/// A frame that is accepted is written again, in its version, as the same bytes.
pub fn frame(data: &[u8]) {
    for bytes in [data.to_vec(), sealed(data, FRAME_LENGTH)] {
        let format = Frame::format_of(&bytes).unwrap_or(FormatVersion::NEWEST);
        match Frame::decode(&bytes) {
            Ok(Frame::Delta(delta)) => assert_eq!(delta.encode_as(format), bytes),
            Ok(Frame::Page(page)) => {
                assert_eq!(page.encode_as(format), bytes);
                page.bucket_contents().for_each(drop);
            }
            Err(error) => drop(error.to_string()),
        }
    }
}

/// A record that is accepted and that a sidecar could have written is written again as the same
/// bytes.
pub fn record(data: &[u8]) {
    for bytes in [data.to_vec(), sealed(data, RECORD_LENGTH)] {
        let Ok(view) = RecordView::parse(&bytes) else {
            continue;
        };
        let _ = view.covers(b"model", keytable::Norm::Vertex);
        if let Some(record) = view.to_record()
            && let Ok(again) = record.encode()
        {
            assert_eq!(again, bytes);
        }
    }
}

/// The bytes with their own length at `at` and the CRC-32 of all before in the last four.
fn sealed(data: &[u8], at: usize) -> Vec<u8> {
    let mut bytes = data.to_vec();
    let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes();
    if let Some(place) = bytes.get_mut(at..at + 4) {
        place.copy_from_slice(&length);
    }
    if let Some((body, sum)) = bytes.split_last_chunk_mut::<4>() {
        *sum = crc32fast::hash(body).to_le_bytes();
    }
    bytes
}
