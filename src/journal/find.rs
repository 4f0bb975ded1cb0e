//! One record found in its segment: where its frame stands, by the offsets in
//! memory, by a landmark, or by the segment's offset table.
//!
//! Not here: which segment it is in (`reader`).

use std::sync::Arc;

use super::frame::Kind;
use super::landmark::{Landmarks, STRETCH_BYTES};
use super::segment::{self, ENTRY_BYTES};
use super::walk::{Fault, Placed, Walker, Window};
use super::{JournalError, StorageFile};

/// Read at a time when one record is looked up: most fit in it whole.
pub(super) const RECORD_READ_AHEAD: usize = 4 * 1024;

/// Part of a segment that a durable record is in.
#[derive(Debug)]
pub(super) struct Stretch<F> {
    pub segment: u64,
    pub file: Arc<F>,
    /// Offset after the last durable batch or seal of the segment.
    pub limit: u64,
    pub at: Whereabouts,
}

#[derive(Debug)]
pub(super) enum Whereabouts {
    Offset(u32),
    /// In a sealed segment.
    Sealed {
        /// Which of its records.
        index: u64,
        landmarks: Landmarks,
        /// Offset of the entry in the offset table that says.
        entry: u64,
    },
}

impl<F: StorageFile> Stretch<F> {
    /// The record at a position that is in this segment.
    pub fn find(self, position: u64) -> Result<Found<F>, JournalError> {
        let segment = self.segment;
        let offset = match &self.at {
            Whereabouts::Offset(offset) => *offset,
            Whereabouts::Sealed {
                index,
                landmarks,
                entry,
            } => {
                let near = landmarks.before(*index);
                if let Some(found) = near.and_then(|near| self.walk_to(near, position)) {
                    return Ok(found);
                }
                let mut bytes = [0; ENTRY_BYTES];
                self.file
                    .read_exact_at(&mut bytes, *entry)
                    .map_err(|error| read_error(segment, Fault::Io(error)))?;
                u32::from_le_bytes(bytes)
            }
        };
        let offset = u64::from(offset);
        let window = Window::new(RECORD_READ_AHEAD);
        let mut walker = Walker::new(Arc::clone(&self.file), window, offset, self.limit, position);
        let frame = walker
            .frame(offset, 0)
            .map_err(|fault| read_error(segment, fault))?;
        match frame {
            Some(frame) if frame.kind == Kind::Record && frame.mark.synced_through <= position => {
                Ok(Found {
                    segment,
                    file: self.file,
                    limit: self.limit,
                    offset,
                    frame,
                })
            }
            _ => Err(misplaced(segment, offset, position)),
        }
    }

    /// The record so many onward from a landmark, every frame on the way
    /// checked. `None` if anything on the way is not as it should be: then it
    /// is for the offset table to say where the record stands, so that damage
    /// beside a record does not hide it.
    fn walk_to(&self, (landmark, onward): (u64, u64), position: u64) -> Option<Found<F>> {
        let window = Window::new(STRETCH_BYTES as usize + RECORD_READ_AHEAD);
        let mut walker = Walker::new(
            Arc::clone(&self.file),
            window,
            landmark,
            self.limit,
            position,
        );
        let (mut offset, mut onward) = (landmark, onward);
        loop {
            let frame = walker.frame(offset, 0).ok()??;
            match frame.kind {
                Kind::Record if onward > 0 => onward = onward.saturating_sub(1),
                Kind::Record if frame.mark.synced_through <= position => {
                    return Some(Found {
                        segment: self.segment,
                        file: Arc::clone(&self.file),
                        limit: self.limit,
                        offset,
                        frame,
                    });
                }
                Kind::Commit | Kind::Seal => {}
                Kind::Record | Kind::OffsetTable => return None,
            }
            offset = frame.end;
        }
    }
}

/// A record's frame and where it is.
pub(super) struct Found<F> {
    pub segment: u64,
    file: Arc<F>,
    limit: u64,
    pub offset: u64,
    pub frame: Placed,
}

impl<F: StorageFile> Found<F> {
    /// A walker at the start of the record's batch: its mark says where that is.
    pub fn batch_walker(self, read_ahead: usize) -> Walker<F> {
        let mark = self.frame.mark;
        let window = Window::new(read_ahead);
        Walker::new(
            self.file,
            window,
            u64::from(mark.synced_bytes),
            self.limit,
            mark.synced_through,
        )
    }
}

pub(super) fn read_error(segment: u64, fault: Fault) -> JournalError {
    let segment = segment::name(segment);
    match fault {
        Fault::Io(error) => JournalError::io("read", &segment)(error),
        Fault::Damage {
            offset,
            position,
            what,
        } => JournalError::Rot {
            segment,
            offset,
            position,
            what,
        },
    }
}

pub(super) fn misplaced(segment: u64, offset: u64, position: u64) -> JournalError {
    JournalError::Rot {
        segment: segment::name(segment),
        offset,
        position,
        what: "the record is not where the offset table says".into(),
    }
}
