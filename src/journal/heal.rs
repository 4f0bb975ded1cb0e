//! Another copy of a segment put in the place of one that is damaged or gone,
//! without erasing anything: what `hazledger repair` is built on.
//!
//! Not here: whether the copy is the ledger's word. The caller reads the
//! candidate ([`scan_candidate`]) and compares hashes and signatures before it
//! calls [`heal`].

use super::recovery::publish;
use super::scan::{Damage, Scan, scan_segment};
use super::segment::{self, Listing};
use super::survey::later_write;
use super::{JournalError, Storage, StorageFile, walk};

/// What a candidate is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Copied {
    /// The copy's segment, all of it.
    Whole,
    /// The copy's segment up to this byte offset. What the damaged segment has
    /// beyond follows, if it is longer: the copy may be from before it was full.
    UpTo(u64),
}

/// First positions of the segments in a folder, ascending.
pub fn segments<S: Storage>(storage: &S) -> Result<Vec<u64>, JournalError> {
    Ok(listing(storage)?.segments)
}

/// Whether a folder has the segment that starts at a position.
pub fn has_segment<S: Storage>(storage: &S, first: u64) -> Result<bool, JournalError> {
    Ok(listing(storage)?.segments.contains(&first))
}

/// File name of the segment that starts at a position.
pub fn segment_name(first: u64) -> String {
    segment::name(first)
}

/// Whether damage in the last segment is rot: it cannot be read, or a later
/// frame says that it had been durable. If not it is a torn tail, which
/// opening sets aside. A sealed segment has no torn tail.
pub fn is_rot<S: Storage>(storage: &S, damage: &Damage) -> bool {
    let looked = storage.open(&damage.segment).and_then(|file| {
        let length = file.len()?;
        later_write(&file, damage.offset, length)
    });
    !matches!(looked, Ok(None))
}

/// Writes a candidate for the segment that starts at `first`, durably, under
/// its unfinished name.
pub fn make_candidate<S: Storage, C: Storage>(
    storage: &S,
    copy: &C,
    first: u64,
    copied: Copied,
) -> Result<(), JournalError> {
    let name = segment::name(first);
    let unfinished = segment::unfinished(&name);
    let listing = listing(storage)?;
    if listing.unfinished.contains(&unfinished) {
        storage
            .remove(&unfinished)
            .map_err(JournalError::io("remove", &unfinished))?;
    }
    let reading = JournalError::io("read the copy's", &name);
    let writing = JournalError::io("write", &unfinished);
    let source = copy.open(&name).map_err(&reading)?;
    let length = source.len().map_err(&reading)?;
    let target = storage
        .create(&unfinished)
        .map_err(JournalError::io("create", &unfinished))?;
    let until = match copied {
        Copied::Whole => length,
        Copied::UpTo(offset) => offset.min(length),
    };
    walk::copy(&source, &target, 0, until).map_err(&writing)?;
    if matches!(copied, Copied::UpTo(_)) && listing.segments.contains(&first) {
        let own = storage
            .open(&name)
            .map_err(JournalError::io("open", &name))?;
        let length = own.len().map_err(JournalError::io("read", &name))?;
        walk::copy(&own, &target, until, length).map_err(&writing)?;
    }
    target
        .sync_data()
        .map_err(JournalError::io("sync", &unfinished))
}

/// Reads the candidate that [`make_candidate`] wrote, as a segment by itself.
pub fn scan_candidate<S: Storage>(storage: &S, first: u64) -> Scan<'_, S> {
    scan_segment(storage, first).unfinished()
}

/// Removes a candidate that will not do.
pub fn drop_candidate<S: Storage>(storage: &S, first: u64) -> Result<(), JournalError> {
    let unfinished = segment::unfinished(&segment::name(first));
    storage
        .remove(&unfinished)
        .map_err(JournalError::io("remove", &unfinished))
}

/// Puts the candidate in the segment's place. What stood there is kept under
/// the name that is returned; `None` if nothing did.
///
/// A crash before the rename leaves what was there, after it the candidate;
/// at no moment is the segment missing under its name.
pub fn heal<S: Storage>(storage: &S, first: u64) -> Result<Option<String>, JournalError> {
    let name = segment::name(first);
    let unfinished = segment::unfinished(&name);
    let listing = listing(storage)?;
    let kept = listing
        .segments
        .contains(&first)
        .then(|| listing.free_name(segment::damaged, &name));
    if let Some(kept) = &kept {
        // A second name and not a copy: some of its bytes may not be readable.
        storage
            .link(&name, kept)
            .map_err(JournalError::io("keep (by a hard link)", &name))?;
        storage
            .sync_dir()
            .map_err(JournalError::io("sync", "the folder"))?;
    }
    let candidate = storage
        .open(&unfinished)
        .map_err(JournalError::io("open", &unfinished))?;
    publish(storage, &candidate, &name)?;
    Ok(kept)
}

fn listing<S: Storage>(storage: &S) -> Result<Listing, JournalError> {
    let names = storage.list();
    names
        .map(Listing::of)
        .map_err(JournalError::io("list", "the folder"))
}
