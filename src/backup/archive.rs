//! Sealed segments moved to cheaper storage, where they can still be read and
//! proven: copied, read back strictly, compared, and only then is the
//! segment's name in the journal a link to the copy. A server may have the
//! journal open: what it has open it goes on reading.
//!
//! Not here: the last segment, which is being written; and what an archive's
//! storage is worth. The files in it are the segments, under their names.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, symlink};
use std::path::{Path, PathBuf};

use super::BackupError;
use super::manifest::LOCK;
use super::shelf::hash_of;
use crate::audit::ReadOnlyFolder;
use crate::event::Hash;
use crate::journal::{
    Header, Storage as _, StorageFile, open_to_read, scan_segment, segment_name, segments,
};
use crate::repair::{Checked, Ledger};
use crate::storage::{UNFINISHED, View};

/// Held by whoever changes a journal's sealed segments, beside a server that
/// has the directory open.
const MAINTENANCE: &str = "journal.LOCK";
/// Bytes handled at a time.
const PIECE_BYTES: usize = 256 * 1024;

/// Where a segment is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// In the journal's folder.
    Here,
    /// In an archive, as this file.
    Archived(PathBuf),
    /// It should be there, and cannot be read.
    Unreachable(PathBuf, String),
}

/// A segment and where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// Position of its first record.
    pub first: u64,
    /// Position after its last record: the next one's first; `None` for the
    /// last segment.
    pub end: Option<u64>,
    /// Bytes; `None` if it cannot be read.
    pub bytes: Option<u64>,
    /// Where it is.
    pub place: Place,
}

/// Which segments are to be moved. Never the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// Those that hold only records before this position.
    Before(u64),
    /// All but the newest so many.
    Keep(usize),
}

/// What was moved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Archived {
    /// First positions of the segments that are links now and were not, or that
    /// were links to elsewhere.
    pub moved: Vec<u64>,
    /// Bytes that were copied into the store.
    pub copied: u64,
}

/// The lock on a journal's sealed segments, for as long as it lives.
#[derive(Debug)]
pub struct Maintenance {
    _lock: File,
}

impl Maintenance {
    /// Takes it, in a data directory.
    pub fn take(dir: &Path) -> Result<Maintenance, BackupError> {
        lock(&dir.join(MAINTENANCE)).map(|lock| Maintenance { _lock: lock })
    }
}

fn lock(path: &Path) -> Result<File, BackupError> {
    let name = show(path);
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(path)
        .map_err(BackupError::io("open", &name))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(BackupError::Busy),
        Err(TryLockError::Error(error)) => Err(BackupError::io("lock", name)(error)),
    }
}

/// Where the segments of a journal's folder are, in order.
pub fn places(journal: &Path) -> Result<Vec<Placed>, BackupError> {
    let firsts = segments(&ReadOnlyFolder::new(journal))?;
    let ends = firsts.iter().skip(1).map(|end| Some(*end)).chain([None]);
    let placed = firsts.iter().zip(ends).map(|(first, end)| {
        let path = journal.join(segment_name(*first));
        let read = open_to_read(&path).and_then(|file| file.len());
        let place = match (fs::read_link(&path), &read) {
            (Err(_), _) => Place::Here,
            (Ok(place), Ok(_)) => Place::Archived(place),
            (Ok(place), Err(error)) => Place::Unreachable(place, error.to_string()),
        };
        Placed {
            first: *first,
            end,
            bytes: read.ok(),
            place,
        }
    });
    Ok(placed.collect())
}

/// Moves sealed segments of a data directory's journal into a store, made if it
/// is not there. A segment that is linked to elsewhere goes there as well; if
/// it cannot be read and the store has it, the link is mended. `progress` is
/// told bytes.
///
/// # Errors
/// [`BackupError`]. Segments that were moved by then are moved.
pub fn archive(
    dir: &Path,
    genesis_hash: Hash,
    store: &Path,
    until: Until,
    progress: &mut dyn FnMut(u64),
) -> Result<Archived, BackupError> {
    let _maintenance = Maintenance::take(dir)?;
    let journal = dir.join("journal");
    if !store.exists() {
        let made = DirBuilder::new().recursive(true).mode(0o700).create(store);
        made.map_err(BackupError::io("create", show(store)))?;
    }
    let store = store
        .canonicalize()
        .map_err(BackupError::io("find", show(store)))?;
    let _lock = lock(&store.join(LOCK))?;
    let mut moving = Moving {
        ledger: None,
        genesis_hash,
        from: ReadOnlyFolder::new(&journal),
        journal,
        store,
        archived: Archived::default(),
        progress,
    };
    for (placed, next) in chosen(&moving.journal, until)? {
        moving.one(&placed, next)?;
    }
    Ok(moving.archived)
}

/// The segments that are to be moved, each with where the next one begins.
fn chosen(journal: &Path, until: Until) -> Result<Vec<(Placed, u64)>, BackupError> {
    let placed = places(journal)?;
    let keep = match until {
        Until::Before(_) => 1,
        // The last is being written.
        Until::Keep(newest) => newest.max(1),
    };
    let count = placed.len().saturating_sub(keep);
    let sealed = placed.into_iter().take(count);
    let with_end = sealed.filter_map(|placed| placed.end.map(|end| (placed, end)));
    Ok(with_end
        .filter(|(_, end)| match until {
            Until::Before(position) => *end <= position,
            Until::Keep(_) => true,
        })
        .collect())
}

struct Moving<'a> {
    /// Found when it is first needed: segment 0 may be what cannot be read.
    ledger: Option<Ledger>,
    genesis_hash: Hash,
    journal: PathBuf,
    from: ReadOnlyFolder,
    store: PathBuf,
    archived: Archived,
    progress: &'a mut dyn FnMut(u64),
}

impl Moving<'_> {
    fn one(&mut self, placed: &Placed, next: u64) -> Result<(), BackupError> {
        let name = segment_name(placed.first);
        let there = self.store.join(&name);
        let copied = match &placed.place {
            Place::Archived(place) if *place == there => return Ok(()),
            Place::Unreachable(place, _) if !there.exists() => {
                return Err(BackupError::Nowhere {
                    name,
                    place: show(place),
                });
            }
            // The store is elsewhere now: what is there is believed only for
            // what it says itself, and for its neighbours.
            Place::Unreachable(..) => None,
            Place::Here | Place::Archived(_) => self.copy(placed.first, &there)?,
        };
        let file = match &copied {
            Some(_) => format!("{name}{UNFINISHED}"),
            None => name.clone(),
        };
        self.check(placed.first, next, &name, &file)?;
        if let Some(length) = copied {
            let unfinished = self.store.join(&file);
            fs::rename(&unfinished, &there)
                .map_err(BackupError::io("rename", show(&unfinished)))?;
            sync_folder(&self.store)?;
            self.archived.copied = self.archived.copied.saturating_add(length);
        }
        self.link(&name, &there)?;
        self.archived.moved.push(placed.first);
        Ok(())
    }

    /// Copies a segment into the store under an unfinished name, durably;
    /// returns its length. `None` if the store has the same bytes already.
    fn copy(&mut self, first: u64, there: &Path) -> Result<Option<u64>, BackupError> {
        let name = segment_name(first);
        let source = self
            .from
            .open(&name)
            .map_err(BackupError::io("open", &name))?;
        let reading = || BackupError::io("read", segment_name(first));
        if there.exists() {
            let here = hash_of(&source, self.progress).map_err(reading())?;
            if self.hash(there)? == here {
                return Ok(None);
            }
            return Err(BackupError::OtherSegment(name));
        }
        let unfinished = self.store.join(format!("{name}{UNFINISHED}"));
        if unfinished.exists() {
            fs::remove_file(&unfinished).map_err(BackupError::io("remove", show(&unfinished)))?;
        }
        let target = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&unfinished)
            .map_err(BackupError::io("create", show(&unfinished)))?;
        let length = source.len().map_err(reading())?;
        let mut hasher = blake3::Hasher::new();
        let mut buffer = vec![0; PIECE_BYTES];
        let mut at = 0_u64;
        while let Some(left) = length.checked_sub(at).filter(|left| *left > 0) {
            let count = usize::try_from(left).map_or(PIECE_BYTES, |left| left.min(PIECE_BYTES));
            let piece = buffer.get_mut(..count).unwrap_or_default();
            source.read_exact_at(piece, at).map_err(reading())?;
            hasher.update(piece);
            StorageFile::write_all_at(&target, piece, at)
                .map_err(BackupError::io("write", show(&unfinished)))?;
            at = at.saturating_add(count as u64);
            (self.progress)(count as u64);
        }
        target
            .sync_all()
            .map_err(BackupError::io("sync", show(&unfinished)))?;
        // As the store gives it back, past the page cache if it can be had so.
        let back = self.hash(&unfinished)?;
        if back != (Hash(*hasher.finalize().as_bytes()), length) {
            return Err(BackupError::OtherSegment(name));
        }
        Ok(Some(length))
    }

    fn hash(&mut self, path: &Path) -> Result<(Hash, u64), BackupError> {
        let hashed = File::open(path).and_then(|file| {
            file.forget_cached();
            hash_of(&file, self.progress)
        });
        hashed.map_err(BackupError::io("read", show(path)))
    }

    /// Holds what stands in the store against the ledger's signatures, and
    /// against the segment that follows here.
    fn check(&mut self, first: u64, next: u64, name: &str, file: &str) -> Result<(), BackupError> {
        let store = ReadOnlyFolder::new(&self.store);
        let ledger = match self.ledger.take() {
            Some(ledger) => ledger,
            None => Ledger::find(&self.from, self.genesis_hash)
                .or_else(|_| Ledger::find(&store, self.genesis_hash))
                .map_err(BackupError::NoGenesis)?,
        };
        let one = View::of_one(store, name.to_owned(), file.to_owned());
        let checked = ledger.check(scan_segment(&one, first), None);
        let following = self.header_of(next);
        self.ledger = Some(ledger);
        let wrong = |what: String| BackupError::Segment {
            segment: name.to_owned(),
            what,
        };
        let checked = checked.map_err(|damage| wrong(damage.to_string()))?;
        if let Some(what) = fault(&checked, next, following.as_ref()) {
            return Err(wrong(what));
        }
        Ok(())
    }

    fn header_of(&self, first: u64) -> Option<Header> {
        match scan_segment(&self.from, first).next() {
            Some(Ok(crate::journal::Scanned::Segment { header, .. })) => Some(header),
            _ => None,
        }
    }

    /// The step at which the segment's name becomes a link.
    fn link(&self, name: &str, there: &Path) -> Result<(), BackupError> {
        // As any unfinished file, it goes when the journal is next opened.
        let unfinished = self.journal.join(format!("{name}{UNFINISHED}"));
        if fs::symlink_metadata(&unfinished).is_ok() {
            fs::remove_file(&unfinished).map_err(BackupError::io("remove", show(&unfinished)))?;
        }
        symlink(there, &unfinished).map_err(BackupError::io("create", show(&unfinished)))?;
        fs::rename(&unfinished, self.journal.join(name))
            .map_err(BackupError::io("rename", show(&unfinished)))?;
        sync_folder(&self.journal)
    }
}

/// What is wrong with a whole segment before the one that begins at `next`.
fn fault(checked: &Checked, next: u64, following: Option<&Header>) -> Option<String> {
    if let Some(damage) = &checked.damage {
        return Some(damage.to_string());
    }
    if !checked.sealed || checked.end != next {
        return Some(format!(
            "it ends with record {}, not before {next}",
            checked.end
        ));
    }
    let takes_up = following.is_none_or(|header| header.previous_head == checked.last_head);
    (!takes_up).then(|| "the next segment does not take up from it".to_owned())
}

fn sync_folder(path: &Path) -> Result<(), BackupError> {
    let synced = File::open(path).and_then(|folder| folder.sync_all());
    synced.map_err(BackupError::io("sync", show(path)))
}

fn show(path: &Path) -> String {
    path.display().to_string()
}
