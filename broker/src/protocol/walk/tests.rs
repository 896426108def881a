//! Each thing that can be wrong with a body, and where it is found.
use super::*;

const ITEM: Shape = Shape { fields: &[all("number", I32), since(2, "name", Kind::Str)], tags: &[] };
const BODY: Shape = Shape {
    fields: &[all("items", Kind::Array(&ITEM)), span(0..=1, "data", Kind::Bytes)],
    tags: &[(3, since(2, "extra", I64))],
};

/// Versions 2 and later are flexible.
fn checked(version: i16, bytes: &[u8]) -> Result<(), Malformed> {
    check(bytes, &BODY, version, 2)
}

fn wrong(field: &'static str, what: WhatIsWrong) -> Result<(), Malformed> {
    Err(Malformed { field, what })
}

#[test]
fn a_whole_body_is_accepted_at_old_and_flexible_versions() {
    assert_eq!(checked(1, &[0, 0, 0, 1, 1, 2, 3, 4, 0, 0, 0, 2, 5, 6]), Ok(()));
    assert_eq!(checked(1, &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), Ok(()));
    assert_eq!(checked(2, &[2, 1, 2, 3, 4, 2, b'x', 0, 0]), Ok(()));
    assert_eq!(checked(2, &[0, 1, 3, 8, 0, 0, 0, 0, 0, 0, 0, 1]), Ok(()));
}

#[test]
fn an_array_that_announces_more_than_the_frame_holds_is_refused() {
    let what = WhatIsWrong::LengthBeyondFrame;
    assert_eq!(checked(1, &[0x7f, 0xff, 0xff, 0xff, 1, 2]), wrong("items", what));
    assert_eq!(checked(2, &[0xff, 0xff, 0xff, 0xff, 0x0f, 1]), wrong("items", what));
}

#[test]
fn a_body_that_ends_within_a_field_is_refused() {
    let what = WhatIsWrong::Truncated;
    assert_eq!(checked(1, &[0, 0]), wrong("items", what));
    assert_eq!(checked(1, &[0, 0, 0, 1, 1]), wrong("number", what));
    assert_eq!(checked(1, &[0, 0, 0, 0, 0, 0, 0, 3, 1, 2]), wrong("data", what));
    assert_eq!(checked(2, &[0x80]), wrong("items", what));
}

#[test]
fn a_negative_length_other_than_null_is_refused() {
    let negative = wrong("items", WhatIsWrong::NegativeLength);
    assert_eq!(checked(1, &[0xff, 0xff, 0xff, 0xfe, 0, 0, 0, 0]), negative);
}

#[test]
fn a_number_that_does_not_fit_32_bits_is_refused() {
    let what = WhatIsWrong::BadVarint;
    assert_eq!(checked(2, &[0xff, 0xff, 0xff, 0xff, 0x1f, 0, 0]), wrong("items", what));
    assert_eq!(checked(2, &[0x80, 0x80, 0x80, 0x80, 0x80, 0]), wrong("items", what));
}

#[test]
fn a_known_tag_must_be_as_long_as_it_says_and_an_unknown_one_is_opaque() {
    let mismatch = wrong("extra", WhatIsWrong::TagSizeMismatch);
    assert_eq!(checked(2, &[0, 1, 3, 9, 0, 0, 0, 0, 0, 0, 0, 1, 0]), mismatch);
    assert_eq!(checked(2, &[0, 1, 4, 3, 1, 2, 3]), Ok(()));
    let beyond = wrong("tagged field", WhatIsWrong::LengthBeyondFrame);
    assert_eq!(checked(2, &[0, 1, 4, 3, 1, 2]), beyond);
    let large = wrong("tag", WhatIsWrong::BadTag);
    assert_eq!(checked(2, &[0, 1, 0xff, 0xff, 0xff, 0xff, 0x0f, 0]), large);
}

#[test]
fn bytes_behind_the_body_are_refused() {
    let trailing = wrong("body", WhatIsWrong::TrailingBytes);
    assert_eq!(checked(1, &[0, 0, 0, 0, 0, 0, 0, 0, 9]), trailing);
}

#[test]
fn a_frame_with_too_many_elements_is_refused() {
    const MANY: Shape = Shape { fields: &[all("numbers", Kind::FixedArray(1))], tags: &[] };
    let body = |count: usize| {
        let mut bytes = u32::try_from(count).unwrap().to_be_bytes().to_vec();
        bytes.resize(4 + count, 0);
        check(&bytes, &MANY, 0, 9)
    };
    assert_eq!(body(MAX_ELEMENTS), Ok(()));
    assert_eq!(body(MAX_ELEMENTS + 1), wrong("numbers", WhatIsWrong::TooManyElements));
}
