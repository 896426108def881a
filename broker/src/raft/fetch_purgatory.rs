//! Fetches that wait for records.
//!
//! Mirrors `ThresholdPurgatory` and its use in `KafkaRaftClient.handleFetchRequest`. Voters wait
//! for the end of the log, observers for the high watermark. It does not know the log.

use std::collections::BTreeMap;

use super::messages::{Fetch, Replica};
use crate::{host::Instant, ids::Offset, net::RequestId};

/// The fetches that wait, and until when.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct FetchPurgatory {
    waiting: BTreeMap<RequestId, (Instant, Fetch)>,
}

impl FetchPurgatory {
    /// Lets a fetch wait from `now` on.
    pub(super) fn park(&mut self, id: RequestId, now: Instant, fetch: Fetch) {
        self.waiting.insert(id, (now.plus(fetch.max_wait.duration()), fetch));
    }

    /// Nobody waits for this answer any more.
    pub(super) fn forget(&mut self, id: RequestId) {
        self.waiting.remove(&id);
    }

    /// When the first fetch must be answered.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.waiting.values().map(|(until, _)| *until).min()
    }

    /// Takes out the fetches for which there is something, and those whose time is up, in order of
    /// arrival.
    pub(super) fn take_ready(
        &mut self,
        now: Instant,
        log_end: Offset,
        high_watermark: Offset,
    ) -> Vec<(RequestId, Fetch)> {
        let ready = |until: Instant, fetch: &Fetch| {
            let end = match fetch.replica {
                Replica::Voter(_) => log_end,
                Replica::Observer => high_watermark,
            };
            until <= now || fetch.offset < end
        };
        let waiting = self.waiting.iter();
        let ids: Vec<_> =
            waiting.filter(|(_, (until, fetch))| ready(*until, fetch)).map(|(id, _)| *id).collect();
        ids.into_iter()
            .filter_map(|id| self.waiting.remove(&id).map(|(_, fetch)| (id, fetch)))
            .collect()
    }

    /// Takes out all, in order of arrival.
    pub(super) fn take_all(&mut self) -> Vec<RequestId> {
        std::mem::take(&mut self.waiting).into_keys().collect()
    }
}
