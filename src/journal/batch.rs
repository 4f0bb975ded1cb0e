//! A batch to be appended, and the bounds it must keep.
//!
//! Not here: how it is written (`writer`), and a batch read back (`reader`).

use bytes::Bytes;

use super::frame::COMMIT_PREFIX_BYTES;
use super::{BatchRefused, FRAME_HEADER_BYTES, MAX_BODY_BYTES};

/// Longest batch, its frames included (DESIGN section 8).
pub const MAX_BATCH_BYTES: usize = 1024 * 1024;

/// Records that become durable together, or not at all.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Position of the first record; the rest follow without gaps.
    pub first_position: u64,
    /// The records' bodies, at least one, each at most [`MAX_BODY_BYTES`].
    pub records: Vec<Bytes>,
    /// The body of the commit frame.
    pub commit: Bytes,
    /// Head hash of the last record: the next segment's header will name it.
    pub last_head: [u8; 32],
}

impl Batch {
    /// Bytes it takes in the journal, frames included; at most
    /// [`MAX_BATCH_BYTES`] may be appended.
    pub fn encoded_bytes(&self) -> usize {
        let bodies = self
            .records
            .iter()
            .map(|record| record.len().saturating_add(FRAME_HEADER_BYTES));
        bodies.fold(self.commit_frame_bytes(), usize::saturating_add)
    }

    fn commit_frame_bytes(&self) -> usize {
        self.commit
            .len()
            .saturating_add(COMMIT_PREFIX_BYTES + FRAME_HEADER_BYTES)
    }

    pub(super) fn check(&self, expected: u64) -> Result<(), BatchRefused> {
        if self.records.is_empty() {
            return Err(BatchRefused::Empty);
        }
        if self.first_position != expected {
            return Err(BatchRefused::OutOfOrder {
                expected,
                found: self.first_position,
            });
        }
        for (record, position) in self.records.iter().zip(expected..) {
            if record.len() > MAX_BODY_BYTES {
                return Err(BatchRefused::BodyTooLong {
                    what: format!("record {position}"),
                    bytes: record.len(),
                });
            }
        }
        if self.commit.len() > MAX_BODY_BYTES - COMMIT_PREFIX_BYTES {
            return Err(BatchRefused::BodyTooLong {
                what: "the commit".into(),
                bytes: self.commit.len(),
            });
        }
        let bytes = self.encoded_bytes();
        if bytes > MAX_BATCH_BYTES {
            return Err(BatchRefused::BatchTooLong { bytes });
        }
        Ok(())
    }
}
