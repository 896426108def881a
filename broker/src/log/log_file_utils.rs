//! The names of the files of a log.
//!
//! Mirrors `LogFileUtils` and the naming half of `LocalLog`. Every file of a segment bears the
//! segment's base offset in 20 decimal digits, so that names sort as offsets do.
//!
//! What this does not know: what is in the files.

use std::sync::Arc;

use crate::ids::Offset;

/// Ends the name of a segment's records.
pub(super) const LOG: &str = ".log";
/// Ends the name of a segment's offset index.
pub(super) const INDEX: &str = ".index";
/// Ends the name of a segment's time index.
pub(super) const TIME_INDEX: &str = ".timeindex";
/// Ends the name of a snapshot of producer state.
pub(super) const SNAPSHOT: &str = ".snapshot";
/// Ends the name of a file that waits for its removal.
pub(super) const DELETED: &str = ".deleted";
/// Ends the name of a segment that compaction had not finished.
pub(super) const CLEANED: &str = ".cleaned";
/// Ends the name of the directory of a deleted partition that waits for its removal.
pub(super) const DELETED_DIRECTORY: &str = "-delete";

/// The path of the file of a segment or snapshot that begins at `offset`.
pub(super) fn path_of(directory: &str, offset: Offset, suffix: &str) -> Arc<str> {
    format!("{directory}/{:020}{suffix}", offset.0).into()
}

/// The offset in a file name with this suffix; none if it is another kind of file.
pub(super) fn offset_of(name: &str, suffix: &str) -> Option<Offset> {
    let digits = name.strip_suffix(suffix)?;
    let plain = digits.len() == 20 && digits.bytes().all(|digit| digit.is_ascii_digit());
    digits.parse().ok().filter(|_| plain).map(Offset)
}

/// The directory that a path is in; empty at the top.
pub(super) fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(directory, _)| directory)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_file_is_named_after_its_base_offset_in_twenty_digits() {
        let path = path_of("data/orders-0", Offset(42), LOG);
        assert_eq!(&*path, "data/orders-0/00000000000000000042.log");
        assert_eq!(offset_of("00000000000000000042.log", LOG), Some(Offset(42)));
    }

    #[test]
    fn a_name_of_another_kind_has_no_offset() {
        for name in ["42.log", "00000000000000000042.index", "+0000000000000000042.log", ".log"] {
            assert_eq!(offset_of(name, LOG), None, "{name}");
        }
        assert_eq!(offset_of("00000000000000000042.log.deleted", LOG), None);
    }

    #[test]
    fn the_parent_of_a_path_is_what_stands_before_the_last_slash() {
        assert_eq!(parent("data/orders-0/x"), "data/orders-0");
        assert_eq!(parent("data"), "");
    }
}
