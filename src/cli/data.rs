//! A data directory as the subcommands see it: where the ledger's key is
//! kept, what to say of a directory that is no ledger's, and its lock, for who
//! reads the files without opening the ledger.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use super::error::CliError;

// As `ledger::folder` lays a data directory out.
const MARKER: &str = "LEDGER";
const LOCK: &str = "LOCK";
const JOURNAL: &str = "journal";
const REFUSALS: &str = "refusals";
const CHECKPOINTS: &str = "checkpoints";

/// The ledger key's file, as named or else in the data directory.
pub fn ledger_key_file(dir: &Path, named: Option<&Path>) -> PathBuf {
    named.map_or_else(|| dir.join("ledger.key"), Path::to_owned)
}

/// Says so if a directory holds no ledger, before anybody is asked for the
/// passphrase of its key.
pub fn must_be_a_ledger(dir: &Path) -> Result<(), CliError> {
    let why = if !dir.exists() {
        "it does not exist; check the path, or make a ledger with 'hazledger init'"
    } else if !dir.join(MARKER).exists() {
        "it holds no ledger: there is no LEDGER file in it; check the path, or make one with 'hazledger init'"
    } else {
        return Ok(());
    };
    Err(CliError::data_directory(dir, why))
}

/// The journal's folder of a copy: of a data directory, or that folder itself.
pub fn journal_of(copy: &Path) -> Result<PathBuf, CliError> {
    let folder = copy.join(JOURNAL);
    let folder = if folder.is_dir() {
        folder
    } else {
        copy.to_owned()
    };
    let holds = |folder: &Path| -> io::Result<bool> {
        for entry in std::fs::read_dir(folder)? {
            if entry?.path().extension().is_some_and(|end| end == "seg") {
                return Ok(true);
            }
        }
        Ok(false)
    };
    match holds(&folder) {
        Ok(true) => Ok(folder),
        Ok(false) => Err(CliError::data_directory(
            copy,
            "it holds no segment of a journal; give a copy of the data directory",
        )),
        Err(error) => Err(CliError::file("read", &folder)(error)),
    }
}

/// The journal's folder, and the lock on its directory for as long as this
/// lives.
pub struct LockedJournal {
    /// The segments' folder.
    pub folder: PathBuf,
    /// The folder of kept refusals, which need not be there.
    pub refusals: PathBuf,
    /// The folder of the checkpoints last signed and served, likewise.
    pub checkpoints: PathBuf,
    _lock: Option<File>,
}

impl LockedJournal {
    /// Takes the lock without writing, so that a read-only copy can be
    /// verified; a copy without a lock file is nobody's to lock.
    pub fn take(dir: &Path) -> Result<LockedJournal, CliError> {
        must_be_a_ledger(dir)?;
        let failed = |e: io::Error| CliError::file("lock", &dir.join(LOCK))(e);
        let lock = match File::open(dir.join(LOCK)) {
            Ok(file) => Some(file),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(failed(error)),
        };
        match lock.as_ref().map(File::try_lock) {
            None | Some(Ok(())) => Ok(LockedJournal {
                folder: dir.join(JOURNAL),
                refusals: dir.join(REFUSALS),
                checkpoints: dir.join(CHECKPOINTS),
                _lock: lock,
            }),
            Some(Err(TryLockError::WouldBlock)) => Err(CliError::data_directory(
                dir,
                "it is in use by another process; stop that one first, or work on a copy",
            )),
            Some(Err(TryLockError::Error(error))) => Err(failed(error)),
        }
    }
}
