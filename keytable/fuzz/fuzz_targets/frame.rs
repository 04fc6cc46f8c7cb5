//! libFuzzer's entry to [`keytable_fuzz::frame`]. Does not check anything itself.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| keytable_fuzz::frame(data));
