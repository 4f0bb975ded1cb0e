//! A small file replaced by a new one, durably and as a whole: written beside
//! it, synced, given its name, and the folder synced.
//!
//! What a crash in each step leaves, under the file's own name:
//!
//! | step | what is there after a crash in it |
//! |---|---|
//! | remove what an earlier crash left beside it | the old one |
//! | create and write the new one beside it | the old one |
//! | sync it | the old one |
//! | rename it | the old one or the new one: it was whole on the disk before it could get its name |
//! | sync the folder | the same |
//!
//! After the last step it is the new one. What a crash leaves beside it counts
//! for nothing, and goes with the next replacement.
//!
//! Not here: a segment, which its journal writes and checks before it gets its
//! name (`journal::recovery`), and whose errors say which call it was.

use std::io;
use std::path::Path;

use super::{DirStorage, Storage, StorageFile as _};

/// What a file is called that has not its name yet: this, after that name.
pub const UNFINISHED: &str = ".new";

/// Why a file was not replaced.
#[derive(Debug, thiserror::Error)]
pub enum NotReplaced {
    /// The old one stands: nothing has its name but it.
    #[error("cannot write it: {0}")]
    Before(io::Error),
    /// It may be the old one or the new one that a crash leaves.
    #[error("cannot say whether it is on the disk: {0}")]
    InDoubt(io::Error),
}

impl From<NotReplaced> for io::Error {
    /// What the system said, for whom either is the same.
    fn from(why: NotReplaced) -> io::Error {
        let (NotReplaced::Before(source) | NotReplaced::InDoubt(source)) = why;
        source
    }
}

/// Puts a file in the place of the one of that name, if there is one; `write`
/// gets it empty. When this returns `Ok`, the new one outlives any crash. One
/// at a time for each name.
///
/// # Errors
/// [`NotReplaced`], which says what is there.
pub fn replace<S: Storage>(
    storage: &S,
    name: &str,
    write: impl FnOnce(&S::File) -> io::Result<()>,
) -> Result<(), NotReplaced> {
    let written = written_beside(storage, name, write);
    let file = written.map_err(NotReplaced::Before)?;
    name_unfinished(storage, &file, name)
}

/// The same of a file by its path.
///
/// # Errors
/// [`NotReplaced`]; `Before` if the path has no file name, or one that is not
/// UTF-8.
pub fn replace_file(
    path: &Path,
    write: impl FnOnce(&std::fs::File) -> io::Result<()>,
) -> Result<(), NotReplaced> {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
        let what = "the path does not end in a file name that is UTF-8";
        let refused = io::Error::new(io::ErrorKind::InvalidInput, what);
        return Err(NotReplaced::Before(refused));
    };
    let parent = path.parent().filter(|path| !path.as_os_str().is_empty());
    let folder = DirStorage::new(parent.unwrap_or(Path::new(".")));
    replace(&folder, name, write)
}

/// Makes the file called `name` and [`UNFINISHED`] durable, then gives it that
/// name, durably.
fn name_unfinished<S: Storage>(storage: &S, file: &S::File, name: &str) -> Result<(), NotReplaced> {
    file.sync_data().map_err(NotReplaced::Before)?;
    storage
        .rename(&unfinished(name), name)
        .and_then(|()| storage.sync_dir())
        .map_err(NotReplaced::InDoubt)
}

fn written_beside<S: Storage>(
    storage: &S,
    name: &str,
    write: impl FnOnce(&S::File) -> io::Result<()>,
) -> io::Result<S::File> {
    let unfinished = unfinished(name);
    match storage.remove(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let file = storage.create(&unfinished)?;
    write(&file)?;
    Ok(file)
}

fn unfinished(name: &str) -> String {
    format!("{name}{UNFINISHED}")
}

#[cfg(test)]
#[path = "replace_tests.rs"]
mod tests;
