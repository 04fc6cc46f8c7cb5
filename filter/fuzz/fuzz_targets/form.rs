//! libFuzzer's entry to [`filter_fuzz::form`]. Does not check anything itself.
#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| filter_fuzz::form(data));
