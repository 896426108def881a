//! A small text file that is replaced as a whole and durably.
//!
//! Mirrors `CheckpointFile` and `Utils.atomicMoveWithFallback`: a line with the version, a line
//! with the number of entries, then one line for each entry. The new content goes to a temporary
//! file, which is synced and renamed over the old one; then the directory is synced. At every
//! moment a crash leaves the old content or the new, whole.
//!
//! What this does not know: what the entries mean.

use std::fmt::Write;

use super::{LogError, log_file_utils::parent};
use crate::host::{Disk, DiskError};

/// The version that stands in the first line.
const VERSION: &str = "0";

/// Replaces the content of a file: afterwards it is durable, name and all.
pub(crate) fn replace(disk: &mut dyn Disk, path: &str, content: &str) -> Result<(), DiskError> {
    let temporary = format!("{path}.tmp");
    disk.create(&temporary)?;
    disk.append(&temporary, content.as_bytes())?;
    disk.sync(&temporary)?;
    disk.rename(&temporary, path)?;
    disk.sync_dir(parent(path))
}

/// Reads a whole file as text; none if there is no such file.
pub(crate) fn read_text(disk: &mut dyn Disk, path: &str) -> Result<Option<String>, LogError> {
    if !disk.exists(path)? {
        return Ok(None);
    }
    let length = disk.len(path)?;
    let bytes = disk.read_at(path, 0, usize::try_from(length).unwrap_or(usize::MAX))?;
    match String::from_utf8(bytes.to_vec()) {
        Ok(text) => Ok(Some(text)),
        Err(_) => Err(corrupt(path, "not text")),
    }
}

/// Writes one line for each entry behind version and count.
pub(super) fn write(
    disk: &mut dyn Disk,
    path: &str,
    lines: impl ExactSizeIterator<Item = String>,
) -> Result<(), DiskError> {
    let mut content = format!("{VERSION}\n{}\n", lines.len());
    for line in lines {
        writeln!(content, "{line}").expect("a string can be written to");
    }
    replace(disk, path, &content)
}

/// Reads the entries with `parse`; none if there is no such file.
///
/// # Errors
/// `Corrupt` if the version is another, the count is wrong or a line cannot be read.
pub(super) fn read<T>(
    disk: &mut dyn Disk,
    path: &str,
    parse: impl Fn(&str) -> Option<T>,
) -> Result<Option<Vec<T>>, LogError> {
    let Some(text) = read_text(disk, path)? else { return Ok(None) };
    let mut lines = text.lines();
    if lines.next() != Some(VERSION) {
        return Err(corrupt(path, "the first line is not the version 0"));
    }
    let Some(count) = lines.next().and_then(|line| line.parse::<usize>().ok()) else {
        return Err(corrupt(path, "the second line is not a count"));
    };
    let entries: Option<Vec<T>> = lines.map(parse).collect();
    match entries {
        Some(entries) if entries.len() == count => Ok(Some(entries)),
        Some(_) => Err(corrupt(path, "there are not as many entries as the second line says")),
        None => Err(corrupt(path, "an entry cannot be read")),
    }
}

pub(crate) fn corrupt(path: &str, reason: &str) -> LogError {
    LogError::Corrupt { path: path.to_owned(), reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::MemoryDisk;

    fn number(line: &str) -> Option<u32> {
        line.parse().ok()
    }

    #[test]
    fn entries_are_read_as_they_were_written() {
        let mut disk = MemoryDisk::new();
        write(&mut disk, "c", [1, 20].iter().map(ToString::to_string)).unwrap();
        assert_eq!(&disk.read_at("c", 0, 99).unwrap()[..], b"0\n2\n1\n20\n");
        assert_eq!(read(&mut disk, "c", number), Ok(Some(vec![1, 20])));
        assert_eq!(disk.list("").unwrap(), ["c"], "the temporary file is gone");
    }

    #[test]
    fn a_file_that_is_not_there_is_no_error() {
        assert_eq!(read(&mut MemoryDisk::new(), "c", number), Ok(None));
    }

    #[test]
    fn nonsense_is_told_with_its_reason() {
        for (content, reason) in [
            (&b""[..], "the first line is not the version 0"),
            (b"1\n0\n", "the first line is not the version 0"),
            (b"0\nx\n", "the second line is not a count"),
            (b"0\n2\n7\n", "there are not as many entries as the second line says"),
            (b"0\n1\nseven\n", "an entry cannot be read"),
            (b"\xff", "not text"),
        ] {
            let mut disk = MemoryDisk::new();
            disk.create("c").unwrap();
            disk.append("c", content).unwrap();
            assert_eq!(read(&mut disk, "c", number), Err(corrupt("c", reason)));
        }
    }
}
