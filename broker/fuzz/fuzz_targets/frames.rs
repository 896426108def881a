//! Feeds bytes to everything that reads what a peer sent: requests, responses, record batches.
//!
//! None may panic, abort or hang. What is read must be written again and read as the same.
//!
//! It runs with the nightly compiler and `cargo-fuzz`, from the folder `broker`:
//!
//! ```sh
//! cargo install cargo-fuzz
//! cargo +nightly fuzz run frames -- -rss_limit_mb=1024 -max_len=65536
//! ```
//!
//! The first byte chooses the reader, the next two the API and the version of a response. The same
//! readers get 100,000 mutated frames in the ordinary tests (`broker::protocol::hostile`).

#![no_main]

use broker::protocol::{
    ApiKey, batch, decode_request, decode_response, encode_request, encode_response, versions,
};
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Some(([reader, api, version], rest)) = input.split_first_chunk() else { return };
    let bytes = Bytes::copy_from_slice(rest);
    match reader % 3 {
        0 => read_request(bytes),
        1 => read_response(*api, *version, bytes),
        _ => read_batches(bytes),
    }
});

fn read_request(bytes: Bytes) {
    let Ok(read) = decode_request(bytes) else { return };
    let written = encode_request(read.version, read.correlation, &read.client, &read.body);
    let (frame, _) = written.expect("what was read can be written");
    assert_eq!(decode_request(frame), Ok(read));
}

fn read_response(api: u8, version: u8, bytes: Bytes) {
    let api = ApiKey::ALL[usize::from(api) % ApiKey::ALL.len()];
    let spoken = versions::supported(api);
    let version = spoken.start() + i16::from(version) % (spoken.end() - spoken.start() + 1);
    let Ok(read) = decode_response(api, version, bytes) else { return };
    let written = encode_response(version, read.0, &read.1);
    let (frame, _) = written.expect("what was read can be written");
    assert_eq!(decode_response(api, version, frame), Ok(read));
}

/// The CRC keeps a fuzzer out, so it is made right first.
fn read_batches(bytes: Bytes) {
    let mut bytes = bytes.to_vec();
    if batch::HEADER_SIZE <= bytes.len() {
        let length = (bytes.len() - 12) as u32;
        bytes[8..12].copy_from_slice(&length.to_be_bytes());
        bytes[16] = 2;
        let crc = crc32c(&bytes[21..]);
        bytes[17..21].copy_from_slice(&crc.to_be_bytes());
    }
    for batch in batch::batches(Bytes::from(bytes)).flatten() {
        let records = batch.records().count();
        assert!(records <= batch.record_count() as usize + 1);
    }
}

/// CRC-32C, bit by bit.
fn crc32c(bytes: &[u8]) -> u32 {
    let step = |crc: u32, _| if crc & 1 == 0 { crc >> 1 } else { crc >> 1 ^ 0x82f6_3b78 };
    !bytes.iter().fold(!0, |crc, &byte| (0..8).fold(crc ^ u32::from(byte), step))
}
