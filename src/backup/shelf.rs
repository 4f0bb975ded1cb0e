//! A backup that is being written: a file is copied under an unfinished name,
//! synced, and renamed; the manifest is written last; what it no longer names
//! goes. At every moment the manifest that is there names only files that are
//! there, as it says they are.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use super::BackupError;
use super::manifest::{Entry, LOCK, MANIFEST, MAX_MANIFEST_BYTES, Manifest};
use crate::event::Hash;
use crate::storage::{Storage, StorageFile, UNFINISHED, replace};

/// Bytes handled at a time.
const PIECE_BYTES: usize = 256 * 1024;

/// A backup's folder, and the manifest that it has now.
pub(super) struct Shelf<'a, S> {
    pub(super) folder: &'a S,
    pub(super) before: Option<Manifest>,
    /// Its files by their names in the data directory.
    by_name: BTreeMap<String, Entry>,
    /// Names here that are taken.
    used: BTreeSet<String>,
    /// The files of the next manifest.
    files: Vec<Entry>,
    /// How many of them are new, and their bytes.
    pub(super) new_files: u64,
    pub(super) new_bytes: u64,
}

impl<'a, S: Storage> Shelf<'a, S> {
    /// Looks at what is there.
    pub(super) fn open(folder: &'a S) -> Result<Shelf<'a, S>, BackupError> {
        let before = read_manifest(folder)?;
        if before.is_none()
            && let Some(name) = super::source::foreign(folder)?
        {
            return Err(BackupError::Foreign(name));
        }
        let files = || before.iter().flat_map(|before| &before.files);
        Ok(Shelf {
            folder,
            by_name: files()
                .map(|file| (file.name.clone(), file.clone()))
                .collect(),
            used: files().map(|file| file.stored.clone()).collect(),
            before,
            files: Vec::new(),
            new_files: 0,
            new_bytes: 0,
        })
    }

    /// What the backup has now under a name of the data directory, if the file
    /// is there with its length.
    pub(super) fn has(&self, name: &str) -> Option<&Entry> {
        let entry = self.by_name.get(name)?;
        let length = self.folder.open(&entry.stored).and_then(|file| file.len());
        length
            .is_ok_and(|length| length == entry.bytes)
            .then_some(entry)
    }

    /// Keeps a file as it is.
    pub(super) fn keep(&mut self, entry: Entry) {
        self.files.push(entry);
    }

    /// Forgets what was put here since the backup was begun, but not the files.
    pub(super) fn begin_again(&mut self) {
        self.files.clear();
    }

    /// Copies `bytes` of a file under an unfinished name, and syncs it. `name` is
    /// that of the data directory, `stored` the one that it would like here.
    pub(super) fn copy<F: StorageFile>(
        &mut self,
        file: &F,
        bytes: u64,
        name: &str,
        stored: &str,
        progress: &mut dyn FnMut(u64),
    ) -> Result<Copied, BackupError> {
        let reading = |error| BackupError::io("read", name)(error);
        self.write(bytes, name, stored, progress, |offset, piece| {
            file.read_exact_at(piece, offset).map_err(reading)
        })
    }

    /// The same of bytes in memory.
    pub(super) fn put(
        &mut self,
        bytes: &[u8],
        name: &str,
        stored: &str,
    ) -> Result<Copied, BackupError> {
        self.write(
            bytes.len() as u64,
            name,
            stored,
            &mut |_| {},
            |from, piece| {
                let from = usize::try_from(from).unwrap_or(usize::MAX);
                let to = from.saturating_add(piece.len());
                match bytes.get(from..to) {
                    Some(source) => piece.copy_from_slice(source),
                    None => return Err(BackupError::TooMuch(name.to_owned())),
                }
                Ok(())
            },
        )
    }

    fn write(
        &mut self,
        bytes: u64,
        name: &str,
        stored: &str,
        progress: &mut dyn FnMut(u64),
        mut read: impl FnMut(u64, &mut [u8]) -> Result<(), BackupError>,
    ) -> Result<Copied, BackupError> {
        let stored = self.free_name(stored);
        let unfinished = format!("{stored}{UNFINISHED}");
        let target = create(self.folder, &unfinished)?;
        let mut hasher = blake3::Hasher::new();
        let mut buffer = vec![0; PIECE_BYTES];
        let mut at = 0_u64;
        while let Some(left) = bytes.checked_sub(at).filter(|left| *left > 0) {
            let count = usize::try_from(left).map_or(PIECE_BYTES, |left| left.min(PIECE_BYTES));
            let piece = buffer.get_mut(..count).unwrap_or_default();
            read(at, piece)?;
            hasher.update(piece);
            target
                .write_all_at(piece, at)
                .map_err(BackupError::io("write", &unfinished))?;
            at = at.saturating_add(count as u64);
            progress(count as u64);
        }
        target
            .sync_data()
            .map_err(BackupError::io("sync", &unfinished))?;
        Ok(Copied {
            unfinished,
            entry: Entry {
                name: name.to_owned(),
                stored,
                bytes,
                hash: Hash(*hasher.finalize().as_bytes()),
            },
        })
    }

    /// Gives a copy its name. Durable with the manifest.
    pub(super) fn finish(&mut self, copied: Copied) -> Result<(), BackupError> {
        let Copied { unfinished, entry } = copied;
        self.folder
            .rename(&unfinished, &entry.stored)
            .map_err(BackupError::io("rename", &unfinished))?;
        self.new_files = self.new_files.saturating_add(1);
        self.new_bytes = self.new_bytes.saturating_add(entry.bytes);
        self.files.push(entry);
        Ok(())
    }

    /// Writes the manifest, durably, in the place of the one before: from here
    /// on the backup is the new one. Then what it does not name goes.
    pub(super) fn publish(self, mut manifest: Manifest) -> Result<Manifest, BackupError> {
        manifest.files = self.files;
        let text = manifest.to_string();
        // The names of what is in it, before it.
        sync_dir(self.folder)?;
        let written = replace(self.folder, MANIFEST, |file| {
            file.write_all_at(text.as_bytes(), 0)
        });
        written.map_err(|why| BackupError::io("write", MANIFEST)(why.into()))?;
        clear(self.folder, &manifest)?;
        Ok(manifest)
    }

    /// A name that no manifest uses, the one that is there or the next.
    fn free_name(&mut self, wanted: &str) -> String {
        // More numbers than there can be names, so one is free.
        let numbered = (1_u64..).map(|number| format!("{wanted}.{number}"));
        let name = std::iter::once(wanted.to_owned())
            .chain(numbered)
            .find(|name| !self.used.contains(name))
            .unwrap_or_default();
        self.used.insert(name.clone());
        name
    }
}

/// A file that is copied and synced, and has not its name yet.
pub(super) struct Copied {
    pub(super) unfinished: String,
    pub(super) entry: Entry,
}

/// Removes the files that a manifest does not name.
fn clear<S: Storage>(folder: &S, manifest: &Manifest) -> Result<(), BackupError> {
    let named: BTreeSet<&str> = manifest
        .files
        .iter()
        .map(|file| file.stored.as_str())
        .collect();
    let mut gone = false;
    for name in list(folder)? {
        let is_kept = [MANIFEST, LOCK].contains(&name.as_str()) || named.contains(name.as_str());
        if !is_kept && is_ours(&name) {
            remove(folder, &name)?;
            gone = true;
        }
    }
    if gone {
        sync_dir(folder)?;
    }
    Ok(())
}

fn sync_dir<S: Storage>(folder: &S) -> Result<(), BackupError> {
    let synced = folder.sync_dir();
    synced.map_err(BackupError::io("sync", "the backup's folder"))
}

/// Whether a name is one that a backup gives to its files.
pub(super) fn is_ours(name: &str) -> bool {
    let begins = [
        "journal-",
        "refusals-",
        "checkpoint-",
        "LEDGER.saved",
        "ledger.key",
    ];
    name == LOCK
        || name.strip_suffix(UNFINISHED).unwrap_or(name) == MANIFEST
        || begins.iter().any(|begin| name.starts_with(begin))
}

/// The manifest of a backup; `None` if there is none.
pub(super) fn read_manifest<S: Storage>(folder: &S) -> Result<Option<Manifest>, BackupError> {
    let file = match folder.open(MANIFEST) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        file => file.map_err(BackupError::io("open", MANIFEST))?,
    };
    let reading = || BackupError::io("read", MANIFEST);
    let length = file.len().map_err(reading())?;
    if length > MAX_MANIFEST_BYTES {
        let what = format!("MANIFEST is larger than {MAX_MANIFEST_BYTES} bytes");
        return Err(BackupError::TooMuch(what));
    }
    let mut bytes = vec![0; usize::try_from(length).unwrap_or(0)];
    file.read_exact_at(&mut bytes, 0).map_err(reading())?;
    let text = String::from_utf8(bytes).map_err(|_| super::BadManifest::NotOne)?;
    Ok(Some(Manifest::parse(&text)?))
}

/// BLAKE3 of a file, as the disk gives it back, and its length.
pub(super) fn hash_of<F: StorageFile>(
    file: &F,
    progress: &mut dyn FnMut(u64),
) -> io::Result<(Hash, u64)> {
    let length = file.len()?;
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; PIECE_BYTES];
    let mut at = 0_u64;
    while let Some(left) = length.checked_sub(at).filter(|left| *left > 0) {
        let count = usize::try_from(left).map_or(PIECE_BYTES, |left| left.min(PIECE_BYTES));
        let piece = buffer.get_mut(..count).unwrap_or_default();
        file.read_exact_at(piece, at)?;
        hasher.update(piece);
        at = at.saturating_add(count as u64);
        progress(count as u64);
    }
    Ok((Hash(*hasher.finalize().as_bytes()), length))
}

fn list<S: Storage>(folder: &S) -> Result<Vec<String>, BackupError> {
    folder
        .list()
        .map_err(BackupError::io("list", "the backup's folder"))
}

/// Creates a file in the place of one that was left over.
fn create<S: Storage>(folder: &S, name: &str) -> Result<S::File, BackupError> {
    let created = match folder.create(name) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            remove(folder, name)?;
            folder.create(name)
        }
        created => created,
    };
    created.map_err(BackupError::io("create", name))
}

fn remove<S: Storage>(folder: &S, name: &str) -> Result<(), BackupError> {
    folder.remove(name).map_err(BackupError::io("remove", name))
}
