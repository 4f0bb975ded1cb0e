//! The real folder of a backup: one writer at a time, and every file for its
//! owner only, since one of them may be a key. Not here: what is in it.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;

use super::BackupError;
use super::manifest::LOCK;
use crate::storage::{DirStorage, ReadOnlyFolder, Storage, make_folder};

const OWNER_ONLY_FOLDER: u32 = 0o700;
const OWNER_ONLY_FILE: u32 = 0o600;

/// A backup's folder, to be written to; locked for as long as this lives.
#[derive(Clone, Debug)]
pub struct BackupFolder {
    folder: DirStorage,
    path: std::path::PathBuf,
    _lock: Arc<File>,
}

impl BackupFolder {
    /// Makes the folder if it is not there, and takes its lock.
    pub fn create(path: &Path) -> Result<BackupFolder, BackupError> {
        let name = path.display().to_string();
        if path.join("LEDGER").exists() {
            return Err(BackupError::Foreign(
                "a LEDGER file: it is a data directory".to_owned(),
            ));
        }
        make_folder(path, OWNER_ONLY_FOLDER).map_err(BackupError::io("create", &name))?;
        let lock = path.join(LOCK);
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(OWNER_ONLY_FILE)
            .open(&lock)
            .map_err(BackupError::io("open", lock.display().to_string()))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let busy = io::Error::other("another backup is being written to it");
                return Err(BackupError::io("lock", name)(busy));
            }
            Err(TryLockError::Error(error)) => return Err(BackupError::io("lock", name)(error)),
        }
        Ok(BackupFolder {
            folder: DirStorage::new(path),
            path: path.to_owned(),
            _lock: Arc::new(file),
        })
    }
}

/// A backup's folder, to be read.
pub fn open_read_only(path: &Path) -> Result<BackupReader, BackupError> {
    fs::read_dir(path).map_err(BackupError::io("read", path.display().to_string()))?;
    Ok(ReadOnlyFolder::new(path))
}

/// What [`open_read_only`] gives.
pub type BackupReader = ReadOnlyFolder;

impl Storage for BackupFolder {
    type File = File;

    fn list(&self) -> io::Result<Vec<String>> {
        self.folder.list()
    }

    fn create(&self, name: &str) -> io::Result<File> {
        OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .mode(OWNER_ONLY_FILE)
            .open(self.path.join(name))
    }

    fn open(&self, name: &str) -> io::Result<File> {
        // Nothing in a backup is written to once it has its name.
        File::open(self.path.join(name))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.folder.rename(from, to)
    }

    fn link(&self, name: &str, second: &str) -> io::Result<()> {
        self.folder.link(name, second)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.folder.remove(name)
    }

    fn sync_dir(&self) -> io::Result<()> {
        self.folder.sync_dir()
    }

    fn free_bytes(&self) -> io::Result<u64> {
        self.folder.free_bytes()
    }
}
