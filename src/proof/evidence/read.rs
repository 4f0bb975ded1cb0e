//! Evidence as bytes, looked over before it is decoded: an empty message is two
//! bytes in a file and two hundred in memory, so how many there are is counted
//! first. Not here: what they say.

use super::error::BadEvidence;
use super::{MAX_DOCUMENTS, MAX_EVIDENCE_RECORDS, MAX_MAPS, bounded};
use crate::proof::head::{Field, field};
use crate::proof::tree::MAX_PATH;

/// Bytes of a record for each of its parts, at least: the part's digest of 32
/// stands in its head, with its field and length.
const PART_BYTES: usize = 34;

/// Hashes of the paths of a proof over a map, at most: it shows two lines.
const MAX_MAP_PATHS: usize = 2 * MAX_PATH;

/// Counts what bytes of an `Evidence` hold.
pub(super) fn look_over(bytes: &[u8]) -> Result<(), BadEvidence> {
    let (mut records, mut maps, mut documents) = (0usize, 0usize, 0usize);
    each(bytes, |number, inside| {
        match number {
            4 => {
                records = records.saturating_add(1);
                bounded("records", records, MAX_EVIDENCE_RECORDS)?;
                look_over_record(inside)?;
            }
            5 => {
                maps = maps.saturating_add(1);
                bounded("maps", maps, MAX_MAPS)?;
                look_over_map(inside)?;
            }
            7 => {
                documents = documents.saturating_add(1);
                bounded("documents", documents, MAX_DOCUMENTS)?;
            }
            _ => {}
        }
        Ok(())
    })
}

/// An `EvidenceRecord`: a record and its path.
fn look_over_record(bytes: &[u8]) -> Result<(), BadEvidence> {
    let mut path = 0usize;
    each(bytes, |number, inside| {
        if number != 1 {
            path = path.saturating_add(1);
            return bounded("hashes of a path", path, MAX_PATH);
        }
        let mut parts = 0usize;
        each(inside, |number, _| {
            parts = parts.saturating_add(usize::from(number > 1));
            Ok(())
        })?;
        bounded("parts of a record", parts, inside.len() / PART_BYTES)
    })
}

/// A `TouchedProof`: lines with their paths.
fn look_over_map(bytes: &[u8]) -> Result<(), BadEvidence> {
    let mut paths = 0usize;
    each(bytes, |_, line| {
        each(line, |number, _| {
            paths = paths.saturating_add(usize::from(number == 4));
            bounded("hashes of a path", paths, MAX_MAP_PATHS)
        })
    })
}

/// Every field of a message that has bytes, with its number.
fn each<'a>(
    mut bytes: &'a [u8],
    mut one: impl FnMut(u32, &'a [u8]) -> Result<(), BadEvidence>,
) -> Result<(), BadEvidence> {
    while !bytes.is_empty() {
        let whole = bytes.len();
        match field(&mut bytes) {
            Some((number, Field::Bytes(inside))) => one(number, inside)?,
            Some((_, Field::Number(_))) => {}
            None => {
                let why = format!("{whole} bytes before the end of one");
                return Err(BadEvidence::NotEvidence(why));
            }
        }
    }
    Ok(())
}
