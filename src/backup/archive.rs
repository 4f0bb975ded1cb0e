//! Sealed segments moved to cheaper storage, where they can still be read and
//! proven: copied, read back strictly, compared, and only then is the
//! segment's name in the journal a link to the copy. A server may have the
//! journal open: what it has open it goes on reading.
//!
//! Not here: the last segment, which is being written; and what an archive's
//! storage is worth. The files in it are the segments, under their names.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::BackupError;
use super::folder::BackupFolder;
use super::links::{JournalFolder, Links};
use super::shelf::hash_of;
use crate::event::Hash;
use crate::journal::{Header, Scanned, scan_segment, segment_name, segments};
use crate::repair::{Checked, Ledger};
use crate::storage::{Storage, StorageFile, UNFINISHED, View};

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
pub fn places<J: Links>(journal: &J) -> Result<Vec<Placed>, BackupError> {
    let firsts = segments(journal)?;
    let ends = firsts.iter().skip(1).map(|end| Some(*end)).chain([None]);
    let placed = firsts.iter().zip(ends).map(|(first, end)| {
        let name = segment_name(*first);
        let read = journal.open(&name).and_then(|file| file.len());
        let link = journal.place(&name);
        let place = match (link.map_err(BackupError::io("look at", name))?, &read) {
            (None, _) => Place::Here,
            (Some(place), Ok(_)) => Place::Archived(place),
            (Some(place), Err(error)) => Place::Unreachable(place, error.to_string()),
        };
        Ok(Placed {
            first: *first,
            end,
            bytes: read.ok(),
            place,
        })
    });
    placed.collect()
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
    must_be_outside(dir, store)?;
    let folder = BackupFolder::create(store)?;
    let store = store
        .canonicalize()
        .map_err(BackupError::io("find", show(store)))?;
    // As it turned out to be, whatever way led there.
    must_be_outside(dir, &store)?;
    let journal = JournalFolder::new(&dir.join("journal"));
    archive_on(&journal, &folder, &store, genesis_hash, until, progress)
}

/// A store in the data directory is none: its journal would become links to
/// themselves, and what else stands there comes and goes. By the folders
/// themselves, since the same one may be mounted under two names.
fn must_be_outside(dir: &Path, store: &Path) -> Result<(), BackupError> {
    let which = |path: &Path| -> io::Result<(u64, u64)> {
        let folder = path.metadata()?;
        Ok((folder.dev(), folder.ino()))
    };
    let of = |path: &Path| which(path).map_err(BackupError::io("look at", show(path)));
    let ours = [of(dir)?, of(&dir.join("journal"))?];
    // What is there of its path.
    let there = store.ancestors().find(|path| path.exists());
    let there = there.unwrap_or(Path::new("."));
    let there = there
        .canonicalize()
        .map_err(BackupError::io("find", show(there)))?;
    for path in there.ancestors() {
        if ours.contains(&of(path)?) {
            return Err(BackupError::StoreInside(show(store)));
        }
    }
    Ok(())
}

/// The same on any storage; `at` is where `store` is, as links name it. Whoever
/// calls sees that nobody else changes either.
///
/// # Errors
/// As [`archive`].
pub fn archive_on<J: Links, S: Storage + Clone>(
    journal: &J,
    store: &S,
    at: &Path,
    genesis_hash: Hash,
    until: Until,
    progress: &mut dyn FnMut(u64),
) -> Result<Archived, BackupError> {
    let mut moving = Moving {
        ledger: None,
        genesis_hash,
        journal,
        store,
        at,
        archived: Archived::default(),
        progress,
    };
    // Links that a run has made which was cut short.
    journal
        .sync_dir()
        .map_err(BackupError::io("sync", "the journal's folder"))?;
    for (placed, next) in chosen(journal, until)? {
        moving.one(&placed, next)?;
    }
    Ok(moving.archived)
}

/// The segments that are to be moved, each with where the next one begins.
fn chosen<J: Links>(journal: &J, until: Until) -> Result<Vec<(Placed, u64)>, BackupError> {
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

struct Moving<'a, J, S> {
    /// Found when it is first needed: segment 0 may be what cannot be read.
    ledger: Option<Ledger>,
    genesis_hash: Hash,
    journal: &'a J,
    store: &'a S,
    at: &'a Path,
    archived: Archived,
    progress: &'a mut dyn FnMut(u64),
}

impl<J: Links, S: Storage + Clone> Moving<'_, J, S> {
    /// The steps, and what a crash in each leaves:
    fn one(&mut self, placed: &Placed, next: u64) -> Result<(), BackupError> {
        let name = segment_name(placed.first);
        let there = self.at.join(&name);
        let copied = match &placed.place {
            Place::Archived(place) if *place == there => return Ok(()),
            Place::Unreachable(place, _) if !self.is_there(&name)? => {
                return Err(BackupError::Nowhere {
                    name,
                    place: show(place),
                });
            }
            // The store is elsewhere now: what is there is believed only for
            // what it says itself, and for its neighbours.
            Place::Unreachable(..) => None,
            // Copy … the segment here, and a part of it there under another
            // name, which the next run removes.
            Place::Here | Place::Archived(_) => self.copy(&name)?,
        };
        let file = match &copied {
            Some(_) => format!("{name}{UNFINISHED}"),
            None => name.clone(),
        };
        self.check(placed.first, next, &name, &file)?;
        // Rename … the segment here, and whole there under one of two names.
        if let Some(length) = copied {
            self.store
                .rename(&file, &name)
                .map_err(BackupError::io("rename", &file))?;
            self.archived.copied = self.archived.copied.saturating_add(length);
        }
        // Sync the store … the same; it has its name for good. Also if it was
        // there: a run that was cut short may not have come so far.
        self.store
            .sync_dir()
            .map_err(BackupError::io("sync", show(self.at)))?;
        // Link … the segment here, or a link to it there.
        self.link(&name, &there)?;
        self.archived.moved.push(placed.first);
        Ok(())
    }

    /// Whether the store has a file of a segment, whole or not; its bytes are
    /// durable then.
    fn is_there(&self, name: &str) -> Result<bool, BackupError> {
        match self.store.open(name) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            file => file
                .and_then(|file| file.sync_data())
                .map(|()| true)
                .map_err(BackupError::io("sync", show(&self.at.join(name)))),
        }
    }

    /// Copies a segment into the store under an unfinished name, durably;
    /// returns its length. `None` if the store has the same bytes already.
    fn copy(&mut self, name: &str) -> Result<Option<u64>, BackupError> {
        let opened = self.journal.open(name);
        let source = opened.map_err(BackupError::io("open", name))?;
        let reading = || BackupError::io("read", name);
        if self.is_there(name)? {
            let here = hash_of(&source, self.progress).map_err(reading())?;
            if self.hash(name)? == here {
                return Ok(None);
            }
            return Err(BackupError::OtherSegment(name.to_owned()));
        }
        let unfinished = format!("{name}{UNFINISHED}");
        let target = self.create(&unfinished)?;
        let length = source.len().map_err(reading())?;
        let mut hasher = blake3::Hasher::new();
        let mut buffer = vec![0; PIECE_BYTES];
        let mut at = 0_u64;
        while let Some(left) = length.checked_sub(at).filter(|left| *left > 0) {
            let count = usize::try_from(left).map_or(PIECE_BYTES, |left| left.min(PIECE_BYTES));
            let piece = buffer.get_mut(..count).unwrap_or_default();
            source.read_exact_at(piece, at).map_err(reading())?;
            hasher.update(piece);
            target
                .write_all_at(piece, at)
                .map_err(BackupError::io("write", &unfinished))?;
            at = at.saturating_add(count as u64);
            (self.progress)(count as u64);
        }
        target
            .sync_data()
            .map_err(BackupError::io("sync", &unfinished))?;
        // As the store gives it back, past the page cache if it can be had so.
        let back = self.hash(&unfinished)?;
        if back != (Hash(*hasher.finalize().as_bytes()), length) {
            return Err(BackupError::GaveBack(show(&self.at.join(unfinished))));
        }
        Ok(Some(length))
    }

    /// Creates a file in the store, in the place of one that was left over.
    fn create(&self, name: &str) -> Result<S::File, BackupError> {
        let created = match self.store.create(name) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => self
                .store
                .remove(name)
                .and_then(|()| self.store.create(name)),
            created => created,
        };
        created.map_err(BackupError::io("create", show(&self.at.join(name))))
    }

    fn hash(&mut self, name: &str) -> Result<(Hash, u64), BackupError> {
        let hashed = self.store.open(name).and_then(|file| {
            file.forget_cached();
            hash_of(&file, self.progress)
        });
        hashed.map_err(BackupError::io("read", show(&self.at.join(name))))
    }

    /// Holds what stands in the store against the ledger's signatures, and
    /// against the segment that follows here.
    fn check(&mut self, first: u64, next: u64, name: &str, file: &str) -> Result<(), BackupError> {
        let mut ledger = match self.ledger.take() {
            Some(ledger) => ledger,
            None => Ledger::find(self.journal, self.genesis_hash)
                .or_else(|_| Ledger::find(self.store, self.genesis_hash))
                .map_err(BackupError::NoGenesis)?,
        };
        let one = View::of_one(self.store.clone(), name.to_owned(), file.to_owned());
        let checked = ledger.check_following(&one, first, self.journal, None);
        self.ledger = Some(ledger);
        let following = self.header_of(next);
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
        match scan_segment(self.journal, first).next() {
            Some(Ok(Scanned::Segment { header, .. })) => Some(header),
            _ => None,
        }
    }

    /// The step at which the segment's name becomes a link.
    fn link(&self, name: &str, there: &Path) -> Result<(), BackupError> {
        // As any unfinished file, it goes when the journal is next opened.
        let unfinished = format!("{name}{UNFINISHED}");
        match self.journal.remove(&unfinished) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(BackupError::io("remove", unfinished)(error));
            }
            _ => {}
        }
        self.journal
            .link_to(there, &unfinished)
            .map_err(BackupError::io("create", &unfinished))?;
        self.journal
            .rename(&unfinished, name)
            .map_err(BackupError::io("rename", &unfinished))?;
        self.journal
            .sync_dir()
            .map_err(BackupError::io("sync", "the journal's folder"))
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

fn show(path: &Path) -> String {
    path.display().to_string()
}
