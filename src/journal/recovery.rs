//! Opening: survey what is there, settle the tail, hand over to the writer.
//!
//! Everything is looked at before anything is changed, and every change here
//! can be cut short by a crash and done again. Not here: telling rot from a
//! torn tail (`survey`).

use std::sync::Arc;

use super::segment::{self, HEADER_BYTES, Listing};
use super::survey::{self, Ending, Link, Sealed, Tail};
use super::{JournalError, Storage, StorageFile, walk};

/// What opening found and did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    /// The ledger the journal belongs to, as its first header says.
    pub origin: [u8; 32],
    /// Records it holds.
    pub records: u64,
    /// Head hash of the last of them, as its commit frame says; zeros if there are none.
    pub last_head: [u8; 32],
    /// Whether it had been closed. If not, its last segment was rewritten.
    pub clean: bool,
    /// The torn tail, if there was one.
    pub torn: Option<Torn>,
    /// Unfinished copies from an earlier stop that were removed.
    pub removed: Vec<String>,
}

/// A tail that was being written when the journal stopped. Nobody was ever
/// told that its records were committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Torn {
    /// The segment it was in.
    pub segment: String,
    /// The name under which the segment was kept as it was found.
    pub set_aside: String,
    /// Byte offset after the last complete batch: what follows was dropped.
    pub offset: u64,
    /// How many bytes were dropped, zeros at the end not counted.
    pub bytes: u64,
    /// The first position that was dropped, if any record was in those bytes.
    pub from_position: u64,
    /// Byte offset at which reading stopped.
    pub damage_offset: u64,
    /// What is wrong there.
    pub what: String,
}

/// What the writer goes on from.
pub(super) struct Opened<F> {
    pub sealed: Vec<Sealed>,
    pub tail: Tail<F>,
    pub report: Recovery,
}

/// Opens the journal in a folder; see [`Journal::open`](super::Journal::open).
/// `begins` is what its first segment must take up from, if that is known.
pub(super) fn open<S: Storage>(
    storage: &S,
    begins: Option<Link>,
    origin: Option<[u8; 32]>,
    synced_floor: u64,
) -> Result<Opened<S::File>, JournalError> {
    let listing = Listing::of(
        storage
            .list()
            .map_err(JournalError::io("list", "the folder"))?,
    );
    let Some((last, full)) = listing.segments.split_last() else {
        return Err(JournalError::NotFound);
    };
    let mut found_origin = origin;
    let (sealed, link) = survey::sealed_segments(storage, full, begins, &mut found_origin)?;
    let mut tail = survey::tail(storage, *last, link, &mut found_origin)?;
    if tail.position < synced_floor {
        return Err(JournalError::Lost {
            have: tail.position,
            floor: synced_floor,
        });
    }

    for name in &listing.unfinished {
        storage
            .remove(name)
            .map_err(JournalError::io("remove", name))?;
    }
    let torn = set_aside(storage, &listing, &tail)?;
    let clean = matches!(tail.ending, Ending::Clean { .. });
    if !clean {
        rewrite(storage, &mut tail)?;
    }
    let report = Recovery {
        origin: tail.header.origin,
        records: tail.position,
        last_head: tail.last_head,
        clean,
        torn,
        removed: listing.unfinished,
    };
    Ok(Opened {
        sealed,
        tail,
        report,
    })
}

/// Keeps a torn segment, as it was found, under another name. A copy and not a
/// rename, so that at no moment is the segment missing under its own.
fn set_aside<S: Storage>(
    storage: &S,
    listing: &Listing,
    tail: &Tail<S::File>,
) -> Result<Option<Torn>, JournalError> {
    let Ending::Torn {
        offset,
        data_end,
        what,
    } = &tail.ending
    else {
        return Ok(None);
    };
    let name = segment::name(tail.header.first_position);
    let aside = listing.free_name(segment::torn, &name);
    let unfinished = segment::unfinished(&aside);
    let copy = storage
        .create(&unfinished)
        .map_err(JournalError::io("create", &unfinished))?;
    walk::copy(&*tail.file, &copy, 0, *data_end).map_err(JournalError::io("write", &unfinished))?;
    publish(storage, &copy, &aside)?;
    // Without its header a file has no whole part.
    let end = if *offset == 0 { 0 } else { tail.end };
    Ok(Some(Torn {
        segment: name,
        set_aside: aside,
        offset: end,
        bytes: data_end.saturating_sub(end),
        from_position: tail.position,
        damage_offset: *offset,
        what: what.clone(),
    }))
}

/// Writes the whole part of the tail to a new file and puts that in its place.
/// What was read may have come from the page cache alone: after a failed sync
/// the kernel calls such pages clean, and syncing the old file would say yes
/// without writing them.
fn rewrite<S: Storage>(storage: &S, tail: &mut Tail<S::File>) -> Result<(), JournalError> {
    let name = segment::name(tail.header.first_position);
    let unfinished = segment::unfinished(&name);
    let writing = JournalError::io("write", &unfinished);
    let file = storage
        .create(&unfinished)
        .map_err(JournalError::io("create", &unfinished))?;
    file.write_all_at(&tail.header.encode(), 0)
        .map_err(&writing)?;
    walk::copy(&*tail.file, &file, HEADER_BYTES as u64, tail.end).map_err(&writing)?;
    publish(storage, &file, &name)?;
    tail.file = Arc::new(file);
    tail.file_length = tail.end;
    Ok(())
}

/// Makes an unfinished file durable, then gives it its name, durably. A crash
/// before the rename leaves an unfinished file, after it the finished one.
pub(super) fn publish<S: Storage>(
    storage: &S,
    file: &S::File,
    name: &str,
) -> Result<(), JournalError> {
    let unfinished = segment::unfinished(name);
    file.sync_data()
        .map_err(JournalError::io("sync", &unfinished))?;
    storage
        .rename(&unfinished, name)
        .map_err(JournalError::io("rename", &unfinished))?;
    storage
        .sync_dir()
        .map_err(JournalError::io("sync", "the folder"))
}
