//! libFuzzer's entry to [`keytable_fuzz::record`]. Does not check anything itself.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| keytable_fuzz::record(data));
