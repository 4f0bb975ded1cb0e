//! That nothing came after a lot's last record: absence from the map of each
//! later state record is proof, the ledger's signed word on the lot's head goes
//! on from the last of them to the checkpoint.

use std::collections::BTreeMap;

use super::MAX_MAPS;
use super::error::BadEvidence;
use crate::event::Hash;
use crate::event::record::OpenRecord;
use crate::event::signing::PublicKey;
use crate::pb::event::Body;
use crate::pb::{Evidence, StateRecorded, Subject, TouchedProof};
use crate::proof::check_subject_head;
use crate::proof::checkpoint::Checkpoint;
use crate::proof::touched::check_touched;

/// How far a lot's last record is known to be its last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct After {
    /// The lot's last record.
    pub last: u64,
    /// State records whose maps show it.
    pub state_records: u64,
    /// Proven: no record of the lot between its last and this position.
    pub proven_before: u64,
    /// Said by the ledger: none below this position; absent if no word was
    /// needed.
    pub attested_before: Option<u64>,
}

/// What a lot's evidence is checked against.
pub(super) struct Ground<'a> {
    pub(super) key: &'a PublicKey,
    pub(super) genesis_hash: Hash,
    pub(super) checkpoint: &'a Checkpoint,
    /// Between state records, as genesis says.
    pub(super) interval: u64,
    /// By position, those that the ledger alone signed.
    pub(super) own: &'a BTreeMap<u64, &'a OpenRecord>,
}

/// The positions of the state records after a position, below a size. Each
/// stands at a multiple of the interval of genesis.
pub fn state_records_after(last: u64, size: u64, interval: u64) -> impl Iterator<Item = u64> {
    // As the ledger's writer has it.
    let interval = interval.max(2);
    let first = (last / interval).checked_add(1);
    let numbers = first.into_iter().flat_map(|first| first..);
    let positions = numbers.map_while(move |number| number.checked_mul(interval));
    positions.take_while(move |position| *position < size)
}

/// Checks maps and word of a lot whose last record is at `last`.
pub(super) fn check(
    evidence: &Evidence,
    ground: &Ground<'_>,
    lot: &Subject,
    last: u64,
) -> Result<After, BadEvidence> {
    let size = ground.checkpoint.size;
    let mut maps = evidence.maps.iter();
    let mut after = After {
        last,
        state_records: 0,
        proven_before: last.saturating_add(1),
        attested_before: None,
    };
    for position in state_records_after(last, size, ground.interval).take(MAX_MAPS + 1) {
        let map = maps.next().filter(|map| map.state_record == position);
        let map = map.ok_or(BadEvidence::Map(position))?;
        // The map of the interval that the last record is in names it.
        let want = (after.state_records == 0).then_some(last);
        check_map(ground, map, lot, want)?;
        after.state_records = after.state_records.saturating_add(1);
        after.proven_before = position.saturating_add(1);
    }
    if let Some(beside) = maps.next() {
        return Err(BadEvidence::MapBeside(beside.state_record));
    }
    if evidence.head.is_some() || after.proven_before < size {
        check_word(evidence, ground, lot, last)?;
        after.attested_before = Some(size);
    }
    Ok(after)
}

fn check_map(
    ground: &Ground<'_>,
    map: &TouchedProof,
    lot: &Subject,
    want: Option<u64>,
) -> Result<(), BadEvidence> {
    let state_record = map.state_record;
    let record = ground.own.get(&state_record);
    let said = record.and_then(|record| recorded(record));
    let said = said.ok_or(BadEvidence::StateRecord(state_record))?;
    let root = Hash::from_slice(&said.touched_root);
    let root = root.ok_or(BadEvidence::StateRecord(state_record))?;
    let got = check_touched(map, lot, root, said.touched_count)
        .map_err(|bad| BadEvidence::Touched { state_record, bad })?;
    if got == want {
        Ok(())
    } else {
        Err(BadEvidence::Later {
            state_record,
            got,
            want,
        })
    }
}

/// What a state record says; it is alone in its statement.
fn recorded(record: &OpenRecord) -> Option<&StateRecorded> {
    match record.events.as_slice() {
        [Some(event)] => match &event.body {
            Some(Body::StateRecorded(said)) => Some(said),
            _ => None,
        },
        _ => None,
    }
}

fn check_word(
    evidence: &Evidence,
    ground: &Ground<'_>,
    lot: &Subject,
    last: u64,
) -> Result<(), BadEvidence> {
    let signed = evidence.head.as_ref().ok_or(BadEvidence::HeadMissing)?;
    let said = check_subject_head(ground.key, ground.genesis_hash, signed)?;
    let tree = ground.checkpoint;
    if said.size != tree.size || said.root != tree.root {
        return Err(BadEvidence::HeadOther("tree than the checkpoint's"));
    }
    if said.subject != *lot {
        return Err(BadEvidence::HeadOther("subject than the lot"));
    }
    if said.last != Some(last) {
        return Err(BadEvidence::HeadOther("last record than the chain has"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_records_stand_at_multiples_of_the_interval_after_the_last_and_below_the_size() {
        let after = |last, size, interval| -> Vec<u64> {
            state_records_after(last, size, interval).collect()
        };
        assert_eq!(after(0, 21, 10), [10, 20]);
        assert_eq!(after(9, 20, 10), [10]);
        // One that is itself a state record is in the map of the next.
        assert_eq!(after(10, 31, 10), [20, 30]);
        assert!(after(25, 30, 10).is_empty());
        assert_eq!(after(3, 7, 0), [4, 6]);
        assert!(after(u64::MAX - 1, u64::MAX, 2).is_empty());
    }
}
