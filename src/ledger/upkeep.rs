//! What the ledger does for its journal beside writing it: looks for room on
//! the disk (`disk`) and reads everything again (`scrub`). Here is only what
//! both need of a journal, whatever its storage.

use crate::journal::{Damage, JournalError, Reader};
use crate::storage::Storage;

/// What a scrubber reads on the way: bytes so far, and damage if it was found.
pub(super) type Read = (u64, Option<Damage>);

/// A journal of our own, as its upkeep sees it.
pub(super) trait Upkeep: Send + Sync {
    /// Bytes that may still be written where it is.
    fn free_bytes(&self) -> Result<u64, JournalError>;

    /// Bytes that reading everything committed will read.
    fn committed_bytes(&self) -> u64;

    /// Reads everything committed again, strictly, piece by piece.
    fn scan(&self) -> Box<dyn Iterator<Item = Read> + '_>;
}

impl<S: Storage> Upkeep for Reader<S> {
    fn free_bytes(&self) -> Result<u64, JournalError> {
        Reader::free_bytes(self)
    }

    fn committed_bytes(&self) -> u64 {
        Reader::committed_bytes(self)
    }

    fn scan(&self) -> Box<dyn Iterator<Item = Read> + '_> {
        let mut scan = self.scan_committed();
        Box::new(std::iter::from_fn(move || {
            let damage = scan.next()?.err();
            Some((scan.read_bytes(), damage))
        }))
    }
}
