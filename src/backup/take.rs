//! Taking a backup: what is read first, what is copied, and what is known to
//! be the same. What is read later never claims less than what was read
//! earlier: the checkpoint, then the journal, then the refusals that its
//! records speak of.

use super::chain::Chain;
use super::checkpoint::signed_size;
use super::manifest::{JOURNAL, KEY, Manifest, REFUSALS};
use super::shelf::{Shelf, hash_of, read_manifest};
use super::source::{Small, Source};
use super::view::view_of;
use super::{BackupError, BackupReader, Entry};
use crate::event::Hash;
use crate::journal::{
    Scanned, SealedEnds, durable_end, scan_segment, sealed_ends, segment_name, segments,
};
use crate::repair::{Checked, End, Ledger};
use crate::storage::{Storage, StorageFile, View};

/// How often the kept refusals are read again because some of them went
/// meanwhile, at most.
const MAX_TRIES: u32 = 5;

/// What a backup is to hold, and how sure it is to be.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// The ledger's key file, if it is in the data directory.
    pub key: bool,
    /// The kept refusals.
    pub refusals: bool,
    /// Read every byte of what is there already, on both sides.
    pub thorough: bool,
}

/// What became of the ledger's key file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// It was left out, as was asked.
    LeftOut,
    /// It is not in the data directory.
    Elsewhere,
    /// It is in the backup, under its passphrase.
    Sealed,
    /// It is in the backup, in plain text.
    PlainText,
}

/// A backup that was taken.
#[derive(Debug)]
pub struct Taken {
    /// What it holds now.
    pub manifest: Manifest,
    /// Records of the backup before; `None`: there was none.
    pub before: Option<u64>,
    /// Files that were copied, and their bytes.
    pub new_files: u64,
    /// Bytes that were copied.
    pub new_bytes: u64,
    /// Records at the end of the journal that nothing says are durable yet.
    pub left_out: u64,
    /// The size of the tree that the ledger had signed.
    pub signed: Option<u64>,
    /// The ledger's key.
    pub key: Key,
}

/// The journal's folder of a backup, with its manifest: a copy to heal from.
pub fn journal_in<S: Storage + Clone>(
    backup: &S,
) -> Result<Option<(View<S>, Manifest)>, BackupError> {
    let manifest = read_manifest(backup)?;
    Ok(manifest.map(|manifest| (view_of(backup.clone(), &manifest, JOURNAL), manifest)))
}

/// The manifest of a backup's folder; `None` if there is none.
pub fn manifest_in(backup: &BackupReader) -> Result<Option<Manifest>, BackupError> {
    read_manifest(backup)
}

/// Takes a backup of `source` into a folder that nobody else writes to.
/// `progress` is told the bytes that were copied or compared, one piece after
/// the other.
///
/// # Errors
/// [`BackupError`]; the folder then holds the backup that it held before.
pub fn take<T: Storage + Clone>(
    source: &Source,
    folder: &T,
    wanted: Wanted,
    taken_at_ms: i64,
    progress: &mut dyn FnMut(u64),
) -> Result<Taken, BackupError> {
    let shelf = Shelf::open(folder)?;
    if let Some(before) = &shelf.before
        && before.genesis_hash != source.genesis_hash
    {
        return Err(BackupError::OtherLedger {
            found: before.genesis_hash,
            wanted: source.genesis_hash,
        });
    }
    let ledger = Ledger::find(&source.journal, source.genesis_hash);
    let mut taking = Taking {
        source,
        ledger: ledger.map_err(BackupError::NoGenesis)?,
        shelf,
        wanted,
        progress,
    };
    for _ in 0..MAX_TRIES {
        if let Some(rest) = taking.once()? {
            return taking.publish(&rest, taken_at_ms);
        }
        taking.shelf.begin_again();
    }
    Err(BackupError::Moving)
}

struct Taking<'a, T> {
    source: &'a Source,
    ledger: Ledger,
    shelf: Shelf<'a, T>,
    wanted: Wanted,
    progress: &'a mut dyn FnMut(u64),
}

/// What has been put on the shelf.
struct Stocked {
    end: End,
    recorded_at_ms: Option<i64>,
    left_out: u64,
    signed: Option<u64>,
    key: Key,
}

impl<T: Storage + Clone> Taking<'_, T> {
    /// Puts everything on the shelf; `None` if kept refusals went meanwhile.
    fn once(&mut self) -> Result<Option<Stocked>, BackupError> {
        let oldest = self.oldest_refusals()?;
        let checkpoints = self.source.checkpoints()?;
        let signed = signed_size(&checkpoints)?;
        let mut stocked = self.journal(signed)?;
        for small in checkpoints {
            let stored = small.name.replace("checkpoints/", "checkpoint-");
            self.small(&small, &stored)?;
        }
        if self.wanted.refusals {
            self.refusals()?;
            if self.oldest_refusals()? != oldest {
                return Ok(None);
            }
        }
        self.small(&self.source.marker()?, "LEDGER.saved")?;
        stocked.key = self.key()?;
        Ok(Some(stocked))
    }

    fn publish(self, stocked: &Stocked, taken_at_ms: i64) -> Result<Taken, BackupError> {
        let before = self.shelf.before.as_ref();
        let earlier = before.map_or(0, |before| before.recorded_at_ms);
        let manifest = Manifest {
            genesis_hash: self.source.genesis_hash,
            records: stocked.end.position,
            last_head: Hash(stocked.end.head),
            recorded_at_ms: stocked.recorded_at_ms.unwrap_or(earlier),
            taken_at_ms,
            files: Vec::new(),
        };
        Ok(Taken {
            before: before.map(|before| before.records),
            new_files: self.shelf.new_files,
            new_bytes: self.shelf.new_bytes,
            left_out: stocked.left_out,
            signed: stocked.signed,
            key: stocked.key,
            manifest: self.shelf.publish(manifest)?,
        })
    }

    /// The journal: its sealed segments, then what is durable of the last.
    fn journal(&mut self, signed: Option<u64>) -> Result<Stocked, BackupError> {
        let firsts = segments(&self.source.journal)?;
        let Some((last, full)) = firsts.split_last() else {
            return Err(crate::journal::JournalError::NotFound.into());
        };
        self.goes_on(&firsts)?;
        let mut chain = Chain::new();
        for first in full {
            self.sealed(*first, &mut chain)?;
        }
        let left_out = self.last(*last, signed, &mut chain)?;
        self.is_the_same_further(&chain)?;
        if let Some(size) = signed.filter(|size| *size > chain.end.position) {
            return Err(BackupError::Lost {
                size,
                here: chain.end.position,
            });
        }
        Ok(Stocked {
            end: chain.end,
            recorded_at_ms: chain.recorded_at_ms,
            left_out,
            signed,
            key: Key::LeftOut,
        })
    }

    /// Where the backup's last segment begins, this journal must have one.
    fn goes_on(&self, firsts: &[u64]) -> Result<(), BackupError> {
        let Some(before) = &self.shelf.before else {
            return Ok(());
        };
        let of_backup = before.folder(JOURNAL).filter_map(first_of).max();
        let last = firsts.last().copied().unwrap_or(0);
        match of_backup {
            Some(first) if first > last => Err(BackupError::Smaller {
                backup: before.records,
                here: last,
            }),
            Some(first) if !firsts.contains(&first) => Err(BackupError::Forked(format!(
                "it has no segment that begins with record {first}"
            ))),
            _ => Ok(()),
        }
    }

    /// The records that the backup holds must be in this journal.
    fn is_the_same_further(&self, chain: &Chain) -> Result<(), BackupError> {
        let Some(before) = &self.shelf.before else {
            return Ok(());
        };
        if chain.end.position < before.records {
            return Err(BackupError::Smaller {
                backup: before.records,
                here: chain.end.position,
            });
        }
        let there = chain.there.filter(|there| there.position == before.records);
        match there {
            Some(there) if there.head == before.last_head.0 => Ok(()),
            _ => Err(BackupError::Forked(format!(
                "record {} is another here",
                before.records.saturating_sub(1)
            ))),
        }
    }

    fn asked(&self) -> Option<u64> {
        self.shelf.before.as_ref().map(|before| before.records)
    }

    /// One sealed segment: kept if the backup has it, else copied and checked.
    fn sealed(&mut self, first: u64, chain: &mut Chain) -> Result<(), BackupError> {
        let name = format!("{JOURNAL}{}", segment_name(first));
        let ends = sealed_ends(&self.source.journal, first)?;
        if let Some(entry) = self.known(first, &name, &ends)? {
            chain.follow(&name, &ends.header, ends.end, ends.last_head)?;
            chain.note(self.asked());
            self.shelf.keep(entry);
            return Ok(());
        }
        let file = open(&self.source.journal, first)?;
        let checked = self.copy_checked(&file, ends.length, first, "")?;
        if !checked.sealed || (checked.end, checked.last_head) != (ends.end, ends.last_head) {
            return Err(BackupError::Segment {
                segment: name,
                what: "it does not end as its offset table says".to_owned(),
            });
        }
        chain.add(&name, &checked)
    }

    /// The backup's own copy of a sealed segment, if it is known to be the same.
    fn known(
        &mut self,
        first: u64,
        name: &str,
        ends: &SealedEnds,
    ) -> Result<Option<Entry>, BackupError> {
        let Some(entry) = self.shelf.has(name).cloned() else {
            return Ok(None);
        };
        let folder = self.shelf.folder.clone();
        let kept = View::of_one(folder, segment_name(first), entry.stored.clone());
        // Only the backup's last segment is not sealed.
        let Ok(there) = sealed_ends(&kept, first) else {
            return Ok(None);
        };
        let is_other = (there.end, there.last_head) != (ends.end, ends.last_head);
        if is_other && name.starts_with(JOURNAL) {
            let what = format!("{name} ends with another record than the backup's");
            return Err(BackupError::Forked(what));
        }
        if there != *ends {
            // The same heads, and some of their parts withheld; or refusals that
            // were set aside and begun again.
            return Ok(None);
        }
        if self.wanted.thorough {
            let here = self.hash(&self.source.journal, &segment_name(first), name)?;
            let there = self.hash(&kept, &segment_name(first), &entry.stored)?;
            if here != entry.hash && there == entry.hash {
                return Err(BackupError::Segment {
                    segment: name.to_owned(),
                    what: "its bytes are not those that the backup has of it".to_owned(),
                });
            }
            return Ok((there == entry.hash).then_some(entry));
        }
        Ok(Some(entry))
    }

    fn hash<S: Storage>(
        &mut self,
        storage: &S,
        file: &str,
        name: &str,
    ) -> Result<Hash, BackupError> {
        let opened = storage.open(file).map_err(BackupError::io("open", name))?;
        opened.forget_cached();
        let hashed = hash_of(&opened, self.progress);
        Ok(hashed.map_err(BackupError::io("read", name))?.0)
    }

    /// The last segment, as far as it is durable; returns how many records are
    /// left out.
    fn last(
        &mut self,
        first: u64,
        signed: Option<u64>,
        chain: &mut Chain,
    ) -> Result<u64, BackupError> {
        let name = format!("{JOURNAL}{}", segment_name(first));
        // What has been backed up was durable as well.
        let before = self
            .shelf
            .before
            .as_ref()
            .map_or(0, |before| before.records);
        let floor = signed.unwrap_or(0).max(before);
        let end = durable_end(&self.source.journal, first, floor)?;
        let known = self.shelf.has(&name).filter(|entry| {
            entry.bytes == end.bytes
                && self.shelf.before.as_ref().is_some_and(|before| {
                    (before.records, before.last_head) == (end.records, Hash(end.last_head))
                })
        });
        if let Some(entry) = known.cloned()
            && self.is_whole(first, &entry)?
        {
            chain.end = End {
                position: end.records,
                head: end.last_head,
            };
            chain.note(self.asked());
            self.shelf.keep(entry);
            return Ok(end.left_out);
        }
        let file = open(&self.source.journal, first)?;
        let upto = format!(".to-{}", end.records);
        let checked = self.copy_checked(&file, end.bytes, first, &upto)?;
        if (checked.end, checked.last_head) != (end.records, end.last_head) {
            return Err(BackupError::Segment {
                segment: name,
                what: format!("it holds only up to record {}", checked.end),
            });
        }
        chain.add(&name, &checked)?;
        Ok(end.left_out)
    }

    /// Whether the backup's copy of the last segment is what it was; it is read.
    fn is_whole(&mut self, first: u64, entry: &Entry) -> Result<bool, BackupError> {
        let kept = View::of_one(
            self.shelf.folder.clone(),
            segment_name(first),
            entry.stored.clone(),
        );
        Ok(self.hash(&kept, &segment_name(first), &entry.stored)? == entry.hash)
    }

    /// Copies a segment of the journal, and holds the copy, as the disk gives
    /// it back, against the ledger's signatures before it gets its name.
    fn copy_checked<F: StorageFile>(
        &mut self,
        file: &F,
        bytes: u64,
        first: u64,
        suffix: &str,
    ) -> Result<Checked, BackupError> {
        let segment = segment_name(first);
        let (name, stored) = (
            format!("{JOURNAL}{segment}"),
            format!("journal-{segment}{suffix}"),
        );
        let asked = self.asked();
        let copied = self
            .shelf
            .copy(file, bytes, &name, &stored, self.progress)?;
        let copy = View::of_one(
            self.shelf.folder.clone(),
            segment,
            copied.unfinished.clone(),
        );
        let ledger = &mut self.ledger;
        let checked = ledger.check_following(&copy, first, &self.source.journal, asked);
        let checked = checked.and_then(|mut checked| match checked.damage.take() {
            Some(damage) => Err(damage),
            None => Ok(checked),
        });
        let checked = checked.map_err(|damage| BackupError::Segment {
            segment: name,
            what: damage.to_string(),
        })?;
        self.shelf.finish(copied)?;
        Ok(checked)
    }

    /// The kept refusals. The last whole batch is taken without asking whether
    /// it is durable: a record of the journal may say so already, and nothing
    /// rests on one that is not.
    fn refusals(&mut self) -> Result<(), BackupError> {
        let firsts = self.source.refusal_segments()?;
        let Some((last, full)) = firsts.split_last() else {
            return Ok(());
        };
        for first in full {
            let segment = segment_name(*first);
            let name = format!("{REFUSALS}{segment}");
            let ends = sealed_ends(&self.source.refusals, *first)?;
            if let Some(entry) = self.known(*first, &name, &ends)? {
                self.shelf.keep(entry);
                continue;
            }
            let file = open(&self.source.refusals, *first)?;
            self.copy_scanned(&file, ends.length, *first, "")?;
        }
        let end = durable_end(&self.source.refusals, *last, u64::MAX)?;
        let file = open(&self.source.refusals, *last)?;
        self.copy_scanned(&file, end.bytes, *last, &format!(".to-{}", end.records))
    }

    fn copy_scanned<F: StorageFile>(
        &mut self,
        file: &F,
        bytes: u64,
        first: u64,
        suffix: &str,
    ) -> Result<(), BackupError> {
        let segment = segment_name(first);
        let (name, stored) = (
            format!("{REFUSALS}{segment}"),
            format!("refusals-{segment}{suffix}"),
        );
        let copied = self
            .shelf
            .copy(file, bytes, &name, &stored, self.progress)?;
        let copy = View::of_one(
            self.shelf.folder.clone(),
            segment,
            copied.unfinished.clone(),
        );
        let scan = scan_segment(&copy, first).of_origin(self.source.genesis_hash.0);
        let damage = scan.into_iter().find_map(Result::<Scanned, _>::err);
        if let Some(damage) = damage {
            return Err(BackupError::Segment {
                segment: name,
                what: format!("{damage} (or leave them: --without-refusals)"),
            });
        }
        self.shelf.finish(copied)
    }

    fn oldest_refusals(&self) -> Result<Option<u64>, BackupError> {
        if !self.wanted.refusals {
            return Ok(None);
        }
        Ok(self.source.refusal_segments()?.first().copied())
    }

    fn key(&mut self) -> Result<Key, BackupError> {
        if !self.wanted.key {
            return Ok(Key::LeftOut);
        }
        let Some(small) = self.source.key()? else {
            return Ok(Key::Elsewhere);
        };
        let text = String::from_utf8_lossy(&small.bytes);
        // Words of the key file's format.
        let key = if text.contains("\"plain\"") {
            Key::PlainText
        } else {
            Key::Sealed
        };
        self.small(&small, KEY)?;
        Ok(key)
    }

    /// A small file, kept if the backup has the same.
    fn small(&mut self, small: &Small, stored: &str) -> Result<(), BackupError> {
        let hash = Hash(*blake3::hash(&small.bytes).as_bytes());
        if let Some(entry) = self.shelf.has(&small.name).cloned()
            && entry.hash == hash
            && self.hash(&self.shelf.folder.clone(), &entry.stored, &entry.stored)? == hash
        {
            self.shelf.keep(entry);
            return Ok(());
        }
        let copied = self.shelf.put(&small.bytes, &small.name, stored)?;
        self.shelf.finish(copied)
    }
}

fn open<S: Storage>(storage: &S, first: u64) -> Result<S::File, BackupError> {
    let name = segment_name(first);
    storage.open(&name).map_err(BackupError::io("open", name))
}

/// Where the segment of an entry begins.
fn first_of(entry: &Entry) -> Option<u64> {
    let (_, file) = entry.name.split_once('/')?;
    file.strip_suffix(".seg")?.parse().ok()
}
