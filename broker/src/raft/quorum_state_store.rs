//! The file `quorum-state`: in which epoch a voter is, for whom it voted, whom it follows.
//!
//! Mirrors `FileQuorumStateStore`, `ElectionState` and version 0 of `QuorumStateData`, the one of
//! static voters (KIP-595). A vote is answered only when it is durable: a voter that forgets one in
//! a crash could give it twice. It does not know what an epoch is for.

use serde::{Deserialize, Serialize};

use crate::{
    host::{Disk, DiskError},
    ids::{ControllerId, LeaderEpoch},
    log::{LogError, corrupt_file, read_text_file, replace_file},
};

/// The name of the file in the directory of the metadata log.
pub(super) const NAME: &str = "quorum-state";

/// What a voter must not forget.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ElectionState {
    pub(super) epoch: LeaderEpoch,
    pub(super) leader: Option<ControllerId>,
    pub(super) voted: Option<ControllerId>,
}

/// The file as it is written.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct QuorumStateData {
    cluster_id: String,
    leader_id: i32,
    leader_epoch: i32,
    voted_id: i32,
    applied_offset: i64,
    current_voters: Vec<Voter>,
    #[serde(rename = "data_version")]
    data_version: i16,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Voter {
    voter_id: i32,
}

/// Reads the file; none if there is none yet.
pub(super) fn read(path: &str, disk: &mut dyn Disk) -> Result<Option<ElectionState>, LogError> {
    let Some(text) = read_text_file(disk, path)? else { return Ok(None) };
    let data: QuorumStateData =
        serde_json::from_str(&text).map_err(|error| corrupt_file(path, &error.to_string()))?;
    if data.data_version != 0 {
        return Err(corrupt_file(path, "the version is not 0"));
    }
    let Some(epoch) = LeaderEpoch::from_wire(data.leader_epoch) else {
        return Err(corrupt_file(path, "the epoch is negative"));
    };
    let voter = |id: i32| (0 <= id).then_some(ControllerId(id));
    Ok(Some(ElectionState { epoch, leader: voter(data.leader_id), voted: voter(data.voted_id) }))
}

/// Replaces the file, durably.
pub(super) fn write(
    path: &str,
    state: ElectionState,
    voters: impl IntoIterator<Item = ControllerId>,
    disk: &mut dyn Disk,
) -> Result<(), DiskError> {
    let voter = |id: Option<ControllerId>| id.map_or(-1, |id| id.0);
    let data = QuorumStateData {
        cluster_id: String::new(),
        leader_id: voter(state.leader),
        leader_epoch: state.epoch.0,
        voted_id: voter(state.voted),
        applied_offset: 0,
        current_voters: voters.into_iter().map(|id| Voter { voter_id: id.0 }).collect(),
        data_version: 0,
    };
    let text = serde_json::to_string(&data).expect("numbers and texts can be written");
    replace_file(disk, path, &text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::MemoryDisk;

    #[test]
    fn the_file_has_kafkas_form_and_is_read_as_it_was_written() {
        let mut disk = MemoryDisk::new();
        let state =
            ElectionState { epoch: LeaderEpoch(7), leader: None, voted: Some(ControllerId(1002)) };
        assert_eq!(read(NAME, &mut disk), Ok(None));
        write(NAME, state, [ControllerId(1001), ControllerId(1002)], &mut disk).unwrap();
        let bytes = disk.read_at(NAME, 0, 999).unwrap();
        let expected = concat!(
            r#"{"clusterId":"","leaderId":-1,"leaderEpoch":7,"votedId":1002,"appliedOffset":0,"#,
            r#""currentVoters":[{"voterId":1001},{"voterId":1002}],"data_version":0}"#
        );
        assert_eq!(std::str::from_utf8(&bytes).unwrap(), expected);
        assert_eq!(read(NAME, &mut disk), Ok(Some(state)));
    }

    #[test]
    fn nonsense_is_refused() {
        for nonsense in ["", "{}", r#"{"leaderEpoch":1}"#] {
            let mut disk = MemoryDisk::new();
            replace_file(&mut disk, NAME, nonsense).unwrap();
            assert!(matches!(read(NAME, &mut disk), Err(LogError::Corrupt { .. })));
        }
    }
}
