//! Every API at every version, and what is refused.
use bytes::Bytes;
use kafka_protocol::{messages::ApiKey as CodecApiKey, protocol::VersionRange};

use super::*;
use crate::protocol::{
    messages::{
        ApiVersionsRequest, ListOffsetsResponse, ProduceRequest,
        list_offsets_response::{ListOffsetsPartitionResponse, ListOffsetsTopicResponse},
    },
    sample::{self, CLIENT, CORRELATION, Direction},
    versions::Listener,
};

#[test]
fn every_body_at_every_version_is_written_as_it_was_read() {
    for sample in (0..20).flat_map(sample::all) {
        let frame = Bytes::from(sample.frame.clone());
        let written = match sample.direction {
            Direction::Request => {
                let read = decode_request(frame).unwrap();
                assert_eq!((read.api, read.version), (sample.api, sample.version));
                assert_eq!((read.correlation, &*read.client.0), (CORRELATION, CLIENT));
                encode_request(read.version, read.correlation, &read.client, &read.body)
            }
            Direction::Response => {
                let (correlation, body) =
                    decode_response(sample.api, sample.version, frame).unwrap();
                assert_eq!((correlation, body.api()), (CORRELATION, sample.api));
                encode_response(sample.version, correlation, &body)
            }
        };
        let (written, tag) = written.unwrap();
        assert_eq!(written, sample.frame, "{} version {}", sample.api, sample.version);
        assert_eq!((tag.api, tag.version), (sample.api.code(), sample.version));
        assert_eq!(tag.response, sample.direction == Direction::Response);
    }
}

#[test]
fn the_table_of_apis_agrees_with_the_codec() {
    for &api in ApiKey::ALL {
        let codec = CodecApiKey::try_from(api.code()).unwrap();
        let VersionRange { min, max } = codec.valid_versions();
        let spoken = versions::supported(api);
        assert!(min <= *spoken.start() && *spoken.end() <= max, "{api}: {spoken:?}");
        assert!(spoken.contains(&versions::client_version(api)), "{api}");
        for version in spoken {
            let request = if api.is_flexible(version) { 2 } else { 1 };
            let response = i16::from(api.has_flexible_response_header(version));
            assert_eq!(codec.request_header_version(version), request, "{api} {version}");
            assert_eq!(codec.response_header_version(version), response, "{api} {version}");
        }
    }
}

#[test]
fn a_request_of_an_api_or_version_that_is_not_spoken_is_named_with_its_correlation() {
    let unknown = Bytes::from_static(&[0x7f, 0xff, 0, 1, 0, 0, 0, 9]);
    let error = FrameError::UnknownApi { key: i16::MAX, version: 1, correlation: 9 };
    assert_eq!(decode_request(unknown), Err(error));
    let too_new = Bytes::from_static(&[0, 18, 0, 99, 0, 0, 0, 9, 0xff, 0xff]);
    let api = ApiKey::ApiVersions;
    let error = FrameError::UnsupportedVersion { api, version: 99, correlation: 9 };
    assert_eq!(decode_request(too_new), Err(error));
    let too_old = Bytes::from_static(&[0, 0, 0, 2, 0, 0, 0, 9, 0xff, 0xff]);
    let api = ApiKey::Produce;
    let error = FrameError::UnsupportedVersion { api, version: 2, correlation: 9 };
    assert_eq!(decode_request(too_old), Err(error));
}

#[test]
fn a_frame_shorter_than_a_header_or_larger_than_the_limit_is_refused() {
    let short = Bytes::from_static(&[0, 18, 0]);
    assert_eq!(decode_request(short.clone()), Err(FrameError::TooShort { size: 3 }));
    let response = decode_response(ApiKey::Fetch, 12, short);
    assert_eq!(response, Err(FrameError::TooShort { size: 3 }));
    let size = MAX_FRAME_SIZE + 1;
    let long = Bytes::from(vec![0; size]);
    assert_eq!(decode_request(long), Err(FrameError::TooLong { size }));
}

#[test]
fn a_length_that_the_frame_does_not_hold_is_refused_by_the_name_of_its_field() {
    let (frame, _) =
        encode_request(3, 1, &ClientId::from(""), &ProduceRequest::default().into()).unwrap();
    let mut frame = frame.to_vec();
    let count = frame.len() - 4;
    frame[count..].copy_from_slice(&i32::MAX.to_be_bytes());
    let Err(FrameError::Malformed { fault: FrameFault::Shape(malformed), .. }) =
        decode_request(Bytes::from(frame))
    else {
        panic!("the frame was not refused")
    };
    let what = WhatIsWrong::LengthBeyondFrame;
    assert_eq!(malformed, Malformed { field: "topic_data", what });
}

#[test]
fn a_client_that_says_nothing_has_an_empty_name_and_one_that_is_not_utf8_is_refused() {
    let silent = Bytes::from_static(&[0, 18, 0, 0, 0, 0, 0, 9, 0xff, 0xff]);
    assert_eq!(decode_request(silent).unwrap().client, ClientId::from(""));
    let garbled = Bytes::from_static(&[0, 18, 0, 0, 0, 0, 0, 9, 0, 1, 0xff]);
    let Err(FrameError::Malformed { fault, .. }) = decode_request(garbled) else {
        panic!("the frame was not refused")
    };
    assert_eq!(fault, FrameFault::ClientId);
}

#[test]
fn a_field_that_the_version_does_not_have_cannot_be_encoded() {
    let partition = ListOffsetsPartitionResponse::default().with_leader_epoch(5);
    let topic = ListOffsetsTopicResponse::default().with_partitions(vec![partition]);
    let response = ListOffsetsResponse::default().with_topics(vec![topic]).into();
    let error = encode_response(3, 1, &response).unwrap_err();
    assert_eq!((error.api, error.version), (ApiKey::ListOffsets, 3));
    let error = encode_response(99, 1, &response).unwrap_err();
    assert_eq!(error.reason, "only versions 1 to 10 are spoken");
}

#[test]
fn an_api_versions_request_that_is_too_new_is_answered_so_that_any_client_reads_it() {
    let answer = versions::unsupported_api_versions_response(Listener::Broker);
    let version = versions::UNSUPPORTED_API_VERSIONS_ANSWER;
    let (frame, _) = encode_response(version, 3, &answer.clone().into()).unwrap();
    let (correlation, read) = decode_response(ApiKey::ApiVersions, 4, frame).unwrap();
    assert_eq!((correlation, read), (3, answer.clone().into()));
    assert_eq!(ErrorCode::from_code(answer.error_code), ErrorCode::UnsupportedVersion);
}

#[test]
fn clients_are_told_the_versions_that_they_need() {
    let answer = versions::api_versions_response(Listener::Broker);
    let told = |api: ApiKey| {
        let entry = answer.api_keys.iter().find(|entry| entry.api_key == api.code());
        entry.map(|entry| entry.min_version..=entry.max_version)
    };
    assert_eq!(told(ApiKey::Produce), Some(0..=11));
    assert_eq!(told(ApiKey::Fetch), Some(4..=17));
    assert_eq!(told(ApiKey::AlterPartition), None);
    let controller = versions::api_versions_response(Listener::Controller);
    let produce = controller.api_keys.iter().find(|entry| entry.api_key == 0);
    assert_eq!(produce, None);
    assert!(15 <= versions::inter_broker_version(ApiKey::Fetch));
}

#[test]
fn the_correlation_of_a_response_is_read_without_decoding_it() {
    let body = Response::from(versions::api_versions_response(Listener::Broker));
    let (frame, _) = encode_response(3, -5, &body).unwrap();
    assert_eq!(correlation_of(&frame), Some(-5));
    assert_eq!(correlation_of(&frame[..3]), None);
}

#[test]
fn a_body_is_read_as_slices_of_its_frame() {
    let request = ApiVersionsRequest::default().with_client_software_name("librdkafka".into());
    let (frame, _) = encode_request(3, 1, &ClientId::from("c"), &request.into()).unwrap();
    let range = frame.as_ptr_range();
    let Request::ApiVersions(read) = decode_request(frame.clone()).unwrap().body else {
        panic!("another request was read")
    };
    assert!(range.contains(&read.client_software_name.as_ptr()));
}

#[test]
fn a_null_where_none_may_stand_is_refused() {
    let (frame, _) =
        encode_request(3, 1, &ClientId::from(""), &ProduceRequest::default().into()).unwrap();
    let mut frame = frame.to_vec();
    let count = frame.len() - 4;
    frame[count..].copy_from_slice(&(-1_i32).to_be_bytes());
    let Err(FrameError::Malformed { fault, .. }) = decode_request(Bytes::from(frame)) else {
        panic!("the frame was not refused")
    };
    assert!(matches!(fault, FrameFault::Value(_)), "{fault}");
}
