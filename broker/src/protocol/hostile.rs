//! Frames that no honest peer sends, by the hundred thousand. The codec panics on some and aborts
//! the process on others, so a test that ends has shown that the guards stand in front of it.

use bytes::Bytes;
use rand::RngExt;
use rand_chacha::{ChaCha8Rng, rand_core::SeedableRng};

use super::{
    decode_request, decode_response, encode_request, encode_response,
    sample::{self, Direction, Sample},
};

/// What a mutated frame came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Read,
    Refused,
}

/// Reads a frame; one that is read is written and read again, which must give the same.
fn read(sample: &Sample, frame: Vec<u8>) -> Fate {
    match sample.direction {
        Direction::Request => match decode_request(Bytes::from(frame)) {
            Err(_) => Fate::Refused,
            Ok(first) => {
                let (again, _) =
                    encode_request(first.version, first.correlation, &first.client, &first.body)
                        .unwrap();
                assert_eq!(decode_request(again).unwrap(), first);
                Fate::Read
            }
        },
        Direction::Response => {
            match decode_response(sample.api, sample.version, Bytes::from(frame)) {
                Err(_) => Fate::Refused,
                Ok((correlation, first)) => {
                    let (again, _) = encode_response(sample.version, correlation, &first).unwrap();
                    let (_, second) = decode_response(sample.api, sample.version, again).unwrap();
                    assert_eq!(second, first);
                    Fate::Read
                }
            }
        }
    }
}

/// Numbers that lengths are not.
const LENGTHS: [[u8; 4]; 6] = [
    i32::MAX.to_be_bytes(),
    i32::MIN.to_be_bytes(),
    (-1_i32).to_be_bytes(),
    (1_i32 << 20).to_be_bytes(),
    [0xff, 0xff, 0xff, 0x7f],
    [0x7f, 0xff, 0, 0],
];

/// The largest compact length.
const COMPACT: [u8; 5] = [0xff, 0xff, 0xff, 0xff, 0x0f];

fn mutate(frame: &mut Vec<u8>, other: &[u8], rng: &mut ChaCha8Rng) {
    if frame.is_empty() {
        return frame.extend(other);
    }
    let at = rng.random_range(0..frame.len());
    match rng.random_range(0..8) {
        0 | 1 => frame[at] ^= 1 << rng.random_range(0..8),
        2 => frame[at] = rng.random(),
        3 => frame.truncate(at),
        4 => {
            let length = LENGTHS[rng.random_range(0..LENGTHS.len())];
            frame.iter_mut().skip(at).zip(length).for_each(|(byte, new)| *byte = new);
        }
        5 => drop(frame.splice(at..=at, COMPACT)),
        6 => {
            let from = rng.random_range(0..other.len());
            frame.truncate(at);
            frame.extend(&other[from..]);
        }
        _ => {
            let end = rng.random_range(at..=frame.len().min(at + 16));
            let chunk = frame[at..end].to_vec();
            drop(frame.splice(at..at, chunk));
        }
    }
}

#[test]
fn a_hundred_thousand_mutated_frames_are_read_or_refused() {
    let samples = sample::all(11);
    let mut rng = ChaCha8Rng::seed_from_u64(12);
    let mut seen = [0_u32; 2];
    for round in 0..100_000 {
        let sample = &samples[round % samples.len()];
        let other = &samples[rng.random_range(0..samples.len())].frame;
        let mut frame = sample.frame.clone();
        for _ in 0..rng.random_range(1..=3) {
            mutate(&mut frame, other, &mut rng);
        }
        match read(sample, frame) {
            Fate::Read => seen[0] += 1,
            Fate::Refused => seen[1] += 1,
        }
    }
    assert!(seen.iter().all(|count| 10_000 < *count), "read and refused: {seen:?}");
}

#[test]
fn no_length_anywhere_in_a_frame_can_be_inflated() {
    for sample in sample::all(13) {
        for at in 0..sample.frame.len() {
            for length in LENGTHS {
                let mut frame = sample.frame.clone();
                frame.iter_mut().skip(at).zip(length).for_each(|(byte, new)| *byte = new);
                read(&sample, frame);
            }
            let mut frame = sample.frame.clone();
            drop(frame.splice(at..=at, COMPACT));
            read(&sample, frame);
        }
    }
}

#[test]
fn a_frame_that_ends_too_early_is_refused_wherever_it_ends() {
    for sample in sample::all(14) {
        for size in 0..sample.frame.len() {
            let fate = read(&sample, sample.frame[..size].to_vec());
            assert_eq!(fate, Fate::Refused, "{sample:?} cut to {size} bytes");
        }
    }
}

#[test]
fn bytes_behind_the_body_are_refused() {
    for sample in sample::all(15) {
        let mut frame = sample.frame.clone();
        frame.push(0);
        assert_eq!(read(&sample, frame), Fate::Refused, "{sample:?}");
    }
}
