//! A partition on disk.
//!
//! Bytes are Kafka's: the files of a log directory can be read by every tool that reads Kafka's.
//! All of it goes through [`Disk`](crate::host::Disk); paths are relative to it.
//!
//! ```text
//! LogManager          the log directory: checkpoints, retention, flush, clean-shutdown marker
//! UnifiedLog          one log: offsets, epochs, producers, high watermark, log start
//! ├─ LocalLog         its files: roll, flush, cut, delete
//! │  └─ LogSegments ─ LogSegment ─ OffsetIndex, TimeIndex, BatchScanner
//! ├─ LeaderEpochFileCache
//! ├─ ProducerStateManager ─ ProducerStateEntry, ProducerAppendInfo
//! └─ LogLoader        opening it, and recovery after an unclean end
//! ```
//!
//! Mirrors the packages `kafka.log` and `org.apache.kafka.storage.internals` (KIP-98, KIP-101,
//! KIP-279, KIP-966). Not modelled: compaction, transactions, tiered storage, several directories.
//!
//! What this does not know: brokers, leaders, followers, requests.

mod abstract_index;
mod batch_scanner;
mod checkpoint_file;
mod clean_shutdown_file_handler;
mod error;
mod leader_epoch_file_cache;
mod local_log;
mod log_file_utils;
mod log_loader;
mod log_manager;
mod log_segment;
mod log_segments;
mod log_validator;
mod offset_checkpoint_file;
mod offset_index;
mod partition_metadata_file;
mod producer_append_info;
mod producer_snapshot;
mod producer_state_entry;
mod producer_state_manager;
mod recent_batches;
#[cfg(test)]
pub(crate) mod testing;
mod time_index;
mod unified_log;

pub(crate) use checkpoint_file::{
    corrupt as corrupt_file, read_text as read_text_file, replace as replace_file,
};
pub use clean_shutdown_file_handler::{LastShutdown, MarkerDeletion};
pub use error::{AppendError, FollowerAppendError, LogError, LogStartError, ReadError};
pub use leader_epoch_file_cache::EpochEntry;
pub use log_loader::{LogParameters, Trust};
pub use log_manager::{Loaded, LogManager};
pub use partition_metadata_file::MetaProperties;
pub use unified_log::{
    FetchData, Isolation, LeaderAppend, LogStartMove, MinOneBatch, TimestampAndOffset, UnifiedLog,
};
