//! The segments of a journal that is being backed up, held against one another:
//! each takes up from the record before it.

use super::BackupError;
use crate::journal::Header;
use crate::repair::{Checked, End};

/// How far the segments have been seen to follow from one another.
pub(super) struct Chain {
    pub(super) end: End,
    /// When the last record was recorded, if a segment that was read has it.
    pub(super) recorded_at_ms: Option<i64>,
    /// The end that was asked for.
    pub(super) there: Option<End>,
}

impl Chain {
    /// Before record 0.
    pub(super) fn new() -> Chain {
        Chain {
            end: End {
                position: 0,
                head: [0; 32],
            },
            recorded_at_ms: None,
            there: None,
        }
    }

    /// Adds a segment that was read and checked.
    pub(super) fn add(&mut self, name: &str, checked: &Checked) -> Result<(), BackupError> {
        self.follow(name, &checked.header, checked.end, checked.last_head)?;
        self.recorded_at_ms = checked.recorded_at_ms.or(self.recorded_at_ms);
        self.there = checked.there.or(self.there);
        Ok(())
    }

    /// Adds one that is known by its ends.
    pub(super) fn follow(
        &mut self,
        name: &str,
        header: &Header,
        end: u64,
        head: [u8; 32],
    ) -> Result<(), BackupError> {
        let begins = (header.first_position, header.previous_head);
        if begins != (self.end.position, self.end.head) {
            return Err(BackupError::Segment {
                segment: name.to_owned(),
                what: format!(
                    "it does not take up from record {} before it",
                    self.end.position
                ),
            });
        }
        self.end = End {
            position: end,
            head,
        };
        Ok(())
    }

    /// Notes the end, if it is the one that was asked for.
    pub(super) fn note(&mut self, asked: Option<u64>) {
        if asked == Some(self.end.position) {
            self.there = Some(self.end);
        }
    }
}
