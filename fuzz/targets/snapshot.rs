#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| retake_fuzz::read("snapshot", bytes));
