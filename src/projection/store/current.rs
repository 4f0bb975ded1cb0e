//! The folder of a store: a sled in each `sled-N`, and `CURRENT`, which says
//! which of them counts. Another takes its place by a rename of that file:
//! before it, a crash leaves the old one in use, after it, the new one, and
//! the next opening removes what is not.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::StoreError;
use crate::storage::{UNFINISHED, replace_file};

const CURRENT: &str = "CURRENT";
const FOLDER: &str = "sled-";

/// The first sled of a new store.
const FIRST: u64 = 1;

/// The folder of a sled.
pub(super) fn path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{FOLDER}{number}"))
}

/// The number of the sled that counts; in an empty or absent folder the first.
pub(super) fn number(dir: &Path) -> Result<u64, StoreError> {
    fs::create_dir_all(dir).map_err(StoreError::io("create", dir))?;
    let file = dir.join(CURRENT);
    match fs::read_to_string(&file) {
        Ok(text) => {
            let number = text.strip_suffix('\n').and_then(|text| text.parse().ok());
            number.ok_or_else(|| silent(&file))
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut entries = fs::read_dir(dir).map_err(StoreError::io("read", dir))?;
            // A store is made by what comes last; one of before this layout,
            // or with its CURRENT gone, is rebuilt.
            if entries.any(|entry| entry.is_ok_and(|entry| !is_ours(&entry.file_name()))) {
                return Err(silent(&file));
            }
            choose(dir, FIRST)?;
            Ok(FIRST)
        }
        Err(error) => Err(StoreError::io("read", &file)(error)),
    }
}

fn silent(file: &Path) -> StoreError {
    StoreError::damaged(file, "it does not say which store counts")
}

/// What may be there before `CURRENT` is: its unfinished self.
fn is_ours(name: &std::ffi::OsStr) -> bool {
    name.to_str().and_then(|name| name.strip_suffix(UNFINISHED)) == Some(CURRENT)
}

/// Makes room for another sled.
pub(super) fn begin(dir: &Path, number: u64) -> Result<PathBuf, StoreError> {
    let path = path(dir, number);
    remove(&path)?;
    Ok(path)
}

/// Makes a sled the one that counts, durably.
pub(super) fn choose(dir: &Path, number: u64) -> Result<(), StoreError> {
    let file = dir.join(CURRENT);
    let written = replace_file(&file, |mut file| writeln!(file, "{number}"));
    written.map_err(|why| StoreError::io("write", &file)(why.into()))
}

/// Makes a folder, durably, unless it is there.
pub(in crate::projection) fn make_folder(dir: &Path) -> Result<(), StoreError> {
    if dir.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(dir).map_err(StoreError::io("create", dir))?;
    sync_folder(dir.parent().unwrap_or(dir))
}

/// Makes the names in a folder durable.
pub(in crate::projection) fn sync_folder(dir: &Path) -> Result<(), StoreError> {
    let synced = File::open(dir).and_then(|folder| folder.sync_all());
    synced.map_err(StoreError::io("sync", dir))
}

/// Removes every sled but one: what a crash left, or what was in use before.
pub(super) fn remove_others(dir: &Path, number: u64) -> Result<(), StoreError> {
    let kept = path(dir, number);
    for entry in fs::read_dir(dir).map_err(StoreError::io("read", dir))? {
        let found = entry.map_err(StoreError::io("read", dir))?.path();
        let name = found.file_name().and_then(|name| name.to_str());
        if found != kept && name.is_some_and(|name| name.starts_with(FOLDER)) {
            remove(&found)?;
        }
    }
    Ok(())
}

fn remove(path: &Path) -> Result<(), StoreError> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(StoreError::io("remove", path)(error))
        }
        _ => Ok(()),
    }
}
