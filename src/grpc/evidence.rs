//! Evidence, in pieces that fit a message. Not here: what is in it
//! (`projection::evidence`).

use prost::Message as _;

use super::door::Door;
use super::errors::Fault;
use super::trace::{labelled, lot};
use super::waiting::Deadline;
use crate::ledger::{Latest, Ledger};
use crate::pb::get_evidence_request::Which;
use crate::pb::{Evidence, GetEvidenceRequest};
use crate::projection::evidence::EvidenceError;
use crate::projection::maps::MapError;

/// Bytes of one piece, about: a record may be larger than what is left.
const PIECE: usize = 1024 * 1024;

/// The pieces of evidence for a lot, under a checkpoint that covers its latest
/// record.
pub(super) async fn pieces(
    door: &Door,
    request: GetEvidenceRequest,
    deadline: Deadline,
) -> Result<Vec<Evidence>, Fault> {
    let which = request.which;
    let which = which.ok_or_else(|| Fault::invalid("which", "name a lot or a label"))?;
    let id = match which {
        Which::Lot(bytes) => {
            door.committed(request.min_position, deadline).await?;
            super::door::lot_id("lot", &bytes)?
        }
        Which::Label(label) => {
            // Looked up in a view, which may be behind.
            door.projected(request.min_position, deadline).await?;
            let look = move |ledger: &Ledger| labelled(ledger, "label", &label);
            door.read(deadline, look).await?
        }
    };
    let (_, state) = door.read(deadline, move |ledger| lot(ledger, id)).await?;
    let checkpoint = super::receipts::covering(door, state.last, deadline).await?;
    // Looked up again: until the checkpoint came, more may have been recorded of
    // the lot that is under it.
    let made = move |ledger: &Ledger| {
        let (as_of, state) = lot(ledger, id)?;
        let last = state.last;
        Ok(ledger.evidence(id, Latest { last, as_of }, &checkpoint)?)
    };
    Ok(cut(door.read(deadline, made).await?))
}

impl From<EvidenceError> for Fault {
    fn from(error: EvidenceError) -> Fault {
        let why = error.to_string();
        match error {
            EvidenceError::TooLong(_)
            | EvidenceError::TooMany
            | EvidenceError::TooLarge
            | EvidenceError::TooOld
            | EvidenceError::Map(MapError::TooLarge(_)) => Fault::EvidenceTooLarge(why),
            EvidenceError::NotYet { .. } => Fault::NotCovered(why),
            _ => Fault::Storage(why),
        }
    }
}

/// Cuts a message into some that make it up when they are merged.
fn cut(evidence: Evidence) -> Vec<Evidence> {
    let (records, maps) = (evidence.records, evidence.maps);
    let mut pieces = vec![Evidence {
        records: Vec::new(),
        maps: Vec::new(),
        ..evidence
    }];
    let mut room = 0;
    let mut make_room = |pieces: &mut Vec<Evidence>, size: usize| {
        if size > room {
            pieces.push(Evidence::default());
            room = PIECE;
        }
        room = room.saturating_sub(size);
    };
    for record in records {
        make_room(&mut pieces, record.encoded_len());
        if let Some(last) = pieces.last_mut() {
            last.records.push(record);
        }
    }
    for map in maps {
        make_room(&mut pieces, map.encoded_len());
        if let Some(last) = pieces.last_mut() {
            last.maps.push(map);
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pb::{EvidenceRecord, TouchedProof};

    #[test]
    fn pieces_one_after_another_are_the_whole() {
        let path = vec![bytes::Bytes::from(vec![7; 200_000])];
        let record = EvidenceRecord {
            path,
            ..EvidenceRecord::default()
        };
        let map = |state_record| TouchedProof {
            state_record,
            ..TouchedProof::default()
        };
        let whole = Evidence {
            version: 1,
            lot: bytes::Bytes::from_static(&[1; 16]),
            checkpoint: "a note".into(),
            records: vec![record; 20],
            maps: (0..3).map(map).collect(),
            ..Evidence::default()
        };
        let pieces = cut(whole.clone());
        assert!(pieces.len() > 4);
        assert!(pieces.iter().all(|p| p.encoded_len() < PIECE + 300_000));
        let bytes: Vec<u8> = pieces.iter().flat_map(Evidence::encode_to_vec).collect();
        assert_eq!(Evidence::decode(bytes.as_slice()), Ok(whole));
    }
}
