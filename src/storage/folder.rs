//! The real folder of files. The system calls a promise of durability rests on
//! are all here, in [`DirStorage`]. Not here: the order they are made in.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, FileExt, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use rustix::io::Errno;

use super::{Storage, StorageFile};

/// A real folder, on Linux: `pread`, `pwrite`, `fdatasync`, `ftruncate`,
/// `rename`, `link`, and `fsync` of the folder; `statvfs` for the room that is
/// left, `posix_fadvise` to read past the page cache.
#[derive(Debug, Clone)]
pub struct DirStorage {
    folder: PathBuf,
}

impl DirStorage {
    /// Uses a folder that is there; see [`create`](Self::create) for one that is not.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
        }
    }

    /// Makes the folder if it is not there, durably, and uses it.
    pub fn create(folder: impl Into<PathBuf>) -> io::Result<Self> {
        let storage = Self::new(folder);
        std::fs::create_dir_all(&storage.folder)?;
        if let Some(parent) = storage
            .folder
            .parent()
            .filter(|path| !path.as_os_str().is_empty())
        {
            File::open(parent)?.sync_all()?;
        }
        Ok(storage)
    }
}

impl Storage for DirStorage {
    type File = File;

    fn list(&self) -> io::Result<Vec<String>> {
        names(&self.folder)
    }

    fn create(&self, name: &str) -> io::Result<File> {
        OpenOptions::new()
            .read(true)
            .write(true)
            .create_new(true)
            .open(self.folder.join(name))
    }

    fn open(&self, name: &str) -> io::Result<File> {
        let path = self.folder.join(name);
        let here = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(OFlags::NOFOLLOW.bits().cast_signed())
            .open(&path);
        match here {
            // In an archive, which nothing is written to.
            Err(error) if error.raw_os_error() == Some(Errno::LOOP.raw_os_error()) => {
                open_to_read(&path)
            }
            here => here,
        }
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        std::fs::rename(self.folder.join(from), self.folder.join(to))
    }

    fn link(&self, name: &str, second: &str) -> io::Result<()> {
        std::fs::hard_link(self.folder.join(name), self.folder.join(second))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        std::fs::remove_file(self.folder.join(name))
    }

    fn sync_dir(&self) -> io::Result<()> {
        File::open(&self.folder)?.sync_all()
    }

    /// What is free for others than root.
    fn free_bytes(&self) -> io::Result<u64> {
        let disk = rustix::fs::statvfs(&self.folder)?;
        Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
    }
}

/// Makes a folder, and those above it, durably: what is durable in a folder is
/// lost with the folder's own name. One that is there may be of a run that was
/// cut short, so those above are synced all the same, as far as the file system
/// goes.
///
/// # Errors
/// The system's.
pub fn make_folder(path: &Path, mode: u32) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(mode).create(path)?;
    let path = path.canonicalize()?;
    let disk = path.metadata()?.dev();
    for above in path.ancestors().skip(1) {
        let folder = match File::open(above) {
            // Nobody who may not read a folder has made anything in it.
            Err(error) if error.kind() == io::ErrorKind::PermissionDenied => break,
            folder => folder?,
        };
        if folder.metadata()?.dev() != disk {
            break;
        }
        folder.sync_all()?;
    }
    Ok(())
}

/// The names in a folder; one that is not UTF-8 is none of ours.
pub(super) fn names(folder: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        names.extend(entry?.file_name().into_string().ok());
    }
    Ok(names)
}

/// Opens a file to be read, in the archive if a link stands under its name.
///
/// # Errors
/// The system's; for a link with the place that it names and what to do.
pub fn open_to_read(path: &Path) -> io::Result<File> {
    File::open(path).map_err(|error| match std::fs::read_link(path) {
        Err(_) => error,
        Ok(place) => io::Error::new(
            error.kind(),
            format!(
                "it is archived as {}, and cannot be opened there ({error}); mount that store, or \
                 say where it is now: hazledger archive DIR --to STORE",
                place.display()
            ),
        ),
    })
}

/// Zeros are written in pieces of this size.
const ZEROS_BYTES: usize = 256 * 1024;
static ZEROS: [u8; ZEROS_BYTES] = [0; ZEROS_BYTES];

impl StorageFile for File {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        FileExt::read_at(self, buffer, offset)
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        FileExt::write_all_at(self, bytes, offset)
    }

    /// Writes zeros. `fallocate` would be quicker once, but leaves extents
    /// marked unwritten, and turning each into a written one is a metadata
    /// change: measured on ext4, it syncs half as often as over zeros.
    fn allocate(&self, length: u64) -> io::Result<()> {
        let mut end = StorageFile::len(self)?;
        while let Some(left) = length.checked_sub(end).filter(|left| *left > 0) {
            let piece = usize::try_from(left)
                .unwrap_or(ZEROS_BYTES)
                .min(ZEROS_BYTES);
            let zeros = ZEROS.get(..piece).unwrap_or(&ZEROS);
            FileExt::write_all_at(self, zeros, end)?;
            end = end.saturating_add(zeros.len() as u64);
        }
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        File::sync_data(self)
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        File::set_len(self, length)
    }

    fn forget_cached(&self) {
        // It is a wish; what comes of it changes nothing but where is read from.
        let _ = rustix::fs::fadvise(self, 0, None, rustix::fs::Advice::DontNeed);
    }
}
