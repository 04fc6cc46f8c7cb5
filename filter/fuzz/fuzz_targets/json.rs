//! libFuzzer's entry to [`filter_fuzz::json`]. Does not check anything itself.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| filter_fuzz::json(data));
