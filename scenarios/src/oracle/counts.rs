//! How many records were sent, and what their producers were told.

use broker::protocol::ErrorCode;

use super::{Case, Judgement};
use crate::history::Completion;

pub(super) fn count(case: &Case<'_>, judgement: &mut Judgement) {
    let records = &mut judgement.records;
    for (_, send) in case.history.sends().iter() {
        records.sent += 1;
        let told = send.completion.map(|(_, completion)| completion);
        match told {
            Some(Completion::Acked(_)) => records.acked += 1,
            Some(Completion::Failed(_)) => records.failed += 1,
            Some(Completion::Unknown(_)) | None => records.unknown += 1,
        }
    }
    for (code, count) in case.history.errors() {
        let name = ErrorCode::from_code(*code).name().to_owned();
        *records.errors.entry(name).or_default() += count;
    }
}
