//! Evidence, in pieces that fit a message. Not here: what is in it
//! (`projection::evidence`).

use prost::Message as _;

use super::door::Door;
use super::errors::Fault;
use super::trace::{labelled, lot};
use super::waiting::Deadline;
use crate::ledger::Ledger;
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
    let last = state.last;
    let checkpoint = super::receipts::covering(door, last, deadline).await?;
    let made = move |ledger: &Ledger| Ok(ledger.evidence(id, last, &checkpoint)?);
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
    let mut piece = Evidence::default();
    let mut bytes = 0usize;
    let mut add = |size: usize, put: &mut dyn FnMut(&mut Evidence)| {
        if bytes > 0 && bytes.saturating_add(size) > PIECE {
            pieces.push(std::mem::take(&mut piece));
            bytes = 0;
        }
        bytes = bytes.saturating_add(size);
        put(&mut piece);
    };
    for record in records {
        add(record.encoded_len(), &mut |piece| {
            piece.records.push(record.clone());
        });
    }
    for map in maps {
        add(map.encoded_len(), &mut |piece| piece.maps.push(map.clone()));
    }
    pieces.push(piece);
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
