//! The files of hashes, one a level, open for as long as they are wanted.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use crate::projection::store::StoreError;
use crate::proof::tree::TreeHash;

/// Levels that files can have: `256^8` leaves are more than 64 bits count.
pub(super) const LEVELS: usize = 8;

/// Bytes of a hash.
pub(super) const HASH_BYTES: u64 = 32;

/// See the module.
#[derive(Debug)]
pub(super) struct Levels {
    dir: PathBuf,
    /// Opened when they are first written, or found.
    files: [OnceLock<File>; LEVELS],
}

fn path(dir: &Path, level: usize) -> PathBuf {
    dir.join(format!("level-{level}"))
}

impl Levels {
    /// Those that are in a folder.
    pub(super) fn open(dir: &Path) -> Result<Levels, StoreError> {
        let levels = Levels {
            dir: dir.to_owned(),
            files: Default::default(),
        };
        for level in 0..LEVELS {
            let file = path(dir, level);
            if file
                .try_exists()
                .map_err(StoreError::io("look for", &file))?
            {
                levels.file(level)?;
            }
        }
        Ok(levels)
    }

    /// What to say of a level that does not hold what it should.
    pub(super) fn damaged(&self, level: u8) -> StoreError {
        StoreError::damaged(
            &path(&self.dir, level.into()),
            "a hash in it is not the one that follows from the others; \
             stop, remove its folder and start again: it is rebuilt",
        )
    }

    /// The file of a level, made if it is not there.
    fn file(&self, level: usize) -> Result<&File, StoreError> {
        let path = path(&self.dir, level);
        let none = || StoreError::damaged(&path, "there is no such level");
        let place = self.files.get(level).ok_or_else(none)?;
        if place.get().is_none() {
            let opened = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .open(&path);
            // Only the writer makes files, so nobody was before it.
            let _ = place.set(opened.map_err(StoreError::io("open", &path))?);
        }
        place.get().ok_or_else(none)
    }

    /// So many hashes of a level from an index on. They must have been written.
    pub(super) fn read(
        &self,
        level: u8,
        first: u64,
        count: usize,
    ) -> Result<Vec<TreeHash>, StoreError> {
        let level = usize::from(level);
        let path = path(&self.dir, level);
        let file = self.files.get(level).and_then(OnceLock::get);
        let file = file.ok_or_else(|| StoreError::damaged(&path, "it is not there"))?;
        let mut bytes = vec![0; count.saturating_mul(32)];
        file.read_exact_at(&mut bytes, first.saturating_mul(HASH_BYTES))
            .map_err(StoreError::io("read", &path))?;
        let hashes = bytes.chunks_exact(32).filter_map(TreeHash::from_slice);
        Ok(hashes.collect())
    }

    /// Writes hashes of a level from an index on.
    pub(super) fn write(&self, level: usize, first: u64, hashes: &[u8]) -> Result<(), StoreError> {
        let file = self.file(level)?;
        file.write_all_at(hashes, first.saturating_mul(HASH_BYTES))
            .map_err(StoreError::io("write", &path(&self.dir, level)))
    }

    /// Makes what was written to a level durable.
    pub(super) fn sync(&self, level: usize) -> Result<(), StoreError> {
        let file = self.file(level)?;
        file.sync_data()
            .map_err(StoreError::io("sync", &path(&self.dir, level)))
    }

    /// Cuts every level to what a tree of so many leaves has of it; `false` if
    /// one has less.
    pub(super) fn cut(&self, size: u64) -> Result<bool, StoreError> {
        for level in 0..LEVELS {
            let wanted = hashes_of(size, level).saturating_mul(HASH_BYTES);
            let Some(file) = self.files.get(level).and_then(OnceLock::get) else {
                if wanted > 0 {
                    return Ok(false);
                }
                continue;
            };
            let path = path(&self.dir, level);
            let length = file.metadata().map_err(StoreError::io("measure", &path))?;
            if length.len() < wanted {
                return Ok(false);
            }
            if length.len() > wanted {
                file.set_len(wanted)
                    .map_err(StoreError::io("shorten", &path))?;
            }
        }
        Ok(true)
    }
}

/// How many hashes of a level a tree of so many leaves has.
pub(super) fn hashes_of(size: u64, level: usize) -> u64 {
    let below = u32::try_from(level).unwrap_or(u32::MAX).saturating_mul(8);
    size.checked_shr(below).unwrap_or(0)
}

/// Removes the folder of a tree, if it is there.
pub(super) fn remove(dir: &Path) -> Result<(), StoreError> {
    match fs::remove_dir_all(dir) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(StoreError::io("remove", dir)(error))
        }
        _ => Ok(()),
    }
}
