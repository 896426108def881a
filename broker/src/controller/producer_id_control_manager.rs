//! Producer ids, given away in blocks.
//!
//! Mirrors Kafka's `ProducerIdControlManager` (KIP-730). The end of the last block is in the log,
//! so no id is given twice, whatever crashes.

use super::{decision::Decision, replication_control_manager::View};
use crate::{
    ids::ProducerId,
    metadata::{MetadataRecord, ProducerIdsBlockEnd},
    protocol::{
        ErrorCode,
        messages::{
            AllocateProducerIdsRequest, AllocateProducerIdsResponse, WireProducerId, broker_of,
        },
    },
};

/// How many ids a block has (`ProducerIdsBlock.PRODUCER_ID_BLOCK_SIZE`).
const BLOCK_SIZE: i32 = 1_000;

impl View<'_> {
    /// Gives the broker the next block.
    pub(super) fn allocate_producer_ids(
        self,
        request: &AllocateProducerIdsRequest,
    ) -> Decision<AllocateProducerIdsResponse> {
        let broker = broker_of(request.broker_id);
        let refuse = |error: ErrorCode| {
            Decision::answer(AllocateProducerIdsResponse::default().with_error_code(error.code()))
        };
        let registration = match self.check_broker_epoch(broker, request.broker_epoch) {
            Ok(registration) => registration,
            Err(error) => return refuse(error),
        };
        let first = self.image.next_producer_id();
        let Some(next) = first.0.checked_add(i64::from(BLOCK_SIZE)) else {
            return refuse(ErrorCode::UnknownServerError);
        };
        let record = MetadataRecord::ProducerIds(ProducerIdsBlockEnd {
            broker: registration.id,
            broker_epoch: registration.epoch,
            next_producer_id: ProducerId(next),
        });
        let answer = AllocateProducerIdsResponse::default()
            .with_producer_id_start(WireProducerId(first.0))
            .with_producer_id_len(BLOCK_SIZE);
        Decision::of(vec![record], answer)
    }
}
