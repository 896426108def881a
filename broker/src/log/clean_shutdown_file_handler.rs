//! The marker of a clean shutdown.
//!
//! Mirrors `CleanShutdownFileHandler` (KIP-966): the file `.kafka_cleanshutdown` holds the epoch of
//! the broker that shut down, as JSON. It is the last thing that is written, with a sync of the
//! file only, and the first that is deleted at a start. Kafka does not sync the directory after the
//! deletion, so that a power loss can bring the marker back, and recovery is skipped; here the
//! directory is synced, unless [`MarkerDeletion::Unsynced`] asks for Kafka's way.
//!
//! What this does not know: what else a shutdown writes.

use super::{LogError, checkpoint_file::read_text};
use crate::{
    host::{Disk, DiskError},
    ids::BrokerEpoch,
};

const NAME: &str = ".kafka_cleanshutdown";

/// How the marker is deleted at a start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MarkerDeletion {
    /// The directory is synced behind it: the deletion survives a power loss.
    #[default]
    Synced,
    /// As Kafka does it: durable only with the next checkpoint.
    Unsynced,
}

/// How the last incarnation ended, as far as the disk tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastShutdown {
    /// Everything was written, and the marker last.
    Clean {
        /// The epoch of that incarnation, if the marker could be read.
        broker_epoch: Option<BrokerEpoch>,
    },
    /// It ended in any other way, or there was none.
    Unclean,
}

/// Writes the marker.
pub(super) fn write(
    disk: &mut dyn Disk,
    directory: &str,
    broker_epoch: BrokerEpoch,
) -> Result<(), DiskError> {
    let path = format!("{directory}/{NAME}");
    disk.create(&path)?;
    disk.append(&path, format!("{{\"version\":0,\"brokerEpoch\":{broker_epoch}}}").as_bytes())?;
    disk.sync(&path)
}

/// Reads the marker and deletes it.
pub(super) fn take(
    disk: &mut dyn Disk,
    directory: &str,
    deletion: MarkerDeletion,
) -> Result<LastShutdown, LogError> {
    let path = format!("{directory}/{NAME}");
    let text = match read_text(disk, &path) {
        Ok(None) => return Ok(LastShutdown::Unclean),
        Ok(Some(text)) => text,
        Err(LogError::Corrupt { .. }) => String::new(),
        Err(error @ (LogError::Disk(_) | LogError::Failed(_))) => return Err(error),
    };
    disk.remove(&path)?;
    match deletion {
        MarkerDeletion::Synced => disk.sync_dir(directory)?,
        MarkerDeletion::Unsynced => {}
    }
    Ok(LastShutdown::Clean { broker_epoch: parse(&text) })
}

/// Reads the one number that matters. As in Kafka, a marker that cannot be read is still a marker.
fn parse(text: &str) -> Option<BrokerEpoch> {
    let object = text.trim().strip_prefix('{')?.strip_suffix('}')?;
    let mut fields = object.split(',').filter_map(|field| field.split_once(':'));
    let (_, epoch) = fields.find(|(name, _)| name.trim() == "\"brokerEpoch\"")?;
    BrokerEpoch::from_wire(epoch.trim().parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::MemoryDisk;

    fn taken(content: &str) -> LastShutdown {
        let mut disk = MemoryDisk::new();
        disk.create_dir("data").unwrap();
        disk.create("data/.kafka_cleanshutdown").unwrap();
        disk.append("data/.kafka_cleanshutdown", content.as_bytes()).unwrap();
        take(&mut disk, "data", MarkerDeletion::Synced).unwrap()
    }

    #[test]
    fn a_marker_is_found_once() {
        let mut disk = MemoryDisk::new();
        disk.create_dir("data").unwrap();
        write(&mut disk, "data", BrokerEpoch(31)).unwrap();
        let text = disk.read_at("data/.kafka_cleanshutdown", 0, 99).unwrap();
        assert_eq!(&text[..], br#"{"version":0,"brokerEpoch":31}"#);
        let first = take(&mut disk, "data", MarkerDeletion::Synced).unwrap();
        assert_eq!(first, LastShutdown::Clean { broker_epoch: Some(BrokerEpoch(31)) });
        let second = take(&mut disk, "data", MarkerDeletion::Synced).unwrap();
        assert_eq!(second, LastShutdown::Unclean);
    }

    #[test]
    fn a_marker_without_an_epoch_still_says_that_the_shutdown_was_clean() {
        let without = LastShutdown::Clean { broker_epoch: None };
        assert_eq!(taken(""), without);
        assert_eq!(taken("{\"version\":0}"), without);
        assert_eq!(taken("{\"version\":0,\"brokerEpoch\":-1}"), without);
        let spaced = taken("{ \"brokerEpoch\" : 5, \"version\": 0 }");
        assert_eq!(spaced, LastShutdown::Clean { broker_epoch: Some(BrokerEpoch(5)) });
    }
}
