//! A journal that may forget its beginning: what is kept beside the ledger's
//! records for a time, and for no longer. The ledger's own journal is never
//! opened so: without all its records it does not open.
//!
//! Not here: what may go, and when. The caller says.

use std::ops::Range;

use super::segment::{self, Listing};
use super::survey::Link;
use super::{Journal, JournalError, JournalOptions, Recovery, Storage};

impl<S: Storage> Journal<S> {
    /// Creates an empty journal that goes on from records which are gone: the
    /// next position, and the head hash of the record before.
    ///
    /// # Errors
    /// [`JournalError::Exists`] if the folder holds a segment already.
    pub fn create_from(
        storage: S,
        origin: [u8; 32],
        position: u64,
        last_head: [u8; 32],
        options: JournalOptions,
    ) -> Result<Self, JournalError> {
        let after = Link {
            position,
            last_head,
        };
        Self::create_at(storage, origin, after, options)
    }

    /// Opens a journal as [`open`](Self::open) does, wherever it begins.
    ///
    /// # Errors
    /// Those of [`open`](Self::open); that its beginning is missing is none.
    pub fn open_anywhere(
        storage: S,
        origin: [u8; 32],
        synced_floor: u64,
        options: JournalOptions,
    ) -> Result<(Self, Recovery), JournalError> {
        Self::open_at(storage, None, Some(origin), synced_floor, options)
    }

    /// The positions in the oldest segment, if it is full: the one that is
    /// being written never goes.
    pub fn oldest(&self) -> Option<Range<u64>> {
        self.shared.with_index(|index| {
            let oldest = index.sealed.first()?;
            Some(oldest.first_position..oldest.end_position())
        })
    }

    /// Removes the oldest segment, if it is full, durably. A crash leaves it or
    /// does not; what is left is a journal either way.
    ///
    /// # Errors
    /// [`JournalError::Io`]; the journal goes on, and the segment, which is no
    /// longer read, may be there again when it is opened.
    pub fn forget_oldest(&mut self) -> Result<(), JournalError> {
        let Some(first) = self.shared.forget_oldest() else {
            return Ok(());
        };
        let name = segment::name(first);
        self.shared
            .storage
            .remove(&name)
            .map_err(JournalError::io("remove", &name))?;
        self.shared
            .storage
            .sync_dir()
            .map_err(JournalError::io("sync", "the folder"))
    }
}

/// Puts all segments of a folder under other names, durably, so that a new
/// journal can begin there; returns those names.
///
/// # Errors
/// [`JournalError::Io`]; some may have been renamed, and it can be done again.
pub fn set_all_aside<S: Storage>(storage: &S) -> Result<Vec<String>, JournalError> {
    let names = storage.list();
    let listing = Listing::of(names.map_err(JournalError::io("list", "the folder"))?);
    let mut aside = Vec::with_capacity(listing.segments.len());
    for first in &listing.segments {
        let name = segment::name(*first);
        let kept = listing.free_name(segment::damaged, &name);
        storage
            .rename(&name, &kept)
            .map_err(JournalError::io("rename", &name))?;
        aside.push(kept);
    }
    storage
        .sync_dir()
        .map_err(JournalError::io("sync", "the folder"))?;
    Ok(aside)
}
