//! A data directory as a backup reads it: a server may be writing to it, so
//! everything is opened to be read, and the small files are read whole at once.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::BackupError;
use super::manifest::{CHECKPOINTS, KEY, MARKER, is_name};
use crate::event::Hash;
use crate::storage::{ReadOnlyFolder, Storage};

/// Bytes of a small file, at most: a marker, a key, a checkpoint.
const MAX_SMALL_BYTES: u64 = 1024 * 1024;
/// Files in the folder of checkpoints, at most.
const MAX_CHECKPOINT_FILES: usize = 64;

/// A data directory to be backed up.
#[derive(Debug)]
pub struct Source {
    dir: PathBuf,
    /// Head hash of record 0, as its marker says.
    pub(super) genesis_hash: Hash,
    pub(super) journal: ReadOnlyFolder,
    pub(super) refusals: ReadOnlyFolder,
}

/// A small file, read whole.
pub(super) struct Small {
    /// Its name, with its folder.
    pub(super) name: String,
    pub(super) bytes: Vec<u8>,
}

impl Source {
    /// The data directory `dir` of a ledger.
    pub fn new(dir: &Path, genesis_hash: Hash) -> Source {
        Source {
            dir: dir.to_owned(),
            genesis_hash,
            journal: ReadOnlyFolder::new(dir.join("journal")),
            refusals: ReadOnlyFolder::new(dir.join("refusals")),
        }
    }

    /// The marker.
    pub(super) fn marker(&self) -> Result<Small, BackupError> {
        let found = self.small(MARKER)?;
        let gone = || BackupError::io("read", MARKER)(io::ErrorKind::NotFound.into());
        found.ok_or_else(gone)
    }

    /// The ledger's key file, if it is kept here.
    pub(super) fn key(&self) -> Result<Option<Small>, BackupError> {
        self.small(KEY)
    }

    /// What the ledger has signed of its tree, in order of name.
    pub(super) fn checkpoints(&self) -> Result<Vec<Small>, BackupError> {
        let folder = CHECKPOINTS.trim_end_matches('/');
        let entries = match fs::read_dir(self.dir.join(folder)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.map_err(BackupError::io("read", folder))?,
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(BackupError::io("read", folder))?;
            let name = format!("{CHECKPOINTS}{}", entry.file_name().to_string_lossy());
            // What is being written has no name yet.
            let is_unfinished = name.strip_suffix(".new").is_some();
            if is_name(&name) && !is_unfinished {
                names.push(name);
            }
            if names.len() > MAX_CHECKPOINT_FILES {
                let what = format!("more than {MAX_CHECKPOINT_FILES} files in {folder}");
                return Err(BackupError::TooMuch(what));
            }
        }
        names.sort_unstable();
        let read = names.iter().map(|name| self.small(name));
        let read: Result<Vec<_>, _> = read.collect();
        Ok(read?.into_iter().flatten().collect())
    }

    /// Whether refusals are kept here at all.
    pub(super) fn refusal_segments(&self) -> Result<Vec<u64>, BackupError> {
        match crate::journal::segments(&self.refusals) {
            Err(crate::journal::JournalError::Io { source, .. })
                if source.kind() == io::ErrorKind::NotFound =>
            {
                Ok(Vec::new())
            }
            found => Ok(found?),
        }
    }

    fn small(&self, name: &str) -> Result<Option<Small>, BackupError> {
        let file = match fs::File::open(self.dir.join(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file.map_err(BackupError::io("open", name))?,
        };
        let mut bytes = Vec::new();
        file.take(MAX_SMALL_BYTES + 1)
            .read_to_end(&mut bytes)
            .map_err(BackupError::io("read", name))?;
        if bytes.len() as u64 > MAX_SMALL_BYTES {
            let what = format!("{name} is larger than {MAX_SMALL_BYTES} bytes");
            return Err(BackupError::TooMuch(what));
        }
        Ok(Some(Small {
            name: name.to_owned(),
            bytes,
        }))
    }
}

/// Whether a folder holds anything of a backup's, and nothing else; the first
/// other name.
pub(super) fn foreign<S: Storage>(storage: &S) -> Result<Option<String>, BackupError> {
    let names = storage
        .list()
        .map_err(BackupError::io("list", "the backup's folder"))?;
    Ok(names.into_iter().find(|name| !super::shelf::is_ours(name)))
}
