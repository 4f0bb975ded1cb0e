//! Landmarks: where some of a sealed segment's records stand, kept in memory
//! so that one of its records is found in one read of the disk and not two.
//!
//! They are made from the offset table and say nothing that it does not: where
//! they are of no use, the table is asked. Eight bytes for every
//! [`STRETCH_BYTES`] of journal.

use std::sync::Arc;

/// Bytes between two landmarks, at least: what is read through on the way to
/// a record.
pub(super) const STRETCH_BYTES: u32 = 8 * 1024;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Landmark {
    /// Which of the segment's records.
    index: u32,
    /// Where it stands.
    offset: u32,
}

/// Of one segment, in order.
#[derive(Debug, Clone)]
pub(super) struct Landmarks(Arc<[Landmark]>);

impl Landmarks {
    /// From all offsets of a segment's records, in order.
    pub fn of(offsets: impl Iterator<Item = u32>) -> Self {
        let mut landmarks: Vec<Landmark> = Vec::new();
        for (index, offset) in (0..).zip(offsets) {
            let far = landmarks
                .last()
                .is_none_or(|last| offset.saturating_sub(last.offset) >= STRETCH_BYTES);
            if far {
                landmarks.push(Landmark { index, offset });
            }
        }
        Self(landmarks.into())
    }

    /// The offset of the last landmark at or before a record, and how many
    /// records from there it is.
    pub fn before(&self, index: u64) -> Option<(u64, u64)> {
        let after = self
            .0
            .partition_point(|landmark| u64::from(landmark.index) <= index);
        let landmark = self.0.get(after.checked_sub(1)?)?;
        let onward = index.checked_sub(u64::from(landmark.index))?;
        Some((u64::from(landmark.offset), onward))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_as_many_onward_from_its_landmark_as_stand_between() {
        let third = STRETCH_BYTES / 3 + 1;
        let offsets: Vec<u32> = (0..10).map(|n| 116 + n * third).collect();
        let landmarks = Landmarks::of(offsets.iter().copied());
        for (index, offset) in (0..).zip(&offsets) {
            let (at, onward) = landmarks.before(index).unwrap_or_default();
            assert_eq!(at + onward * u64::from(third), u64::from(*offset));
            assert!(onward < 3, "{index}");
        }
    }

    #[test]
    fn a_segment_without_records_has_none() {
        assert_eq!(Landmarks::of(std::iter::empty()).before(0), None);
    }
}
