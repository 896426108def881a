//! The log that the events tell is the log on the disk: at every restart and at the end.
//!
//! What a power loss or an injected fault took is excused; a recovery that cuts what was safe is
//! not.

use super::{Context, Findings};
use crate::history::Fact;

pub(super) fn check(context: &Context<'_>, fact: &Fact, findings: &mut Findings) {
    match fact {
        Fact::OpenedOtherwise { broker, model_end, log_end } => {
            let name = if log_end < model_end {
                "recovery-lost-synced-data"
            } else {
                "model-equals-bytes"
            };
            findings.broke(name, context, Some(*broker), || {
                format!(
                    "{broker} opened its log with the end {log_end}; it told of appends up to \
                     {model_end}, and no disk fault explains the difference"
                )
            });
        }
        Fact::BytesDiffer { broker, detail } => {
            findings.broke("model-equals-bytes", context, Some(*broker), || {
                format!("{broker}: {detail}")
            });
        }
        Fact::Appended { .. }
        | Fact::Committed { .. }
        | Fact::Rewritten { .. }
        | Fact::CommittedCut { .. }
        | Fact::AdoptedWithout { .. } => {}
    }
}
