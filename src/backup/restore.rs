//! A data directory made of a backup: built beside its place, every byte held
//! against the manifest as it is copied, the whole ledger verified as it stands
//! there, and only then renamed to its name.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use super::BackupError;
use super::manifest::{CHECKPOINTS, Entry, Manifest};
use super::shelf::read_manifest;
use super::source::Source;
use super::verify::{audit, is_as_said};
use crate::audit::Audit;
use crate::event::Hash;
use crate::storage::{Storage, StorageFile, make_folder};

/// The file that marks a restored ledger until it is known that nothing was
/// lost.
pub const MARK: &str = "RESTORED";

/// The end of the name of a folder that is being built.
const BUILDING: &str = ".restoring";
const OWNER_ONLY_FOLDER: u32 = 0o700;
/// Of folders above it: as the process makes them.
const ANY_FOLDER: u32 = 0o777;
const OWNER_ONLY_FILE: u32 = 0o600;
/// Bytes handled at a time.
const PIECE_BYTES: usize = 256 * 1024;

/// A ledger that was restored.
#[derive(Debug)]
pub struct Restored {
    /// What the backup held.
    pub manifest: Manifest,
    /// What the audit found: no problem.
    pub audit: Audit,
    /// The size of the tree that the ledger had signed.
    pub signed: Option<u64>,
}

/// Restores a backup into an empty or absent folder. `mark` is the text of the
/// mark that the ledger then stands under, given what was restored. `progress`
/// is told bytes, then records.
///
/// # Errors
/// [`BackupError`]; the folder is then as it was.
pub fn restore<S: Storage + Clone>(
    backup: &S,
    dir: &Path,
    mark: &dyn Fn(&Manifest) -> String,
    progress: &mut dyn FnMut(u64),
) -> Result<Restored, BackupError> {
    let manifest = read_manifest(backup)?.ok_or(BackupError::None)?;
    // By its own name, since it will be renamed to it.
    let named = match dir.file_name() {
        Some(_) => dir.to_owned(),
        None => dir
            .canonicalize()
            .map_err(BackupError::io("find", show(dir)))?,
    };
    let dir = named.as_path();
    let building = begin(dir)?;
    let restored = build(backup, &building, manifest, mark, progress).and_then(|restored| {
        publish(&building, dir)?;
        Ok(restored)
    });
    if restored.is_err() {
        // What could not be finished is nobody's; the error says why.
        let _ = fs::remove_dir_all(&building);
    }
    restored
}

/// The folder that it is built in, beside its place and on the same disk.
fn begin(dir: &Path) -> Result<PathBuf, BackupError> {
    let name = dir.display().to_string();
    match fs::read_dir(dir) {
        Ok(mut entries) => {
            if entries.next().is_some() {
                return Err(BackupError::NotEmpty(name));
            }
            // Not found out when all has been verified.
            let disk = |path: &Path| path.metadata().map(|folder| folder.dev());
            let here = disk(dir).map_err(BackupError::io("look at", &name))?;
            let beside = parent_of(dir).unwrap_or(Path::new("."));
            if disk(beside).map_err(BackupError::io("look at", show(beside)))? != here {
                return Err(BackupError::MountPoint(name));
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(BackupError::io("read", name)(error)),
    }
    let mut building = dir.components().collect::<PathBuf>().into_os_string();
    building.push(BUILDING);
    let building = PathBuf::from(building);
    if let Some(parent) = parent_of(dir) {
        make_folder(parent, ANY_FOLDER).map_err(BackupError::io("create", show(parent)))?;
    }
    match make_own_folder(&building) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            Err(BackupError::LeftOver(show(&building)))
        }
        Err(error) => Err(BackupError::io("create", show(&building))(error)),
        Ok(()) => Ok(building),
    }
}

fn build<S: Storage + Clone>(
    backup: &S,
    building: &Path,
    manifest: Manifest,
    mark: &dyn Fn(&Manifest) -> String,
    progress: &mut dyn FnMut(u64),
) -> Result<Restored, BackupError> {
    for folder in ["journal", "refusals", CHECKPOINTS.trim_end_matches('/')] {
        let folder = building.join(folder);
        make_own_folder(&folder).map_err(BackupError::io("create", show(&folder)))?;
    }
    for entry in &manifest.files {
        copy(backup, building, entry, progress)?;
    }
    let built = Source::new(building, manifest.genesis_hash);
    let checkpoints = built.checkpoints()?;
    let (audit, signed) = audit(
        &manifest,
        &built.journal,
        &built.refusals,
        &checkpoints,
        progress,
    )?;
    let path = building.join(MARK);
    let written = create(&path).and_then(|mut file| {
        file.write_all(mark(&manifest).as_bytes())?;
        file.sync_all()
    });
    written.map_err(BackupError::io("write", show(&path)))?;
    for folder in ["journal", "refusals", "checkpoints", ""] {
        sync_folder(&building.join(folder))?;
    }
    Ok(Restored {
        manifest,
        audit,
        signed,
    })
}

/// Copies one file, and holds it against the manifest.
fn copy<S: Storage>(
    backup: &S,
    building: &Path,
    entry: &Entry,
    progress: &mut dyn FnMut(u64),
) -> Result<(), BackupError> {
    let damaged = |what: String| BackupError::Damaged {
        name: entry.stored.clone(),
        what,
    };
    let unreadable = |error: io::Error| damaged(format!("it cannot be read: {error}"));
    let path = building.join(&entry.name);
    let writing = || BackupError::io("write", show(&path));
    let source = backup.open(&entry.stored).map_err(unreadable)?;
    let length = source.len().map_err(unreadable)?;
    // Before its bytes are read: they may be many more than they were.
    if length != entry.bytes {
        return is_as_said(entry, length, Hash::ZERO).map_err(damaged);
    }
    let mut target = create(&path).map_err(BackupError::io("create", show(&path)))?;
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; PIECE_BYTES];
    let mut at = 0_u64;
    while let Some(left) = length.checked_sub(at).filter(|left| *left > 0) {
        let count = usize::try_from(left).map_or(PIECE_BYTES, |left| left.min(PIECE_BYTES));
        let piece = buffer.get_mut(..count).unwrap_or_default();
        source.read_exact_at(piece, at).map_err(unreadable)?;
        hasher.update(piece);
        target.write_all(piece).map_err(writing())?;
        at = at.saturating_add(count as u64);
        progress(count as u64);
    }
    is_as_said(entry, length, Hash(*hasher.finalize().as_bytes())).map_err(damaged)?;
    target.sync_all().map_err(writing())
}

/// Gives the folder its name: from here on there is a ledger.
fn publish(building: &Path, dir: &Path) -> Result<(), BackupError> {
    fs::rename(building, dir).map_err(BackupError::io("name", show(dir)))?;
    sync_folder(parent_of(dir).unwrap_or(Path::new(".")))
}

fn parent_of(dir: &Path) -> Option<&Path> {
    dir.parent().filter(|parent| !parent.as_os_str().is_empty())
}

fn make_own_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(OWNER_ONLY_FOLDER).create(path)
}

fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(OWNER_ONLY_FILE)
        .open(path)
}

fn sync_folder(path: &Path) -> Result<(), BackupError> {
    let synced = File::open(path).and_then(|folder| folder.sync_all());
    synced.map_err(BackupError::io("sync", show(path)))
}

fn show(path: &Path) -> String {
    path.display().to_string()
}
